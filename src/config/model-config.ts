/**
 * The shape of a model, in the lab's words and in those of a Hugging Face `config.json`.
 *
 * One shape covers three families: Qwen3 (QK-norm, no biases), Qwen2 (biases on q, k, v) and Llama (neither).
 *
 * Room `config/`: shapes of models and settings of trainers, each a strict schema with its ranges, defaults, labels and
 * help texts. Schemas of whole runs, which also name data and rewards, belong in `protocol/`.
 */
import * as v from 'valibot';
import { LabError } from '../common/errors.ts';
import { parseConfig } from './parse.ts';
import { numberAbove, numberFrom, wholeNumber } from './settings.ts';

/** A limit checked before anything is computed or allocated; far above any model that fits into a browser. */
const size = wholeNumber(1, 2 ** 24);
const layerCount = wholeNumber(1, 4096);

/** More than fits into the memory of any program here. */
const MOST_PARAMETERS = 1e10;

const ShapeSchema = v.strictObject({
  vocabSize: size,
  /** C */
  width: size,
  /** L */
  layers: layerCount,
  /** H, query heads */
  heads: size,
  /** K, key-value heads; divides H */
  kvHeads: size,
  /** D; even, since RoPE turns pairs */
  headDim: size,
  /** F, of the SwiGLU feed-forward */
  hidden: size,
  /** The context length; longer inputs are an error. */
  maxPositions: v.optional(size, 512),
  ropeTheta: v.optional(numberFrom(1, 1e12), 10_000),
  normEps: v.optional(numberAbove(0, 1), 1e-6),
  /** Qwen3: RMSNorm over D on queries and keys, before RoPE. */
  qkNorm: v.optional(v.boolean(), true),
  /** Qwen2: biases on the q, k and v projections. */
  attentionBias: v.optional(v.boolean(), false),
  /** Whether the output head is the embedding matrix. */
  tiedEmbeddings: v.optional(v.boolean(), true),
});
export type ModelConfig = v.InferOutput<typeof ShapeSchema>;

/** The shape of a decoder; every field is a count unless its comment says otherwise. */
export const ModelConfigSchema = v.pipe(
  ShapeSchema,
  v.check((config) => config.heads % config.kvHeads === 0, 'heads must be a multiple of kvHeads'),
  v.check((config) => config.headDim % 2 === 0, 'headDim must be even'),
  v.check((config) => countParameters(config) <= MOST_PARAMETERS, 'these sizes make more than 10 billion parameters'),
);

/** The number of trainable parameters of a shape. */
export function countParameters(config: ModelConfig): number {
  const { vocabSize: V, width: C, layers: L, heads: H, kvHeads: K, headDim: D, hidden: F } = config;
  const attention = C * (H + 2 * K) * D + H * D * C;
  const biases = config.attentionBias ? (H + 2 * K) * D : 0;
  const norms = 2 * C + (config.qkNorm ? 2 * D : 0);
  const head = config.tiedEmbeddings ? 0 : V * C;
  return V * C + head + C + L * (attention + biases + norms + 3 * C * F);
}

/** The fields of a Hugging Face `config.json` that a decoder of these families needs. */
const HuggingFaceConfigSchema = v.object({
  model_type: v.picklist(['qwen3', 'qwen2', 'llama']),
  vocab_size: size,
  hidden_size: size,
  num_hidden_layers: layerCount,
  num_attention_heads: size,
  num_key_value_heads: v.optional(size),
  head_dim: v.optional(size),
  intermediate_size: size,
  max_position_embeddings: v.optional(size, 512),
  rope_theta: v.optional(v.number()),
  /** transformers 5 moved theta here; scaled RoPE is not supported and is refused. */
  rope_parameters: v.optional(v.object({ rope_theta: v.number(), rope_type: v.optional(v.string(), 'default') })),
  rope_scaling: v.nullish(v.unknown()),
  rms_norm_eps: v.optional(v.number(), 1e-6),
  tie_word_embeddings: v.optional(v.boolean(), false),
  attention_bias: v.optional(v.boolean()),
  hidden_act: v.optional(v.literal('silu'), 'silu'),
  use_sliding_window: v.optional(v.literal(false), false),
  quantization_config: v.nullish(v.object({ quant_method: v.optional(v.string(), 'none') })),
});

/**
 * The `quant_method` that `lab quantise` writes to `config.json`; other programs name it when they refuse the model.
 */
export const QUANTISATION_METHOD = 'afrl-lab';

/**
 * Reads a Hugging Face `config.json`.
 *
 * @throws {LabError} `bad-config` for another architecture, an unsupported variant (scaled RoPE, sliding window) or
 *   weights that another program quantised.
 */
export function fromHuggingFaceConfig(json: unknown): ModelConfig {
  const hf = parseConfig('config.json', HuggingFaceConfigSchema, json);
  const method = hf.quantization_config?.quant_method ?? QUANTISATION_METHOD;
  if (method !== QUANTISATION_METHOD) {
    throw new LabError('bad-config', {
      message: 'The weights are quantised in a way that the lab does not read.',
      expected: `floats, or what "npm run lab -- quantise" wrote`,
      got: `quantization_config of ${method} in config.json`,
      fix: 'Use the model as it was before it was quantised.',
    });
  }
  const ropeType = hf.rope_parameters?.rope_type ?? 'default';
  if (ropeType !== 'default' || (hf.rope_scaling !== undefined && hf.rope_scaling !== null)) {
    throw new LabError('bad-config', {
      message: 'config.json asks for scaled rotary embeddings.',
      expected: 'rope_scaling absent or null',
      got: `rope type ${ropeType}, rope_scaling ${JSON.stringify(hf.rope_scaling)}`,
      fix: 'Use a checkpoint without RoPE scaling.',
    });
  }
  return parseConfig('config.json', ModelConfigSchema, {
    vocabSize: hf.vocab_size,
    width: hf.hidden_size,
    layers: hf.num_hidden_layers,
    heads: hf.num_attention_heads,
    kvHeads: hf.num_key_value_heads ?? hf.num_attention_heads,
    headDim: hf.head_dim ?? hf.hidden_size / hf.num_attention_heads,
    hidden: hf.intermediate_size,
    maxPositions: hf.max_position_embeddings,
    ropeTheta: hf.rope_parameters?.rope_theta ?? hf.rope_theta ?? 10_000,
    normEps: hf.rms_norm_eps,
    qkNorm: hf.model_type === 'qwen3',
    attentionBias: hf.attention_bias ?? hf.model_type === 'qwen2',
    tiedEmbeddings: hf.tie_word_embeddings,
  });
}

/** The `config.json` that Hugging Face transformers reads for this shape. */
export function toHuggingFaceConfig(config: ModelConfig): Record<string, unknown> {
  const family = config.qkNorm
    ? { model_type: 'qwen3', architectures: ['Qwen3ForCausalLM'], attention_bias: config.attentionBias }
    : config.attentionBias
      ? { model_type: 'qwen2', architectures: ['Qwen2ForCausalLM'] }
      : { model_type: 'llama', architectures: ['LlamaForCausalLM'], attention_bias: false };
  return {
    ...family,
    vocab_size: config.vocabSize,
    hidden_size: config.width,
    num_hidden_layers: config.layers,
    num_attention_heads: config.heads,
    num_key_value_heads: config.kvHeads,
    head_dim: config.headDim,
    intermediate_size: config.hidden,
    max_position_embeddings: config.maxPositions,
    rope_theta: config.ropeTheta,
    rms_norm_eps: config.normEps,
    tie_word_embeddings: config.tiedEmbeddings,
    hidden_act: 'silu',
    torch_dtype: 'float32',
  };
}
