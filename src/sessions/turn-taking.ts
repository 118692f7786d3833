/**
 * Turns among branches that learn side by side. There is one engine, and all it holds is global: who computes while
 * another does would mix their numbers up. So exactly one branch has the turn; it gives the turn back between two steps,
 * and the branch with the fewest steps is next. A pause holds back steps, never the opening of a branch.
 */

/** A branch that waits for its turn. */
interface Waiting {
  readonly branch: number;
  /** Steps it has made. */
  readonly step: number;
  /** Whether it wants to begin, and not to make a step. */
  readonly isOpening: boolean;
  /** Whether there is something to do for it between two steps. */
  readonly hasErrand: () => boolean;
  readonly begin: (turn: Turn) => void;
}

/** What a turn is given for. */
export type Turn = 'open' | 'errand' | 'step';

/** Who is told about pauses. */
export interface TurnWatcher {
  readonly onPaused: () => void;
  readonly onResumed: () => void;
}

/** Gives one branch at a time its turn. */
export class TurnTaker {
  readonly #watcher: TurnWatcher;
  #holder: number | undefined;
  #waiting: Waiting[] = [];
  #isPaused = false;
  #isToldPaused = false;
  #hasStepped = false;
  #isEnding = false;
  #isHurried = false;
  /** Rounds asked for one by one, and who is still to make a step of the present one. */
  #rounds = 0;
  #round = new Set<number>();

  constructor(watcher: TurnWatcher) {
    this.#watcher = watcher;
  }

  /** Whether steps are held back, but for those asked for one by one. */
  get isPaused(): boolean {
    return this.#isPaused;
  }

  /** Resolves when a branch that begins may compute. */
  open(branch: number, step: number): Promise<Turn> {
    return this.#wait({ branch, step, isOpening: true, hasErrand: () => false });
  }

  /**
   * Gives the turn back between two steps; resolves when the branch may make its next, or do an errand, for which it gets a
   * turn also in a pause. After an errand it passes again.
   */
  pass(branch: number, step: number, hasErrand = () => false): Promise<Turn> {
    if (this.#holder === branch) this.#holder = undefined;
    return this.#wait({ branch, step, isOpening: false, hasErrand });
  }

  /** To be called when an errand has come up. */
  lookForErrands(): void {
    this.#next();
  }

  /** Gives the turn back for good. */
  leave(branch: number): void {
    if (this.#holder === branch) this.#holder = undefined;
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

  /** Lets every branch that has made the fewest steps make one, and pauses. */
  stepOnce(): void {
    this.#isPaused = true;
    this.#rounds += 1;
    this.#next();
  }

  /** Gives everyone a turn, paused or not, until it is taken back: to see that the backend is gone. */
  hurry(isHurried: boolean): void {
    this.#isHurried = isHurried;
    this.#next();
  }

  /** Gives everyone a turn, paused or not: to end. */
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
      if (this.#waiting.length > 0) this.#tell(true);
      return;
    }
    const { waiting, turn } = chosen;
    if (turn === 'step') this.#tell(false);
    if (turn !== 'errand') this.#round.delete(waiting.branch);
    this.#waiting = this.#waiting.filter((each) => each !== waiting);
    this.#holder = waiting.branch;
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
    const behind = this.#waiting.toSorted((a, b) => a.step - b.step || a.branch - b.branch);
    if (!this.#isPaused || this.#isEnding || this.#isHurried) return behind[0];
    if (this.#round.size === 0 && this.#rounds > 0 && behind.length > 0) {
      this.#rounds -= 1;
      for (const { branch, step } of behind) if (step === behind[0]?.step) this.#round.add(branch);
    }
    return behind.find(({ branch }) => this.#round.has(branch));
  }

  /** A step made on request is no end of a pause; but that it was made is told by pausing once more. */
  #tell(isPaused: boolean): void {
    if (this.#isEnding || this.#isHurried) return;
    if (isPaused) {
      if (!this.#isToldPaused || this.#hasStepped) this.#watcher.onPaused();
      this.#isToldPaused = true;
      this.#hasStepped = false;
    } else if (this.#isPaused) {
      this.#hasStepped = true;
    } else if (this.#isToldPaused) {
      this.#isToldPaused = false;
      this.#watcher.onResumed();
    }
  }
}
