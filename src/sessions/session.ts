/**
 * A session holds the runs of a training worker, from the first to the last. Its runs take turns on the only backend;
 * the session pauses, steps and stops them. If the GPU is lost, it opens another once all runs have left the lost one.
 * It does not know what a run computes (run-kind.ts).
 *
 * Room `sessions/`: what lives in a worker: pause, step, recover, store, take turns. What a run computes belongs in
 * `runs/` and `train/`, the store itself in `checkpoint/`.
 */
import { LabError, type LabErrorCode, messageOf } from '../common/errors.ts';
import { Pacer } from '../common/pacing.ts';
import { type BackendFault, type BackendHealth, waitForBackend, watchBackend } from '../gpu/current-backend.ts';
import { failureOf } from '../protocol/failure.ts';
import type { SteeringCommand, SteeringEvent } from '../protocol/session.ts';
import { faultError } from '../runs/run-failures.ts';
import type { Errand, LiveRun } from './run-kind.ts';
import type { TrainingBackend } from './run-backend.ts';
import type { RunStore } from './run-store.ts';
import { TurnTaker } from './turn-taking.ts';

/** What a session needs from its worker. */
export interface SessionSetup {
  readonly emit: (event: SteeringEvent) => void;
  /** In milliseconds. */
  readonly now: () => number;
  /** Opens the fastest backend for the runs, or returns the open one. @throws {LabError} `no-backend` */
  readonly openBackend: () => Promise<TrainingBackend>;
  readonly dropBackend: () => void;
  /** Opens the store of runs; undefined if runs are not stored. */
  readonly openStore: (() => Promise<RunStore>) | undefined;
  /** Whether a stop saves every run at its present step. */
  readonly savesOnStop: boolean;
  /** Awaited when all runs have ended, before {@link onIdle}. */
  readonly beforeIdle?: () => Promise<void>;
  /** Called when all runs have ended. If given, the session then waits for further runs until it is stopped. */
  readonly onIdle?: () => void;
}

/** A run waiting for a backend. */
interface WaitingRun {
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** The session gives up after losing more GPUs than this between two checkpoints. */
const MAX_LOSSES = 3;
/** What opening a backend throws if its GPU is lost meanwhile. */
const OF_LOST_BACKEND: ReadonlySet<LabErrorCode> = new Set(['no-backend', 'backend-lost', 'internal']);

export class Session {
  /** Whether the page is visible. */
  isVisible = true;
  readonly turns: TurnTaker;
  readonly savesOnStop: boolean;
  readonly openStore: SessionSetup['openStore'];
  /** A clock in milliseconds. */
  readonly now: () => number;
  readonly #setup: SessionSetup;
  readonly #stop = new AbortController();
  readonly #runs: LiveRun[] = [];
  #open: { readonly backend: TrainingBackend; readonly health: BackendHealth; readonly pacer: Pacer | undefined } | undefined; // prettier-ignore
  /** Runs that have left a lost backend and wait for another. */
  #waiting: WaitingRun[] = [];
  #losses = 0;
  #lostAtStep = -1;
  /** The number of runs that have not ended. */
  #running = 0;
  /** The error that ended all runs. */
  #fatal: Error | undefined;
  #settle: () => void = () => undefined;

  constructor(setup: SessionSetup) {
    this.#setup = setup;
    this.savesOnStop = setup.savesOnStop;
    this.openStore = setup.openStore;
    this.now = setup.now;
    this.turns = new TurnTaker({
      onPaused: () => setup.emit({ kind: 'paused', step: this.#step }),
      onResumed: () => setup.emit({ kind: 'resumed', step: this.#step }),
    });
  }

  /** Fires when the session is to end. */
  get signal(): AbortSignal {
    return this.#stop.signal;
  }

  /** Leaves GPU time to other programs; undefined where the backend is not shared. */
  get pacer(): Pacer | undefined {
    return this.#open?.pacer;
  }

  get fault(): BackendFault | undefined {
    return this.#open?.health.fault;
  }

  /** The present backend; opens one if there is none. @throws {LabError} `no-backend` */
  async backend(): Promise<TrainingBackend> {
    if (this.#open !== undefined) return this.#open.backend;
    const { openBackend, emit, now } = this.#setup;
    const backend = await openBackend();
    const { rates: _, ...description } = backend;
    emit({ kind: 'backend', ...description, problems: [...description.problems] });
    const isVisible = (): boolean => this.isVisible;
    // Only a GPU is shared with the desktop.
    const isShared = backend.backend === 'webgpu';
    const pacer = isShared ? new Pacer({ waitForGpu: waitForBackend, isVisible, now }) : undefined;
    this.#open = { backend, health: watchBackend(), pacer };
    return backend;
  }

  /** Begins a run, unless the session is to end. */
  begin(run: LiveRun): void {
    if (this.signal.aborted) return;
    this.#runs.push(run);
    this.#running += 1;
    void this.#run(run);
  }

  /**
   * Resolves when all runs have ended and no others are expected.
   *
   * @throws the error that ended all runs; `aborted` after a stop
   */
  async over(): Promise<void> {
    const over = new Promise<void>((resolve) => {
      this.#settle = resolve;
    });
    this.#checkEnd();
    await over;
    // A failed run can be resumed later; a stopped one is not wanted any more.
    for (const run of this.#runs) {
      if (this.#fatal === undefined) await run.forget();
      else run.release();
    }
    if (this.#fatal !== undefined) throw this.#fatal;
    if (this.signal.aborted) throw new LabError('aborted', { message: 'Stopped on request.' });
  }

  /** Applies a command; one that cannot be followed is reported. */
  apply(command: SteeringCommand | { readonly kind: Errand }): void {
    switch (command.kind) {
      case 'pause':
        this.turns.pause();
        break;
      case 'resume':
        this.turns.resume();
        break;
      case 'step':
        this.turns.stepOnce();
        break;
      case 'stop':
        this.#end();
        this.#checkEnd();
        break;
      case 'visibility':
        this.isVisible = command.isVisible;
        break;
      case 'evaluate':
      case 'save':
        for (const run of this.#runs) run.ask(command.kind);
        this.turns.lookForErrands();
        break;
      default:
        command satisfies never;
    }
  }

  /** Does work that may be impossible; its failure is reported, and nothing has changed then. */
  attempt(work: () => void): void {
    try {
      work();
    } catch (thrown) {
      this.#setup.emit({ kind: 'refused', ...failureOf(thrown) });
    }
  }

  /** Resolves once every run has left the lost backend and another is open. @throws {LabError} if there is none */
  async recover(fault: BackendFault): Promise<void> {
    const over = new Promise<void>((resolve, reject) => this.#waiting.push({ resolve, reject }));
    this.turns.overridePause(true);
    this.#checkWaiting(fault);
    await over;
  }

  get #step(): number {
    return this.#runs.length === 0 ? 0 : Math.min(...this.#runs.map(({ step }) => step));
  }

  #checkWaiting(fault = this.fault): void {
    if (fault === undefined || this.#waiting.length === 0 || this.#waiting.length < this.#running) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    void this.#reopen(fault, waiting);
  }

  async #reopen(fault: BackendFault, waiting: readonly WaitingRun[]): Promise<void> {
    try {
      const step = Math.min(...this.#runs.map(({ savedStep }) => savedStep));
      this.#losses = step > this.#lostAtStep ? 1 : this.#losses + 1;
      this.#lostAtStep = step;
      if (this.#losses > MAX_LOSSES) throw faultError(fault);
      this.#setup.emit({ kind: 'recovering', step, reason: fault.message });
      await this.#openAgain();
      this.turns.overridePause(false);
      for (const { resolve } of waiting) resolve();
    } catch (thrown) {
      for (const { reject } of waiting) reject(thrown);
    }
  }

  /** Opens a backend in place of a lost one. The next one may be lost while it is opened, or not be there yet. */
  async #openAgain(): Promise<void> {
    for (;;) {
      this.#drop();
      try {
        await this.backend();
        return;
      } catch (thrown) {
        const mayHelp = OF_LOST_BACKEND.has(failureOf(thrown).code) && !this.signal.aborted;
        if (!mayHelp || this.#losses >= MAX_LOSSES) throw thrown;
        this.#losses += 1;
      }
    }
  }

  async #run(run: LiveRun): Promise<void> {
    try {
      await run.run();
    } catch (thrown) {
      this.#fail(thrown);
    } finally {
      this.#running -= 1;
      this.#checkWaiting();
      this.#checkEnd();
    }
  }

  #fail(thrown: unknown): void {
    this.#fatal ??= thrown instanceof Error ? thrown : new LabError('internal', { message: messageOf(thrown) });
    const { code } = failureOf(thrown);
    // A failed backend does not free its memory, and some never work again.
    if (this.fault !== undefined || code === 'out-of-memory' || code === 'no-backend') this.#drop();
    this.#end();
  }

  #drop(): void {
    this.#open = undefined;
    this.#setup.dropBackend();
  }

  #end(): void {
    this.#stop.abort();
    this.turns.end();
  }

  #checkEnd(): void {
    if (this.#running > 0) return;
    const { onIdle } = this.#setup;
    if (this.signal.aborted || onIdle === undefined) {
      this.#settle();
      return;
    }
    void this.#rest(onIdle);
  }

  async #rest(onIdle: () => void): Promise<void> {
    await this.#setup.beforeIdle?.();
    // All runs are finished, so there is nothing left to resume.
    await Promise.all(this.#runs.map((run) => run.forget()));
    if (this.#running === 0 && !this.signal.aborted) onIdle();
  }
}
