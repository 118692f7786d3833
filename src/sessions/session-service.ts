/**
 * The worker side of training: reads training files, predicts the cost of runs, and holds one session at a time, of a
 * single run or of a demonstration. All input is parsed; every error leaves as a typed failure, after which another
 * session can begin.
 */
import { openedOnce } from '../common/opened-once.ts';
import { Turns } from '../common/turns.ts';
import { newId } from '../checkpoint/manifest.ts';
import { LabError, throwIfAborted } from '../common/errors.ts';
import { countParameters, type ModelConfig } from '../config/model-config.ts';
import { parseConfig } from '../config/parse.ts';
import { MODEL_PRESETS } from '../config/presets.ts';
import type { DataSet } from '../data/files/data-set.ts';
import { modelShape } from '../infer/lab-model.ts';
import { dropBackend, isCurrentBackend } from '../gpu/current-backend.ts';
import { type BackendRequest, BACKENDS } from '../gpu/device.ts';
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
import { readSftStart } from '../runs/sft-start.ts';
import { hashWeights } from '../runs/weights-hash.ts';
import { continuationFor } from './continuation.ts';
import { DataLibrary } from './data-library.ts';
import { Demonstration, readBranches, updateShape } from './demonstration.ts';
import { distillKind, STUDENT_KIND, studentShape, studentStep, type StudentTask } from './distill-kind.ts';
import { readKeptStudent } from './kept-student.ts';
import { type GetModel, type ModelFiles, modelFilesAt } from './model-source.ts';
import { openTrainingBackend, predictRun, type TrainingBackend, whyTooLarge } from './run-backend.ts';
import type { LiveRun, RunKind } from './run-kind.ts';
import { RunRecorder } from './run-recorder.ts';
import type { RunStore } from './run-store.ts';
import { Session, type SessionSetup } from './session.ts';
import { type RunStart, SessionRun } from './session-run.ts';
import { type RunSupplies, type SftBeginning, sftKind, shapeOfSft } from './sft-kind.ts';

/** What the worker provides to the service. */
export interface SessionServiceOptions {
  readonly wasmPaths: BackendRequest['wasmPaths'];
  /** Opens the store of runs; called again only after a failure. Default: runs are not stored. */
  readonly openStore?: () => Promise<RunStore>;
  /** Loads the files of a model; default: by fetch. */
  readonly getModel?: GetModel;
  /** A clock in milliseconds, default `performance.now`. */
  readonly now?: () => number;
}

/** The work that backends are timed with. */
interface Workload {
  readonly model: ModelConfig;
  readonly step: StepShape;
}

/** A single run of any kind. */
type StartedRun = LiveRun & Pick<SessionRun<unknown>, 'finished' | 'keptId' | 'keptIdNow'>;

/** What to do with the thread once it is free. */
interface SessionWork {
  readonly setup: Pick<SessionSetup, 'emit' | 'savesOnStop' | 'beforeIdle' | 'onIdle'>;
  /** The error while another session is under way. */
  readonly busy: { readonly message: string; readonly fix: string };
  readonly fail: (failure: Failure) => Promise<void>;
  /** @param use - to be called before the session opens its backend */
  readonly work: (session: Session, use: (choice: BackendChoice, workload: Workload) => void) => Promise<void>;
}

/** Holds one session at a time. */
export class SessionService implements TrainingApi {
  /** The API of demonstrations, on the same thread. */
  readonly demonstrations: GrpoApi = {
    readData: (request) => this.readData(request),
    readColumns: (request) => this.readColumns(request),
    readRules: (request) => this.readRules(request),
    run: (request, emit) => untilDelivered(emit, (send) => this.#demonstrate(request, send)),
    command: async (command) => this.#steer(parseConfig('The command', GrpoCommandSchema, command)),
  };
  readonly #options: SessionServiceOptions;
  readonly #library = new DataLibrary(async (sha256) => (await this.#openStore?.())?.data.load(sha256));
  readonly #openStore: (() => Promise<RunStore>) | undefined;
  readonly #now: () => number;
  readonly #findData = (data: FileData): Promise<DataSet> => this.#library.find(data);
  #session: Session | undefined;
  /** The demonstration of the present session, once it has begun. */
  #demonstration: Demonstration | undefined;
  /** The backend opened last, and its purpose. */
  #open: { readonly purpose: string; readonly backend: TrainingBackend } | undefined;
  /** Resolves when the present session has a backend, or has ended without one. */
  #opened: Promise<void> = Promise.resolve();
  // Serialises work, because tfjs has one current backend.
  readonly #turns = new Turns();

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
    return this.#library.readRules(parseConfig('The files of the rules', ReadRulesRequestSchema, request));
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
    // While a run is under way, its backend must stay the current one.
    const { rates, ...description } =
      running ?? (await this.#turns.take(() => this.#backendFor(choice, { model, step })));
    return {
      ...description,
      problems: [...description.problems],
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
    await untilDelivered(emit, (send) => this.#train(request, send));
  }

  async command(command: TrainingCommand): Promise<void> {
    this.#session?.apply(parseConfig('The training command', TrainingCommandSchema, command));
    return Promise.resolve();
  }

  #steer(command: GrpoCommand): void {
    if (this.#demonstration !== undefined) this.#demonstration.apply(command);
    else if (command.kind !== 'coefficient' && command.kind !== 'fork') this.#session?.apply(command);
  }

  async #train(request: TrainRequest, send: (event: TrainingEvent) => void): Promise<void> {
    let run: StartedRun | undefined;
    const recorder = new RunRecorder<TrainingEvent>('train' satisfies RecordView, this.#recordStore(request));
    const emit = (event: TrainingEvent): void => {
      recorder.note(event);
      send(event);
    };
    /** The recording is stored before the page learns of the end. */
    const end = async (event: TrainingEvent): Promise<void> => {
      await recorder.keep(event);
      send(event);
    };
    await this.#hold({
      setup: { emit, savesOnStop: true },
      busy: { message: 'Another run is under way.', fix: 'Stop it first.' },
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
        // An earlier checkpoint is not the model that the page shows as finished.
        const { finished, step, keptIdNow: checkpointId } = run;
        if (finished === undefined) return;
        await end({ kind: 'finished', step, tokens: finished.tokens, weightsHash: hashWeights(finished.weights), checkpointId }); // prettier-ignore
      },
    });
  }

  async #demonstrate(request: GrpoRequest, send: (event: GrpoEvent) => void): Promise<void> {
    const recorder = new RunRecorder<GrpoEvent>('collapse' satisfies RecordView, this.#recordStore(request));
    const emit = (event: GrpoEvent): void => {
      recorder.note(event);
      send(event);
    };
    await this.#hold({
      setup: {
        emit,
        savesOnStop: false,
        beforeIdle: () => recorder.keep({ kind: 'finished' }),
        onIdle: () => send({ kind: 'finished' }),
      },
      busy: { message: 'Another demonstration is under way.', fix: 'Reset it first.' },
      fail: async (failure) => {
        const isStopped = failure.code === 'aborted';
        if (isStopped) await recorder.drop(); // a reset demonstration is not shown again
        send(isStopped ? { kind: 'stopped' } : { kind: 'failed', ...failure });
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

  /** Where a session is recorded for its view; nowhere if it belongs to none. */
  #recordStore({ isRecorded }: Pick<TrainRequest, 'isRecorded'>): SessionServiceOptions['openStore'] {
    return isRecorded === false ? undefined : this.#openStore;
  }

  /**
   * Reads the starting point of a single run, and makes the run.
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
    const sft = (
      experiment: SftExperiment,
      start: Partial<RunStart<SftCheckpoint>>,
      continued: Omit<SftBeginning, 'saved'> = {},
    ): StartedRun => {
      const beginning = { ...continued, saved: start.from };
      const model = shapeOfSft(experiment, beginning);
      use({ model, step: expectedStep(experiment.sft, model) });
      return make((supplies) => sftKind(experiment, beginning, supplies), start);
    };
    const student = async (
      experiment: DistillExperiment,
      { teacherUrl, teacherHash }: Pick<StudentTask, 'teacherUrl' | 'teacherHash'>,
      start: Partial<RunStart<DistillCheckpoint>>,
    ): Promise<StartedRun> => {
      emit({ kind: 'preparing', stage: 'teacher' });
      const task = { experiment, teacherUrl, teacherHash, teacher: await this.#modelAt(teacherUrl) };
      const model = studentShape(task);
      use({ model, step: studentStep(experiment, model) });
      return make((supplies) => distillKind(task, start.from, supplies), start);
    };
    switch (from.kind) {
      case 'experiment':
        return sft(parseSftExperiment('The experiment', from.experiment), { runId: from.runId });
      case 'continuation': {
        emit({ kind: 'preparing', stage: 'start' });
        const start = await readSftStart(await this.#modelAt(from.startUrl));
        const experiment = await continuationFor(from.experiment, start, this.#library);
        return sft(experiment, { runId: from.runId }, { start, startUrl: from.startUrl });
      }
      case 'student':
        return student(parseConfig('The distillation', DistillExperimentSchema, from.experiment), from, { runId: from.runId }); // prettier-ignore
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
        return student(checkpoint.experiment, { teacherUrl, teacherHash: null }, { ...kept, from: checkpoint });
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
    let reportOpened: () => void = () => undefined;
    this.#opened = new Promise((resolve) => {
      reportOpened = resolve;
    });
    let open: SessionSetup['openBackend'] = () =>
      Promise.reject(new LabError('internal', { message: 'The session has no workload to choose a backend by.' }));
    const session = new Session({
      ...setup,
      now: this.#now,
      openStore: this.#openStore,
      openBackend: () => open(),
      dropBackend: () => this.#dropBackend(),
    });
    this.#session = session;
    try {
      await this.#turns.take(() =>
        work(session, (choice, workload) => {
          open = async () => {
            const backend = await this.#backendFor(choice, workload);
            reportOpened();
            return backend;
          };
        }),
      );
    } catch (thrown) {
      await fail(failureOf(thrown));
    } finally {
      this.#session = undefined;
      this.#demonstration = undefined;
      reportOpened();
    }
  }

  /** Opens a backend, or reuses the open one for the same model, because checking and timing it again takes a while. */
  async #backendFor(choice: BackendChoice, { model, step }: Workload): Promise<TrainingBackend> {
    const purpose = JSON.stringify([choice, model]);
    const open = this.#open;
    if (open?.purpose === purpose && isCurrentBackend(open.backend.backend)) return open.backend;
    const backend = await openTrainingBackend(choice, this.#options.wasmPaths, model, step);
    this.#open = { purpose, backend };
    return backend;
  }

  /** Drops the backend, also one that was lost before it was open. */
  #dropBackend(): void {
    if (BACKENDS.some(isCurrentBackend)) dropBackend();
    this.#open = undefined;
  }

  async #modelAt(modelUrl: string): Promise<ModelFiles> {
    return modelFilesAt(modelUrl, this.#openStore, this.#options.getModel);
  }

  async #store(): Promise<RunStore> {
    if (this.#openStore !== undefined) return this.#openStore();
    throw new LabError('not-found', { message: 'No checkpoints are stored here.' });
  }
}
