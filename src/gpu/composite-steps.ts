/**
 * The cost of a training step computed by the composites of `ops/` on a backend with tfjs's own kernels.
 *
 * Products are counted exactly (a test compares them with the kernels of a real step), except that wasm does without
 * the product in the embedding's gradient. The other numbers are sums over tensor sizes with weights fitted to real
 * steps of some sixty shapes: within a few percent for bytes moved, and an upper bound, up to a third too high, for
 * bytes held.
 */
import { countParameters, type ModelConfig } from '../config/model-config.ts';
import { afterAttention, countTensors, FLOAT_BYTES, linearFlops, type StepCost, type StepShape } from './step-work.ts';

/** Kernels of a forward and backward pass outside the layers, per layer, and for the layer's query and key norms. */
const LAUNCHES = { base: 43, layer: 106, qkNorm: 28, bias: 6, optimizer: 24 } as const;

/** The cost of a training step by composites. */
export function countCompositeStep(config: ModelConfig, shape: StepShape): StepCost {
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

/** Two products forward and four backward per layer and head. */
function attentionFlops({ layers: L, heads: H, headDim: D }: ModelConfig, { B, T }: StepShape): number {
  return L * B * H * 6 * (2 * T * T * D);
}

/** Products of two matrices in one forward and backward pass: linear maps, and other work expressed as products. */
function matmulFlops(config: ModelConfig, shape: StepShape): number {
  const { vocabSize: V, width: C, layers: L, heads: H, kvHeads: K, headDim: D } = config;
  const { B, T, scoredRows: M } = shape;
  const N = B * T;
  const rotation = 2 * N * (H + K) * D * D;
  const gains = 2 * (N * C + (config.qkNorm ? N * (H + K) * D : 0)); // gradients of norms, summed by a product
  const biases = config.attentionBias ? 2 * N * (H + 2 * K) * D : 0;
  const layer = 2 * rotation + gains + biases;
  const finalGain = 2 * M * C;
  const embedding = 2 * V * N * C; // of its gradient; the look-up itself has no product
  return linearFlops(config, shape) + L * layer + afterAttention(L, N, M) * 2 * C + finalGain + embedding;
}

/** AdamW reads and writes this many vectors of parameter size. */
const OPTIMIZER_TRAFFIC = 48;

/** Floats read and written outside products in one forward and backward pass. */
function passTraffic(config: ModelConfig, { B, T, scoredRows: M }: StepShape): number {
  const { vocabSize: V, width: C, layers: L, heads: H, kvHeads: K, headDim: D, hidden: F } = config;
  const N = B * T;
  const heads = (config.qkNorm ? 1 : 0.7) * 51 * (H + K) * D;
  const inLayers = L * N * (39 * C + heads + 13.2 * H * T) + afterAttention(L, N, M) * (30 * C + 31 * F);
  return inLayers + 9 * M * V + 3 * V * N + (25 * N + 4 * M + 4 * V) * C;
}

/**
 * The weights, two moments and the decay mask are always held. A pass peaks at its turning point, with all kept
 * activations and what the first backward ops need (the logits or attention), or at its end, with the gradients of all
 * weights.
 */
function peakFloats(config: ModelConfig, { B, T, scoredRows: M, microBatches }: StepShape): number {
  const { vocabSize: V, width: C, layers: L, heads: H, kvHeads: K, headDim: D, hidden: F } = config;
  const N = B * T;
  const P = countParameters(config);
  const heads = (H + K) * D;
  const kept = L * N * (4.7 * (C + heads) + 1.4 * H * T) + afterAttention(L, N, M) * (0.8 * C + 6.9 * F);
  const turning = N * (0.7 * C + 1.7 * heads + 5.2 * H * T + 0.7 * F);
  const ending = 1.2 * V * N + 0.4 * P;
  const pass = kept + Math.max(4.2 * M * V, turning, ending) + (microBatches > 1 ? P : 0);
  const update = 21 * P;
  return 4 * P + Math.max(pass, update);
}
