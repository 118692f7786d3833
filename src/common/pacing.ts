/**
 * Sharing the GPU with the desktop. A browser draws the desktop with the GPU that trains, and queued work runs in
 * order: a second of queued work freezes the desktop for a second. So while the page is visible, about 30 ms of work
 * are queued before the queue is left to drain. The number of pieces that fit is measured along the way.
 *
 * No timer is involved, because browsers throttle the timers of hidden pages. Results never depend on the pace.
 */

/** Options of a pacer. */
export interface PacerOptions {
  /** Resolves when the GPU has finished all submitted work. */
  readonly waitForGpu: () => Promise<void>;
  /** Whether the page is visible. */
  readonly isVisible: () => boolean;
  /** A clock in milliseconds. */
  readonly now: () => number;
  /** The most work to queue while the page is visible. Default {@link PIECE_BUDGET_MS}. */
  readonly budgetMs?: number;
}

/** Two frames of the desktop. */
export const PIECE_BUDGET_MS = 30;
/** Pieces that may be queued while the page is hidden: enough to keep a GPU busy, few enough to bound their memory. */
const MAX_QUEUED = 16;

/** Decides after which pieces of work to wait for the GPU. */
export class Pacer {
  readonly #options: PacerOptions;
  readonly #budgetMs: number;
  #queued = 0;
  #queuedSinceMs = 0;
  /** Duration of a piece as last measured; initially the longest allowed. */
  #pieceMs: number;

  constructor(options: PacerOptions) {
    this.#options = options;
    this.#budgetMs = options.budgetMs ?? PIECE_BUDGET_MS;
    this.#pieceMs = this.#budgetMs;
  }

  /** Call when work resumes after something else, whose time does not count towards a piece. */
  begin(): void {
    if (this.#queued === 0) this.#queuedSinceMs = this.#options.now();
  }

  /** Await after queueing a piece of work. */
  async afterPiece(): Promise<void> {
    const { waitForGpu, isVisible, now } = this.#options;
    this.#queued += 1;
    const hasRoom = isVisible() ? (this.#queued + 1) * this.#pieceMs <= this.#budgetMs : this.#queued < MAX_QUEUED;
    if (hasRoom) return;
    await waitForGpu();
    const endMs = now();
    this.#pieceMs = (endMs - this.#queuedSinceMs) / this.#queued;
    this.#queuedSinceMs = endMs;
    this.#queued = 0;
  }
}
