/**
 * Leaving a GPU to others. A browser draws the desktop with the same GPU that trains, and what is queued on it is done in
 * order: queue a second of work, and the desktop stands still for a second. So while somebody looks, only about 30 ms of
 * work are queued before the queue is left to run empty. How many pieces that are is measured as they go.
 *
 * No timer is involved, since browsers slow the timers of hidden pages down. What is computed never depends on the pace.
 */

/** How a pacer works. */
export interface PacerOptions {
  /** Resolves once the GPU has done all it was given. */
  readonly waitForGpu: () => Promise<void>;
  /** Whether somebody looks. */
  readonly isVisible: () => boolean;
  /** A clock in milliseconds. */
  readonly now: () => number;
  /** The most work to be queued while somebody looks. Default {@link PIECE_BUDGET_MS}. */
  readonly budgetMs?: number;
}

/** Two frames of a desktop. */
export const PIECE_BUDGET_MS = 30;
/** Pieces that may be queued while nobody looks: enough to keep a GPU busy, few enough to bound the memory they hold. */
const MAX_QUEUED = 16;

/** Decides after which pieces of work to wait for the GPU. */
export class Pacer {
  readonly #options: PacerOptions;
  readonly #budgetMs: number;
  #queued = 0;
  #queuedSinceMs = 0;
  /** Of one piece, as last measured; until then the longest that may be. */
  #pieceMs: number;

  constructor(options: PacerOptions) {
    this.#options = options;
    this.#budgetMs = options.budgetMs ?? PIECE_BUDGET_MS;
    this.#pieceMs = this.#budgetMs;
  }

  /** To be called when work goes on after something else, whose time is none of a piece. */
  begin(): void {
    if (this.#queued === 0) this.#queuedSinceMs = this.#options.now();
  }

  /** To be awaited after a piece of work has been queued. */
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
