/**
 * The fixtures of `test/fixtures/torch`: tiny random decoders and what PyTorch computed with them. How they were made
 * stands in `make-fixtures.py` beside them.
 */
import { readFileSync } from 'node:fs';
import * as v from 'valibot';
import { readF32Safetensors } from './f32-safetensors.ts';
import type { Tensor64 } from './tensor64.ts';
import {
  weightOf,
  type ReferenceConfig,
  type ReferenceSequence,
  type ReferenceWeights,
} from './transformer-reference.ts';

export const TORCH_FIXTURES = ['qwen3-tiny', 'qwen2-tiny', 'llama-tiny'] as const;
export type TorchFixtureName = (typeof TORCH_FIXTURES)[number];

/**
 * A model and PyTorch's word on it, computed in double precision but for RMSNorm and RoPE tables, which transformers
 * keeps in float32.
 */
export interface TorchFixture {
  readonly config: ReferenceConfig;
  readonly weights: ReferenceWeights;
  /** Of length 1, 17 and 9; the first has no completion. */
  readonly sequences: readonly ReferenceSequence[];
  /** [T, V] for each sequence. */
  readonly logits: readonly Tensor64[];
  /** Mean NLL of all completion tokens of all sequences. */
  readonly lossNats: number;
  /** The gradient of `lossNats` by every weight. */
  readonly gradients: ReferenceWeights;
}

/** One fixture, read from disk. */
export function loadTorchFixture(name: TorchFixtureName): TorchFixture {
  const weights = readF32Safetensors(readBytes(`${name}/model.safetensors`));
  const expected = readF32Safetensors(readBytes(`${name}/expected.safetensors`));
  const { lossNats, sequences } = v.parse(ExpectedSchema, readJson(`${name}/expected.json`));
  return {
    config: readConfig(`${name}/config.json`),
    weights,
    sequences,
    logits: sequences.map((_, i) => weightOf(expected, `logits.${i}`)),
    lossNats,
    gradients: new Map([...weights.keys()].map((key) => [key, weightOf(expected, `gradient.${key}`)])),
  };
}

/** What PyTorch's clipping, AdamW and schedule did to two parameters over a few steps. */
export function loadOptimizerFixture(): v.InferOutput<typeof OptimizerSchema> {
  return v.parse(OptimizerSchema, readJson('optimizer.json'));
}

/** The bytes of a file of the fixtures. */
export function readBytes(path: string): Uint8Array {
  return readFileSync(new URL(`../fixtures/torch/${path}`, import.meta.url));
}

/** The content of a JSON file of the fixtures. */
export function readJson(path: string): unknown {
  return JSON.parse(new TextDecoder().decode(readBytes(path)));
}

function readConfig(path: string): ReferenceConfig {
  const { rope_theta, rope_parameters, head_dim, attention_bias, ...config } = v.parse(ConfigSchema, readJson(path));
  return {
    ...config,
    rope_theta: rope_theta ?? rope_parameters?.rope_theta ?? NaN,
    ...(head_dim !== undefined && { head_dim }),
    ...(attention_bias !== undefined && { attention_bias }),
  };
}

// `rope_theta` stands at the top in files of transformers 4 and in `rope_parameters` in those of transformers 5.
const ConfigSchema = v.object({
  model_type: v.picklist(['qwen3', 'qwen2', 'llama']),
  vocab_size: v.number(),
  hidden_size: v.number(),
  num_hidden_layers: v.number(),
  num_attention_heads: v.number(),
  num_key_value_heads: v.number(),
  head_dim: v.optional(v.number()),
  intermediate_size: v.number(),
  rms_norm_eps: v.number(),
  rope_theta: v.optional(v.number()),
  rope_parameters: v.optional(v.object({ rope_theta: v.number() })),
  tie_word_embeddings: v.boolean(),
  attention_bias: v.optional(v.boolean()),
});

const ExpectedSchema = v.object({
  lossNats: v.number(),
  sequences: v.array(v.object({ tokens: v.array(v.number()), isCompletion: v.array(v.boolean()) })),
});

const OptimizerSchema = v.object({
  options: v.object({
    peak: v.number(),
    beta1: v.number(),
    beta2: v.number(),
    eps: v.number(),
    weightDecay: v.number(),
    maxNorm: v.number(),
    warmupSteps: v.number(),
    totalSteps: v.number(),
  }),
  start: v.array(v.array(v.number())),
  steps: v.array(
    v.object({
      gradients: v.array(v.array(v.number())),
      norm: v.number(),
      learningRate: v.number(),
      parameters: v.array(v.array(v.number())),
    }),
  ),
});
