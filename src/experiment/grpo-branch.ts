/**
 * One branch of a demonstration: a reinforcement run that waits for its turn before each step, can be turned by its dial
 * and forked at its checkpoints. What it computes is `runGrpo`, as on the command line; nothing here changes a number.
 */
import { LabError, throwIfAborted } from '../common/errors.ts';
import { yieldToMessages } from '../common/yield.ts';
import type { BackendHealth } from '../gpu/current-backend.ts';
import { type Failure, failureOf } from '../protocol/failure.ts';
import type { GrpoEvent } from '../protocol/grpo.ts';
import type { GrpoExperiment } from '../protocol/grpo-experiment.ts';
import type { GrpoCheckpoint, GrpoCurvePoint } from './grpo-checkpoint.ts';
import { measuredPoints, sampledGroups, stepEvent } from './grpo-events.ts';
import { type GrpoHooks, type GrpoMoment, runGrpo, type StartModel } from './grpo-run.ts';
import type { PreparedGrpo } from './grpo-task.ts';
import { faultError, withMemoryNamed } from './run-failures.ts';
import type { TurnTaker } from './turn-taking.ts';
import { hashWeights } from './weights-hash.ts';

/** What all branches of a demonstration share. */
export interface BranchContext {
  readonly start: StartModel;
  readonly turns: TurnTaker;
  readonly health: BackendHealth;
  readonly signal: AbortSignal;
  readonly prepare: (experiment: GrpoExperiment) => Promise<PreparedGrpo>;
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
  /** Where it begins; undefined for the start of all. */
  readonly fork: { readonly branch: number; readonly checkpoint: GrpoCheckpoint } | undefined;
  /** Where its dial is put from the beginning; undefined to leave it to its settings, or as it was at the fork. */
  readonly dial: number | undefined;
}

/** A branch under way, or at its end. */
export class GrpoBranch {
  readonly #plan: BranchPlan;
  readonly #context: BranchContext;
  readonly #checkpoints = new Map<number, GrpoCheckpoint>();
  readonly #curve: GrpoCurvePoint[];
  #dial: number | undefined;
  #step: number;
  /** When the work began that the next measurement ends. */
  #sinceMs = 0;

  /** @throws {LabError} `bad-config` if the balance of the branch has no dial, or not this position of it */
  constructor(plan: BranchPlan, context: BranchContext) {
    this.#plan = plan;
    this.#context = context;
    if (plan.dial !== undefined) this.turnDial(plan.dial);
    this.#step = plan.fork?.checkpoint.state.step ?? 0;
    this.#curve = [...(plan.fork?.checkpoint.curve ?? [])];
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
    const { id, name, experiment, fork } = this.#plan;
    const { turns, start, signal, prepare, emit } = this.#context;
    const { steps } = experiment.grpo;
    const parent = fork === undefined ? null : { branch: fork.branch, step: fork.checkpoint.state.step };
    const curve = measuredPoints(this.#curve);
    emit({ kind: 'branch', branch: id, name, parent, experiment, step: this.#step, steps, curve });
    await turns.open(id, this.#step);
    try {
      throwIfAborted(signal);
      const prepared = await prepare(experiment);
      this.#sinceMs = this.#context.now();
      const { weights } = await runGrpo(experiment, prepared, start, fork?.checkpoint, this.#hooks(prepared));
      this.#end(hashWeights(weights), null);
    } catch (thrown) {
      const error = withMemoryNamed(thrown);
      const failure = failureOf(error);
      if (failure.code === 'aborted' && signal.aborted) return;
      await yieldToMessages(); // that a device was lost is told after the call that it broke
      this.#checkBackend();
      if (!isOfBranch(failure)) throw error;
      this.#end(null, failure);
    } finally {
      turns.leave(id);
    }
  }

  #hooks({ task }: PreparedGrpo): GrpoHooks {
    const { id, experiment } = this.#plan;
    const { emit, signal, now, startPoints } = this.#context;
    const { prompts, samples } = experiment.grpo;
    const startKey = measuredBy(experiment);
    return {
      signal,
      startPoint: startPoints.get(startKey),
      dial: () => this.#dial,
      beforeStep: (moment) => this.#beforeStep(moment),
      onStep: (record) => {
        this.#step = record.step;
        this.#checkBackend();
        emit(stepEvent(id, prompts * samples, record));
        this.#sinceMs = now();
      },
      onKeep: (step, groups) => {
        emit({ kind: 'kept', branch: id, step, groups: sampledGroups(task, groups) });
        this.#sinceMs = now();
      },
      onMeasure: (point) => {
        this.#curve.push(point);
        if (point.step === 0) startPoints.set(startKey, point);
        const measured = measuredPoints(this.#curve).at(-1);
        if (measured === undefined) return;
        emit({ kind: 'measure', branch: id, point: measured, elapsedMs: Math.max(0, now() - this.#sinceMs) });
      },
      onCheckpoint: async (checkpoint) => {
        this.#keep(checkpoint);
        await Promise.resolve();
      },
    };
  }

  async #beforeStep({ step, checkpoint }: GrpoMoment): Promise<void> {
    // The start of all can be forked too.
    if (step === 0) this.#keep(await checkpoint());
    await this.#context.turns.pass(this.#plan.id, step);
    this.#checkBackend();
  }

  #keep(checkpoint: GrpoCheckpoint): void {
    const { step } = checkpoint.state;
    // Nothing goes on from the last step.
    if (step === this.#plan.experiment.grpo.steps) return;
    this.#checkpoints.set(step, checkpoint);
    this.#context.emit({ kind: 'checkpoint', branch: this.#plan.id, step });
  }

  /** What a broken backend computes means nothing. */
  #checkBackend(): void {
    const { fault } = this.#context.health;
    if (fault === undefined) return;
    if (fault.kind !== 'lost') throw faultError(fault);
    throw new LabError('no-backend', {
      message: `The GPU was lost: ${fault.message}.`,
      fix: 'Run the demonstration again; if it happens again, on another backend.',
    });
  }

  #end(weightsHash: string | null, failure: Failure | null): void {
    this.#context.emit({ kind: 'branch-ended', branch: this.#plan.id, step: this.#step, weightsHash, failure });
  }
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
