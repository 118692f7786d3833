/**
 * One branch of a demonstration as a session runs it: a reinforcement run whose dial can be turned and that can be forked at
 * its checkpoints, which it holds in memory.
 */
import { LabError } from '../common/errors.ts';
import type { DataSet } from '../data/files/data-set.ts';
import type { Failure } from '../protocol/failure.ts';
import { BRANCH_KIND, type BranchRecord, type BranchTale, type GrpoEvent } from '../protocol/grpo.ts';
import type { GrpoExperiment } from '../protocol/grpo-experiment.ts';
import type { FileData } from '../protocol/sft-experiment.ts';
import type { GrpoCheckpoint, GrpoCurvePoint } from '../runs/grpo-checkpoint.ts';
import { type GrpoHooks, runGrpo } from '../runs/grpo-run.ts';
import type { PreparedGrpo, StartModel } from '../runs/grpo-task.ts';
import { hashWeights } from '../runs/weights-hash.ts';
import { measuredPoints, sampledGroups, stepEvent } from './grpo-events.ts';
import { readKeptBranch, writeKeptBranch } from './kept-branch.ts';
import type { ModelTexts } from './model-texts.ts';
import type { CheckpointCard, FinishedRun, RunCard, RunHooks, RunKind } from './run-kind.ts';

/** What all branches of a demonstration share. */
export interface BranchSupplies {
  readonly start: StartModel;
  readonly startTexts: ModelTexts;
  readonly prepare: (experiment: GrpoExperiment) => Promise<PreparedGrpo>;
  /** Finds an imported data set. */
  readonly findData: (data: FileData) => Promise<DataSet>;
  /** What has been measured of the start, by what decides such a measurement. */
  readonly startPoints: Map<string, GrpoCurvePoint>;
  readonly emit: (event: GrpoEvent) => void;
  /** In milliseconds. */
  readonly now: () => number;
}

/** What decides a branch. */
export interface BranchPlan {
  /** By which it is begun again; its settings are those of {@link experiment}. */
  readonly record: Omit<BranchRecord, 'experiment'>;
  readonly experiment: GrpoExperiment;
  /** Where it comes from, in words. */
  readonly origin: string;
  /** What it goes on from: of its parent, or its own if it was kept; undefined for the start. */
  readonly from: GrpoCheckpoint | undefined;
  /** What has been told on the way there. */
  readonly tales: readonly BranchTale[];
}

/** Automatic checkpoints of a branch that are kept. */
const KEPT_CHECKPOINTS = 2;

export class GrpoBranch implements RunKind<GrpoCheckpoint> {
  readonly kind = BRANCH_KIND;
  readonly name: string;
  readonly experiment: GrpoExperiment;
  readonly keptCheckpoints = KEPT_CHECKPOINTS;
  readonly holdsCheckpoints = true;
  readonly #id: number;
  readonly #plan: BranchPlan;
  readonly #supplies: BranchSupplies;
  readonly #checkpoints = new Map<number, GrpoCheckpoint>();
  #prepared: PreparedGrpo | undefined;
  #curve: GrpoCurvePoint[];
  #tales: BranchTale[];
  #dial: number | undefined;
  /** When the work began that the next measurement ends. */
  #sinceMs = 0;

  /** @throws {LabError} `bad-config` if the balance of the branch has no dial, or not this position of it */
  constructor(plan: BranchPlan, supplies: BranchSupplies) {
    const { record, experiment, from, tales } = plan;
    this.name = record.name;
    this.experiment = experiment;
    this.#id = record.branch;
    this.#plan = plan;
    this.#supplies = supplies;
    this.#curve = [...(from?.curve ?? [])];
    this.#tales = [...tales];
    if (record.dial !== null) this.checkDial(record.dial);
    // A dial that was put at the beginning is in no checkpoint until a step was made.
    const isUnmoved = from === undefined || from.state.step === record.parent?.step;
    if (isUnmoved) this.#dial = record.dial ?? undefined;
    // A branch that was kept can be forked where it goes on; nothing goes on from the last step.
    const step = from?.state.step;
    if (from !== undefined && step !== record.parent?.step && step !== experiment.grpo.steps) {
      this.#checkpoints.set(from.state.step, from);
    }
  }

  /** What was told up to a step. */
  talesUntil(step: number): BranchTale[] {
    return this.#tales.filter((tale) => stepOfTale(tale) <= step);
  }

  /** Turns the dial, from the next step on. @throws {LabError} as {@link checkDial} */
  turnDial(value: number): void {
    this.checkDial(value);
    this.#dial = value;
  }

  /** @throws {LabError} `bad-config` if the balance of the branch has no such position */
  checkDial(value: number): void {
    const { balance } = this.experiment.grpo;
    const isConvex = balance.kind === 'convex' || balance.kind === 'chord';
    if (balance.kind !== 'hpt' && (!isConvex || value <= 1)) return;
    throw new LabError('bad-config', {
      message: `The balance of branch ${this.name} cannot be set to ${value}.`,
      expected: isConvex ? 'a share from 0 to 1' : `a balance with a dial, which ${balance.kind} is not`,
    });
  }

  /** The state after a number of steps. @throws {LabError} `not-found` */
  checkpointAt(step: number): GrpoCheckpoint {
    const checkpoint = this.#checkpoints.get(step);
    if (checkpoint !== undefined) return checkpoint;
    throw new LabError('not-found', {
      message: `Branch ${this.name} has no checkpoint at step ${step}.`,
      expected: `one of ${[...this.#checkpoints.keys()].join(', ')}`,
      got: String(step),
    });
  }

  /** Tells the branch and, if it was kept, all that it has told before. */
  begin(): void {
    const { emit } = this.#supplies;
    const { name, experiment } = this;
    const { parent } = this.#plan.record;
    const first = parent?.step ?? -1;
    const curve = measuredPoints(this.#curve).filter(({ step }) => step <= first);
    emit({ kind: 'branch', branch: this.#id, name, parent, experiment, step: Math.max(0, first), steps: experiment.grpo.steps, curve }); // prettier-ignore
    for (const tale of this.#tales) if (stepOfTale(tale) > first) emit({ ...tale, branch: this.#id });
    for (const step of this.#checkpoints.keys()) emit({ kind: 'checkpoint', branch: this.#id, step });
  }

  async prepare(): Promise<void> {
    this.#prepared = await this.#supplies.prepare(this.experiment);
  }

  async train(from: GrpoCheckpoint | undefined, hooks: RunHooks<GrpoCheckpoint>): Promise<FinishedRun> {
    const prepared = this.#prepared ?? (await this.#supplies.prepare(this.experiment));
    this.#sinceMs = this.#supplies.now();
    const grpoHooks = this.#hooks(prepared, hooks);
    const { weights, tokens } = await runGrpo(this.experiment, prepared, this.#supplies.start, from, grpoHooks);
    return { weights, tokens: tokens.learned + tokens.expert };
  }

  stepOf({ state }: GrpoCheckpoint): number {
    return state.step;
  }

  write(checkpoint: GrpoCheckpoint): Uint8Array<ArrayBuffer> {
    const tales = this.talesUntil(checkpoint.state.step);
    return writeKeptBranch({ name: this.name, checkpoint, tales, start: this.#supplies.startTexts });
  }

  read(bytes: Uint8Array): GrpoCheckpoint {
    return readKeptBranch(bytes).checkpoint;
  }

  async card(): Promise<RunCard> {
    const { data, grpo } = this.experiment;
    const configJson = JSON.stringify({ ...this.#plan.record, experiment: this.experiment });
    const dataSet = data.kind === 'file' ? await this.#supplies.findData(data) : undefined;
    return { name: this.name, configJson, totalSteps: grpo.steps, data: dataSet };
  }

  checkpointCard({ experiment, dataHash }: GrpoCheckpoint): CheckpointCard {
    // By this name the store keeps imported data for as long as a checkpoint needs it.
    const worldHash = experiment.data.kind === 'file' ? experiment.data.sha256 : dataHash;
    return { note: this.#plan.origin, worldHash, configJson: JSON.stringify(experiment) };
  }

  /** Holds a checkpoint, to be forked from. */
  onCheckpoint(checkpoint: GrpoCheckpoint): void {
    const { step } = checkpoint.state;
    const isLast = step === this.experiment.grpo.steps;
    if (isLast || this.#checkpoints.has(step) || checkpoint === this.#plan.from) return;
    this.#checkpoints.set(step, checkpoint);
    this.#supplies.emit({ kind: 'checkpoint', branch: this.#id, step });
  }

  onUnsaved(step: number, failure: Failure): void {
    this.#supplies.emit({ kind: 'unsaved', branch: this.#id, step, ...failure });
  }

  onRewound(to: GrpoCheckpoint | undefined): void {
    const step = to?.state.step ?? -1;
    this.#curve = [...(to?.curve ?? [])];
    this.#tales = this.talesUntil(step);
    this.#supplies.emit({ kind: 'rewound', branch: this.#id, step });
  }

  /** A failure of the settings or the numbers of one branch; the others can go on. */
  endsAlone({ code }: Failure): boolean {
    return code === 'not-finite' || code === 'bad-config';
  }

  onEnded(step: number, end: { readonly finished: FinishedRun } | { readonly failure: Failure }): void {
    const weightsHash = 'finished' in end ? hashWeights(end.finished.weights) : null;
    const failure = 'failure' in end ? end.failure : null;
    this.#supplies.emit({ kind: 'branch-ended', branch: this.#id, step, weightsHash, failure });
  }

  #hooks({ task }: PreparedGrpo, hooks: RunHooks<GrpoCheckpoint>): GrpoHooks {
    const { experiment } = this;
    const branch = this.#id;
    const { now, startPoints, emit } = this.#supplies;
    const { prompts, samples } = experiment.grpo;
    const startKey = measuredBy(experiment);
    return {
      signal: hooks.signal,
      startPoint: startPoints.get(startKey),
      dial: () => this.#dial,
      beforeStep: hooks.beforeStep,
      afterPass: hooks.afterPass,
      onStep: (record) => {
        hooks.checkBackend();
        this.#tell(stepEvent(branch, prompts * samples, record));
      },
      onKeep: (step, groups) => this.#tell({ kind: 'kept', branch, step, groups: sampledGroups(task, groups) }),
      onMeasure: (point) => {
        this.#curve.push(point);
        if (point.step === 0) startPoints.set(startKey, point);
        const measured = measuredPoints(this.#curve).at(-1);
        if (measured === undefined) return;
        const elapsedMs = Math.max(0, now() - this.#sinceMs);
        const tale: BranchTale = { kind: 'measure', branch, point: measured, elapsedMs };
        this.#tales.push(tale);
        emit(tale);
      },
      onCheckpoint: async (checkpoint) => {
        await hooks.onCheckpoint(checkpoint);
        this.#sinceMs = now();
      },
    };
  }

  #tell(tale: BranchTale): void {
    this.#tales.push(tale);
    this.#supplies.emit(tale);
    this.#sinceMs = this.#supplies.now();
  }
}

function stepOfTale(tale: BranchTale): number {
  return tale.kind === 'measure' ? tale.point.step : tale.step;
}

/** All settings that a measurement of the start depends on: the data and the sampling, and not how is learned. */
function measuredBy({ name: _name, watchDivergence: _watch, grpo, ...data }: GrpoExperiment): string {
  const { tailPromptWeight, maxTokens, temperature, sequencesPerPass, seed } = grpo;
  return JSON.stringify([data, tailPromptWeight, maxTokens, temperature, sequencesPerPass, seed]);
}
