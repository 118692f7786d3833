/**
 * How long a run has computed, without pauses, turns of other runs and the time between two sessions, and how long it
 * had at each step. Nor does the time count in which the machine slept or the page was frozen.
 */
import { REMEMBERED_PIECES, withoutSleep } from '../common/sleep.ts';
import type { RunPoint, TrackedRun } from '../protocol/tracked-run.ts';

export class ActiveTime {
  readonly #now: () => number;
  readonly #msAt = new Map<number, number>();
  /** Of earlier sessions; null if nobody measured it there. */
  #beforeMs: number | null = 0;
  #ms = 0;
  /** Since when the run computes; undefined while it waits. */
  #since: number | undefined;
  /** What the clock said of the last stretches between two waits, usually a step each. */
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
    const ms = this.#now() - this.#since;
    this.#ms += withoutSleep(ms, this.#stretches);
    this.#stretches.push(ms);
    if (this.#stretches.length > REMEMBERED_PIECES) this.#stretches.shift();
    this.#since = undefined;
  }

  /** In whole milliseconds; null if a part of it is unknown. */
  total(): number | null {
    const running = this.#since === undefined ? 0 : withoutSleep(this.#now() - this.#since, this.#stretches);
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
