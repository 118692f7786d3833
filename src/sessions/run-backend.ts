/**
 * Opening the backend that a run trains on, and what the run will take there.
 */
import { LabError } from '../common/errors.ts';
import { countParameters, type ModelConfig } from '../config/model-config.ts';
import { type BackendRates, predictStepMs } from '../gpu/calibration.ts';
import { memoryLimits } from '../gpu/current-backend.ts';
import { type BackendRequest, openBackend, type OpenedBackend } from '../gpu/device.ts';
import { findDisagreement } from '../gpu/self-check.ts';
import { usesKernels } from '../gpu/dispatch.ts';
import { type ComputedBy, countForward, countStep } from '../gpu/step-cost.ts';
import type { StepShape } from '../gpu/step-work.ts';
import { TIMED_OPS } from '../ops/timed-ops.ts';
import type { PredictedCost } from '../protocol/training.ts';
import type { BackendChoice } from '../protocol/scoring.ts';
import { DECODER_CHECK } from '../runs/decoder-check.ts';
import { EVALUATED_COMPLETIONS } from '../runs/sft-run.ts';

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
  model: ModelConfig,
  step: StepShape,
): Promise<TrainingBackend> {
  const opened = await openBackend({
    backend: choice === 'auto' ? undefined : choice,
    wasmPaths,
    findFault: () => findDisagreement(DECODER_CHECK),
    workload: { cost: (by) => countStep(model, step, by), ops: TIMED_OPS },
  });
  const { rates } = opened;
  if (rates === undefined) throw new LabError('internal', { message: 'The backend was opened without being timed.' });
  return { ...opened, rates };
}

/** What a run does besides its steps. */
export interface RunAsides {
  readonly evaluateEvery: number;
  /** Held-out pairs that each evaluation looks at. */
  readonly devPairs: number;
  /** Whether it also reads completions of them, which it does where there are rules to cite. */
  readonly reasons: boolean;
  /** Training pairs that are still to be made ready. */
  readonly unpreparedPairs: number;
}

/** What steps of a shape take on a backend, and with preparation and evaluations the whole run. */
export function predictRun(
  model: ModelConfig,
  shape: StepShape,
  steps: number,
  rates: BackendRates,
  asides: RunAsides,
): PredictedCost {
  const cost = countStep(model, shape, rates.by);
  const stepMs = predictStepMs(cost, rates);
  const evaluationsMs = Math.ceil(steps / asides.evaluateEvery) * predictEvaluationMs(model, shape, rates, asides);
  const { unpreparedPairs } = asides;
  const preparationMs = unpreparedPairs === 0 ? 0 : PREPARATION_MS + unpreparedPairs * PREPARATION_PAIR_MS;
  return { stepMs, runMs: stepMs * steps + evaluationsMs + preparationMs, memoryBytes: cost.memoryBytes };
}

/**
 * Making a world and a tokenizer, and encoding a pair, as measured once on one core of a server. No backend computes it, so
 * no rate says how fast the machine at hand is.
 */
const PREPARATION_MS = 1500;
const PREPARATION_PAIR_MS = 0.12;

/** Lengths among so many prompts; those of one length are completed together, token by token. */
const PROMPT_LENGTHS = 46;
/** What tfjs itself takes to start a kernel; of the one kernel of a calibration the browser makes less. */
const LEAST_LAUNCH_MS = 0.01;

/** Labels from one forward pass over all pairs, the expert's loss from another, and completions. */
function predictEvaluationMs(
  model: ModelConfig,
  { B, T, scoredRows }: StepShape,
  rates: BackendRates,
  { devPairs, reasons }: RunAsides,
): number {
  const realistic = { ...rates, launchMs: Math.max(rates.launchMs, LEAST_LAUNCH_MS) };
  const tokens = scoredRows / B;
  const labelsMs = predictStepMs(countForward(model, { B: devPairs, T, scoredRows: devPairs }, rates.by), realistic);
  const lossMs = predictStepMs(
    countForward(model, { B: devPairs, T, scoredRows: devPairs * tokens }, rates.by),
    realistic,
  );
  if (!reasons) return labelsMs + lossMs;
  const completions = Math.min(devPairs, EVALUATED_COMPLETIONS);
  const groups = Math.min(completions, PROMPT_LENGTHS);
  const rows = completions / groups;
  const readMs = predictStepMs(countForward(model, { B: rows, T, scoredRows: rows }, rates.by), realistic);
  const tokenMs = predictStepMs(countForward(model, { B: rows, T: 1, scoredRows: rows }, rates.by), realistic);
  return labelsMs + lossMs + groups * (readMs + tokens * tokenMs);
}

/** Why a step does not fit into the memory of the current backend, as far as the browser tells; null if it may. */
export function whyTooLarge(model: ModelConfig, shape: StepShape): string | null {
  const by: ComputedBy = usesKernels() ? 'kernels' : 'composites';
  const cost = countStep(model, shape, by);
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
