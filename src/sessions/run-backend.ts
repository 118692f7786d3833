/**
 * Opens the backend that a run trains on, and predicts the run's time and memory.
 */
import { LabError } from '../common/errors.ts';
import { countParameters, type ModelConfig } from '../config/model-config.ts';
import { type BackendRates, predictStepMs } from '../gpu/calibration.ts';
import { memoryLimits } from '../gpu/current-backend.ts';
import { type BackendRequest, openBackend, type OpenedBackend } from '../gpu/device.ts';
import { findDisagreement } from '../gpu/self-check.ts';
import { computedBy, countForward, countStep } from '../gpu/step-cost.ts';
import type { StepShape } from '../gpu/step-work.ts';
import { TIMED_OPS } from '../ops/timed-ops.ts';
import type { PredictedCost } from '../protocol/training.ts';
import type { BackendChoice } from '../protocol/scoring.ts';
import { DECODER_CHECK } from '../runs/decoder-check.ts';
import { EVALUATED_COMPLETIONS } from '../runs/sft-run.ts';

/** A backend that computes the known case correctly, and its speed. */
export interface TrainingBackend extends OpenedBackend {
  readonly rates: BackendRates;
}

/**
 * Opens the backend that computes a step fastest, among those that compute the known case correctly.
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

/** The work of a run besides its steps. */
export interface RunExtras {
  readonly evaluateEvery: number;
  /** Held-out pairs per evaluation. */
  readonly devPairs: number;
  /** Whether evaluations also sample completions, which needs rules to cite. */
  readonly reasons: boolean;
  /** Training pairs not yet prepared. */
  readonly unpreparedPairs: number;
}

/** Predicts the time of a step of this shape and of the whole run, including preparation and evaluations. */
export function predictRun(
  model: ModelConfig,
  shape: StepShape,
  steps: number,
  rates: BackendRates,
  extras: RunExtras,
): PredictedCost {
  const cost = countStep(model, shape, rates.by);
  const stepMs = predictStepMs(cost, rates);
  const evaluationsMs = Math.ceil(steps / extras.evaluateEvery) * predictEvaluationMs(model, shape, rates, extras);
  const { unpreparedPairs } = extras;
  const preparationMs = unpreparedPairs === 0 ? 0 : PREPARATION_MS + unpreparedPairs * PREPARATION_PAIR_MS;
  return { stepMs, runMs: stepMs * steps + evaluationsMs + preparationMs, memoryBytes: cost.memoryBytes };
}

/**
 * The times of making a world with its tokenizer and of encoding a pair, measured once on one server core. They are not
 * scaled to the machine at hand, because the rates measured on it are those of the backend.
 */
const PREPARATION_MS = 1500;
const PREPARATION_PAIR_MS = 0.12;

/** Distinct prompt lengths in an evaluation. Prompts of one length are completed together, token by token. */
const PROMPT_LENGTHS = 46;
/** The time that tfjs needs to launch a kernel. Calibration with one kernel measures less. */
const LEAST_LAUNCH_MS = 0.01;

/** One forward pass over all pairs for labels, another for the expert's loss, and completions. */
function predictEvaluationMs(
  model: ModelConfig,
  { B, T, scoredRows }: StepShape,
  rates: BackendRates,
  { devPairs, reasons }: RunExtras,
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

/** Why a step does not fit into the memory of the current backend, as far as the browser reports it; null if it may. */
export function whyTooLarge(model: ModelConfig, shape: StepShape): string | null {
  const cost = countStep(model, shape, computedBy());
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
