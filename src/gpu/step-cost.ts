/**
 * What a training step costs, counted from the shape of the model: multiplications, bytes moved, kernels started, bytes
 * held. Together with the measured speed of a backend (calibration.ts) this tells milliseconds before anything has run.
 *
 * The products of `ops/` and `model/` are counted exactly (a test compares them with the kernels of a real step); wasm does
 * without that of the look-up's gradient. The other numbers are sums over tensor sizes whose weights were fitted to real
 * steps of some sixty shapes: good to a few percent for bytes moved, and an upper bound for bytes held, up to a half above.
 */
import { countParameters, type ModelConfig } from '../config/model-config.ts';

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

const FLOAT_BYTES = 4;

/** Kernels of a forward and backward pass outside the layers, and per layer with its norms on queries and keys. */
const LAUNCHES = { base: 43, layer: 106, qkNorm: 28, bias: 6, optimizer: 24 } as const;

/** Counts a training step. */
export function countStep(config: ModelConfig, shape: StepShape): StepCost {
  const { vocabSize: V, layers: L, heads: H } = config;
  const { B, T, scoredRows: M, microBatches } = shape;
  const N = B * T;
  const P = countParameters(config);
  const tensors = countTensors(config);
  const perLayer = LAUNCHES.layer + (config.qkNorm ? LAUNCHES.qkNorm : 0) + (config.attentionBias ? LAUNCHES.bias : 0);
  // Summing gradients over micro-batches reads two vectors of all parameters and writes one.
  const addedGradients = microBatches - 1;
  return {
    matmulFlops: microBatches * matmulFlops(config, shape),
    attentionFlops: microBatches * attentionFlops(config, shape),
    trafficBytes:
      FLOAT_BYTES * (microBatches * passTraffic(config, shape) + (OPTIMIZER_TRAFFIC + 3 * addedGradients) * P),
    launches: microBatches * (LAUNCHES.base + L * perLayer) + addedGradients * tensors + LAUNCHES.optimizer + tensors,
    memoryBytes: Math.ceil(FLOAT_BYTES * peakFloats(config, shape)),
    largestTensorBytes: FLOAT_BYTES * Math.max(P, V * N, M * V, N * config.hidden, N * H * T),
  };
}

/** Of a training pass: a product forward has two backward. */
const FORWARD_SHARE = 1 / 3;

/** What a forward pass takes in time, as the share it has of a training pass. */
export function countForward(config: ModelConfig, shape: Omit<StepShape, 'microBatches'>): WorkCost {
  const [one, two] = [1, 2].map((microBatches) => countStep(config, { ...shape, microBatches }));
  const ofPass = (cost: keyof WorkCost): number => FORWARD_SHARE * ((two?.[cost] ?? NaN) - (one?.[cost] ?? NaN));
  return {
    matmulFlops: ofPass('matmulFlops'),
    attentionFlops: ofPass('attentionFlops'),
    trafficBytes: ofPass('trafficBytes'),
    launches: ofPass('launches'),
  };
}

/** Two products forward and four backward, per layer and head. */
function attentionFlops({ layers: L, heads: H, headDim: D }: ModelConfig, { B, T }: StepShape): number {
  return L * B * H * 6 * (2 * T * T * D);
}

/** Products of two matrices in one forward and backward pass. A linear map costs as much again for each of its two gradients. */
function matmulFlops(config: ModelConfig, { B, T, scoredRows: M }: StepShape): number {
  const { vocabSize: V, width: C, layers: L, heads: H, kvHeads: K, headDim: D, hidden: F } = config;
  const N = B * T;
  const projections = 2 * N * C * (H + 2 * K) * D;
  const ofRow = 2 * H * D * C + 3 * 2 * C * F; // what follows attention
  const rotation = 2 * N * (H + K) * D * D;
  const gains = 2 * (N * C + (config.qkNorm ? N * (H + K) * D : 0)); // gradients of norms, summed by a product
  const biases = config.attentionBias ? 2 * N * (H + 2 * K) * D : 0;
  const layer = 3 * projections + 2 * rotation + gains + biases;
  const head = 3 * 2 * M * C * V;
  const finalGain = 2 * M * C;
  const embedding = 2 * V * N * C; // its gradient; the look-up itself multiplies nothing
  return L * layer + afterAttention(L, N, M) * (3 * ofRow + 2 * C) + head + finalGain + embedding;
}

/** Rows of all layers that go on after attention: of the last layer only those that are scored. */
function afterAttention(L: number, N: number, M: number): number {
  return (L - 1) * N + M;
}

/** AdamW reads and writes this many vectors of all parameters. */
const OPTIMIZER_TRAFFIC = 48;

/** Floats read and written outside products in one forward and backward pass. */
function passTraffic(config: ModelConfig, { B, T, scoredRows: M }: StepShape): number {
  const { vocabSize: V, width: C, layers: L, heads: H, kvHeads: K, headDim: D, hidden: F } = config;
  const N = B * T;
  const heads = (config.qkNorm ? 1 : 0.7) * 51 * (H + K) * D;
  const inLayers = L * N * (39 * C + heads + 13.2 * H * T) + afterAttention(L, N, M) * (30 * C + 31 * F);
  return inLayers + 9 * M * V + 3 * V * N + (25 * N + 4 * M + 4 * V) * C;
}

/** The weights, two moments and the decay mask stay; a pass holds its activations, AdamW its intermediate vectors. */
function peakFloats(config: ModelConfig, { B, T, scoredRows: M, microBatches }: StepShape): number {
  const { vocabSize: V, width: C, layers: L, heads: H, kvHeads: K, headDim: D, hidden: F } = config;
  const N = B * T;
  const P = countParameters(config);
  // Kept from the forward pass in each layer, and what the backward pass of one layer holds besides.
  const kept = L * N * (12 * C + 9.6 * (H + K) * D + 1.4 * H * T) + afterAttention(L, N, M) * (10 * C + 8.2 * F);
  const pass = kept + N * (F + 4.7 * H * T) + 2.3 * M * V + 0.8 * V * N + (microBatches > 1 ? 5 : 4) * P;
  const update = 21 * P;
  return 4 * P + Math.max(pass, update);
}

/** Weight tensors of a model. */
function countTensors(config: ModelConfig): number {
  const perLayer = 9 + (config.qkNorm ? 2 : 0) + (config.attentionBias ? 3 : 0);
  return 2 + (config.tiedEmbeddings ? 0 : 1) + config.layers * perLayer;
}
