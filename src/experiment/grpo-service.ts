/**
 * The reinforcement side of the thread boundary: one demonstration at a time, from a model folder of the page's own origin.
 * All that arrives is parsed; all that goes wrong leaves as a typed failure, and another demonstration can be begun.
 */
import { LabError, throwIfAborted } from '../common/errors.ts';
import { countParameters } from '../config/model-config.ts';
import { parseConfig } from '../config/parse.ts';
import { MODEL_PRESETS } from '../config/presets.ts';
import { dropBackend, isCurrentBackend, watchBackend } from '../gpu/current-backend.ts';
import type { BackendRequest } from '../gpu/device.ts';
import { countStep, type StepCost } from '../gpu/step-cost.ts';
import { disposeLabModel, loadLabModel, type ModelFileName, readWeightTensors } from '../infer/lab-model.ts';
import { fetchModel } from '../infer/model-fetch.ts';
import { untilDelivered } from '../protocol/delivery.ts';
import { failureOf } from '../protocol/failure.ts';
import {
  type GrpoApi,
  type GrpoCommand,
  GrpoCommandSchema,
  type GrpoEvent,
  type GrpoRequest,
  GrpoRequestSchema,
} from '../protocol/grpo.ts';
import { type GrpoExperiment, parseGrpoExperiment } from '../protocol/grpo-experiment.ts';
import type { BackendChoice } from '../protocol/scoring.ts';
import { COLLAPSE_BOUNDS } from '../train/collapse.ts';
import { ruleInfos } from './grpo-events.ts';
import type { StartModel } from './grpo-run.ts';
import { GrpoSession, type NamedExperiment } from './grpo-session.ts';
import { type PreparedGrpo, prepareGrpo, startOf } from './grpo-task.ts';
import { withPassRates } from './pass-rates.ts';
import { openTrainingBackend, type TrainingBackend } from './run-backend.ts';

/** What the worker gives to the service. */
export interface GrpoServiceOptions {
  readonly wasmPaths: BackendRequest['wasmPaths'];
  /** Gets the files of a model; default: by fetching them. */
  readonly getModel?: (modelUrl: string) => Promise<ReadonlyMap<ModelFileName, Uint8Array>>;
  /** A clock in milliseconds, default `performance.now`. */
  readonly now?: () => number;
}

/** A start with what is said of it. */
interface NamedStart {
  readonly start: StartModel;
  readonly modelName: string;
  readonly labelNames: readonly string[];
}

/** Runs one demonstration at a time. */
export class GrpoService implements GrpoApi {
  readonly #options: GrpoServiceOptions;
  #session: GrpoSession | undefined;
  /** The backend that was opened last, and what was asked for then. */
  #open: { readonly choice: BackendChoice; readonly backend: TrainingBackend } | undefined;

  constructor(options: GrpoServiceOptions) {
    this.#options = options;
  }

  async run(request: GrpoRequest, emit: (event: GrpoEvent) => void): Promise<void> {
    await untilDelivered(emit, (tell) => this.#run(request, tell));
  }

  async command(command: GrpoCommand): Promise<void> {
    this.#session?.apply(parseConfig('The command', GrpoCommandSchema, command));
    await Promise.resolve();
  }

  async #run(request: GrpoRequest, emit: (event: GrpoEvent) => void): Promise<void> {
    if (this.#session !== undefined) {
      const error = new LabError('bad-config', {
        message: 'A demonstration is under way already.',
        fix: 'Reset it first.',
      });
      emit({ kind: 'failed', ...failureOf(error) });
      return;
    }
    const { now = () => performance.now() } = this.#options;
    const session = new GrpoSession(emit, now);
    this.#session = session;
    try {
      await this.#runSession(session, request, emit);
    } catch (thrown) {
      const failure = failureOf(thrown);
      // A backend that broke keeps what it had, and some break for good.
      if (failure.code === 'out-of-memory' || failure.code === 'no-backend') this.#dropBackend();
      emit(failure.code === 'aborted' ? { kind: 'stopped' } : { kind: 'failed', ...failure });
    } finally {
      this.#session = undefined;
    }
  }

  /** @throws {LabError} `aborted` once it was stopped, or whatever ended it */
  async #runSession(session: GrpoSession, request: GrpoRequest, emit: (event: GrpoEvent) => void): Promise<void> {
    const { modelUrl, backend: choice, branches } = parseConfig('The request', GrpoRequestSchema, request);
    const plans = branches.map(({ name, experiment }): NamedExperiment => {
      return { name, experiment: parseGrpoExperiment(`Branch ${name}`, experiment) };
    });
    const [first] = plans;
    if (first === undefined) return;
    const { signal } = session;
    const { getModel = (url) => fetchModel(url, () => undefined) } = this.#options;

    const { rates: _, ...spoken } = await this.#backendFor(choice, first.experiment);
    emit({ kind: 'backend', ...spoken, problems: [...spoken.problems] });
    const health = watchBackend();
    throwIfAborted(signal);
    emit({ kind: 'preparing', stage: 'model' });
    const { start, modelName, labelNames } = readStart(await getModel(modelUrl));
    throwIfAborted(signal);

    emit({ kind: 'preparing', stage: 'world' });
    const prepare = preparer(start, signal);
    const { dataHash, rules } = await prepare(first.experiment);
    emit({
      kind: 'prepared',
      modelName,
      parameters: countParameters(start.config),
      worldHash: dataHash,
      rules: ruleInfos(rules),
      labelNames: [...labelNames],
      bounds: { ...COLLAPSE_BOUNDS },
    });
    await session.run(plans, { start, health, prepare });
  }

  /** Opens the backend that is fastest for such a branch, or gives the one that is open: timing it again takes a while. */
  async #backendFor(choice: BackendChoice, experiment: GrpoExperiment): Promise<TrainingBackend> {
    const open = this.#open;
    if (open?.choice === choice && isCurrentBackend(open.backend.backend)) return open.backend;
    const backend = await openTrainingBackend(choice, this.#options.wasmPaths, updateCost(experiment));
    this.#open = { choice, backend };
    return backend;
  }

  #dropBackend(): void {
    if (this.#open !== undefined && isCurrentBackend(this.#open.backend.backend)) dropBackend();
    this.#open = undefined;
  }
}

/** Tokens of a prompt and a completion of the rule world, about. */
const TYPICAL_POSITIONS = 48;
const TYPICAL_SCORED_ROWS = 16;

/** What the updates of one step take; the start of the demonstration has this shape. */
function updateCost({ grpo }: GrpoExperiment): StepCost {
  const sequences = grpo.prompts * grpo.samples;
  const B = Math.min(sequences, grpo.sequencesPerPass);
  const microBatches = Math.ceil(sequences / B) * grpo.innerEpochs;
  const shape = { B, T: TYPICAL_POSITIONS, scoredRows: TYPICAL_SCORED_ROWS * B, microBatches };
  return countStep(MODEL_PRESETS['lab-nano'], shape);
}

/** @throws {LabError} naming the file that cannot be used */
function readStart(files: ReadonlyMap<ModelFileName, Uint8Array>): NamedStart {
  const model = loadLabModel(files);
  const { scale, card } = model;
  // Each branch loads its own copy.
  disposeLabModel(model);
  const weights = readWeightTensors(files.get('model.safetensors') ?? new Uint8Array());
  const start = { ...startOf(model), weights };
  return { start, modelName: card.name, labelNames: scale.names };
}

/** Makes the data of branches, once for all that learn from the same. */
function preparer(start: StartModel, signal: AbortSignal): (experiment: GrpoExperiment) => Promise<PreparedGrpo> {
  const made = new Map<string, PreparedGrpo>();
  return async (experiment) => {
    const { name: _name, probeSamples: _samples, watchDivergence: _watch, grpo, ...data } = experiment;
    const key = JSON.stringify([data, grpo.tailPromptWeight, grpo.seed]);
    const known = made.get(key);
    if (known !== undefined) return known;
    const bare = await prepareGrpo(experiment, start, { signal });
    const prepared = await withPassRates(experiment, bare, start, { signal });
    made.set(key, prepared);
    return prepared;
  };
}
