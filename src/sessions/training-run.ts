/**
 * One run in a worker: opens a backend, prepares the data, trains, keeps checkpoints and tells all of it as events.
 *
 * What is computed is `runSft`, as on the command line; nothing here changes a number. A run that loses its GPU goes on
 * from its last checkpoint with the data already prepared.
 */
import { LabError, throwIfAborted } from '../common/errors.ts';
import { Pacer, PIECE_BUDGET_MS } from '../common/pacing.ts';
import { yieldToMessages } from '../common/yield.ts';
import type { RunLease } from '../checkpoint/open-runs.ts';
import { countParameters, type ModelConfig } from '../config/model-config.ts';
import { MODEL_PRESETS } from '../config/presets.ts';
import type { DataSet } from '../data/files/data-set.ts';
import {
  type BackendFault,
  type BackendHealth,
  backendMemory,
  dropBackend,
  waitForBackend,
  watchBackend,
} from '../gpu/current-backend.ts';
import type { StepShape } from '../gpu/step-work.ts';
import { failureOf } from '../protocol/failure.ts';
import type { FileData, SftExperiment } from '../protocol/sft-experiment.ts';
import type { TrainingEvent } from '../protocol/training.ts';
import type { SftLogEntry } from '../train/sft.ts';
import { evaluationEvent } from './evaluation-event.ts';
import { expectedStep, fitMicroBatch, meanStep, passTimer } from '../runs/micro-batches.ts';
import { predictRun, type TrainingBackend, whyTooLarge } from './run-backend.ts';
import { RunClock } from './run-clock.ts';
import type { RunControl } from './run-control.ts';
import { faultError, tooLargeError, withMemoryNamed } from '../runs/run-failures.ts';
import type { KeptCheckpoint, RunStart } from './run-start.ts';
import type { RunStore } from './run-store.ts';
import { readSftCheckpoint, type SftCheckpoint, writeSftCheckpoint } from '../runs/sft-checkpoint.ts';
import { type PreparedSft, prepareSft } from '../runs/sft-experiment.ts';
import { type FinishedSft, type RunMoment, runSft } from '../runs/sft-run.ts';
import { hashWeights } from '../runs/weights-hash.ts';

/** What a run needs of the worker it runs in. */
export interface RunContext {
  readonly control: RunControl;
  readonly openStore: () => Promise<RunStore>;
  /** Opens the best backend for such steps. */
  readonly openBackend: (step: StepShape) => Promise<TrainingBackend>;
  /** Finds an imported data set. */
  readonly findData: (data: FileData) => Promise<DataSet>;
  readonly emit: (event: TrainingEvent) => void;
  /** In milliseconds. */
  readonly now: () => number;
}

/** How far a run came on one backend. */
type Outcome = { readonly finished: FinishedSft } | { readonly fault: BackendFault };

/** Automatic checkpoints of a run that are kept. */
const KEPT_CHECKPOINTS = 3;
/** GPUs that may be lost between two checkpoints before the run is given up. */
const MAX_LOSSES = 3;
/** Of the name of a model in the name of its checkpoint. */
const MAX_NAME_LENGTH = 150;

/** A run under way; {@link train} is called once. */
export class TrainingRun {
  readonly #context: RunContext;
  readonly #runId: string;
  readonly #model: ModelConfig;
  #experiment: SftExperiment;
  #saved: SftCheckpoint | undefined;
  #kept: KeptCheckpoint | undefined;
  #prepared: PreparedSft | undefined;
  /** Whether its settings stand and it has been remembered. */
  #hasBegun = false;
  #lease: RunLease | undefined;
  #step: number;

  constructor({ runId, experiment, saved, kept }: RunStart, context: RunContext) {
    this.#context = context;
    this.#runId = runId;
    this.#model = MODEL_PRESETS[experiment.preset];
    this.#experiment = experiment;
    this.#saved = saved;
    this.#kept = kept;
    this.#step = saved?.state.step ?? 0;
  }

  /** Trains to the end, or until stopped; every outcome is an event. */
  async train(): Promise<void> {
    const { control, emit } = this.#context;
    try {
      const { weights, tokens } = await this.#trainThroughLosses();
      await this.#forget();
      const weightsHash = hashWeights(weights);
      const { steps } = this.#experiment.sft;
      emit({ kind: 'finished', step: steps, tokens, weightsHash, checkpointId: this.#kept?.id ?? null });
    } catch (thrown) {
      const failure = failureOf(thrown);
      if (failure.code === 'aborted' && control.stopSignal.aborted) {
        await this.#forget();
        emit({ kind: 'stopped', step: this.#step, checkpointId: this.#kept?.id ?? null });
        return;
      }
      this.#lease?.release();
      emit({ kind: 'failed', ...failure, checkpointId: this.#kept?.id ?? null });
    }
  }

  async #trainThroughLosses(): Promise<FinishedSft> {
    const { emit, openStore } = this.#context;
    let losses = 0;
    let lostAtStep = -1;
    for (;;) {
      const outcome = await this.#trainOnce();
      if ('finished' in outcome) return outcome.finished;
      const { fault } = outcome;
      dropBackend();
      const step = this.#kept?.step ?? this.#saved?.state.step ?? 0;
      losses = step > lostAtStep ? 1 : losses + 1;
      lostAtStep = step;
      if (fault.kind !== 'lost' || losses > MAX_LOSSES) throw faultError(fault);
      emit({ kind: 'recovering', step, reason: fault.message });
      if (this.#kept === undefined) continue;
      this.#saved = readSftCheckpoint((await (await openStore()).load(this.#kept.id)).payload);
    }
  }

  /** From a backend that is not yet open to the end of the run or of the backend. */
  async #trainOnce(): Promise<Outcome> {
    const { control, emit, openBackend } = this.#context;
    const backend = await openBackend(this.#shape());
    const { rates: _, ...spoken } = backend;
    emit({ kind: 'backend', ...spoken, problems: [...backend.problems] });
    const health = watchBackend();
    try {
      throwIfAborted(control.stopSignal);
      const prepared = await this.#prepare(backend);
      const finished = await this.#runOn(backend, prepared, health);
      return health.fault === undefined ? { finished } : { fault: health.fault };
    } catch (thrown) {
      await yieldToMessages(); // that a device was lost is told after the call that it broke
      const error = withMemoryNamed(thrown);
      if (health.fault !== undefined && !isAborted(error)) return { fault: health.fault };
      // A backend that ran out of memory keeps what it had, and some break for good.
      if (error instanceof LabError && error.code === 'out-of-memory') dropBackend();
      throw error;
    }
  }

  /** Data and settings, once per run, and what they will take on this backend. */
  async #prepare({ backend, rates }: TrainingBackend): Promise<PreparedSft> {
    const { control, emit, now } = this.#context;
    this.#prepared ??= await prepareSft(this.#experiment, {
      saved: this.#saved,
      findData: this.#context.findData,
      signal: control.stopSignal,
      onStage: (stage) => emit({ kind: 'preparing', stage }),
    });
    const prepared = this.#prepared;
    const tooLarge = whyTooLarge(this.#model, this.#shape());
    if (tooLarge !== null) throw tooLargeError(tooLarge);
    if (!this.#hasBegun) {
      // Only a GPU is shared with the desktop, and only a new run may still choose how it computes.
      if (backend === 'webgpu' && this.#saved === undefined) {
        emit({ kind: 'preparing', stage: 'speed' });
        const { sft } = this.#experiment;
        const fitted = await fitMicroBatch(sft, PIECE_BUDGET_MS, passTimer(this.#model, sft, prepared.examples, now));
        this.#experiment = { ...this.#experiment, sft: fitted };
      }
      await this.#remember();
      this.#hasBegun = true;
    }
    const step = this.#saved?.state.step ?? 0;
    const { steps } = this.#experiment.sft;
    emit({
      kind: 'prepared',
      experiment: this.#experiment,
      runId: this.#runId,
      dataHash: prepared.dataHash,
      parameters: countParameters(this.#model),
      vocabSize: this.#model.vocabSize,
      trainPairs: prepared.examples.length,
      devPairs: prepared.dev.length,
      shortened: prepared.shortened,
      step,
      steps,
      curve: [...(this.#saved?.curve ?? [])],
      predicted: predictRun(this.#model, this.#shape(), steps - step, rates, {
        evaluateEvery: this.#experiment.sft.evaluateEvery,
        devPairs: prepared.dev.length,
        reasons: prepared.rules.instruction.rules.length > 0,
        unpreparedPairs: 0,
      }),
    });
    return prepared;
  }

  async #runOn({ backend }: TrainingBackend, prepared: PreparedSft, health: BackendHealth): Promise<FinishedSft> {
    const { control, emit, now } = this.#context;
    const clock = new RunClock(now, this.#saved?.state.step ?? 0, this.#saved?.state.tokens ?? 0);
    const isVisible = (): boolean => control.isVisible;
    const pacer = backend === 'webgpu' ? new Pacer({ waitForGpu: waitForBackend, isVisible, now }) : undefined;
    return runSft(this.#experiment, prepared, this.#saved, {
      signal: control.endSignal,
      evaluationSignal: control.stopSignal,
      aside: (work) => clock.exclude(work),
      isLogWanted: () => control.isSingleStep,
      beforeUpdate: async (moment) => {
        this.#step = moment.step;
        await clock.exclude(() => this.#standAtGate(moment));
        if (health.fault !== undefined) throw faultError(health.fault);
        pacer?.begin();
      },
      afterMicroBatch: () => pacer?.afterPiece() ?? Promise.resolve(),
      onLog: (entry) => this.#log(entry, clock),
      onEvaluate: (step, evaluation) => emit(evaluationEvent(step, true, evaluation)),
      onCheckpoint: async (checkpoint) => {
        // What a broken backend gave back must not take the place of what it was.
        if (health.fault === undefined) await this.#keep(checkpoint, true);
      },
    });
  }

  async #standAtGate(moment: RunMoment): Promise<void> {
    const { control, emit } = this.#context;
    const { step } = moment;
    await control.passGate({
      evaluate: async () => {
        const evaluation = await moment.evaluate();
        if (evaluation !== undefined) emit(evaluationEvent(step, false, evaluation));
      },
      save: async (isAutomatic) => {
        if (isAutomatic && this.#kept?.step === step) return;
        await this.#keep(await moment.checkpoint(), isAutomatic);
      },
      onPaused: () => emit({ kind: 'paused', step }),
      onResumed: () => emit({ kind: 'resumed', step }),
    });
  }

  #log({ lossScale, ...entry }: SftLogEntry, clock: RunClock): void {
    const { step, tokens } = entry;
    const { steps } = this.#experiment.sft;
    const { stepMs, tokensPerSec } = clock.speedAt(step, tokens);
    const secondsLeft = stepMs === null ? null : (stepMs * (steps - step)) / 1000;
    const speed = { stepMs, tokensPerSec, secondsLeft };
    const memory = backendMemory();
    const scaled = lossScale && { lossScale: { scale: lossScale.scale, skipped: lossScale.skipped } };
    this.#context.emit({ kind: 'log', ...entry, ...scaled, steps, ...speed, memory });
  }

  /** Keeps a checkpoint. One that cannot be kept is told, and does not end the run. */
  async #keep(checkpoint: SftCheckpoint, isAutomatic: boolean): Promise<void> {
    const { emit, openStore } = this.#context;
    const { experiment, dataHash, state } = checkpoint;
    const { step } = state;
    const modelName = experiment.name.slice(0, MAX_NAME_LENGTH);
    const lineage = { runId: this.#runId, parentId: this.#kept?.id ?? null, modelName, worldHash: dataHash };
    const configJson = JSON.stringify(experiment);
    const info = { name: `${modelName}, step ${step}`, kind: 'sft', isAutomatic, ...lineage, step, configJson };
    try {
      const store = await openStore();
      const { id, sizeBytes } = await store.save(info, writeSftCheckpoint(checkpoint), { keepLast: KEPT_CHECKPOINTS });
      this.#kept = { id, step };
      emit({ kind: 'checkpoint', step, id, sizeBytes });
    } catch (error) {
      emit({ kind: 'unsaved', step, ...failureOf(error) });
    }
  }

  /** Writes down that the run is under way, so that a page that is closed can offer to go on with it. */
  async #remember(): Promise<void> {
    const { emit, openStore, findData } = this.#context;
    const { name, sft, data } = this.#experiment;
    const dataSet = data.kind === 'file' ? await findData(data) : undefined;
    let store: RunStore;
    try {
      store = await openStore();
    } catch (error) {
      emit({ kind: 'unsaved', step: this.#step, ...failureOf(error) });
      return;
    }
    const run = {
      id: this.#runId,
      name: name.slice(0, MAX_NAME_LENGTH),
      kind: 'sft',
      configJson: JSON.stringify(this.#experiment),
      totalSteps: sft.steps,
      startedAt: Date.now(),
    };
    try {
      this.#lease = await store.runs.start(run, dataSet);
    } catch (error) {
      // That another tab is at it ends the run; that its data finds no room does not.
      const failure = failureOf(error);
      if (dataSet === undefined || failure.code !== 'storage-full') throw error;
      emit({ kind: 'unsaved', step: this.#step, ...failure });
    }
  }

  async #forget(): Promise<void> {
    try {
      await this.#lease?.finish();
    } catch (error) {
      this.#context.emit({ kind: 'unsaved', step: this.#step, ...failureOf(error) });
    }
  }

  #shape(): ReturnType<typeof meanStep> {
    const { sft } = this.#experiment;
    return this.#prepared === undefined ? expectedStep(sft, this.#model) : meanStep(sft, this.#prepared.examples);
  }
}

function isAborted(error: unknown): boolean {
  return error instanceof LabError && error.code === 'aborted';
}
