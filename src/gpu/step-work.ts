/**
 * The shape and cost of a training step, and the code shared by both ways of counting.
 */
import type { ModelConfig } from '../config/model-config.ts';

/** The sizes of a training step. */
export interface StepShape {
  /** Sequences of one micro-batch. */
  readonly B: number;
  /** Positions of each, padding included. */
  readonly T: number;
  /** Rows of a micro-batch whose next token is scored. */
  readonly scoredRows: number;
  /** Forward and backward passes per update. */
  readonly microBatches: number;
}

/** The cost of some work in time. */
export interface WorkCost {
  /** Floating point operations in products of two matrices; a multiplication and its addition are two. */
  readonly matmulFlops: number;
  /** The same in attention, whose products are many and small. */
  readonly attentionFlops: number;
  /** Bytes read and written by everything else. */
  readonly trafficBytes: number;
  /** Kernel launches. */
  readonly launches: number;
}

/** The cost of one update. */
export interface StepCost extends WorkCost {
  /** The peak of bytes held, weights and optimizer included. */
  readonly memoryBytes: number;
  /** The largest single tensor; a GPU limits it. */
  readonly largestTensorBytes: number;
}

export const FLOAT_BYTES = 4;

/**
 * Floating point operations of all linear maps in one forward and backward pass. Each of a map's two gradients costs as
 * much as the map.
 */
export function linearFlops(
  { vocabSize: V, width: C, layers: L, heads: H, kvHeads: K, headDim: D, hidden: F }: ModelConfig,
  { B, T, scoredRows: M }: StepShape,
): number {
  const N = B * T;
  const projections = 2 * N * C * (H + 2 * K) * D;
  const ofRow = 2 * H * D * C + 3 * 2 * C * F; // what follows attention
  const head = 2 * M * C * V;
  return 3 * (L * projections + afterAttention(L, N, M) * ofRow + head);
}

/** Rows of all layers that continue after attention; in the last layer only the scored ones. */
export function afterAttention(L: number, N: number, M: number): number {
  return (L - 1) * N + M;
}

/** The number of weight tensors of a model. */
export function countTensors(config: ModelConfig): number {
  const perLayer = 9 + (config.qkNorm ? 2 : 0) + (config.attentionBias ? 3 : 0);
  return 2 + (config.tiedEmbeddings ? 0 : 1) + config.layers * perLayer;
}
