/**
 * Supervised runs in a session: prepares the data once, fits the micro-batch to a shared GPU, and reports to the page.
 */
import { PIECE_BUDGET_MS } from '../common/pacing.ts';
import { countParameters } from '../config/model-config.ts';
import { MODEL_PRESETS } from '../config/presets.ts';
import type { ModelConfig } from '../config/model-config.ts';
import type { DataSet } from '../data/files/data-set.ts';
import type { FileData, SftExperiment } from '../protocol/sft-experiment.ts';
import type { TrainingEvent } from '../protocol/training.ts';
import { expectedStep, fitMicroBatch, meanStep, passTimer } from '../runs/micro-batches.ts';
import { recordedCompletions } from '../runs/recorded-answers.ts';
import { tooLargeError } from '../runs/run-failures.ts';
import { readSftCheckpoint, type SftCheckpoint, writeSftCheckpoint } from '../runs/sft-checkpoint.ts';
import { type PreparedSft, prepareSft } from '../runs/sft-experiment.ts';
import { summariseSft } from '../runs/run-summary.ts';
import { runSft } from '../runs/sft-run.ts';
import type { WeighedStart } from '../runs/sft-start.ts';
import { predictRun, type TrainingBackend, whyTooLarge } from './run-backend.ts';
import { RunClock } from './run-clock.ts';
import type { FinishedRun, RunHooks, RunKind } from './run-kind.ts';
import { evaluationEvent, logEvent, singleRunKeeping } from './training-events.ts';

/** What single runs need from their worker. */
export interface RunSupplies {
  readonly runId: string;
  readonly emit: (event: TrainingEvent) => void;
  /** In milliseconds. */
  readonly now: () => number;
  /** Fires when the run is to end. */
  readonly signal: AbortSignal;
  /** Finds an imported data set. */
  readonly findData: (data: FileData) => Promise<DataSet>;
}

/** What a run begins with. */
export interface SftBeginning {
  /** The checkpoint to resume from. */
  readonly saved?: SftCheckpoint | undefined;
  /** The model that a new run continues, and where it is. */
  readonly start?: WeighedStart | undefined;
  readonly startUrl?: string | undefined;
}

/** The shape of the model of a run. */
export function shapeOfSft({ preset }: SftExperiment, { saved, start }: SftBeginning): ModelConfig {
  return (saved?.start ?? start)?.config ?? MODEL_PRESETS[preset];
}

/** A run with these settings, new or resumed from a checkpoint. */
export function sftKind(
  settings: SftExperiment,
  { saved, start, startUrl }: SftBeginning,
  { runId, emit, now, signal, findData }: RunSupplies,
): RunKind<SftCheckpoint> {
  const model = shapeOfSft(settings, { saved, start });
  let experiment = settings;
  let prepared: PreparedSft | undefined;
  let isFitted = saved !== undefined;
  const shape = (): ReturnType<typeof meanStep> =>
    prepared === undefined ? expectedStep(experiment.sft, model) : meanStep(experiment.sft, prepared.examples);
  /** The data that {@link prepare} has made. */
  const ready = async (): Promise<PreparedSft> => {
    prepared ??= await prepareSft(experiment, {
      saved,
      start,
      findData,
      signal,
      onStage: (stage) => emit({ kind: 'preparing', stage }),
    });
    return prepared;
  };

  return {
    kind: 'sft',
    name: experiment.name,
    ...singleRunKeeping(emit),
    prepare: async ({ backend }: TrainingBackend) => {
      const { examples } = await ready();
      const tooLarge = whyTooLarge(model, shape());
      if (tooLarge !== null) throw tooLargeError(tooLarge);
      // Only a GPU is shared with the desktop, and only a new run may change its micro-batch.
      if (backend === 'webgpu' && !isFitted) {
        emit({ kind: 'preparing', stage: 'speed' });
        const { sft } = experiment;
        const fitted = await fitMicroBatch(sft, PIECE_BUDGET_MS, passTimer(model, sft, examples, now));
        experiment = { ...experiment, sft: fitted };
      }
      isFitted = true;
    },
    announce: (from, { rates }) => {
      if (prepared === undefined) return;
      const { dataHash, examples, replayed, dev, shortened, rules } = prepared;
      const step = from?.state.step ?? 0;
      const { steps, evaluateEvery } = experiment.sft;
      emit({
        kind: 'prepared',
        experiment,
        runId,
        dataHash,
        parameters: countParameters(model),
        vocabSize: model.vocabSize,
        trainPairs: examples.length - replayed,
        devPairs: dev.length,
        shortened,
        step,
        steps,
        curve: [...(from?.curve ?? [])],
        predicted: predictRun(model, shape(), steps - step, rates, {
          evaluateEvery,
          devPairs: dev.length,
          reasons: rules.instruction.rules.length > 0,
          unpreparedPairs: 0,
        }),
      });
    },
    train: async (from, hooks) => train(experiment, await ready(), from, hooks, { emit, now }),
    stepOf: ({ state }) => state.step,
    finishedAt: ({ state }) => ({ weights: state.weights, tokens: state.tokens }),
    write: writeSftCheckpoint,
    read: readSftCheckpoint,
    card: async () => {
      const { name, sft, data } = experiment;
      const dataSet = data.kind === 'file' ? await findData(data) : undefined;
      // A run that continues a model begins again where that model is.
      const config = startUrl === undefined ? experiment : { experiment, startUrl };
      return { name, configJson: JSON.stringify(config), totalSteps: sft.steps, data: dataSet };
    },
    summary: (checkpoint) => ({
      ...summariseSft({
        step: checkpoint?.state.step ?? 0,
        experiment: checkpoint?.experiment ?? experiment,
        dataHash: checkpoint?.dataHash ?? prepared?.dataHash ?? '',
        curve: checkpoint?.curve ?? [],
      }),
      experiment,
      ...(startUrl === undefined ? {} : { startUrl }),
    }),
    checkpointCard: (checkpoint) => ({
      worldHash: checkpoint.dataHash,
      configJson: JSON.stringify(checkpoint.experiment),
    }),
  };
}

function train(
  experiment: SftExperiment,
  prepared: PreparedSft,
  from: SftCheckpoint | undefined,
  { signal, beforeStep, afterPass, isSingleStep, onCheckpoint, onCompletions }: RunHooks<SftCheckpoint>,
  { emit, now }: Pick<RunSupplies, 'emit' | 'now'>,
): Promise<FinishedRun> {
  const clock = new RunClock(now, from?.state.step ?? 0, from?.state.tokens ?? 0);
  return runSft(experiment, prepared, from, {
    evaluationSignal: signal,
    untimed: (work) => clock.exclude(work),
    isLogWanted: isSingleStep,
    beforeUpdate: ({ step, checkpoint, evaluate }) =>
      clock.exclude(() =>
        beforeStep({
          step,
          checkpoint,
          evaluate: async () => {
            const evaluation = await evaluate();
            if (evaluation !== undefined) emit(evaluationEvent(step, false, evaluation));
          },
        }),
      ),
    afterMicroBatch: afterPass,
    onLog: (entry) => emit(logEvent(entry, experiment.sft.steps, clock)),
    onEvaluate: (step, evaluation) => {
      emit(evaluationEvent(step, true, evaluation));
      const { rules, tokenizer, dev } = prepared;
      onCompletions(step, recordedCompletions(rules, tokenizer, dev, evaluation.answers));
    },
    onCheckpoint,
  });
}
