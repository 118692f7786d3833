/**
 * The cost of a training step, counted from the shape of the model: multiplications, bytes moved, kernels launched,
 * bytes held. With the measured speed of a backend (calibration.ts) it predicts milliseconds before anything has run.
 * The cost depends on the implementation: one dispatch of the lab's kernels on WebGPU does the work of ten dispatches
 * of composites.
 */
import type { ModelConfig } from '../config/model-config.ts';
import { countCompositeStep } from './composite-steps.ts';
import { usesGpuKernels } from './dispatch.ts';
import { countKernelStep } from './kernel-steps.ts';
import type { StepCost, StepShape, WorkCost } from './step-work.ts';
import { hasWasmKernels } from './wasm-calls.ts';
import { countWasmStep } from './wasm-steps.ts';

/** The implementation of the ops: kernels on WebGPU, kernels in WebAssembly, or composites of tfjs's ops. */
export type ComputedBy = 'kernels' | 'wasm-kernels' | 'composites';

/** The implementation on the current backend. */
export function computedBy(): ComputedBy {
  if (usesGpuKernels()) return 'kernels';
  return hasWasmKernels() ? 'wasm-kernels' : 'composites';
}

/** Counts a training step. */
export function countStep(config: ModelConfig, shape: StepShape, by: ComputedBy): StepCost {
  const count = { kernels: countKernelStep, 'wasm-kernels': countWasmStep, composites: countCompositeStep }[by];
  return count(config, shape);
}

/** A forward pass as a share of a training pass, because each product forward has two backward. */
const FORWARD_SHARE = 1 / 3;

/** The cost of a forward pass, as a share of a training pass. */
export function countForward(config: ModelConfig, shape: Omit<StepShape, 'microBatches'>, by: ComputedBy): WorkCost {
  // The difference between three and two micro-batches, because sums and their scaling start with the second.
  const [two, three] = [2, 3].map((microBatches) => countStep(config, { ...shape, microBatches }, by));
  const ofPass = (cost: keyof WorkCost): number => FORWARD_SHARE * ((three?.[cost] ?? NaN) - (two?.[cost] ?? NaN));
  return {
    matmulFlops: ofPass('matmulFlops'),
    attentionFlops: ofPass('attentionFlops'),
    trafficBytes: ofPass('trafficBytes'),
    launches: ofPass('launches'),
  };
}
