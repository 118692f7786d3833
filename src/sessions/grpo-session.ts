/**
 * A demonstration under way: its branches, who of them computes, and what is asked of it. It stays open after its branches
 * have come to their ends, so that a reader can go back to a checkpoint and fork from there, until it is stopped.
 */
import { LabError, messageOf } from '../common/errors.ts';
import { failureOf } from '../protocol/failure.ts';
import { type GrpoCommand, type GrpoEvent, MAX_BRANCHES } from '../protocol/grpo.ts';
import type { GrpoExperiment } from '../protocol/grpo-experiment.ts';
import { Pacer } from '../common/pacing.ts';
import { newId } from '../checkpoint/manifest.ts';
import { type BackendFault, type BackendHealth, waitForBackend } from '../gpu/current-backend.ts';
import { BranchKeeper } from './branch-keeper.ts';
import { type BranchContext, type BranchPlan, GrpoBranch } from './grpo-branch.ts';
import type { KeptBranch } from './kept-branch.ts';
import { faultError } from '../runs/run-failures.ts';
import type { RunStore } from './run-store.ts';
import { TurnTaker } from './turn-taking.ts';

/** A branch to begin with. */
export interface NamedExperiment {
  readonly name: string;
  readonly experiment: GrpoExperiment;
  /** What is kept of it; undefined for a new one. */
  readonly kept?: {
    readonly runId: string;
    readonly checkpointId: string | null;
    /** Undefined to begin again. */
    readonly branch: KeptBranch | undefined;
    readonly parent: BranchPlan['parent'];
    readonly dial: number | null;
  };
}

/** What a session learns about where it runs once it has opened. */
export interface SessionContext extends Pick<BranchContext, 'start' | 'startFiles' | 'prepare' | 'findData'> {
  readonly modelUrl: string;
  readonly modelName: string;
  /** As kept branches name it. */
  readonly demonstration: string;
  readonly backend: OpenSessionBackend;
  /** Opens another backend in place of a lost one. @throws {LabError} `no-backend` */
  readonly reopen: () => Promise<OpenSessionBackend>;
  /** Undefined where nothing is kept. */
  readonly openStore: (() => Promise<RunStore>) | undefined;
}

/** A backend to run on. */
export interface OpenSessionBackend {
  readonly health: BackendHealth;
  /** Whether it draws the desktop too. */
  readonly isShared: boolean;
}

/** A branch without a backend. */
interface Stranded {
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** GPUs that may be lost between two checkpoints before the demonstration is given up. */
const MAX_LOSSES = 3;

/** Runs branches side by side. */
export class GrpoSession {
  readonly #emit: (event: GrpoEvent) => void;
  readonly #now: () => number;
  readonly #turns: TurnTaker;
  readonly #stop = new AbortController();
  readonly #branches: GrpoBranch[] = [];
  #context: (BranchContext & SessionContext) | undefined;
  #backend: OpenSessionBackend | undefined;
  #pacer: Pacer | undefined;
  /** Branches that have left a lost backend and wait for another. */
  #stranded: Stranded[] = [];
  #losses = 0;
  #lostAtStep = -1;
  #isVisible = true;
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
    this.#useBackend(context.backend);
    this.#context = {
      ...context,
      health: () => this.#backend?.health ?? { fault: undefined },
      pacer: () => this.#pacer,
      recover: (fault) => this.#recover(fault),
      startPoints: new Map(),
      turns: this.#turns,
      signal,
      emit: this.#emit,
      now: this.#now,
    };
    const over = new Promise<void>((resolve) => {
      this.#settle = resolve;
    });
    for (const { name, experiment, kept } of branches) {
      const from = kept?.branch?.checkpoint;
      const parent = from === undefined ? null : (kept?.parent ?? null);
      // A dial that was put at the beginning is in no checkpoint until a step was made.
      const isUnmoved = from === undefined || from.state.step === parent?.step;
      const dial = isUnmoved ? (kept?.dial ?? undefined) : undefined;
      const tales = kept?.branch?.tales ?? [];
      this.#begin({ name, experiment, parent, from, tales, dial }, kept?.runId, kept?.checkpointId ?? null);
    }
    this.#checkEnd();
    await over;
    // What failed can be gone on with; what was stopped is not wanted any more.
    for (const branch of this.#branches) {
      if (this.#fatal === undefined) await branch.keeper?.forget(branch.step);
      else branch.keeper?.release();
    }
    throw this.#fatal ?? new LabError('aborted', { message: 'Stopped on request.' });
  }

  set isVisible(isVisible: boolean) {
    this.#isVisible = isVisible;
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
      case 'visibility':
        this.#isVisible = command.isVisible;
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
    const plan = { name, experiment: parent.experiment, parent: { branch, step }, from: checkpoint };
    const tales = parent.talesUntil(step);
    this.#begin({ ...plan, tales, dial: dial ?? undefined }, undefined, parent.keeper?.idAt(step) ?? null);
  }

  /** @param parentId - of the kept checkpoint that it goes on from */
  #begin(plan: Omit<BranchPlan, 'id' | 'keeper'>, runId: string | undefined, parentId: string | null): void {
    const context = this.#context;
    if (context === undefined || this.signal.aborted) return;
    const id = this.#branches.length;
    const keeper = this.#keeperOf({ ...plan, id }, runId ?? newId(), parentId);
    const branch = new GrpoBranch({ ...plan, id, keeper }, context);
    this.#branches.push(branch);
    this.#running += 1;
    void this.#runBranch(branch);
  }

  #keeperOf(
    { id, name, experiment, parent, dial }: Omit<BranchPlan, 'keeper'>,
    runId: string,
    parentId: string | null,
  ): BranchKeeper | undefined {
    const context = this.#context;
    if (context?.openStore === undefined) return undefined;
    const { demonstration, modelUrl, modelName, openStore } = context;
    const record = { demonstration, branch: id, modelUrl, name, experiment, parent, dial: dial ?? null };
    const origin =
      parent === null
        ? `Begun at the start, ${modelName}.`
        : `Forked from ${this.#branches[parent.branch]?.name ?? 'another branch'} at step ${parent.step}.`;
    return new BranchKeeper({ runId, record, experiment, parentId, origin }, openStore, this.#emit);
  }

  #useBackend(backend: OpenSessionBackend): void {
    this.#backend = backend;
    const isVisible = (): boolean => this.#isVisible;
    this.#pacer = backend.isShared ? new Pacer({ waitForGpu: waitForBackend, isVisible, now: this.#now }) : undefined;
  }

  /** Waits until every branch has left the lost backend; the last one opens another for all. */
  async #recover(fault: BackendFault): Promise<void> {
    const over = new Promise<void>((resolve, reject) => this.#stranded.push({ resolve, reject }));
    this.#turns.hurry(true);
    this.#checkStranded(fault);
    await over;
  }

  #checkStranded(fault = this.#backend?.health.fault): void {
    if (fault === undefined || this.#stranded.length === 0 || this.#stranded.length < this.#running) return;
    const stranded = this.#stranded;
    this.#stranded = [];
    void this.#reopen(fault, stranded);
  }

  async #reopen(fault: BackendFault, stranded: readonly Stranded[]): Promise<void> {
    try {
      this.#countLoss(fault);
      this.#emit({ kind: 'recovering', reason: fault.message });
      const backend = await this.#context?.reopen();
      if (backend !== undefined) this.#useBackend(backend);
      this.#turns.hurry(false);
      for (const { resolve } of stranded) resolve();
    } catch (thrown) {
      for (const { reject } of stranded) reject(thrown);
    }
  }

  /** @throws {LabError} if it happened too often */
  #countLoss(fault: BackendFault): void {
    const step = Math.min(...this.#branches.map((branch) => branch.step));
    this.#losses = step > this.#lostAtStep ? 1 : this.#losses + 1;
    this.#lostAtStep = step;
    if (this.#losses > MAX_LOSSES) throw faultError(fault);
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
      this.#checkStranded();
      this.#checkEnd();
    }
  }

  #checkEnd(): void {
    if (this.#running > 0) return;
    if (this.signal.aborted) {
      this.#settle();
      return;
    }
    // All that there was to do is done: nothing is left to go on with.
    for (const branch of this.#branches) void branch.keeper?.forget(branch.step);
    this.#emit({ kind: 'finished' });
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
