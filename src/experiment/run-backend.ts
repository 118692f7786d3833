/**
 * Opening the backend that a run trains on, and what the run will take there.
 */
import { LabError } from '../common/errors.ts';
import { countParameters, type ModelConfig } from '../config/model-config.ts';
import { type BackendRates, predictStepMs } from '../gpu/calibration.ts';
import { memoryLimits } from '../gpu/current-backend.ts';
import { type BackendRequest, openBackend, type OpenedBackend } from '../gpu/device.ts';
import { findDisagreement } from '../gpu/self-check.ts';
import { countStep, type StepCost, type StepShape } from '../gpu/step-cost.ts';
import type { PredictedCost } from '../protocol/training.ts';
import type { BackendChoice } from '../protocol/scoring.ts';
import { DECODER_CHECK } from './decoder-check.ts';

/** A backend that trains right, and how fast it is. */
export interface TrainingBackend extends OpenedBackend {
  readonly rates: BackendRates;
}

/**
 * Opens the backend that is fastest for a step, of those that compute the known case right.
 *
 * @throws {LabError} `no-backend`
 */
export async function openTrainingBackend(
  choice: BackendChoice,
  wasmPaths: BackendRequest['wasmPaths'],
  cost: StepCost,
): Promise<TrainingBackend> {
  const opened = await openBackend({
    backend: choice === 'auto' ? undefined : choice,
    wasmPaths,
    findFault: () => findDisagreement(DECODER_CHECK),
    workload: cost,
  });
  const { rates } = opened;
  if (rates === undefined) throw new LabError('internal', { message: 'The backend was opened without being timed.' });
  return { ...opened, rates };
}

/** What steps of a shape take on a backend. */
export function predictRun(model: ModelConfig, shape: StepShape, steps: number, rates: BackendRates): PredictedCost {
  const cost = countStep(model, shape);
  const stepMs = predictStepMs(cost, rates);
  return { stepMs, runMs: stepMs * steps, memoryBytes: cost.memoryBytes };
}

/** Why a step does not fit into the memory of the current backend, as far as the browser tells; null if it may. */
export function whyTooLarge(model: ModelConfig, shape: StepShape): string | null {
  const cost = countStep(model, shape);
  const { totalBytes, tensorBytes } = memoryLimits();
  const parameters = countParameters(model).toLocaleString('en');
  if (totalBytes !== null && cost.memoryBytes > totalBytes) {
    return `${parameters} parameters and ${shape.B} sequences need about ${inMiB(cost.memoryBytes)}, of ${inMiB(totalBytes)} at most.`;
  }
  if (tensorBytes !== null && cost.largestTensorBytes > tensorBytes) {
    return `The largest tensor needs ${inMiB(cost.largestTensorBytes)}, and this GPU takes ${inMiB(tensorBytes)} at most.`;
  }
  return null;
}

function inMiB(bytes: number): string {
  return `${Math.ceil(bytes / 2 ** 20).toLocaleString('en')} MiB`;
}
