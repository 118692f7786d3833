/**
 * A Qwen3, Qwen2 or Llama decoder in double precision, read off the architecture and not off our model.
 *
 * The configuration is a Hugging Face `config.json`, the weights are named as in its checkpoints. One sequence at a
 * time, no padding, no cache: whatever batching, masking or caching the lab's model does must come out as if each
 * sequence had been alone.
 *
 * Per layer: x += o(attention(rope(norm?(q(n1(x)))), rope(norm?(k(n1(x)))), v(n1(x)))); x += down(silu(gate(n2(x))) *
 * up(n2(x)))
 */
import { LabError } from '../../src/common/errors.ts';
import { attentionReference } from './attention-reference.ts';
import { embeddingReference, linearReference } from './linear-reference.ts';
import { rmsNormReference } from './rms-norm-reference.ts';
import { ropeReference } from './rope-reference.ts';
import { tokenNllReference } from './softmax-reference.ts';
import { swiGluReference } from './swiglu-reference.ts';
import { add, at, axisOf, tensor64, type Tensor64 } from './tensor64.ts';

/** The fields of a Hugging Face `config.json` that decide the computation; others are ignored. */
export interface ReferenceConfig {
  readonly model_type: 'qwen3' | 'qwen2' | 'llama';
  readonly vocab_size: number;
  readonly hidden_size: number;
  readonly num_hidden_layers: number;
  readonly num_attention_heads: number;
  readonly num_key_value_heads: number;
  /** hidden_size / num_attention_heads where absent. */
  readonly head_dim?: number;
  readonly intermediate_size: number;
  readonly rms_norm_eps: number;
  readonly rope_theta: number;
  readonly tie_word_embeddings: boolean;
  /** Biases on q, k, v and o. Qwen2 has no such field and always has them on q, k and v only. Default false. */
  readonly attention_bias?: boolean;
}

/** Weights by checkpoint name, e.g. `model.layers.0.self_attn.q_proj.weight`; matrices are [out, in]. */
export type ReferenceWeights = ReadonlyMap<string, Tensor64>;

/** A sequence and which of its tokens are completion: the loss is the mean NLL of those. */
export interface ReferenceSequence {
  readonly tokens: readonly number[];
  readonly isCompletion: readonly boolean[];
}

/**
 * The logits of one sequence.
 *
 * @returns [T, V]
 * @throws {LabError} `not-found` if a weight is missing.
 */
export function transformerReference(
  config: ReferenceConfig,
  weights: ReferenceWeights,
  tokens: readonly number[],
): Tensor64 {
  const norm = (x: Tensor64, name: string) => rmsNormReference(x, weightOf(weights, name), config.rms_norm_eps);

  let x = embeddingReference(weightOf(weights, 'model.embed_tokens.weight'), tokens); // [T] -> [T,C]
  for (let layer = 0; layer < config.num_hidden_layers; layer++) {
    const prefix = `model.layers.${layer}`;
    x = add(x, selfAttention(config, weights, `${prefix}.self_attn`, norm(x, `${prefix}.input_layernorm.weight`)));
    x = add(x, feedForward(weights, `${prefix}.mlp`, norm(x, `${prefix}.post_attention_layernorm.weight`)));
  }
  const head = config.tie_word_embeddings ? 'model.embed_tokens.weight' : 'lm_head.weight';
  return linearReference(norm(x, 'model.norm.weight'), weightOf(weights, head)); // [T,C] -> [T,V]
}

/** [T, C] -> [T, C] */
function selfAttention(config: ReferenceConfig, weights: ReferenceWeights, prefix: string, x: Tensor64): Tensor64 {
  const H = config.num_attention_heads;
  const K = config.num_key_value_heads;
  const positions = Array.from({ length: axisOf(x, 0) }, (_, t) => t);
  const bias = (name: string, present: boolean) => (present ? weightOf(weights, `${prefix}.${name}.bias`) : undefined);
  const hasBias = config.attention_bias ?? false;
  const hasQkvBias = hasBias || config.model_type === 'qwen2';

  const project = (name: string, heads: number) =>
    splitHeads(linearReference(x, weightOf(weights, `${prefix}.${name}.weight`), bias(name, hasQkvBias)), heads);
  const normalise = (heads: Tensor64, name: string) =>
    config.model_type === 'qwen3'
      ? rmsNormReference(heads, weightOf(weights, `${prefix}.${name}.weight`), config.rms_norm_eps)
      : heads;

  const q = ropeReference(normalise(project('q_proj', H), 'q_norm'), positions, config.rope_theta); // [1,H,T,D]
  const k = ropeReference(normalise(project('k_proj', K), 'k_norm'), positions, config.rope_theta); // [1,K,T,D]
  const v = project('v_proj', K); // [1,K,T,D]
  const mixed = mergeHeads(attentionReference(q, k, v));
  return linearReference(mixed, weightOf(weights, `${prefix}.o_proj.weight`), bias('o_proj', hasBias));
}

/** [T, C] -> [T, C] */
function feedForward(weights: ReferenceWeights, prefix: string, x: Tensor64): Tensor64 {
  const project = (input: Tensor64, name: string) =>
    linearReference(input, weightOf(weights, `${prefix}.${name}.weight`));
  return project(swiGluReference(project(x, 'gate_proj'), project(x, 'up_proj')), 'down_proj');
}

/**
 * The mean negative log-likelihood, in nats, of all completion tokens of all sequences: each token counts the same,
 * however long its sequence is. The first token of a sequence has nothing before it and is never counted.
 */
export function lossReference(
  config: ReferenceConfig,
  weights: ReferenceWeights,
  sequences: readonly ReferenceSequence[],
): number {
  let sum = 0;
  let count = 0;
  for (const { tokens, isCompletion } of sequences) {
    const logits = transformerReference(config, weights, tokens.slice(0, -1));
    for (const [t, nll] of tokenNllReference(logits, tokens.slice(1)).entries()) {
      if (!at(isCompletion, t + 1)) continue;
      sum += nll;
      count += 1;
    }
  }
  return sum / count;
}

/** The weight of a name. @throws {LabError} `not-found` */
export function weightOf(weights: ReferenceWeights, name: string): Tensor64 {
  const weight = weights.get(name);
  if (weight === undefined) {
    throw new LabError('not-found', {
      message: `The reference was given no weight "${name}".`,
      got: [...weights.keys()].join(', '),
    });
  }
  return weight;
}

/** [T, H*D] -> [1, H, T, D] */
function splitHeads(x: Tensor64, H: number): Tensor64 {
  const T = axisOf(x, 0);
  const D = axisOf(x, 1) / H;
  const y = tensor64([1, H, T, D]);
  for (let h = 0; h < H; h++) {
    for (let t = 0; t < T; t++) y.data.set(x.data.subarray((t * H + h) * D, (t * H + h + 1) * D), (h * T + t) * D);
  }
  return y;
}

/** [1, H, T, D] -> [T, H*D] */
function mergeHeads(x: Tensor64): Tensor64 {
  const [H, T, D] = [axisOf(x, 1), axisOf(x, 2), axisOf(x, 3)];
  const y = tensor64([T, H * D]);
  for (let h = 0; h < H; h++) {
    for (let t = 0; t < T; t++) y.data.set(x.data.subarray((h * T + t) * D, (h * T + t + 1) * D), (t * H + h) * D);
  }
  return y;
}
