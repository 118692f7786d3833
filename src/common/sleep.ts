/**
 * Clocks jump forward in the middle of a piece of work when the machine sleeps or a page is frozen. Nobody worked then,
 * so it is no part of how long work takes or what time is left.
 */

/** A piece of work has slept if it takes at least this long ... */
const LEAST_SLEEP_MS = 5 * 60_000;
/** ... and this many times as long as the others usually do, of which the last so many count. */
const SLEEP_FACTOR = 20;
const WINDOW = 9;

/**
 * The time that a piece of work took, in milliseconds: the usual one where the clock has jumped, 0 where it was set
 * back.
 *
 * @param ms - by the clock
 * @param earlier - what the clock said of pieces before it, in their order; work that has become slow for good counts
 *   as soon as most of the last ones are slow
 */
export function withoutSleep(ms: number, earlier: readonly number[]): number {
  const recent = earlier.slice(-WINDOW).toSorted((a, b) => a - b);
  const usual = recent[recent.length >> 1];
  return usual !== undefined && ms >= LEAST_SLEEP_MS && ms >= SLEEP_FACTOR * usual ? usual : Math.max(0, ms);
}

/** How many pieces need to be remembered for {@link withoutSleep}. */
export const REMEMBERED_PIECES = WINDOW;
