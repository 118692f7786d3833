/**
 * The sizes of a training step and what it may cost, and what both ways to count it have in common.
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

/** What some work takes in time. */
export interface WorkCost {
  /** Floating point operations in products of two matrices; a multiplication and its addition are two. */
  readonly matmulFlops: number;
  /** The same in attention, whose products are many and small. */
  readonly attentionFlops: number;
  /** Bytes that everything else reads and writes. */
  readonly trafficBytes: number;
  /** Kernels started. */
  readonly launches: number;
}

/** What one update takes. */
export interface StepCost extends WorkCost {
  /** The most bytes that are held at once, weights and optimizer included. */
  readonly memoryBytes: number;
  /** The largest single tensor; a GPU limits it. */
  readonly largestTensorBytes: number;
}

export const FLOAT_BYTES = 4;

/** Floating point operations of all linear maps in one forward and backward pass: each costs as much again for each of its gradients. */
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

/** Rows of all layers that go on after attention: of the last layer only those that are scored. */
export function afterAttention(L: number, N: number, M: number): number {
  return (L - 1) * N + M;
}

/** Weight tensors of a model. */
export function countTensors(config: ModelConfig): number {
  const perLayer = 9 + (config.qkNorm ? 2 : 0) + (config.attentionBias ? 3 : 0);
  return 2 + (config.tiedEmbeddings ? 0 : 1) + config.layers * perLayer;
}
