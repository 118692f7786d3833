/**
 * Turns among the runs of a session. There is one engine and its state is global, so two runs computing at once would
 * mix up their numbers. Exactly one run holds the turn; it gives the turn back between two steps, and the run with the
 * fewest steps is next; a run that is to be faster than others counts its steps as parts of one. A pause holds back
 * steps, never the opening of a run.
 */

/** A run waiting for its turn. */
interface Waiting {
  readonly run: number;
  /** Steps it has made. */
  readonly step: number;
  /** Whether it is about to open, as opposed to making a step. */
  readonly isOpening: boolean;
  /** Whether it has something to do between two steps. */
  readonly hasErrand: () => boolean;
  readonly begin: (turn: Turn) => void;
}

/** The purpose of a turn. */
export type Turn = 'open' | 'errand' | 'step';

/** Receives pauses and resumptions. */
export interface TurnWatcher {
  readonly onPaused: () => void;
  readonly onResumed: () => void;
}

/** Gives the turn to one run at a time. */
export class TurnTaker {
  readonly #watcher: TurnWatcher;
  #holder: number | undefined;
  #waiting: Waiting[] = [];
  #isPaused = false;
  #isReportedPaused = false;
  #hasStepped = false;
  #isEnding = false;
  #isPauseOverridden = false;
  /** Rounds requested one by one, and the runs that have not yet made their step of the present round. */
  #rounds = 0;
  #round = new Set<number>();

  constructor(watcher: TurnWatcher) {
    this.#watcher = watcher;
  }

  /** Whether steps are held back, except those requested one by one. */
  get isPaused(): boolean {
    return this.#isPaused;
  }

  /** Resolves when a run that begins may compute. */
  open(run: number, step: number): Promise<Turn> {
    return this.#wait({ run, step, isOpening: true, hasErrand: () => false });
  }

  /**
   * Gives the turn back between two steps. Resolves when the run may make its next step, or has an errand, for which it
   * gets a turn even during a pause. After an errand it passes again.
   */
  pass(run: number, step: number, hasErrand = () => false): Promise<Turn> {
    if (this.#holder === run) this.#holder = undefined;
    return this.#wait({ run, step, isOpening: false, hasErrand });
  }

  /** Call this when an errand has come up. */
  lookForErrands(): void {
    this.#next();
  }

  /** Gives the turn back for good. */
  leave(run: number): void {
    if (this.#holder === run) this.#holder = undefined;
    this.#next();
  }

  pause(): void {
    this.#isPaused = true;
    this.#next();
  }

  resume(): void {
    this.#isPaused = false;
    this.#rounds = 0;
    this.#round.clear();
    this.#next();
  }

  /** Lets every run with the fewest steps make one step, then pauses. */
  stepOnce(): void {
    this.#isPaused = true;
    this.#rounds += 1;
    this.#next();
  }

  /** While overridden, a pause holds back no run: each gets a turn, in which it notices that the backend is lost. */
  overridePause(isOverridden: boolean): void {
    this.#isPauseOverridden = isOverridden;
    this.#next();
  }

  /** Gives every run a turn, paused or not, so that it can end. */
  end(): void {
    this.#isEnding = true;
    this.#next();
  }

  #wait(request: Omit<Waiting, 'begin'>): Promise<Turn> {
    return new Promise((resolve) => {
      this.#waiting.push({ ...request, begin: resolve });
      this.#next();
    });
  }

  #next(): void {
    if (this.#holder !== undefined) return;
    const chosen = this.#choose();
    if (chosen === undefined) {
      if (this.#waiting.length > 0) this.#report(true);
      return;
    }
    const { waiting, turn } = chosen;
    if (turn === 'step') this.#report(false);
    if (turn !== 'errand') this.#round.delete(waiting.run);
    this.#waiting = this.#waiting.filter((each) => each !== waiting);
    this.#holder = waiting.run;
    waiting.begin(turn);
  }

  #choose(): { readonly waiting: Waiting; readonly turn: Turn } | undefined {
    const opening = this.#waiting.find(({ isOpening }) => isOpening);
    if (opening !== undefined) return { waiting: opening, turn: 'open' };
    const errand = this.#waiting.find(({ hasErrand }) => hasErrand());
    if (errand !== undefined) return { waiting: errand, turn: 'errand' };
    const waiting = this.#chooseStep();
    return waiting && { waiting, turn: 'step' };
  }

  #chooseStep(): Waiting | undefined {
    const behind = this.#waiting.toSorted((a, b) => a.step - b.step || a.run - b.run);
    if (!this.#isPaused || this.#isEnding || this.#isPauseOverridden) return behind[0];
    if (this.#round.size === 0 && this.#rounds > 0 && behind.length > 0) {
      this.#rounds -= 1;
      for (const { run, step } of behind) if (step === behind[0]?.step) this.#round.add(run);
    }
    return behind.find(({ run }) => this.#round.has(run));
  }

  /** A step made on request does not end a pause; it is reported by pausing again. */
  #report(isPaused: boolean): void {
    if (this.#isEnding || this.#isPauseOverridden) return;
    if (isPaused) {
      if (!this.#isReportedPaused || this.#hasStepped) this.#watcher.onPaused();
      this.#isReportedPaused = true;
      this.#hasStepped = false;
    } else if (this.#isPaused) {
      this.#hasStepped = true;
    } else if (this.#isReportedPaused) {
      this.#isReportedPaused = false;
      this.#watcher.onResumed();
    }
  }
}
