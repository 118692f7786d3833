/**
 * Predicts the memory of inference before anything is loaded.
 *
 * Weights and cache are counted exactly. The rest of a forward pass is counted at its peak: the residual stream, the
 * widest activations (the heads or the hidden layer, in and out), and the logits of each sequence's last token; tfjs
 * has freed everything else by then. With composites instead of kernels, attention also holds its scores.
 */
import type { ModelConfig } from '../config/model-config.ts';
import { groupSizeOf } from '../checkpoint/quantised.ts';
import { usesGpuKernels } from '../gpu/dispatch.ts';
import { canKeepHalves } from '../ops/compressed.ts';
import type { Precision } from './stored-weights.ts';
import type { Transformer } from './transformer.ts';
import { weightShapes } from './weights.ts';

/** The amount of work at once. */
export interface AnsweringShape {
  /** B. */
  readonly sequences: number;
  /** T, tokens per sequence that are read at once. */
  readonly tokens: number;
  /** S, the maximum tokens per sequence, completion included. */
  readonly positions: number;
}

/** Bytes on the backend. */
export interface AnsweringBytes {
  readonly weights: number;
  /** Keys and values. */
  readonly cache: number;
  /** The peak of a forward pass. */
  readonly pass: number;
  readonly total: number;
  /** The largest single matrix, which may have to be split into shards. */
  readonly largestMatrix: number;
}

const FLOAT_BYTES = 4;
const SCALE_BYTES = 4; // scales are floats on the backend

/** Counts the memory of inference. @param hasKernels - whether fused kernels compute */
export function countAnswering(
  config: ModelConfig,
  precision: Precision,
  { sequences: B, tokens: T, positions: S }: AnsweringShape,
  hasKernels = true,
): AnsweringBytes {
  const { vocabSize: V, width: C, layers: L, heads: H, kvHeads: K, headDim: D, hidden: F } = config;
  const sizes = [...weightShapes(config).values()].map((shape) => tensorBytes(shape, hasKernels ? precision : 'f32'));
  const weights = sizes.reduce((sum, size) => sum + size, 0);
  const cache = FLOAT_BYTES * 2 * L * B * S * K * D;
  const N = B * T;
  const scores = hasKernels ? 0 : 3 * B * H * T * S;
  const pass = FLOAT_BYTES * (N * (2 * C + Math.max(3 * F, 2 * H * D + 2 * K * D)) + B * V + scores);
  return { weights, cache, pass, total: weights + cache + pass, largestMatrix: Math.max(...sizes) };
}

/** The longest answer whose memory is told, because models of other programs have more positions than memory holds. */
const LONGEST_TOLD = 2048;

/** A sentence on the memory of a loaded model, and on that of an answer with all its positions. */
export function describeMemory({ config, weights, compressed }: Transformer): string {
  const matrices = [...(compressed?.values() ?? [])];
  const shards = matrices.flatMap((matrix) => matrix.shards);
  const tensors = [
    ...weights.values(),
    ...shards.flatMap(({ values, scales }) => (scales ? [values, scales] : [values])),
  ];
  const held = FLOAT_BYTES * tensors.reduce((sum, { size }) => sum + size, 0);
  const formats = new Set(matrices.map(({ format }) => format));
  const { maxPositions } = config;
  const positions = Math.min(maxPositions, LONGEST_TOLD);
  const shape = { sequences: 1, tokens: positions, positions };
  const { cache, pass } = countAnswering(config, 'f32', shape, usesGpuKernels());
  const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;
  const answer = positions < maxPositions ? `of ${positions.toLocaleString('en')} tokens takes` : 'takes at most';
  const stored = formats.size === 0 ? 'f32' : [...formats].join(' and ');
  return `${megabytes(held)} of weights, stored as ${stored}; an answer ${answer} ${megabytes(cache + pass)} more`;
}

function tensorBytes(shape: readonly number[], precision: Precision): number {
  const count = shape.reduce((product, size) => product * size, 1);
  const width = shape.length === 2 ? (shape[1] ?? 0) : 0;
  const groupSize = groupSizeOf(width);
  switch (precision) {
    case 'f32':
      return FLOAT_BYTES * count;
    case 'f16':
      return width > 0 && canKeepHalves(width) ? 2 * count : FLOAT_BYTES * count;
    case 'int8':
    case 'int4': {
      if (width === 0 || groupSize === undefined) return FLOAT_BYTES * count;
      return (count * (precision === 'int8' ? 8 : 4)) / 8 + (SCALE_BYTES * count) / groupSize;
    }
    default:
      return precision satisfies never;
  }
}
