/**
 * The reinforcement side of the thread boundary: one demonstration at a time, from a model folder of the page's own origin.
 * All that arrives is parsed; all that goes wrong leaves as a typed failure, and another demonstration can be begun.
 */
import type * as v from 'valibot';
import { LabError, throwIfAborted } from '../common/errors.ts';
import { newId } from '../checkpoint/manifest.ts';
import { countParameters } from '../config/model-config.ts';
import { parseConfig } from '../config/parse.ts';
import { MODEL_PRESETS } from '../config/presets.ts';
import type { DataSet } from '../data/files/data-set.ts';
import { dropBackend, isCurrentBackend, watchBackend } from '../gpu/current-backend.ts';
import type { BackendRequest } from '../gpu/device.ts';
import type { StepShape } from '../gpu/step-work.ts';
import {
  disposeLabModel,
  loadLabModel,
  MODEL_FILES,
  type ModelFileName,
  readWeightTensors,
} from '../infer/lab-model.ts';
import { fetchModel } from '../infer/model-fetch.ts';
import { untilDelivered } from '../protocol/delivery.ts';
import { failureOf } from '../protocol/failure.ts';
import {
  checkpointIdIn,
  type GrpoApi,
  type GrpoCommand,
  GrpoCommandSchema,
  type GrpoEvent,
  type GrpoEventOf,
  type GrpoRequest,
  GrpoRequestSchema,
} from '../protocol/grpo.ts';
import { type GrpoExperiment, parseGrpoExperiment } from '../protocol/grpo-experiment.ts';
import {
  type DataSummary,
  type ReadDataRequest,
  ReadDataRequestSchema,
  type ReadRulesRequest,
  ReadRulesRequestSchema,
  type RulesSummary,
} from '../protocol/imported-data.ts';
import type { BackendChoice } from '../protocol/scoring.ts';
import type { FileData } from '../protocol/sft-experiment.ts';
import { COLLAPSE_BOUNDS } from '../train/collapse.ts';
import { DataLibrary } from './data-library.ts';
import { ruleInfos } from './grpo-events.ts';
import { GrpoSession, type NamedExperiment, type OpenSessionBackend } from './grpo-session.ts';
import {
  type PreparedGrpo,
  type PrepareGrpoOptions,
  prepareGrpo,
  startOf,
  type StartModel,
} from '../runs/grpo-task.ts';
import { modelInCheckpoint } from './model-in-checkpoint.ts';
import { type PassCounts, type PassRateOptions, withPassRates } from '../runs/pass-rates.ts';
import { readKeptBranch, type StartFiles } from './kept-branch.ts';
import { openTrainingBackend, type TrainingBackend } from './run-backend.ts';
import type { RunStore } from './run-store.ts';

/** What the worker gives to the service. */
export interface GrpoServiceOptions {
  readonly wasmPaths: BackendRequest['wasmPaths'];
  /** Gets the files of a model; default: by fetching them. */
  readonly getModel?: (modelUrl: string) => Promise<ReadonlyMap<ModelFileName, Uint8Array>>;
  /** A clock in milliseconds, default `performance.now`. */
  readonly now?: () => number;
  /** Where branches are kept; default: nowhere. */
  readonly openStore?: () => Promise<RunStore>;
}

/** A start with what is said of it. */
interface NamedStart {
  readonly start: StartModel;
  readonly files: StartFiles;
  readonly modelName: string;
  readonly labelNames: readonly string[];
}

type TellStage = (stage: GrpoEventOf<'preparing'>['stage']) => void;
type ParsedBranch = v.InferOutput<typeof GrpoRequestSchema>['branches'][number];

/** Runs one demonstration at a time. */
export class GrpoService implements GrpoApi {
  readonly #options: GrpoServiceOptions;
  readonly #library = new DataLibrary(async (sha256) => (await this.#options.openStore?.())?.data.load(sha256));
  #session: GrpoSession | undefined;
  /** The backend that was opened last, and what was asked for then. */
  #open: { readonly choice: BackendChoice; readonly backend: TrainingBackend } | undefined;

  constructor(options: GrpoServiceOptions) {
    this.#options = options;
  }

  async readData(request: ReadDataRequest): Promise<DataSummary> {
    return this.#library.read(parseConfig('The files of a data set', ReadDataRequestSchema, request).files);
  }

  async readRules(request: ReadRulesRequest): Promise<RulesSummary> {
    return this.#library.readRules(parseConfig('The files of own rules', ReadRulesRequestSchema, request));
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
    const parsed = parseConfig('The request', GrpoRequestSchema, request);
    const { modelUrl, backend: choice, demonstration } = parsed;
    session.isVisible = parsed.isVisible;
    const { openStore } = this.#options;
    const plans = await Promise.all(parsed.branches.map((branch) => readPlan(branch, openStore)));
    const [first] = plans;
    if (first === undefined) return;
    const { signal } = session;

    const open = async (): Promise<OpenSessionBackend> => {
      const { rates: _, ...spoken } = await this.#backendFor(choice, first.experiment);
      emit({ kind: 'backend', ...spoken, problems: [...spoken.problems] });
      return { health: watchBackend(), isShared: spoken.backend === 'webgpu' };
    };
    const reopen = (): Promise<OpenSessionBackend> => {
      this.#dropBackend();
      return open();
    };
    const backend = await open();
    throwIfAborted(signal);
    emit({ kind: 'preparing', stage: 'model' });
    const { start, files, modelName, labelNames } = readStart(await this.#modelAt(modelUrl));
    throwIfAborted(signal);

    const findData = (data: FileData): Promise<DataSet> => this.#library.find(data);
    const prepare = preparer(start, { findData, signal, onStage: (stage) => emit({ kind: 'preparing', stage }) });
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
    const named = { modelUrl, modelName, demonstration: demonstration ?? newId() };
    await session.run(plans, { ...named, start, startFiles: files, backend, reopen, openStore, prepare, findData });
  }

  /** The files of a model in a folder, or in a checkpoint that this browser keeps. */
  async #modelAt(modelUrl: string): Promise<ReadonlyMap<ModelFileName, Uint8Array>> {
    const { openStore, getModel = (url) => fetchModel(url, () => undefined) } = this.#options;
    const id = checkpointIdIn(modelUrl);
    if (id === undefined || openStore === undefined) return getModel(modelUrl);
    const { manifest, payload } = await (await openStore()).load(id);
    const files = await modelInCheckpoint(manifest, payload);
    return new Map(MODEL_FILES.map((name) => [name, files[name]]));
  }

  /** Opens the backend that is fastest for such a branch, or gives the one that is open: timing it again takes a while. */
  async #backendFor(choice: BackendChoice, experiment: GrpoExperiment): Promise<TrainingBackend> {
    const open = this.#open;
    if (open?.choice === choice && isCurrentBackend(open.backend.backend)) return open.backend;
    const backend = await openTrainingBackend(
      choice,
      this.#options.wasmPaths,
      MODEL_PRESETS['lab-nano'],
      updateShape(experiment),
    );
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

/** The updates of one step; the start of the demonstration is a `lab-nano`. */
function updateShape({ grpo }: GrpoExperiment): StepShape {
  const sequences = grpo.prompts * grpo.samples;
  const B = Math.min(sequences, grpo.sequencesPerPass);
  const microBatches = Math.ceil(sequences / B) * grpo.innerEpochs;
  return { B, T: TYPICAL_POSITIONS, scoredRows: TYPICAL_SCORED_ROWS * B, microBatches };
}

/** A branch with what is kept of it. @throws {LabError} if that cannot be read */
async function readPlan(
  { name, experiment, kept }: ParsedBranch,
  openStore: (() => Promise<RunStore>) | undefined,
): Promise<NamedExperiment> {
  const plan = { name, experiment: parseGrpoExperiment(`Branch ${name}`, experiment) };
  if (kept === null) return plan;
  const { checkpointId } = kept;
  if (checkpointId === null || openStore === undefined) return { ...plan, kept: { ...kept, branch: undefined } };
  const { payload } = await (await openStore()).load(checkpointId);
  const branch = readKeptBranch(payload);
  return { ...plan, experiment: branch.checkpoint.experiment, kept: { ...kept, branch } };
}

/** @throws {LabError} naming the file that cannot be used */
function readStart(files: ReadonlyMap<ModelFileName, Uint8Array>): NamedStart {
  const model = loadLabModel(files);
  const { scale, card } = model;
  const json = (name: ModelFileName): unknown => JSON.parse(new TextDecoder().decode(files.get(name)));
  // Each branch loads its own copy.
  disposeLabModel(model);
  const weights = readWeightTensors(files.get('model.safetensors') ?? new Uint8Array());
  const start = { ...startOf(model), weights };
  const texts = { config: json('config.json'), tokenizer: json('tokenizer.json'), lab: json('lab.json'), card };
  return { start, files: texts, modelName: card.name, labelNames: scale.names };
}

/** Makes the data of branches, once for all that learn from the same; pass rates of the start are measured once. */
function preparer(
  start: StartModel,
  { findData, signal, onStage }: Pick<PrepareGrpoOptions, 'findData' | 'signal'> & { onStage: TellStage },
): (experiment: GrpoExperiment) => Promise<PreparedGrpo> {
  const made = new Map<string, PreparedGrpo>();
  const measured = new Map<string, PassCounts>();
  const keep: PassRateOptions['keep'] = async (name, measure) => {
    const counts = measured.get(name) ?? (await measure());
    measured.set(name, counts);
    return counts;
  };
  return async (experiment) => {
    const { name: _name, probeSamples: _samples, watchDivergence: _watch, grpo, ...data } = experiment;
    const key = JSON.stringify([data, grpo.tailPromptWeight, grpo.seed]);
    const known = made.get(key);
    if (known !== undefined) return known;
    onStage('data');
    const bare = await prepareGrpo(experiment, start, { findData, signal });
    if (experiment.passRates !== null) onStage('pass-rates');
    const prepared = await withPassRates(experiment, bare, start, { signal, keep });
    made.set(key, prepared);
    return prepared;
  };
}
