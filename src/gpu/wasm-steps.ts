/**
 * The cost of a training step computed by the lab's kernels in WebAssembly.
 *
 * Products are those of the kernels. Launches are calls of kernels, tfjs's own included. Bytes held were fitted to real
 * steps of seven shapes, which held 0.87 to 1 of them.
 */
import { countParameters, type ModelConfig } from '../config/model-config.ts';
import { countByKernels, MAX_LOGITS } from './kernel-steps.ts';
import { afterAttention, type StepCost, type StepShape } from './step-work.ts';

/** Calls of a forward and backward pass outside the layers, per layer, and of the update. */
const LAUNCHES = { base: 23, layer: 41, bias: 3, optimizer: 5 } as const;

/** Queries of a block in `kernels/assembly/attention.ts`. */
const BLOCK = 32;

/** The cost of a training step by WebAssembly kernels. */
export function countWasmStep(config: ModelConfig, shape: StepShape): StepCost {
  return countByKernels(config, shape, {
    launches: ({ layers: L, attentionBias }) => {
      const pass = LAUNCHES.base + L * (LAUNCHES.layer + (attentionBias ? LAUNCHES.bias : 0));
      return { pass, optimizer: LAUNCHES.optimizer };
    },
    attentionFlops,
    optimizerTraffic: OPTIMIZER_TRAFFIC,
    peakFloats,
  });
}

/** Two products forward, five backward, over the keys up to the last query of each block. */
function attentionFlops({ layers: L, heads: H, headDim: D }: ModelConfig, { B, T }: StepShape): number {
  const blocks = Array.from({ length: Math.ceil(T / BLOCK) }, (_, i) => Math.min(T, (i + 1) * BLOCK));
  const scores = blocks.reduce((sum, end, i) => sum + (end - i * BLOCK) * end, 0);
  return L * B * H * 7 * (2 * scores * D);
}

/** AdamW copies gradients and weights, reads gradients for their norm, updates three vectors, and copies weights back. */
const OPTIMIZER_TRAFFIC = 14;

/** Weights, moments and the bits of what decays are always held; AdamW also holds two vectors and the gradients. */
function peakFloats(config: ModelConfig, { B, T, scoredRows: M, microBatches }: StepShape): number {
  const { vocabSize: V, width: C, layers: L, heads: H, kvHeads: K, headDim: D, hidden: F } = config;
  const N = B * T;
  const P = countParameters(config);
  const kept = L * N * (2 * C + 3 * (H + K) * D + 2 * H) + afterAttention(L, N, M) * (2 * C + 3 * F);
  const inFlight = 1.2 * N * (2 * C + (H + K) * D);
  const gradients = (microBatches > 1 ? 1.25 : 0.25) * P;
  const pass = 1.02 * kept + 2 * Math.min(M * V, MAX_LOGITS) + inFlight + gradients;
  return 3.04 * P + Math.max(pass, 4 * P);
}
