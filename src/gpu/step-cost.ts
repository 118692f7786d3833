/**
 * The cost of a training step, counted from the shape of the model: multiplications, bytes moved, kernels launched,
 * bytes held. With the measured speed of a backend (calibration.ts) it predicts milliseconds before anything has run.
 * The cost depends on the implementation: one dispatch of the lab's kernels on WebGPU does the work of ten dispatches
 * of composites.
 */
import type { ModelConfig } from '../config/model-config.ts';
import { countCompositeStep } from './composite-steps.ts';
import { countKernelStep } from './kernel-steps.ts';
import type { StepCost, StepShape, WorkCost } from './step-work.ts';

/** The implementation of the ops; `usesKernels()` of dispatch.ts gives that of the current backend. */
export type ComputedBy = 'kernels' | 'composites';

/** Counts a training step. */
export function countStep(config: ModelConfig, shape: StepShape, by: ComputedBy): StepCost {
  return by === 'kernels' ? countKernelStep(config, shape) : countCompositeStep(config, shape);
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
