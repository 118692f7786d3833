/**
 * A demonstration: branches of one start, side by side in a session. It stays open after its branches have ended, so
 * that a reader can fork from an earlier checkpoint.
 */
import type * as v from 'valibot';
import { newId } from '../checkpoint/manifest.ts';
import { LabError, throwIfAborted } from '../common/errors.ts';
import { countParameters, type ModelConfig } from '../config/model-config.ts';
import type { DataSet } from '../data/files/data-set.ts';
import type { StepShape } from '../gpu/step-work.ts';
import { disposeLabModel, readLabModel, readWeightTensors, toBackend } from '../infer/lab-model.ts';
import {
  type BranchRecord,
  type GrpoCommand,
  type GrpoEvent,
  type GrpoRequestSchema,
  MAX_BRANCHES,
} from '../protocol/grpo.ts';
import { type GrpoExperiment, parseGrpoExperiment } from '../protocol/grpo-experiment.ts';
import type { FileData } from '../protocol/sft-experiment.ts';
import type { GrpoCheckpoint } from '../runs/grpo-checkpoint.ts';
import { type PreparedGrpo, prepareGrpo, startOf, type StartModel } from '../runs/grpo-task.ts';
import { type PassCounts, type PassRateOptions, withPassRates } from '../runs/pass-rates.ts';
import { recordedPairs } from '../runs/recorded-answers.ts';
import { checkWeightsHash, hashWeights } from '../runs/weights-hash.ts';
import { COLLAPSE_BOUNDS } from '../protocol/collapse-bounds.ts';
import { type BranchPlan, type BranchSupplies, GrpoBranch } from './grpo-branch.ts';
import { ruleInfos } from './grpo-events.ts';
import { type KeptBranch, readKeptBranch } from './kept-branch.ts';
import type { ModelFiles } from './model-source.ts';
import { startFiles } from './start-files.ts';
import type { RunStore } from './run-store.ts';
import type { Session } from './session.ts';
import { SessionRun } from './session-run.ts';

export type ParsedGrpoRequest = v.InferOutput<typeof GrpoRequestSchema>;

/** A branch as requested, with its stored state. */
export interface ReadBranch {
  readonly name: string;
  readonly experiment: GrpoExperiment;
  readonly pace: number;
  /** The stored branch to resume; null for a new branch. */
  readonly kept: ParsedGrpoRequest['branches'][number]['kept'];
  /** Its checkpoint; undefined to start over. */
  readonly branch: KeptBranch | undefined;
}

/** What a demonstration needs from the worker. */
export interface DemonstrationSupplies {
  readonly emit: (event: GrpoEvent) => void;
  /** In milliseconds. */
  readonly now: () => number;
  readonly findData: (data: FileData) => Promise<DataSet>;
}

/** The branches of a request with their stored state. @throws {LabError} if that cannot be read */
export async function readBranches(
  { branches }: ParsedGrpoRequest,
  openStore: (() => Promise<RunStore>) | undefined,
): Promise<ReadBranch[]> {
  return Promise.all(
    branches.map(async ({ name, experiment, pace, kept }) => {
      const id = kept?.checkpointId ?? null;
      const settings = parseGrpoExperiment(`Branch ${name}`, experiment);
      if (id === null || openStore === undefined) return { name, experiment: settings, pace, kept, branch: undefined };
      const branch = readKeptBranch((await (await openStore()).load(id)).payload);
      return { name, experiment: branch.checkpoint.experiment, pace, kept, branch };
    }),
  );
}

interface BegunBranch {
  readonly branch: GrpoBranch;
  readonly run: SessionRun<GrpoCheckpoint>;
}

export class Demonstration {
  readonly #session: Session;
  readonly #identity: Pick<BranchRecord, 'demonstration' | 'modelUrl'>;
  readonly #modelName: string;
  readonly #supplies: BranchSupplies;
  readonly #branches: BegunBranch[] = [];

  private constructor(
    session: Session,
    identity: Pick<BranchRecord, 'demonstration' | 'modelUrl'>,
    modelName: string,
    supplies: BranchSupplies,
  ) {
    this.#session = session;
    this.#identity = identity;
    this.#modelName = modelName;
    this.#supplies = supplies;
  }

  /**
   * Opens a backend, loads the start model onto it, and begins the branches.
   *
   * @throws {LabError} naming what cannot be used; `aborted`
   */
  static async begin(
    session: Session,
    {
      modelUrl,
      demonstration,
      startHash: expectedHash,
    }: Pick<ParsedGrpoRequest, 'modelUrl' | 'demonstration' | 'startHash'>,
    branches: readonly ReadBranch[],
    files: ModelFiles,
    { emit, now, findData }: DemonstrationSupplies,
  ): Promise<Demonstration> {
    const { signal } = session;
    await session.backend();
    throwIfAborted(signal);
    const read = readLabModel(files);
    const model = await toBackend(read);
    // Each branch loads a copy of its own.
    disposeLabModel(model);
    const start = { ...startOf(model), weights: await readWeightTensors(read) };
    const startHash = hashWeights(start.weights);
    checkWeightsHash('start', expectedHash, startHash);
    const prepare = preparer(start, { findData, signal, emit });
    const [first] = branches;
    if (first === undefined) throw new LabError('bad-config', { message: 'A demonstration needs a branch.' });
    const { dataHash, rules, dev } = await prepare(first.experiment);
    const { name: modelName } = model.card;
    emit({
      kind: 'prepared',
      modelName,
      parameters: countParameters(start.config),
      worldHash: dataHash,
      rules: ruleInfos(rules),
      labelNames: [...model.scale.names],
      pairs: recordedPairs(rules, dev),
      startHash,
      bounds: { ...COLLAPSE_BOUNDS },
    });
    const supplies = {
      start,
      startHash,
      startFiles: startFiles(files),
      prepare,
      findData,
      startPoints: new Map(),
      emit,
      now,
    };
    const identity = { demonstration: demonstration ?? newId(), modelUrl };
    const begun = new Demonstration(session, identity, modelName, supplies);
    for (const { name, experiment, pace, kept, branch } of branches) {
      const from = branch?.checkpoint;
      const parent = from === undefined ? null : (kept?.parent ?? null);
      const plan = {
        name,
        experiment,
        pace,
        parent,
        from,
        history: branch?.history ?? [],
        coefficient: kept?.coefficient ?? null,
        moves: kept?.moves ?? [],
      };
      begun.#begin(plan, kept?.runId, kept?.checkpointId ?? null);
    }
    return begun;
  }

  /** Applies a command; one that cannot be followed is reported. */
  apply(command: GrpoCommand): void {
    switch (command.kind) {
      case 'coefficient':
        this.#session.attempt(() => {
          const { branch, run } = this.#at(command.branch);
          branch.setCoefficient(command.value);
          void run.amend();
        });
        break;
      case 'fork':
        this.#session.attempt(() => this.#fork(command));
        break;
      default:
        this.#session.apply(command);
    }
  }

  #fork({ branch, step, name, coefficient }: Extract<GrpoCommand, { kind: 'fork' }>): void {
    const parent = this.#at(branch);
    const from = parent.branch.checkpointAt(step);
    if (this.#branches.length >= MAX_BRANCHES) {
      throw new LabError('bad-config', {
        message: 'There is no room for another branch.',
        expected: `at most ${MAX_BRANCHES} branches`,
        got: `${this.#branches.length + 1}`,
        fix: 'Reset the demonstration and begin with fewer branches.',
      });
    }
    const { experiment } = parent.branch;
    const history = parent.branch.historyUntil(step);
    this.#begin(
      { name, experiment, pace: 1, parent: { branch, step }, from, history, coefficient, moves: [] },
      undefined,
      parent.run.keptIdAt(step),
    );
  }

  /** @param parentId - the stored checkpoint that the branch continues from */
  #begin(
    {
      name,
      pace,
      parent,
      coefficient,
      moves,
      ...plan
    }: Pick<BranchRecord, 'name' | 'parent' | 'coefficient' | 'moves'> &
      Pick<ReadBranch, 'pace'> &
      Omit<BranchPlan, 'record' | 'origin'>,
    runId: string | undefined,
    parentId: string | null,
  ): void {
    const id = this.#branches.length;
    const origin =
      parent === null
        ? `Started from ${this.#modelName}.`
        : `Forked from ${this.#branches[parent.branch]?.branch.name ?? 'another branch'} at step ${parent.step}.`;
    const record = { ...this.#identity, branch: id, name, parent, coefficient, moves };
    const branch = new GrpoBranch({ ...plan, record, origin }, this.#supplies);
    const isFork = parent !== null && parent.step === plan.from?.state.step;
    const parentRunId = parent === null ? null : (this.#branches[parent.branch]?.run.runId ?? null);
    const start = { turn: id, pace, runId, from: plan.from, parentId, parentRunId, isFork };
    const run = new SessionRun(branch, start, this.#session);
    this.#branches.push({ branch, run });
    this.#session.begin(run);
  }

  /** @throws {LabError} `not-found` */
  #at(id: number): BegunBranch {
    const found = this.#branches[id];
    if (found !== undefined) return found;
    throw new LabError('not-found', {
      message: 'There is no such branch.',
      expected: `a branch from 0 to ${this.#branches.length - 1}`,
      got: String(id),
    });
  }
}

/** Prepares data once for all branches with the same data; pass rates of the start are measured once. */
function preparer(
  start: StartModel,
  { findData, signal, emit }: Pick<DemonstrationSupplies, 'findData' | 'emit'> & { readonly signal: AbortSignal },
): BranchSupplies['prepare'] {
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
    emit({ kind: 'preparing', stage: 'data' });
    const bare = await prepareGrpo(experiment, start, { findData, signal });
    if (experiment.passRates !== null) emit({ kind: 'preparing', stage: 'pass-rates' });
    const prepared = await withPassRates(experiment, bare, start, { signal, keep });
    made.set(key, prepared);
    return prepared;
  };
}

/** Approximate number of tokens in a prompt with its completion, in the rule world. */
const TYPICAL_POSITIONS = 48;
const TYPICAL_SCORED_ROWS = 16;

/** The shape of the updates of one step, for timing backends. */
export function updateShape({ grpo }: GrpoExperiment, { maxPositions }: ModelConfig): StepShape {
  const sequences = grpo.prompts * grpo.samples;
  const B = Math.min(sequences, grpo.sequencesPerPass);
  const microBatches = Math.ceil(sequences / B) * grpo.innerEpochs;
  return { B, T: Math.min(TYPICAL_POSITIONS, maxPositions), scoredRows: TYPICAL_SCORED_ROWS * B, microBatches };
}
