/**
 * One GRPO run from a trained start to its end, with its curve and its checkpoints, as the command line and the page
 * both run it. The caller chooses the backend, observes the run and stores the checkpoints.
 */
import { LabError } from '../common/errors.ts';
import { needsReference } from '../config/grpo-config.ts';
import type { ModelConfig } from '../config/model-config.ts';
import type { Transformer } from '../model/transformer.ts';
import { disposeWeights, loadWeights, readWeights, type TensorData } from '../model/weights.ts';
import type { GrpoExperiment } from '../protocol/grpo-experiment.ts';
import { type GrpoRun, type GrpoState, trainGrpo } from '../train/grpo.ts';
import type { TokenCounts } from '../train/grpo-telemetry.ts';
import type { GrpoCheckpoint, GrpoCurvePoint } from './grpo-checkpoint.ts';
import { type MeasuredPolicy, measurePolicy } from './grpo-measure.ts';
import type { PreparedGrpo, StartModel } from './grpo-task.ts';
import { hashWeights } from './weights-hash.ts';

/** A run between two steps. */
export interface GrpoMoment {
  /** Steps made. */
  readonly step: number;
  readonly checkpoint: () => Promise<GrpoCheckpoint>;
}

/** A point of the curve with the answers of the policy. */
export interface MeasuredPoint extends GrpoCurvePoint, MeasuredPolicy {}

/** Callbacks that observe and steer a run. */
export interface GrpoHooks extends Pick<GrpoRun, 'coefficient' | 'signal' | 'afterPass' | 'onStep' | 'onKeep'> {
  /** Awaited before every step. */
  readonly beforeStep?: (moment: GrpoMoment) => Promise<void>;
  /** The measurement at step 0 of another run with the same start, data and reward; by default it is made. */
  readonly startPoint?: MeasuredPoint | undefined;
  /** Called after each measurement; the first is made at the start of a new run. */
  readonly onMeasure?: (point: MeasuredPoint) => void;
  readonly onCheckpoint?: (checkpoint: GrpoCheckpoint) => Promise<void>;
  /** Called when the signal ends the run, with the state after the last whole step. */
  readonly onStop?: (checkpoint: GrpoCheckpoint) => Promise<void>;
}

/** The result of a finished run. */
export interface FinishedGrpo {
  readonly weights: ReadonlyMap<string, TensorData>;
  readonly tokens: TokenCounts;
  readonly curve: readonly GrpoCurvePoint[];
}

/**
 * Trains on the current backend.
 *
 * @param prepared - the result of `prepareGrpo` for the experiment
 * @param saved - the checkpoint to resume from; that of another run with the same start and data forks it
 * @throws {LabError} `bad-checkpoint` if the checkpoint has another start or other data; what `trainGrpo` throws
 */
export async function runGrpo(
  experiment: GrpoExperiment,
  prepared: PreparedGrpo,
  start: StartModel,
  saved: GrpoCheckpoint | undefined,
  hooks: GrpoHooks = {},
): Promise<FinishedGrpo> {
  const startHash = hashWeights(start.weights);
  const { dataHash } = prepared;
  if (saved !== undefined) checkOrigin(saved, startHash, dataHash);
  if (experiment.passRates !== null && prepared.passes === undefined) {
    throw new LabError('internal', { message: 'The run asks for pass rates, but its prompts have none.' });
  }
  const { grpo } = experiment;
  const model = load(start.config, saved?.state.weights ?? start.weights);
  const isReferenceWanted = needsReference(grpo) || experiment.watchDivergence;
  const reference = isReferenceWanted ? load(start.config, start.weights) : undefined;
  const curve: GrpoCurvePoint[] = [...(saved?.curve ?? [])];
  let isUnmeasured = saved?.isUnmeasured === true;
  let tokens: TokenCounts = saved?.state.tokens ?? { generated: 0, learned: 0, expert: 0 };

  const note = (point: MeasuredPoint): void => {
    curve.push({ step: point.step, measures: point.measures, tokens: tokens.learned + tokens.expert });
    hooks.onMeasure?.(point);
  };
  const measure = async (step: number): Promise<void> => {
    isUnmeasured = step > 0;
    const measured = await measurePolicy(model, experiment, prepared, start, hooks.signal);
    isUnmeasured = false;
    note({ step, ...measured });
  };
  const checkpointOf = (state: GrpoState): GrpoCheckpoint => {
    return { experiment, dataHash, startHash, state, curve: [...curve], isUnmeasured };
  };

  try {
    if (curve.length === 0 && hooks.startPoint !== undefined) note(hooks.startPoint);
    else if (curve.length === 0) await measure(0);
    if (saved !== undefined && isUnmeasured) {
      await measure(saved.state.step);
      await hooks.onCheckpoint?.(checkpointOf(saved.state));
    }
    await trainGrpo(grpo, {
      model,
      reference,
      task: prepared.task,
      expert: prepared.expert,
      resume: saved?.state,
      coefficient: hooks.coefficient,
      signal: hooks.signal,
      afterPass: hooks.afterPass,
      beforeStep: async (step, readState) => {
        await hooks.beforeStep?.({ step, checkpoint: async () => checkpointOf(await readState()) });
      },
      onStep: (record) => {
        ({ tokens } = record);
        hooks.onStep?.(record);
      },
      onKeep: hooks.onKeep,
      onEvaluate: measure,
      onCheckpoint: async (state) => {
        await hooks.onCheckpoint?.(checkpointOf(state));
      },
      onStop: async (state) => {
        await hooks.onStop?.(checkpointOf(state));
      },
    });
    return { weights: await readWeights(model.weights), tokens, curve };
  } finally {
    disposeWeights(model.weights);
    if (reference !== undefined) disposeWeights(reference.weights);
  }
}

function load(config: ModelConfig, weights: ReadonlyMap<string, TensorData>): Transformer {
  return { config, weights: loadWeights(config, weights) };
}

function checkOrigin(saved: GrpoCheckpoint, startHash: string, dataHash: string): void {
  const expected = `data ${dataHash}, start ${startHash}`;
  const got = `data ${saved.dataHash}, start ${saved.startHash}`;
  if (expected === got) return;
  throw new LabError('bad-checkpoint', {
    message: 'The checkpoint belongs to a run with another start or other data.',
    expected,
    got,
    fix: 'Resume with the start and the version of the lab that began the run, or start a new run.',
  });
}
