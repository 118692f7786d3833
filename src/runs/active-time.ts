/**
 * How long a run has computed, without pauses, turns of other runs and the time between two sessions, and how long it
 * had at each step. Nor does the time count in which the machine slept or the page was frozen: clocks jump forward
 * then, in the middle of a step.
 */
import type { RunPoint, TrackedRun } from '../protocol/tracked-run.ts';

/** A stretch of work counts as a sleep if it takes at least this long ... */
const LEAST_SLEEP_MS = 5 * 60_000;
/** ... and this many times as long as stretches usually do, of which the last so many are known. */
const SLEEP_FACTOR = 20;
const WINDOW = 9;

export class ActiveTime {
  readonly #now: () => number;
  readonly #msAt = new Map<number, number>();
  /** Of earlier sessions; null if nobody measured it there. */
  #beforeMs: number | null = 0;
  #ms = 0;
  /** Since when the run computes; undefined while it waits. */
  #since: number | undefined;
  /** The last stretches between two waits, usually a step each. */
  readonly #stretches: number[] = [];

  /** @param now - in milliseconds */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** The run continues at a step. @param before - its record so far */
  continue(step: number, before: Pick<TrackedRun, 'activeMs' | 'curve'> | undefined): void {
    if (step === 0) return;
    this.#beforeMs = before?.activeMs ?? null;
    for (const point of before?.curve ?? []) {
      if (point.step <= step && point.activeMs !== undefined) this.#msAt.set(point.step, point.activeMs);
    }
  }

  go(): void {
    this.#since ??= this.#now();
  }

  halt(): void {
    if (this.#since === undefined) return;
    this.#ms += this.#stretch(this.#since);
    // As long as the clock says, so that steps that have become slow for good count after some of them.
    this.#stretches.push(Math.max(0, this.#now() - this.#since));
    if (this.#stretches.length > WINDOW) this.#stretches.shift();
    this.#since = undefined;
  }

  /** Of the present stretch so far; the usual time of one where the clock has jumped. */
  #stretch(since: number): number {
    const ms = Math.max(0, this.#now() - since);
    const usual = this.#stretches.toSorted((a, b) => a - b)[this.#stretches.length >> 1];
    return usual !== undefined && ms >= LEAST_SLEEP_MS && ms >= SLEEP_FACTOR * usual ? usual : ms;
  }

  /** In whole milliseconds; null if a part of it is unknown. */
  total(): number | null {
    const running = this.#since === undefined ? 0 : this.#stretch(this.#since);
    return this.#beforeMs === null ? null : this.#beforeMs + Math.round(this.#ms + running);
  }

  /** Remembers the time at a step, when it is reached for the first time. */
  mark(step: number): void {
    const total = this.total();
    if (total !== null && !this.#msAt.has(step)) this.#msAt.set(step, total);
  }

  /** Later steps are repeated. */
  rewind(step: number): void {
    for (const later of this.#msAt.keys()) if (later > step) this.#msAt.delete(later);
  }

  /** The points of a curve with their times. */
  marked(curve: readonly RunPoint[]): RunPoint[] {
    return curve.map((point) => {
      const activeMs = this.#msAt.get(point.step);
      return activeMs === undefined ? point : { ...point, activeMs };
    });
  }
}
