/**
 * What a training step costs, counted from the shape of the model: multiplications, bytes moved, kernels started, bytes
 * held. Together with the measured speed of a backend (calibration.ts) this tells milliseconds before anything has run. What is
 * done depends on what computes: the lab's kernels on WebGPU do in one dispatch what takes the composites ten.
 */
import type { ModelConfig } from '../config/model-config.ts';
import { countCompositeStep } from './composite-steps.ts';
import { countKernelStep } from './kernel-steps.ts';
import type { StepCost, StepShape, WorkCost } from './step-work.ts';

/** What computes the ops: as `usesKernels()` of dispatch.ts tells of the current backend. */
export type ComputedBy = 'kernels' | 'composites';

/** Counts a training step. */
export function countStep(config: ModelConfig, shape: StepShape, by: ComputedBy): StepCost {
  return by === 'kernels' ? countKernelStep(config, shape) : countCompositeStep(config, shape);
}

/** Of a training pass: a product forward has two backward. */
const FORWARD_SHARE = 1 / 3;

/** What a forward pass takes in time, as the share it has of a training pass. */
export function countForward(config: ModelConfig, shape: Omit<StepShape, 'microBatches'>, by: ComputedBy): WorkCost {
  // From the second to the third micro-batch: sums and their scaling begin with the second.
  const [two, three] = [2, 3].map((microBatches) => countStep(config, { ...shape, microBatches }, by));
  const ofPass = (cost: keyof WorkCost): number => FORWARD_SHARE * ((three?.[cost] ?? NaN) - (two?.[cost] ?? NaN));
  return {
    matmulFlops: ofPass('matmulFlops'),
    attentionFlops: ofPass('attentionFlops'),
    trafficBytes: ofPass('trafficBytes'),
    launches: ofPass('launches'),
  };
}
