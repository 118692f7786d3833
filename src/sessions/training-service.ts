/**
 * The training side of the thread boundary: says what a run would take, trains one at a time, and passes commands on to
 * the run under way. All that arrives is parsed; all that goes wrong leaves as a typed failure.
 */
import { LabError } from '../common/errors.ts';
import { countParameters } from '../config/model-config.ts';
import { parseConfig } from '../config/parse.ts';
import { MODEL_PRESETS, type PresetName } from '../config/presets.ts';
import type { DataSet } from '../data/files/data-set.ts';
import { isCurrentBackend } from '../gpu/current-backend.ts';
import type { BackendRequest } from '../gpu/device.ts';
import type { StepShape } from '../gpu/step-work.ts';
import { untilDelivered } from '../protocol/delivery.ts';
import { failureOf } from '../protocol/failure.ts';
import type { BackendChoice } from '../protocol/scoring.ts';
import {
  type DataSummary,
  type ReadDataRequest,
  ReadDataRequestSchema,
  type ReadRulesRequest,
  ReadRulesRequestSchema,
  type RulesSummary,
} from '../protocol/imported-data.ts';
import { type FileData, parseSftExperiment } from '../protocol/sft-experiment.ts';
import {
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
import { DataLibrary } from './data-library.ts';
import { expectedStep } from '../runs/micro-batches.ts';
import { openTrainingBackend, predictRun, type TrainingBackend, whyTooLarge } from './run-backend.ts';
import { RunControl } from './run-control.ts';
import { readStart } from './run-start.ts';
import type { RunStore } from './run-store.ts';
import { TrainingRun } from './training-run.ts';

/** What the worker gives to the service. */
export interface TrainingServiceOptions {
  readonly wasmPaths: BackendRequest['wasmPaths'];
  /** Opens the place where checkpoints are kept; called again only after it failed. */
  readonly openStore: () => Promise<RunStore>;
  /** A clock in milliseconds, default `performance.now`. */
  readonly now?: () => number;
}

/** Trains one run at a time. */
export class TrainingService implements TrainingApi {
  readonly #options: TrainingServiceOptions;
  readonly #library = new DataLibrary(async (sha256) => (await this.#openStore()).data.load(sha256));
  #control: RunControl | undefined;
  #store: Promise<RunStore> | undefined;
  /** The backend that was opened last, and what for. */
  #open: { readonly purpose: string; readonly backend: TrainingBackend } | undefined;
  /** Resolves when the run under way has a backend, or has come to its end without one. */
  #opened: Promise<void> = Promise.resolve();
  // One after the other: tfjs has one current backend.
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: TrainingServiceOptions) {
    this.#options = options;
  }

  async readData(request: ReadDataRequest): Promise<DataSummary> {
    return this.#library.read(parseConfig('The files of a data set', ReadDataRequestSchema, request).files);
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
    const shape = expectedStep(sft, model);
    await this.#opened;
    const running = this.#control === undefined ? undefined : this.#open?.backend;
    // The backend of a run under way must stay the current one.
    const opened = running ?? (await this.#inTurn(() => this.#backendFor(choice, preset, shape)));
    const { rates, ...spoken } = opened;
    return {
      ...spoken,
      problems: [...opened.problems],
      parameters: countParameters(model),
      predicted: predictRun(model, shape, sft.steps, rates, {
        evaluateEvery: sft.evaluateEvery,
        devPairs: Math.min(settings.devPairs, dataPlan?.dev.pairs ?? Infinity),
        reasons: data.kind === 'world',
        unpreparedPairs:
          data.kind === 'world' ? data.trainQueries * data.documentsPerQuery : (dataPlan?.train.pairs ?? 0),
      }),
      tooLarge: whyTooLarge(model, shape),
      data: dataPlan,
    };
  }

  async train(request: TrainRequest, emit: (event: TrainingEvent) => void): Promise<void> {
    await untilDelivered(emit, (tell) => this.#train(request, tell));
  }

  async command(command: TrainingCommand): Promise<void> {
    const parsed = parseConfig('The training command', TrainingCommandSchema, command);
    this.#control?.apply(parsed);
    await Promise.resolve();
  }

  async #train(request: TrainRequest, emit: (event: TrainingEvent) => void): Promise<void> {
    if (this.#control !== undefined) {
      const error = new LabError('bad-config', { message: 'A run is under way already.', fix: 'Stop it first.' });
      emit({ kind: 'failed', ...failureOf(error), checkpointId: null });
      return;
    }
    const control = new RunControl();
    this.#control = control;
    let tellOpened: () => void = () => undefined;
    this.#opened = new Promise((resolve) => {
      tellOpened = resolve;
    });
    try {
      const { from, backend: choice, isVisible } = parseConfig('The training request', TrainRequestSchema, request);
      control.isVisible = isVisible;
      const openStore = (): Promise<RunStore> => this.#openStore();
      const start = await readStart(from, openStore);
      const openBackend = async (step: StepShape): Promise<TrainingBackend> => {
        const backend = await this.#backendFor(choice, start.experiment.preset, step);
        tellOpened();
        return backend;
      };
      const { now = () => performance.now() } = this.#options;
      const findData = (data: FileData): Promise<DataSet> => this.#library.find(data);
      const context = { control, openStore, openBackend, findData, emit, now };
      await this.#inTurn(() => new TrainingRun(start, context).train());
    } catch (error) {
      emit({ kind: 'failed', ...failureOf(error), checkpointId: null });
    } finally {
      this.#control = undefined;
      tellOpened();
    }
  }

  /** Opens a backend, or gives the one that is open for such a model: checking and timing it again would take a while. */
  async #backendFor(choice: BackendChoice, preset: PresetName, step: StepShape): Promise<TrainingBackend> {
    const purpose = `${choice}, ${preset}`;
    const open = this.#open;
    if (open?.purpose === purpose && isCurrentBackend(open.backend.backend)) return open.backend;
    const backend = await openTrainingBackend(choice, this.#options.wasmPaths, MODEL_PRESETS[preset], step);
    this.#open = { purpose, backend };
    return backend;
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(work);
    this.#turn = turn.catch(() => undefined);
    return turn;
  }

  async #openStore(): Promise<RunStore> {
    this.#store ??= this.#options.openStore().catch((error: unknown) => {
      this.#store = undefined;
      throw error;
    });
    return this.#store;
  }
}
