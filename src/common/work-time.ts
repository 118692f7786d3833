/**
 * How long something has worked, in stretches between waits. Clocks jump forward in the middle of a stretch when the
 * machine sleeps or a page is frozen; nobody worked then, so it is no part of how long work takes or what time is left.
 */

/** The machine slept in a stretch that takes at least this long, and longer than usual by the factor below. */
const LEAST_SLEEP_MS = 5 * 60_000;
const SLEEP_FACTOR = 20;
/** The last stretches, whose median is the usual length. */
export const REMEMBERED_STRETCHES = 9;

/**
 * The time that a stretch took, in milliseconds: the usual one where the clock has jumped, 0 where it was set back.
 *
 * @param ms - by the clock
 * @param earlier - what the clock said of stretches before it, in their order; work that has become slow for good
 *   counts as soon as most of the last ones are slow
 */
export function withoutSleep(ms: number, earlier: readonly number[]): number {
  const recent = earlier.slice(-REMEMBERED_STRETCHES).toSorted((a, b) => a - b);
  const usual = recent[recent.length >> 1];
  return usual !== undefined && ms >= LEAST_SLEEP_MS && ms >= SLEEP_FACTOR * usual ? usual : Math.max(0, ms);
}

export class WorkTime {
  readonly #now: () => number;
  #ms = 0;
  /** Since when it works; undefined while it waits. */
  #since: number | undefined;
  readonly #stretches: number[] = [];

  /** @param now - in milliseconds */
  constructor(now: () => number) {
    this.#now = now;
  }

  go(): void {
    this.#since ??= this.#now();
  }

  halt(): void {
    if (this.#since === undefined) return;
    const ms = this.#now() - this.#since;
    this.#ms += withoutSleep(ms, this.#stretches);
    this.#stretches.push(ms);
    if (this.#stretches.length > REMEMBERED_STRETCHES) this.#stretches.shift();
    this.#since = undefined;
  }

  /** So far, in milliseconds. */
  total(): number {
    return this.#ms + (this.#since === undefined ? 0 : withoutSleep(this.#now() - this.#since, this.#stretches));
  }
}
