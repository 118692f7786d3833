/**
 * A demonstration under way: its branches, who of them computes, and what is asked of it. It stays open after its branches
 * have come to their ends, so that a reader can go back to a checkpoint and fork from there, until it is stopped.
 */
import { LabError, messageOf } from '../common/errors.ts';
import { failureOf } from '../protocol/failure.ts';
import { type GrpoCommand, type GrpoEvent, MAX_BRANCHES } from '../protocol/grpo.ts';
import type { GrpoExperiment } from '../protocol/grpo-experiment.ts';
import { type BranchContext, type BranchPlan, GrpoBranch } from './grpo-branch.ts';
import { TurnTaker } from './turn-taking.ts';

/** A branch to begin with. */
export interface NamedExperiment {
  readonly name: string;
  readonly experiment: GrpoExperiment;
}

/** What a session learns about where it runs once it has opened. */
export type SessionContext = Pick<BranchContext, 'start' | 'health' | 'prepare'>;

/** Runs branches side by side. */
export class GrpoSession {
  readonly #emit: (event: GrpoEvent) => void;
  readonly #now: () => number;
  readonly #turns: TurnTaker;
  readonly #stop = new AbortController();
  readonly #branches: GrpoBranch[] = [];
  #context: BranchContext | undefined;
  /** Branches that have not come to their ends. */
  #running = 0;
  /** What ended all branches. */
  #fatal: Error | undefined;
  #settle: () => void = () => undefined;

  constructor(emit: (event: GrpoEvent) => void, now: () => number) {
    this.#emit = emit;
    this.#now = now;
    this.#turns = new TurnTaker({
      onPaused: () => emit({ kind: 'paused' }),
      onResumed: () => emit({ kind: 'resumed' }),
    });
  }

  /** Fires when the demonstration is to end. */
  get signal(): AbortSignal {
    return this.#stop.signal;
  }

  /**
   * Runs branches, and later ones, until it is stopped.
   *
   * @throws what ended all branches; `aborted` if a stop did
   */
  async run(branches: readonly NamedExperiment[], context: SessionContext): Promise<void> {
    const { signal } = this;
    this.#context = {
      ...context,
      startPoints: new Map(),
      turns: this.#turns,
      signal,
      emit: this.#emit,
      now: this.#now,
    };
    const over = new Promise<void>((resolve) => {
      this.#settle = resolve;
    });
    for (const plan of branches) this.#begin({ ...plan, fork: undefined, dial: undefined });
    this.#checkEnd();
    await over;
    throw this.#fatal ?? new LabError('aborted', { message: 'Stopped on request.' });
  }

  /** Takes a command; what cannot be done is told. */
  apply(command: GrpoCommand): void {
    try {
      this.#apply(command);
    } catch (thrown) {
      this.#emit({ kind: 'refused', ...failureOf(thrown) });
    }
  }

  #apply(command: GrpoCommand): void {
    switch (command.kind) {
      case 'pause':
        this.#turns.pause();
        break;
      case 'resume':
        this.#turns.resume();
        break;
      case 'step':
        this.#turns.stepOnce();
        break;
      case 'stop':
        this.#stop.abort();
        this.#turns.end();
        this.#checkEnd();
        break;
      case 'dial':
        this.#branch(command.branch).turnDial(command.value);
        break;
      case 'fork':
        this.#fork(command);
        break;
      default:
        command satisfies never;
    }
  }

  #fork({ branch, step, name, dial }: Extract<GrpoCommand, { kind: 'fork' }>): void {
    const parent = this.#branch(branch);
    const checkpoint = parent.checkpointAt(step);
    if (this.#branches.length >= MAX_BRANCHES) {
      throw new LabError('bad-config', {
        message: 'There is no room for another branch.',
        expected: `at most ${MAX_BRANCHES} branches`,
        got: `${this.#branches.length + 1}`,
        fix: 'Reset the demonstration and begin with fewer branches.',
      });
    }
    this.#begin({ name, experiment: parent.experiment, fork: { branch, checkpoint }, dial: dial ?? undefined });
  }

  #begin(plan: Omit<BranchPlan, 'id'>): void {
    const context = this.#context;
    if (context === undefined || this.signal.aborted) return;
    const branch = new GrpoBranch({ ...plan, id: this.#branches.length }, context);
    this.#branches.push(branch);
    this.#running += 1;
    void this.#runBranch(branch);
  }

  async #runBranch(branch: GrpoBranch): Promise<void> {
    try {
      await branch.run();
    } catch (thrown) {
      this.#fatal ??= thrown instanceof Error ? thrown : new LabError('internal', { message: messageOf(thrown) });
      this.#stop.abort();
      this.#turns.end();
    } finally {
      this.#running -= 1;
      this.#checkEnd();
    }
  }

  #checkEnd(): void {
    if (this.#running > 0) return;
    if (this.signal.aborted) this.#settle();
    else this.#emit({ kind: 'finished' });
  }

  /** @throws {LabError} `not-found` */
  #branch(id: number): GrpoBranch {
    const branch = this.#branches[id];
    if (branch !== undefined) return branch;
    throw new LabError('not-found', {
      message: 'There is no such branch.',
      expected: `a branch from 0 to ${this.#branches.length - 1}`,
      got: String(id),
    });
  }
}
