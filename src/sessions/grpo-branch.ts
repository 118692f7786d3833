/**
 * One branch of a demonstration: a reinforcement run that waits for its turn before each step, can be turned by its dial
 * and forked at its checkpoints. What it computes is `runGrpo`, as on the command line; nothing here changes a number. A
 * branch that loses its GPU repeats the steps since its last checkpoint on the next one.
 */
import { LabError, throwIfAborted } from '../common/errors.ts';
import { yieldToMessages } from '../common/yield.ts';
import type { Pacer } from '../common/pacing.ts';
import type { DataSet } from '../data/files/data-set.ts';
import type { BackendFault, BackendHealth } from '../gpu/current-backend.ts';
import { type Failure, failureOf } from '../protocol/failure.ts';
import type { BranchTale, GrpoEvent } from '../protocol/grpo.ts';
import type { GrpoExperiment } from '../protocol/grpo-experiment.ts';
import type { FileData } from '../protocol/sft-experiment.ts';
import type { BranchKeeper } from './branch-keeper.ts';
import type { GrpoCheckpoint, GrpoCurvePoint } from '../runs/grpo-checkpoint.ts';
import { measuredPoints, sampledGroups, stepEvent } from './grpo-events.ts';
import { type GrpoHooks, type GrpoMoment, runGrpo } from '../runs/grpo-run.ts';
import type { PreparedGrpo, StartModel } from '../runs/grpo-task.ts';
import { faultError, withMemoryNamed } from '../runs/run-failures.ts';
import type { StartFiles } from './kept-branch.ts';
import type { TurnTaker } from './turn-taking.ts';
import { hashWeights } from '../runs/weights-hash.ts';

/** What all branches of a demonstration share. */
export interface BranchContext {
  readonly start: StartModel;
  readonly startFiles: StartFiles;
  readonly turns: TurnTaker;
  /** Of the present backend. */
  readonly health: () => BackendHealth;
  /** Resolves once all branches have left the lost backend and there is another. @throws if there is none */
  readonly recover: (fault: BackendFault) => Promise<void>;
  /** Leaves room for others on the backend; undefined where it is not shared. */
  readonly pacer: () => Pacer | undefined;
  readonly signal: AbortSignal;
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
  /** Its place in the order of beginnings. */
  readonly id: number;
  readonly name: string;
  readonly experiment: GrpoExperiment;
  /** Where it was forked from; null for the start of all. */
  readonly parent: { readonly branch: number; readonly step: number } | null;
  /** What it goes on from: of its parent, or its own if it was kept; undefined for the start. */
  readonly from: GrpoCheckpoint | undefined;
  /** What has been told on the way there. */
  readonly tales: readonly BranchTale[];
  /** Writes it to the browser's storage; undefined where nothing is kept. */
  readonly keeper: BranchKeeper | undefined;
  /** Where its dial is put from the beginning; undefined to leave it to its settings, or as it was at the fork. */
  readonly dial: number | undefined;
}

/** A branch under way, or at its end. */
export class GrpoBranch {
  readonly #plan: BranchPlan;
  readonly #context: BranchContext;
  readonly #checkpoints = new Map<number, GrpoCheckpoint>();
  #curve: GrpoCurvePoint[];
  #tales: BranchTale[];
  /** The newest checkpoint; undefined for the start. */
  #last: GrpoCheckpoint | undefined;
  #dial: number | undefined;
  #step: number;
  /** When the work began that the next measurement ends. */
  #sinceMs = 0;

  /** @throws {LabError} `bad-config` if the balance of the branch has no dial, or not this position of it */
  constructor(plan: BranchPlan, context: BranchContext) {
    this.#plan = plan;
    this.#context = context;
    if (plan.dial !== undefined) this.turnDial(plan.dial);
    this.#last = plan.from;
    this.#step = plan.from?.state.step ?? 0;
    this.#curve = [...(plan.from?.curve ?? [])];
    this.#tales = [...plan.tales];
    // A branch that was kept can be forked where it goes on.
    const isEnd = this.#step === plan.experiment.grpo.steps;
    if (plan.from !== undefined && this.#step !== plan.parent?.step && !isEnd)
      this.#checkpoints.set(this.#step, plan.from);
  }

  get id(): number {
    return this.#plan.id;
  }

  get step(): number {
    return this.#step;
  }

  get name(): string {
    return this.#plan.name;
  }

  get keeper(): BranchKeeper | undefined {
    return this.#plan.keeper;
  }

  /** What was told up to a step. */
  talesUntil(step: number): BranchTale[] {
    return this.#tales.filter((tale) => stepOf(tale) <= step);
  }

  get experiment(): GrpoExperiment {
    return this.#plan.experiment;
  }

  /**
   * Turns the dial, from the next step on.
   *
   * @throws {LabError} `bad-config` if the balance of the branch has no such position
   */
  turnDial(value: number): void {
    const { balance } = this.#plan.experiment.grpo;
    const isConvex = balance.kind === 'convex' || balance.kind === 'chord';
    if (balance.kind !== 'hpt' && (!isConvex || value <= 1)) {
      this.#dial = value;
      return;
    }
    throw new LabError('bad-config', {
      message: `The balance of branch ${this.#plan.name} cannot be set to ${value}.`,
      expected: isConvex ? 'a share from 0 to 1' : `a balance with a dial, which ${balance.kind} is not`,
    });
  }

  /** The state after a number of steps. @throws {LabError} `not-found` */
  checkpointAt(step: number): GrpoCheckpoint {
    const checkpoint = this.#checkpoints.get(step);
    if (checkpoint !== undefined) return checkpoint;
    throw new LabError('not-found', {
      message: `Branch ${this.#plan.name} has no checkpoint at step ${step}.`,
      expected: `one of ${[...this.#checkpoints.keys()].join(', ')}`,
      got: String(step),
    });
  }

  /**
   * Runs to the last step; resolves when the branch has ended, whether well, by a failure of its own or by a stop.
   *
   * @throws what ends all branches: a backend that broke, memory that ran out, an error of the lab
   */
  async run(): Promise<void> {
    this.#tellBeginning();
    const { data } = this.#plan.experiment;
    await this.#plan.keeper?.begin(this.#step, data.kind === 'file' ? await this.#context.findData(data) : undefined);
    if (this.#plan.parent?.step === this.#step && this.#last !== undefined) await this.#write(this.#last);
    for (;;) {
      const fault = await this.#runOnce();
      if (fault === undefined) return;
      await this.#context.recover(fault);
      this.#rewind();
    }
  }

  /** Tells the branch and, if it was kept, all that it has told before. */
  #tellBeginning(): void {
    const { id, name, experiment, parent } = this.#plan;
    const { emit } = this.#context;
    const first = parent?.step ?? -1;
    const curve = measuredPoints(this.#curve).filter(({ step }) => step <= first);
    emit({ kind: 'branch', branch: id, name, parent, experiment, step: Math.max(0, first), steps: experiment.grpo.steps, curve }); // prettier-ignore
    for (const tale of this.#tales) if (stepOf(tale) > first) emit({ ...tale, branch: id });
    for (const step of this.#checkpoints.keys()) this.#tellCheckpoint(step);
  }

  /** Runs to the end of the branch or of the backend, whose loss it returns. */
  async #runOnce(): Promise<BackendFault | undefined> {
    const { id, experiment } = this.#plan;
    const { turns, start, signal, prepare, health } = this.#context;
    await turns.open(id, this.#step);
    try {
      throwIfAborted(signal);
      const prepared = await prepare(experiment);
      this.#sinceMs = this.#context.now();
      const { weights } = await runGrpo(experiment, prepared, start, this.#last, this.#hooks(prepared));
      this.#end(hashWeights(weights), null);
      return undefined;
    } catch (thrown) {
      const error = withMemoryNamed(thrown);
      const failure = failureOf(error);
      if (failure.code === 'aborted' && signal.aborted) return undefined;
      await yieldToMessages(); // that a device was lost is told after the call that it broke
      const { fault } = health();
      if (fault?.kind === 'lost') return fault;
      this.#checkBackend();
      if (!isOfBranch(failure)) throw error;
      this.#end(null, failure);
      return undefined;
    } finally {
      turns.leave(id);
    }
  }

  /** Back to the last checkpoint. */
  #rewind(): void {
    this.#step = this.#last?.state.step ?? 0;
    this.#curve = [...(this.#last?.curve ?? [])];
    this.#tales = this.#last === undefined ? [] : this.talesUntil(this.#step);
    this.#context.emit({ kind: 'rewound', branch: this.#plan.id, step: this.#last === undefined ? -1 : this.#step });
  }

  #hooks({ task }: PreparedGrpo): GrpoHooks {
    const { id, experiment } = this.#plan;
    const { signal, now, startPoints } = this.#context;
    const { prompts, samples } = experiment.grpo;
    const startKey = measuredBy(experiment);
    return {
      signal,
      startPoint: startPoints.get(startKey),
      dial: () => this.#dial,
      beforeStep: (moment) => this.#beforeStep(moment),
      afterPass: async () => this.#context.pacer()?.afterPiece(),
      onStep: (record) => {
        this.#step = record.step;
        this.#checkBackend();
        this.#tell(stepEvent(id, prompts * samples, record));
        this.#sinceMs = now();
      },
      onKeep: (step, groups) => {
        this.#tell({ kind: 'kept', branch: id, step, groups: sampledGroups(task, groups) });
        this.#sinceMs = now();
      },
      onMeasure: (point) => {
        this.#curve.push(point);
        if (point.step === 0) startPoints.set(startKey, point);
        const measured = measuredPoints(this.#curve).at(-1);
        if (measured === undefined) return;
        this.#tell({ kind: 'measure', branch: id, point: measured, elapsedMs: Math.max(0, now() - this.#sinceMs) });
      },
      onCheckpoint: async (checkpoint) => {
        this.#checkBackend();
        this.#keep(checkpoint);
        await this.#write(checkpoint);
        this.#sinceMs = now();
      },
    };
  }

  async #beforeStep({ step, checkpoint }: GrpoMoment): Promise<void> {
    // The start of all can be forked too.
    if (step === 0) this.#keep(await checkpoint());
    await this.#context.turns.pass(this.#plan.id, step);
    this.#checkBackend();
    this.#context.pacer()?.begin();
  }

  #keep(checkpoint: GrpoCheckpoint): void {
    const { step } = checkpoint.state;
    this.#last = checkpoint;
    const isKnown = this.#checkpoints.has(step);
    // Nothing goes on from the last step.
    if (step === this.#plan.experiment.grpo.steps || isKnown) return;
    this.#checkpoints.set(step, checkpoint);
    this.#tellCheckpoint(step);
  }

  #tellCheckpoint(step: number): void {
    this.#context.emit({ kind: 'checkpoint', branch: this.#plan.id, step });
  }

  async #write(checkpoint: GrpoCheckpoint): Promise<void> {
    const { name, keeper } = this.#plan;
    const tales = this.talesUntil(checkpoint.state.step);
    await keeper?.keep({ name, checkpoint, tales, start: this.#context.startFiles });
  }

  #tell(tale: BranchTale): void {
    this.#tales.push(tale);
    this.#context.emit(tale);
  }

  /** What a broken backend computes means nothing. */
  #checkBackend(): void {
    const { fault } = this.#context.health();
    if (fault !== undefined) throw faultError(fault);
  }

  #end(weightsHash: string | null, failure: Failure | null): void {
    this.#context.emit({ kind: 'branch-ended', branch: this.#plan.id, step: this.#step, weightsHash, failure });
  }
}

function stepOf(tale: BranchTale): number {
  return tale.kind === 'measure' ? tale.point.step : tale.step;
}

/** Whether a failure comes from the settings or the numbers of one branch, so that the others can go on. */
function isOfBranch({ code }: Failure): boolean {
  return code === 'not-finite' || code === 'bad-config';
}

/** All settings that a measurement of the start depends on: the data and the sampling, and not how is learned. */
function measuredBy({ name: _name, watchDivergence: _watch, grpo, ...data }: GrpoExperiment): string {
  const { tailPromptWeight, maxTokens, temperature, sequencesPerPass, seed } = grpo;
  return JSON.stringify([data, tailPromptWeight, maxTokens, temperature, sequencesPerPass, seed]);
}
