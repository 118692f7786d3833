/**
 * How long a run has computed, without pauses, turns of other runs and the time between two sessions, and how long it
 * had at each step. Nor does the time count in which the machine slept or the page was frozen.
 */
import { WorkTime } from '../common/work-time.ts';
import type { RunPoint, TrackedRun } from '../protocol/tracked-run.ts';

export class ActiveTime {
  readonly #here: WorkTime;
  readonly #msAt = new Map<number, number>();
  /** Of earlier sessions; null if nobody measured it there. */
  #beforeMs: number | null = 0;

  /** @param now - in milliseconds */
  constructor(now: () => number) {
    this.#here = new WorkTime(now);
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
    this.#here.go();
  }

  halt(): void {
    this.#here.halt();
  }

  /** In whole milliseconds; null if a part of it is unknown. */
  total(): number | null {
    return this.#beforeMs === null ? null : this.#beforeMs + Math.round(this.#here.total());
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
    return withTimes(curve, this.#msAt);
  }
}

/** The points of a curve with the milliseconds of computing by each step, where they are known. */
export function withTimes(curve: readonly RunPoint[], msAt: ReadonlyMap<number, number>): RunPoint[] {
  return curve.map((point) => {
    const activeMs = msAt.get(point.step);
    return activeMs === undefined ? point : { ...point, activeMs };
  });
}
