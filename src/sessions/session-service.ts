/**
 * The learning side of the thread boundary: reads files to learn from, says what a run would take, and holds one session
 * at a time, of a single run or of a demonstration. All that arrives is parsed; all that goes wrong leaves as a typed
 * failure, and another session can be begun.
 */
import { newId } from '../checkpoint/manifest.ts';
import { LabError, throwIfAborted } from '../common/errors.ts';
import { countParameters, type ModelConfig } from '../config/model-config.ts';
import { parseConfig } from '../config/parse.ts';
import { MODEL_PRESETS } from '../config/presets.ts';
import type { DataSet } from '../data/files/data-set.ts';
import { modelShape } from '../infer/lab-model.ts';
import { dropBackend, isCurrentBackend } from '../gpu/current-backend.ts';
import type { BackendRequest } from '../gpu/device.ts';
import type { StepShape } from '../gpu/step-work.ts';
import type { RecordView } from '../protocol/checkpoints.ts';
import { untilDelivered } from '../protocol/delivery.ts';
import { type DistillExperiment, DistillExperimentSchema } from '../protocol/distill-experiment.ts';
import { type Failure, failureOf } from '../protocol/failure.ts';
import {
  type GrpoApi,
  type GrpoCommand,
  GrpoCommandSchema,
  type GrpoEvent,
  type GrpoRequest,
  GrpoRequestSchema,
} from '../protocol/grpo.ts';
import {
  type DataSummary,
  type FileColumns,
  type ReadDataRequest,
  ReadDataRequestSchema,
  type ReadRulesRequest,
  ReadRulesRequestSchema,
  type RulesSummary,
} from '../protocol/imported-data.ts';
import type { BackendChoice } from '../protocol/scoring.ts';
import { type FileData, parseSftExperiment, type SftExperiment } from '../protocol/sft-experiment.ts';
import {
  type ParsedTrainRequest,
  type PlanRequest,
  PlanRequestSchema,
  type TrainingApi,
  type TrainingCommand,
  TrainingCommandSchema,
  type TrainingEvent,
  type TrainingPlan,
  type TrainRequest,
  TrainRequestSchema,
} from '../protocol/training.ts';
import type { DistillCheckpoint } from '../runs/distill-checkpoint.ts';
import { expectedStep } from '../runs/micro-batches.ts';
import { readSftCheckpoint, type SftCheckpoint } from '../runs/sft-checkpoint.ts';
import { hashWeights } from '../runs/weights-hash.ts';
import { DataLibrary } from './data-library.ts';
import { Demonstration, readBranches, updateShape } from './demonstration.ts';
import { distillKind, STUDENT_KIND, studentShape, studentStep } from './distill-kind.ts';
import { readKeptStudent } from './kept-student.ts';
import { type GetModel, type ModelFiles, modelFilesAt } from './model-source.ts';
import { openTrainingBackend, predictRun, type TrainingBackend, whyTooLarge } from './run-backend.ts';
import type { LiveRun, RunKind } from './run-kind.ts';
import { RunRecorder } from './run-recorder.ts';
import type { RunStore } from './run-store.ts';
import { Session, type SessionSetup } from './session.ts';
import { type RunStart, SessionRun } from './session-run.ts';
import { type RunSupplies, sftKind } from './sft-kind.ts';

/** What the worker gives to the service. */
export interface SessionServiceOptions {
  readonly wasmPaths: BackendRequest['wasmPaths'];
  /** Opens the place where runs are kept; called again only after it failed. Default: they are kept nowhere. */
  readonly openStore?: () => Promise<RunStore>;
  /** Gets the files of a model; default: by fetching them. */
  readonly getModel?: GetModel;
  /** A clock in milliseconds, default `performance.now`. */
  readonly now?: () => number;
}

/** What backends are timed by. */
interface Workload {
  readonly model: ModelConfig;
  readonly step: StepShape;
}

/** A single run, whatever it learns by. */
type StartedRun = LiveRun & Pick<SessionRun<unknown>, 'finished' | 'keptId'>;

/** What is to be done with the thread, once it is free. */
interface SessionWork {
  readonly setup: Pick<SessionSetup, 'emit' | 'savesOnStop' | 'beforeIdle' | 'onIdle'>;
  /** Why another session cannot begin meanwhile. */
  readonly busy: { readonly message: string; readonly fix: string };
  readonly fail: (failure: Failure) => Promise<void>;
  /** @param use - to be called before the session opens its backend */
  readonly work: (session: Session, use: (choice: BackendChoice, workload: Workload) => void) => Promise<void>;
}

/** Holds one session at a time. */
export class SessionService implements TrainingApi {
  /** Demonstrations, of the same thread. */
  readonly demonstrations: GrpoApi = {
    readData: (request) => this.readData(request),
    readColumns: (request) => this.readColumns(request),
    readRules: (request) => this.readRules(request),
    run: (request, emit) => untilDelivered(emit, (tell) => this.#demonstrate(request, tell)),
    command: async (command) => this.#steer(parseConfig('The command', GrpoCommandSchema, command)),
  };
  readonly #options: SessionServiceOptions;
  readonly #library = new DataLibrary(async (sha256) => (await this.#openStore?.())?.data.load(sha256));
  readonly #openStore: (() => Promise<RunStore>) | undefined;
  readonly #now: () => number;
  readonly #findData = (data: FileData): Promise<DataSet> => this.#library.find(data);
  #session: Session | undefined;
  /** The demonstration of the session, once it has begun. */
  #demonstration: Demonstration | undefined;
  /** The backend that was opened last, and what for. */
  #open: { readonly purpose: string; readonly backend: TrainingBackend } | undefined;
  /** Resolves when the session under way has a backend, or has come to its end without one. */
  #opened: Promise<void> = Promise.resolve();
  // One after the other: tfjs has one current backend.
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: SessionServiceOptions) {
    this.#options = options;
    this.#openStore = options.openStore && openedOnce(options.openStore);
    this.#now = options.now ?? (() => performance.now());
  }

  async readData(request: ReadDataRequest): Promise<DataSummary> {
    return this.#library.read(parseConfig('The files of a data set', ReadDataRequestSchema, request));
  }

  async readColumns(request: ReadDataRequest): Promise<FileColumns> {
    return this.#library.readColumns(parseConfig('The files of a data set', ReadDataRequestSchema, request));
  }

  async readRules(request: ReadRulesRequest): Promise<RulesSummary> {
    return this.#library.readRules(parseConfig('The files of own rules', ReadRulesRequestSchema, request));
  }

  async plan(request: PlanRequest): Promise<TrainingPlan> {
    const { experiment, backend: choice } = parseConfig('The plan request', PlanRequestSchema, request);
    const settings = parseSftExperiment('The experiment', experiment);
    const { preset, sft, data } = settings;
    const model = MODEL_PRESETS[preset];
    const dataPlan = data.kind === 'file' ? await this.#library.plan(data, settings) : null;
    const step = expectedStep(sft, model);
    await this.#opened;
    const running = this.#session === undefined ? undefined : this.#open?.backend;
    // The backend of a run under way must stay the current one.
    const { rates, ...spoken } = running ?? (await this.#inTurn(() => this.#backendFor(choice, { model, step })));
    return {
      ...spoken,
      problems: [...spoken.problems],
      parameters: countParameters(model),
      predicted: predictRun(model, step, sft.steps, rates, {
        evaluateEvery: sft.evaluateEvery,
        devPairs: Math.min(settings.devPairs, dataPlan?.dev.pairs ?? Infinity),
        reasons: data.kind === 'world',
        unpreparedPairs:
          data.kind === 'world' ? data.trainQueries * data.documentsPerQuery : (dataPlan?.train.pairs ?? 0),
      }),
      tooLarge: whyTooLarge(model, step),
      data: dataPlan,
    };
  }

  async run(request: TrainRequest, emit: (event: TrainingEvent) => void): Promise<void> {
    await untilDelivered(emit, (tell) => this.#train(request, tell));
  }

  async command(command: TrainingCommand): Promise<void> {
    this.#session?.apply(parseConfig('The training command', TrainingCommandSchema, command));
    return Promise.resolve();
  }

  #steer(command: GrpoCommand): void {
    if (this.#demonstration !== undefined) this.#demonstration.apply(command);
    else if (command.kind !== 'dial' && command.kind !== 'fork') this.#session?.apply(command);
  }

  async #train(request: TrainRequest, tell: (event: TrainingEvent) => void): Promise<void> {
    let run: StartedRun | undefined;
    const recorder = new RunRecorder<TrainingEvent>('train' satisfies RecordView, this.#openStore);
    const emit = (event: TrainingEvent): void => {
      recorder.note(event);
      tell(event);
    };
    /** The record is safe before its reader hears of the end. */
    const end = async (event: TrainingEvent): Promise<void> => {
      await recorder.keep(event);
      tell(event);
    };
    await this.#hold({
      setup: { emit, savesOnStop: true },
      busy: { message: 'A run is under way already.', fix: 'Stop it first.' },
      fail: (failure) => {
        const checkpointId = run?.keptId ?? null;
        if (failure.code !== 'aborted') return end({ kind: 'failed', ...failure, checkpointId });
        return end({ kind: 'stopped', step: run?.step ?? 0, checkpointId });
      },
      work: async (session, use) => {
        const { from, backend, isVisible } = parseConfig('The training request', TrainRequestSchema, request);
        session.isVisible = isVisible;
        run = await this.#readRun(from, session, emit, (workload) => use(backend, workload));
        await recorder.drop();
        session.begin(run);
        await session.over();
        const { finished, step, keptId: checkpointId } = run;
        if (finished === undefined) return;
        await end({ kind: 'finished', step, tokens: finished.tokens, weightsHash: hashWeights(finished.weights), checkpointId }); // prettier-ignore
      },
    });
  }

  async #demonstrate(request: GrpoRequest, tell: (event: GrpoEvent) => void): Promise<void> {
    const recorder = new RunRecorder<GrpoEvent>('collapse' satisfies RecordView, this.#openStore);
    const emit = (event: GrpoEvent): void => {
      recorder.note(event);
      tell(event);
    };
    await this.#hold({
      setup: {
        emit,
        savesOnStop: false,
        beforeIdle: () => recorder.keep({ kind: 'finished' }),
        onIdle: () => tell({ kind: 'finished' }),
      },
      busy: { message: 'A demonstration is under way already.', fix: 'Reset it first.' },
      fail: async (failure) => {
        const isStopped = failure.code === 'aborted';
        if (isStopped) await recorder.drop(); // a reset is the end for good
        tell(isStopped ? { kind: 'stopped' } : { kind: 'failed', ...failure });
      },
      work: async (session, use) => {
        const parsed = parseConfig('The request', GrpoRequestSchema, request);
        session.isVisible = parsed.isVisible;
        const branches = await readBranches(parsed, this.#openStore);
        emit({ kind: 'preparing', stage: 'model' });
        const files = await this.#modelAt(parsed.modelUrl);
        throwIfAborted(session.signal);
        const model = modelShape(files);
        const [first] = branches;
        if (first !== undefined) use(parsed.backend, { model, step: updateShape(first.experiment, model) });
        emit({ kind: 'preparing', stage: 'speed' });
        const supplies = { emit, now: this.#now, findData: this.#findData };
        await recorder.drop();
        this.#demonstration = await Demonstration.begin(session, parsed, branches, files, supplies);
        await session.over();
      },
    });
  }

  /**
   * Reads where a single run is to begin, and makes it.
   *
   * @throws {LabError} `bad-config`, `bad-checkpoint` or `not-found`
   */
  async #readRun(
    from: ParsedTrainRequest['from'],
    session: Session,
    emit: (event: TrainingEvent) => void,
    use: (workload: Workload) => void,
  ): Promise<StartedRun> {
    const make = <Checkpoint>(
      kind: (supplies: RunSupplies) => RunKind<Checkpoint>,
      { runId = newId(), ...start }: Partial<RunStart<Checkpoint>> = {},
    ): StartedRun => {
      const supplies = { runId, emit, now: this.#now, signal: session.signal, findData: this.#findData };
      return new SessionRun(kind(supplies), { from: undefined, runId, ...start }, session);
    };
    const sft = (experiment: SftExperiment, start: Partial<RunStart<SftCheckpoint>>): StartedRun => {
      const model = MODEL_PRESETS[experiment.preset];
      use({ model, step: expectedStep(experiment.sft, model) });
      return make((supplies) => sftKind(experiment, start.from, supplies), start);
    };
    const student = async (
      experiment: DistillExperiment,
      teacherUrl: string,
      start: Partial<RunStart<DistillCheckpoint>>,
    ): Promise<StartedRun> => {
      emit({ kind: 'preparing', stage: 'teacher' });
      const task = { experiment, teacherUrl, teacher: await this.#modelAt(teacherUrl) };
      const model = studentShape(task);
      use({ model, step: studentStep(experiment, model) });
      return make((supplies) => distillKind(task, start.from, supplies), start);
    };
    switch (from.kind) {
      case 'experiment':
        return sft(parseSftExperiment('The experiment', from.experiment), { runId: from.runId });
      case 'student': {
        const experiment = parseConfig('The distillation', DistillExperimentSchema, from.experiment);
        return student(experiment, from.teacherUrl, { runId: from.runId });
      }
      case 'bytes': {
        const saved = readSftCheckpoint(from.bytes);
        return sft(saved.experiment, { from: saved });
      }
      case 'checkpoint': {
        const { manifest, payload } = await (await this.#store()).load(from.id);
        const kept = { parentId: from.id, runId: manifest.runId ?? undefined };
        if (manifest.kind !== STUDENT_KIND) {
          const saved = readSftCheckpoint(payload);
          return sft(saved.experiment, { ...kept, from: saved });
        }
        const { checkpoint, teacherUrl } = readKeptStudent(payload);
        return student(checkpoint.experiment, teacherUrl, { ...kept, from: checkpoint });
      }
      default:
        return from satisfies never;
    }
  }

  /** Holds one session from its beginning to its end. */
  async #hold({ setup, busy, fail, work }: SessionWork): Promise<void> {
    if (this.#session !== undefined) {
      await fail(failureOf(new LabError('bad-config', busy)));
      return;
    }
    let tellOpened: () => void = () => undefined;
    this.#opened = new Promise((resolve) => {
      tellOpened = resolve;
    });
    let open: SessionSetup['openBackend'] = () =>
      Promise.reject(new LabError('internal', { message: 'The session does not know what it will compute.' }));
    const session = new Session({
      ...setup,
      now: this.#now,
      openStore: this.#openStore,
      openBackend: () => open(),
      dropBackend: () => this.#dropBackend(),
    });
    this.#session = session;
    try {
      await this.#inTurn(() =>
        work(session, (choice, workload) => {
          open = async () => {
            const backend = await this.#backendFor(choice, workload);
            tellOpened();
            return backend;
          };
        }),
      );
    } catch (thrown) {
      await fail(failureOf(thrown));
    } finally {
      this.#session = undefined;
      this.#demonstration = undefined;
      tellOpened();
    }
  }

  /** Opens a backend, or gives the one that is open for such a model: checking and timing it again would take a while. */
  async #backendFor(choice: BackendChoice, { model, step }: Workload): Promise<TrainingBackend> {
    const purpose = JSON.stringify([choice, model]);
    const open = this.#open;
    if (open?.purpose === purpose && isCurrentBackend(open.backend.backend)) return open.backend;
    const backend = await openTrainingBackend(choice, this.#options.wasmPaths, model, step);
    this.#open = { purpose, backend };
    return backend;
  }

  #dropBackend(): void {
    if (this.#open !== undefined && isCurrentBackend(this.#open.backend.backend)) dropBackend();
    this.#open = undefined;
  }

  async #modelAt(modelUrl: string): Promise<ModelFiles> {
    return modelFilesAt(modelUrl, this.#openStore, this.#options.getModel);
  }

  async #store(): Promise<RunStore> {
    if (this.#openStore !== undefined) return this.#openStore();
    throw new LabError('not-found', { message: 'No checkpoints are kept here.' });
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(work);
    this.#turn = turn.catch(() => undefined);
    return turn;
  }
}

/** A store that is opened at its first use, and again after a failure: another tab may have let go since. */
function openedOnce(open: () => Promise<RunStore>): () => Promise<RunStore> {
  let store: Promise<RunStore> | undefined;
  return () =>
    (store ??= open().catch((error: unknown) => {
      store = undefined;
      throw error;
    }));
}
