/**
 * Decoders without a fixture: shapes that a file would be too large or too many for.
 */
import { fromHuggingFaceConfig } from '../../src/config/model-config.ts';
import { weightShapes } from '../../src/model/weights.ts';
import { randomTensor64 } from './random-tensor64.ts';
import type { Tensor64 } from './tensor64.ts';
import type { ReferenceConfig, ReferenceWeights } from './transformer-reference.ts';

/** Shapes of decoders the fixtures do not cover. */
export const MODEL_SHAPES = {
  /** Every axis as small as it can be. */
  tiny: {
    model_type: 'llama',
    vocab_size: 2,
    hidden_size: 1,
    num_hidden_layers: 1,
    num_attention_heads: 1,
    num_key_value_heads: 1,
    head_dim: 2,
    intermediate_size: 1,
    rms_norm_eps: 1e-3,
    rope_theta: 10,
    tie_word_embeddings: true,
  },
  /** No axis a multiple of 4, three query heads to a kv-head. */
  odd: {
    model_type: 'qwen2',
    vocab_size: 37,
    hidden_size: 15,
    num_hidden_layers: 3,
    num_attention_heads: 3,
    num_key_value_heads: 1,
    head_dim: 6,
    intermediate_size: 21,
    rms_norm_eps: 1e-6,
    rope_theta: 500,
    tie_word_embeddings: false,
  },
  /** Axes just past the tiles of matrix kernels. */
  'tile-crossing': {
    model_type: 'qwen3',
    vocab_size: 130,
    hidden_size: 66,
    num_hidden_layers: 2,
    num_attention_heads: 4,
    num_key_value_heads: 2,
    head_dim: 34,
    intermediate_size: 65,
    rms_norm_eps: 1e-6,
    rope_theta: 1e6,
    tie_word_embeddings: true,
  },
  /** Rows that divide into groups of 8, 16 and 32 weights, as quantisation wants them. */
  grouped: {
    model_type: 'qwen3',
    vocab_size: 70,
    hidden_size: 48,
    num_hidden_layers: 2,
    num_attention_heads: 4,
    num_key_value_heads: 2,
    head_dim: 8,
    intermediate_size: 40,
    rms_norm_eps: 1e-6,
    rope_theta: 1e4,
    tie_word_embeddings: true,
  },
} as const satisfies Record<string, ReferenceConfig>;
export type ModelShapeName = keyof typeof MODEL_SHAPES;

/** Random weights for a shape: norms near 1, biases near 0, maps that keep the size of what they map. */
export function randomWeights(config: ReferenceConfig): ReferenceWeights {
  const weights = new Map<string, Tensor64>();
  for (const [name, shape] of weightShapes(fromHuggingFaceConfig(config))) {
    const isNorm = name.endsWith('norm.weight');
    const { data } = randomTensor64(shape, name, isNorm || name.endsWith('.bias') ? 0.2 : 1 / Math.sqrt(shape[1] ?? 1));
    weights.set(name, { shape, data: isNorm ? data.map((value) => Math.fround(1 + value)) : data });
  }
  return weights;
}
