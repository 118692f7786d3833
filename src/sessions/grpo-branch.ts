/**
 * One branch of a demonstration: a GRPO run whose coefficient (lambda or mu) can be changed and which can be forked at
 * its checkpoints, held in memory.
 */
import { LabError } from '../common/errors.ts';
import { withoutSleep } from '../common/work-time.ts';
import type { DataSet } from '../data/files/data-set.ts';
import type { Failure } from '../protocol/failure.ts';
import { BRANCH_KIND, type BranchRecord, type BranchEvent, type GrpoEvent } from '../protocol/grpo.ts';
import type { GrpoExperiment } from '../protocol/grpo-experiment.ts';
import type { FileData } from '../protocol/sft-experiment.ts';
import type { RunDescription } from '../protocol/tracked-run.ts';
import type { GrpoCheckpoint, GrpoCurvePoint } from '../runs/grpo-checkpoint.ts';
import { type GrpoHooks, type MeasuredPoint, runGrpo } from '../runs/grpo-run.ts';
import type { PreparedGrpo, StartModel } from '../runs/grpo-task.ts';
import { summariseGrpo } from '../runs/run-summary.ts';
import { hashWeights } from '../runs/weights-hash.ts';
import type { CoefficientMove } from '../train/mode-balance.ts';
import { measuredPoints, sampledGroups, stepEvent } from './grpo-events.ts';
import { readKeptBranch, writeKeptBranch } from './kept-branch.ts';
import type { StartFiles } from './start-files.ts';
import type { CheckpointCard, FinishedRun, RunCard, RunHooks, RunKind } from './run-kind.ts';

/** What all branches of a demonstration share. */
export interface BranchSupplies {
  readonly start: StartModel;
  /** Of the weights of {@link start}. */
  readonly startHash: string;
  readonly startFiles: StartFiles;
  readonly prepare: (experiment: GrpoExperiment) => Promise<PreparedGrpo>;
  /** Finds an imported data set. */
  readonly findData: (data: FileData) => Promise<DataSet>;
  /** Measurements of the start, by the settings that they depend on. */
  readonly startPoints: Map<string, MeasuredPoint>;
  readonly emit: (event: GrpoEvent) => void;
  /** In milliseconds. */
  readonly now: () => number;
}

/** The definition of a branch. */
export interface BranchPlan {
  /** The record by which it is restarted; its settings are those of {@link experiment}. */
  readonly record: Omit<BranchRecord, 'experiment'>;
  readonly experiment: GrpoExperiment;
  /** The branch's origin as a sentence. */
  readonly origin: string;
  /** The checkpoint to continue from: its parent's, or its own if it was stored; undefined for the start. */
  readonly from: GrpoCheckpoint | undefined;
  /** Its events so far. */
  readonly history: readonly BranchEvent[];
}

/** Automatic checkpoints of a branch to keep. */
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
  #history: BranchEvent[];
  /** Moves of the coefficient by a person, by the step from which they hold. */
  #moves: readonly CoefficientMove[];
  /** The first step whose coefficient has not been read yet. */
  #nextStep = 0;
  /** The beginning of the work that ends with the next measurement. */
  #sinceMs = 0;

  /** @throws {LabError} `bad-config` if the balance of the branch has no coefficient or does not accept this one */
  constructor(plan: BranchPlan, supplies: BranchSupplies) {
    const { record, experiment, from, history } = plan;
    this.name = record.name;
    this.experiment = experiment;
    this.#id = record.branch;
    this.#plan = plan;
    this.#supplies = supplies;
    this.#curve = [...(from?.curve ?? [])];
    this.#history = [...history];
    if (record.coefficient !== null) this.checkCoefficient(record.coefficient);
    // A coefficient set at the beginning is in no checkpoint before the first step.
    const first = record.parent?.step ?? 0;
    const isUnmoved = from === undefined || from.state.step === first;
    const begun = isUnmoved && record.coefficient !== null ? [{ step: first, value: record.coefficient }] : [];
    this.#moves = [...begun, ...record.moves];
    this.#nextStep = from?.state.step ?? 0;
    // A stored branch can be forked where it resumes, except at its last step, from which nothing continues.
    const step = from?.state.step;
    if (from !== undefined && step !== record.parent?.step && step !== experiment.grpo.steps) {
      this.#checkpoints.set(from.state.step, from);
    }
  }

  /** The events up to and including a step. */
  historyUntil(step: number): BranchEvent[] {
    return this.#history.filter((event) => stepOfEvent(event) <= step);
  }

  /** Sets the coefficient from the next step on. @throws {LabError} as {@link checkCoefficient} */
  setCoefficient(value: number): void {
    this.checkCoefficient(value);
    const step = this.#nextStep;
    this.#moves = [...this.#moves.filter((move) => move.step < step), { step, value }];
  }

  /** @throws {LabError} `bad-config` if the balance of the branch does not accept the value */
  checkCoefficient(value: number): void {
    const { balance } = this.experiment.grpo;
    const isConvex = balance.kind === 'convex' || balance.kind === 'chord';
    if (balance.kind !== 'hpt' && (!isConvex || value <= 1)) return;
    throw new LabError('bad-config', {
      message: `The balance of branch ${this.name} cannot be set to ${value}.`,
      expected: isConvex ? 'a share from 0 to 1' : `a balance with a coefficient, which ${balance.kind} does not have`,
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

  /** Announces the branch and, if it was stored, repeats its events so far. */
  begin(): void {
    const { emit } = this.#supplies;
    const { name, experiment } = this;
    const { parent } = this.#plan.record;
    const first = parent?.step ?? -1;
    const curve = measuredPoints(this.#curve).filter(({ step }) => step <= first);
    emit({ kind: 'branch', branch: this.#id, name, parent, experiment, step: Math.max(0, first), steps: experiment.grpo.steps, curve }); // prettier-ignore
    for (const event of this.#history) if (stepOfEvent(event) > first) emit({ ...event, branch: this.#id });
    for (const step of this.#checkpoints.keys()) emit({ kind: 'checkpoint', branch: this.#id, step });
  }

  async prepare(): Promise<void> {
    this.#prepared = await this.#supplies.prepare(this.experiment);
  }

  async train(from: GrpoCheckpoint | undefined, hooks: RunHooks<GrpoCheckpoint>): Promise<FinishedRun> {
    const prepared = this.#prepared ?? (await this.#supplies.prepare(this.experiment));
    this.#nextStep = from?.state.step ?? 0;
    this.#sinceMs = this.#supplies.now();
    const grpoHooks = this.#hooks(prepared, hooks);
    const { weights, tokens } = await runGrpo(this.experiment, prepared, this.#supplies.start, from, grpoHooks);
    return { weights, tokens: tokens.learned + tokens.expert };
  }

  stepOf({ state }: GrpoCheckpoint): number {
    return state.step;
  }

  finishedAt({ state: { weights, tokens } }: GrpoCheckpoint): FinishedRun {
    return { weights, tokens: tokens.learned + tokens.expert };
  }

  write(checkpoint: GrpoCheckpoint): Uint8Array<ArrayBuffer> {
    const history = this.historyUntil(checkpoint.state.step);
    const { texts, vectors } = this.#supplies.startFiles;
    return writeKeptBranch({ name: this.name, checkpoint, history, start: texts, vectors });
  }

  read(bytes: Uint8Array): GrpoCheckpoint {
    return readKeptBranch(bytes).checkpoint;
  }

  async card(): Promise<RunCard> {
    const { data, grpo } = this.experiment;
    const configJson = JSON.stringify({ ...this.#plan.record, moves: this.#moves, experiment: this.experiment });
    const dataSet = data.kind === 'file' ? await this.#supplies.findData(data) : undefined;
    return { name: this.name, configJson, totalSteps: grpo.steps, data: dataSet };
  }

  summary(checkpoint: GrpoCheckpoint | undefined): RunDescription {
    const { name, experiment } = this;
    const described = summariseGrpo({
      step: checkpoint?.state.step ?? 0,
      experiment,
      dataHash: checkpoint?.dataHash ?? this.#prepared?.dataHash ?? '',
      startHash: checkpoint?.startHash ?? this.#supplies.startHash,
      curve: checkpoint?.curve ?? [],
    });
    return { ...described, name, experiment, startUrl: this.#plan.record.modelUrl };
  }

  checkpointCard({ experiment, dataHash }: GrpoCheckpoint): CheckpointCard {
    // The store keeps imported data for as long as a checkpoint has its hash here.
    const worldHash = experiment.data.kind === 'file' ? experiment.data.sha256 : dataHash;
    return { note: this.#plan.origin, worldHash, configJson: JSON.stringify(experiment) };
  }

  /** Holds a checkpoint so that it can be forked. */
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
    this.#history = this.historyUntil(step);
    this.#supplies.emit({ kind: 'rewound', branch: this.#id, step });
  }

  /** Whether a failure concerns the settings or the numbers of this branch only, so that the others can continue. */
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
      coefficient: (step) => {
        this.#nextStep = step + 1;
        return this.#moves.findLast((move) => move.step <= step)?.value;
      },
      beforeStep: hooks.beforeStep,
      afterPass: hooks.afterPass,
      onStep: (record) => {
        hooks.checkBackend();
        this.#record(stepEvent(branch, prompts * samples, record));
      },
      onKeep: (step, groups) => this.#record({ kind: 'kept', branch, step, groups: sampledGroups(task, groups) }),
      onMeasure: (point) => {
        const { step, measures, completions } = point;
        this.#curve.push({ step, measures });
        hooks.onCompletions(step, completions);
        if (point.step === 0) startPoints.set(startKey, point);
        const measured = measuredPoints(this.#curve).at(-1);
        if (measured === undefined) return;
        const earlier = this.#history.flatMap((each) => (each.kind === 'measure' ? [each.elapsedMs] : []));
        const elapsedMs = withoutSleep(now() - this.#sinceMs, earlier);
        const event: BranchEvent = { kind: 'measure', branch, point: measured, answers: point.answers, elapsedMs };
        this.#history.push(event);
        emit(event);
      },
      onCheckpoint: async (checkpoint) => {
        await hooks.onCheckpoint(checkpoint);
        this.#sinceMs = now();
      },
    };
  }

  #record(event: BranchEvent): void {
    this.#history.push(event);
    this.#supplies.emit(event);
    this.#sinceMs = this.#supplies.now();
  }
}

function stepOfEvent(event: BranchEvent): number {
  return event.kind === 'measure' ? event.point.step : event.step;
}

/** A key of all settings that a measurement of the start depends on: data and sampling, but not the learning. */
function measuredBy({ name: _name, watchDivergence: _watch, grpo, ...data }: GrpoExperiment): string {
  const { tailPromptWeight, maxTokens, temperature, sequencesPerPass, seed } = grpo;
  return JSON.stringify([data, tailPromptWeight, maxTokens, temperature, sequencesPerPass, seed]);
}
