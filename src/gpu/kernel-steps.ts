/**
 * The cost of a training step computed by the lab's kernels on WebGPU.
 *
 * Products and dispatches are those of the kernels (a test counts those of real steps), without the transposes that
 * some variants of products make first. Bytes moved are those that kernels other than products and attention read and
 * write. Bytes held were fitted to real steps of seven shapes, which held 0.85 to 0.94 of them.
 */
import { countParameters, type ModelConfig } from '../config/model-config.ts';
import { afterAttention, countTensors, FLOAT_BYTES, linearFlops, type StepCost, type StepShape } from './step-work.ts';

/** Dispatches of a forward and backward pass outside the layers, per layer, and for the layer's query and key norms. */
const LAUNCHES = { base: 23, tied: 1, layer: 42, qkNorm: 4, bias: 3, optimizer: 4 } as const;

/** What differs between kernels on WebGPU and in WebAssembly. */
export interface KernelWay {
  /** Launches of a forward and backward pass, and of the update. */
  readonly launches: (config: ModelConfig) => { readonly pass: number; readonly optimizer: number };
  readonly attentionFlops: (config: ModelConfig, shape: StepShape) => number;
  /** Vectors of parameter size that the update reads and writes. */
  readonly optimizerTraffic: number;
  readonly peakFloats: (config: ModelConfig, shape: StepShape) => number;
}

/** The cost of a training step by kernels of one way. */
export function countByKernels(config: ModelConfig, shape: StepShape, way: KernelWay): StepCost {
  const { vocabSize: V, width: C, heads: H, headDim: D, hidden: F } = config;
  const { B, T, scoredRows: M, microBatches } = shape;
  const N = B * T;
  const P = countParameters(config);
  const launches = way.launches(config);
  // Gradients are summed over micro-batches tensor by tensor, and then scaled.
  const sums = microBatches - 1;
  const scaled = sums > 0 ? 1 : 0;
  const logits = Math.min(M * V, MAX_LOGITS);
  return {
    // Logits made in chunks are recomputed in the backward pass.
    matmulFlops: microBatches * (linearFlops(config, shape) + (M * V > MAX_LOGITS ? 2 * M * C * V : 0)),
    attentionFlops: microBatches * way.attentionFlops(config, shape),
    trafficBytes:
      FLOAT_BYTES * (microBatches * passTraffic(config, shape) + (way.optimizerTraffic + 3 * sums + 2 * scaled) * P),
    launches: microBatches * launches.pass + (sums + scaled) * countTensors(config) + launches.optimizer,
    memoryBytes: Math.ceil(FLOAT_BYTES * way.peakFloats(config, shape)),
    largestTensorBytes: FLOAT_BYTES * Math.max(P, logits, N * Math.max(F, C, H * D)),
  };
}

/** The cost of a training step by kernels on WebGPU. */
export function countKernelStep(config: ModelConfig, shape: StepShape): StepCost {
  return countByKernels(config, shape, {
    launches: ({ layers: L, qkNorm, attentionBias, tiedEmbeddings }) => {
      const ofLayer = LAUNCHES.layer + (qkNorm ? LAUNCHES.qkNorm : 0) + (attentionBias ? LAUNCHES.bias : 0);
      const pass = LAUNCHES.base + (tiedEmbeddings ? LAUNCHES.tied : 0) + L * ofLayer;
      return { pass, optimizer: LAUNCHES.optimizer };
    },
    attentionFlops,
    optimizerTraffic: OPTIMIZER_TRAFFIC,
    peakFloats,
  });
}

/** The most logits at once (64 MiB); beyond that ops/head-log-probs.ts processes rows in chunks. */
export const MAX_LOGITS = 2 ** 24;

/** Two products forward and seven backward, which recomputes scores along keys and along queries; half is masked. */
function attentionFlops({ layers: L, heads: H, headDim: D }: ModelConfig, { B, T }: StepShape): number {
  return L * B * H * 9 * (T * T * D);
}

/**
 * AdamW concatenates the gradients, reads them for their norm, and reads four vectors of parameter size to write three.
 */
const OPTIMIZER_TRAFFIC = 10;

/** Floats read and written outside products and attention in one forward and backward pass. */
function passTraffic(config: ModelConfig, { B, T, scoredRows: M }: StepShape): number {
  const { vocabSize: V, width: C, layers: L, heads: H, kvHeads: K, headDim: D, hidden: F } = config;
  const N = B * T;
  const after = afterAttention(L, N, M);
  const norms = 7 * C * (L * N + after + M); // two forward, three for dX, two for the gain
  const heads = (config.qkNorm ? 7 : 4) * L * N * (H + K) * D;
  const gates = 5 * after * F; // backward only; forward they are part of a product
  const addedGradients = C * (9 * L * N + 6 * after); // of inputs shared by several maps, and along the residual stream
  const biases = config.attentionBias ? L * N * (H + 2 * K) * D : 0;
  const lookUp = 2 * (V + N) * C + (config.tiedEmbeddings ? 3 * V * C : 0);
  const scored = 2 * (N + M) * (C + H * D); // rows selected in the last layer, forward and back
  return norms + heads + gates + addedGradients + biases + lookUp + scored + 3 * M * V;
}

/**
 * Weights and two moments are always held; a pass holds kept activations, gradients and logits, AdamW vectors of
 * parameter size.
 */
function peakFloats(config: ModelConfig, { B, T, scoredRows: M, microBatches }: StepShape): number {
  const { vocabSize: V, width: C, layers: L, heads: H, kvHeads: K, headDim: D, hidden: F } = config;
  const N = B * T;
  const P = countParameters(config);
  const kept = L * N * (2 * C + 3 * (H + K) * D + 2 * H) + afterAttention(L, N, M) * (3 * C + 3 * F);
  const inFlight = N * (6 * C + 2 * (H + K) * D + 3 * F);
  const pass = 1.1 * kept + 2 * Math.min(M * V, MAX_LOGITS) + inFlight + (microBatches > 1 ? 2 : 1) * P;
  return POOL_SHARE * (3 * P + Math.max(pass, 4 * P));
}

/** The overhead of buffers over their tensors, because sizes are rounded up and free buffers are kept. */
const POOL_SHARE = 1.25;
