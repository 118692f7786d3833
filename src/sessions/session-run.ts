/**
 * One run in a session. It waits for its turn before each step, serves requests there, is recorded as under way, stores
 * its checkpoints and, where the GPU is lost, repeats the steps since the last checkpoint on the next one. The kind
 * computes, as on the command line; nothing here affects the numbers.
 */
import { newId } from '../checkpoint/manifest.ts';
import type { RunLease } from '../checkpoint/open-runs.ts';
import { LabError, throwIfAborted } from '../common/errors.ts';
import { yieldToMessages } from '../common/yield.ts';
import type { BackendFault } from '../gpu/current-backend.ts';
import { type Failure, failureOf, isOfRun } from '../protocol/failure.ts';
import type { RunBest, RunCompletions, RunDescription, RunState, RunWatch } from '../protocol/tracked-run.ts';
import { ActiveTime } from '../runs/active-time.ts';
import { bestCheckpoint, endsAt, trainWatched } from '../runs/run-watch.ts';
import { faultError, memoryNamed } from '../runs/run-failures.ts';
import type { Errand, FinishedRun, LiveRun, RunHooks, RunKind, RunMoment } from './run-kind.ts';
import type { RunStore } from './run-store.ts';
import type { Session } from './session.ts';

/** Where a run begins. */
export interface RunStart<Checkpoint> {
  /** Its rank in the order of beginnings. */
  readonly turn?: number;
  /** Steps that it makes in the time of one step of a run of pace 1; 1 by default. */
  readonly pace?: number;
  /** The id under which its checkpoints are stored; a resumed run keeps its id. Default: a new one. */
  readonly runId?: string | undefined;
  /** The checkpoint to resume from; undefined to start at step 0. */
  readonly from: Checkpoint | undefined;
  /** The stored checkpoint that it continues; null where there is none. */
  readonly parentId?: string | null;
  /** The run that it is a fork of; null or undefined if it is none. */
  readonly parentRunId?: string | null;
  /** Whether {@link from} belongs to another run, so that this run stores a copy. */
  readonly isFork?: boolean;
}

/** The length limit of a model's name within the name of a checkpoint. */
const MAX_NAME_LENGTH = 150;

export class SessionRun<Checkpoint> implements LiveRun {
  readonly runId: string;
  /** Set at the end. */
  finished: FinishedRun | undefined;
  readonly #kind: RunKind<Checkpoint>;
  readonly #start: RunStart<Checkpoint>;
  readonly #session: Session;
  readonly #turn: number;
  readonly #pace: number;
  /** The newest checkpoint; undefined at step 0, or where it can be read from the store again. */
  #last: Checkpoint | undefined;
  #kept: { readonly id: string; readonly step: number } | undefined;
  readonly #keptIds = new Map<number, string>();
  readonly #errands = new Set<Errand>();
  #lease: RunLease | undefined;
  /** Whether the run is recorded as under way. */
  #isRemembered = false;
  #step: number;
  #startedAt = 0;
  #description: RunDescription | undefined;
  /** Whether the run is among the records of all runs. */
  #isTracked = false;
  #watch: RunWatch | null = null;
  #best: RunBest | null = null;
  readonly #time: ActiveTime;
  /** Those that are not in the record yet, by step. */
  readonly #completions = new Map<number, RunCompletions>();

  constructor(kind: RunKind<Checkpoint>, start: RunStart<Checkpoint>, session: Session) {
    this.#kind = kind;
    this.#start = start;
    this.#session = session;
    this.#turn = start.turn ?? 0;
    this.#pace = start.pace ?? 1;
    this.runId = start.runId ?? newId();
    this.#last = start.from;
    this.#time = new ActiveTime(session.now);
    this.#step = start.from === undefined ? 0 : kind.stepOf(start.from);
    if (start.parentId !== undefined && start.parentId !== null) this.#kept = { id: start.parentId, step: this.#step };
  }

  get step(): number {
    return this.#step;
  }

  get savedStep(): number {
    return this.#last === undefined ? (this.#kept?.step ?? 0) : this.#kind.stepOf(this.#last);
  }

  /** The last stored checkpoint; null if there is none. */
  get keptId(): string | null {
    return this.#kept?.id ?? null;
  }

  /** The stored checkpoint of the present step; null if it could not be stored, whatever was stored before. */
  get keptIdNow(): string | null {
    return this.#kept?.step === this.#step ? this.#kept.id : null;
  }

  /** The checkpoint stored after a number of steps, which may have been deleted since; null if none was. */
  keptIdAt(step: number): string | null {
    return this.#keptIds.get(step) ?? null;
  }

  async run(): Promise<void> {
    this.#kind.begin?.();
    for (;;) {
      const fault = await this.#runOnce();
      if (fault === undefined) return;
      await this.#session.recover(fault);
      await this.#rewind();
    }
  }

  ask(errand: Errand): void {
    this.#errands.add(errand);
  }

  /** Records the run as it is to be restarted now; before it is recorded at all there is nothing to change. */
  async amend(): Promise<void> {
    const lease = this.#lease;
    if (lease === undefined) return;
    await this.#unlessUnsaved(async () => lease.amend((await this.#kind.card()).configJson));
  }

  async forget(): Promise<void> {
    const lease = this.#lease;
    this.#lease = undefined;
    await this.#unlessUnsaved(async () => lease?.finish());
  }

  release(): void {
    this.#lease?.release();
    this.#lease = undefined;
  }

  /** Runs to the end of the run, or until the backend is lost, and then returns the fault. */
  async #runOnce(): Promise<BackendFault | undefined> {
    const { turns, signal } = this.#session;
    const kind = this.#kind;
    await turns.open(this.#turn, this.#step / this.#pace);
    try {
      throwIfAborted(signal);
      const backend = await this.#session.backend();
      throwIfAborted(signal);
      await kind.prepare(backend);
      if (!this.#isRemembered) await this.#remember();
      kind.announce?.(this.#last, backend);
      this.#time.go();
      const finished = await this.#train();
      this.#checkBackend();
      this.finished = finished;
      await this.#track('finished');
      kind.onEnded?.(this.#step, { finished });
      return undefined;
    } catch (thrown) {
      const error = memoryNamed(thrown);
      const failure = failureOf(error);
      if (failure.code === 'aborted' && signal.aborted) {
        await this.#track('stopped');
        return undefined;
      }
      await yieldToMessages(); // the loss of a device is reported after the call that failed
      const { fault } = this.#session;
      if (fault?.kind === 'lost') return fault;
      this.#checkBackend();
      await this.#track(isOfRun(failure) ? 'failed' : 'stopped');
      if (kind.endsAlone?.(failure) !== true) throw error;
      kind.onEnded?.(this.#step, { failure });
      return undefined;
    } finally {
      this.#time.halt();
      kind.leave?.();
      turns.leave(this.#turn);
    }
  }

  #train(): Promise<FinishedRun> {
    const hooks = this.#hooks();
    return trainWatched(this.#last, {
      train: (onCheckpoint) => this.#kind.train(this.#last, { ...hooks, onCheckpoint }),
      keep: hooks.onCheckpoint,
      endsAt: (checkpoint) => endsAt(this.#watch, this.#kind.summary(checkpoint)),
      finishedAt: (checkpoint) => {
        this.#step = this.#kind.stepOf(checkpoint);
        return this.#kind.finishedAt(checkpoint);
      },
    });
  }

  #hooks(): RunHooks<Checkpoint> {
    const { signal, turns } = this.#session;
    return {
      signal,
      beforeStep: (moment) => this.#passGate(moment),
      afterPass: async () => this.#session.pacer?.afterPiece(),
      onCheckpoint: async (checkpoint) => {
        // A failed backend's results must not replace the last valid checkpoint.
        this.#checkBackend();
        await this.#keep(checkpoint, true);
      },
      onCompletions: (step, answers) => {
        if (answers.length > 0) this.#completions.set(step, { step, answers });
      },
      isSingleStep: () => turns.isPaused,
      checkBackend: () => this.#checkBackend(),
    };
  }

  /** Resolves when the run may make its next step. @throws {LabError} `aborted` if it is to end here */
  async #passGate(moment: RunMoment<Checkpoint>): Promise<void> {
    const { turns, signal, savesOnStop, pacer } = this.#session;
    this.#step = moment.step;
    this.#time.mark(moment.step);
    // Step 0 can be forked as well.
    if (moment.step === 0 && this.#kind.holdsCheckpoints === true) this.#hold(await moment.checkpoint());
    for (;;) {
      this.#time.halt();
      const turn = await turns.pass(this.#turn, moment.step / this.#pace, () => this.#errands.size > 0);
      this.#time.go();
      if (signal.aborted) {
        const isKept = this.#kept?.step === moment.step;
        if (savesOnStop && !isKept && this.#session.fault === undefined)
          await this.#keep(await moment.checkpoint(), true);
        throw new LabError('aborted', { message: 'Stopped on request.' });
      }
      if (turn === 'step') break;
      if (this.#errands.delete('evaluate')) await moment.evaluate?.();
      else if (this.#errands.delete('save')) await this.#keep(await moment.checkpoint(), false);
    }
    this.#checkBackend();
    pacer?.begin();
  }

  /** Returns to the last checkpoint. */
  async #rewind(): Promise<void> {
    if (this.#last === undefined && this.#kept !== undefined) {
      const store = await this.#session.openStore?.();
      const loaded = await store?.load(this.#kept.id);
      if (loaded !== undefined) this.#last = this.#kind.read(loaded.payload);
    }
    this.#step = this.savedStep;
    this.#time.rewind(this.#step);
    this.#kind.onRewound?.(this.#last);
  }

  /**
   * Records that the run is under way, so that a closed page can offer to resume it.
   *
   * @throws {LabError} if another tab has the run; where storage is full, the run continues
   */
  async #remember(): Promise<void> {
    const { openStore } = this.#session;
    if (openStore !== undefined) {
      const { name, configJson, totalSteps, data } = await this.#kind.card();
      const shortName = name.slice(0, MAX_NAME_LENGTH);
      const run = { id: this.runId, name: shortName, kind: this.#kind.kind, configJson, totalSteps, startedAt: Date.now() }; // prettier-ignore
      await this.#unlessUnsaved(
        async () => {
          this.#lease = await (await openStore()).runs.start(run, data);
        },
        this.#step,
        isOfStorage,
      );
      this.#startedAt = Date.now();
      this.#description = this.#kind.summary(this.#last);
      await this.#track('running');
    }
    const { from, isFork } = this.#start;
    if (isFork === true && from !== undefined) await this.#keep(from, true);
    this.#isRemembered = true;
  }

  #hold(checkpoint: Checkpoint): void {
    this.#last = checkpoint;
    this.#step = this.#kind.stepOf(checkpoint);
    this.#kind.onCheckpoint?.(checkpoint);
  }

  /** Stores a checkpoint. If that fails, the failure is reported and the run continues. */
  async #keep(checkpoint: Checkpoint, isAutomatic: boolean): Promise<void> {
    const kind = this.#kind;
    const { openStore } = this.#session;
    const step = kind.stepOf(checkpoint);
    this.#hold(checkpoint);
    this.#time.mark(step);
    if (openStore === undefined) return;
    const description = kind.summary(checkpoint);
    this.#description = description;
    const modelName = kind.name.slice(0, MAX_NAME_LENGTH);
    const info = {
      ...kind.checkpointCard(checkpoint),
      name: `${modelName}, step ${step}`,
      kind: kind.kind,
      isAutomatic,
      runId: this.runId,
      parentId: this.keptId,
      modelName,
      step,
    };
    await this.#unlessUnsaved(async () => {
      const store: RunStore = await openStore();
      const best = this.#watch && bestCheckpoint(this.#watch, description);
      const isBest = best?.step === step;
      const { id, sizeBytes } = await store.save(info, kind.write(checkpoint), {
        keepLast: kind.keptCheckpoints,
        keepId: isBest ? null : (this.#best?.checkpointId ?? null),
      });
      this.#kept = { id, step };
      this.#keptIds.set(step, id);
      if (isBest) this.#best = { ...best, checkpointId: id };
      // A stored checkpoint is not held in memory, unless the kind needs it there.
      if (kind.holdsCheckpoints !== true) this.#last = undefined;
      kind.onKept?.(step, id, sizeBytes);
    }, step);
    await this.#track('running');
  }

  /**
   * Writes the run among the records of all runs. Where there is no room, the lost checkpoint has been reported; a
   * record that is refused is reported here.
   */
  async #track(state: RunState): Promise<void> {
    const { openStore } = this.#session;
    const description = this.#description;
    if (openStore === undefined || description === undefined) return;
    const { runId: id } = this;
    const parentId = this.#start.parentRunId ?? null;
    const of = {
      startUrl: null,
      ...description,
      id,
      state,
      parentId,
      startedAt: this.#startedAt,
      updatedAt: Date.now(),
    };
    try {
      const { tracked } = await openStore();
      if (!this.#isTracked) {
        const before = await tracked.begin({ ...of, activeMs: this.#time.total(), best: null });
        this.#time.continue(description.step, before);
        this.#watch = before?.watch ?? null;
        this.#best = (before?.best?.step ?? Infinity) <= description.step ? (before?.best ?? null) : null;
        this.#isTracked = true;
      }
      const completions = [...this.#completions.values()].filter(({ step }) => step <= description.step);
      const curve = this.#time.marked(description.curve);
      await tracked.progress({ ...of, curve, activeMs: this.#time.total(), best: this.#best }, completions);
      for (const { step } of completions) this.#completions.delete(step);
    } catch (thrown) {
      const failure = failureOf(thrown);
      if (isOfRun(failure)) this.#kind.onUnsaved(this.#step, failure);
    }
  }

  async #unlessUnsaved(
    work: () => Promise<void>,
    step = this.#step,
    isHarmless: (failure: Failure) => boolean = () => true,
  ): Promise<void> {
    try {
      await work();
    } catch (thrown) {
      const failure = failureOf(thrown);
      if (!isHarmless(failure)) throw thrown;
      this.#kind.onUnsaved(step, failure);
    }
  }

  #checkBackend(): void {
    const { fault } = this.#session;
    if (fault !== undefined) throw faultError(fault);
  }
}

/** A run ends if another tab has it, but not if the browser cannot store it. */
function isOfStorage({ code }: Failure): boolean {
  return code === 'storage-full' || code === 'storage-unavailable';
}
