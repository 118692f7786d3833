/**
 * Measures training time without pauses, evaluations and saves. Speeds are medians over the last log entries, so that
 * the estimate survives a night in standby.
 */

/** The recent speed of a run; null before it can be measured. */
export interface RunSpeed {
  readonly stepMs: number | null;
  readonly tokensPerSec: number | null;
}

/** The number of log entries in the median. */
const WINDOW = 9;

/** Measures the speed of a run from its log entries. */
export class RunClock {
  readonly #now: () => number;
  readonly #stepMs: number[] = [];
  readonly #tokensPerMs: number[] = [];
  #excludedMs = 0;
  #isExcluding = false;
  #last: { readonly step: number; readonly tokens: number; readonly ms: number };

  /** @param now - in milliseconds */
  constructor(now: () => number, step: number, tokens: number) {
    this.#now = now;
    this.#last = { step, tokens, ms: now() };
  }

  /** Runs work whose time is not counted. Nested calls are excluded once. */
  async exclude<T>(work: () => Promise<T>): Promise<T> {
    if (this.#isExcluding) return work();
    this.#isExcluding = true;
    const startMs = this.#now();
    try {
      return await work();
    } finally {
      this.#excludedMs += this.#now() - startMs;
      this.#isExcluding = false;
    }
  }

  /** Records that `step` updates and `tokens` tokens are done. */
  speedAt(step: number, tokens: number): RunSpeed {
    const ms = this.#now() - this.#excludedMs;
    const [steps, elapsedMs] = [step - this.#last.step, ms - this.#last.ms];
    if (steps > 0 && elapsedMs > 0) {
      push(this.#stepMs, elapsedMs / steps);
      push(this.#tokensPerMs, (tokens - this.#last.tokens) / elapsedMs);
      this.#last = { step, tokens, ms };
    }
    const tokensPerMs = median(this.#tokensPerMs);
    return { stepMs: median(this.#stepMs), tokensPerSec: tokensPerMs === null ? null : 1000 * tokensPerMs };
  }
}

function push(values: number[], value: number): void {
  values.push(value);
  if (values.length > WINDOW) values.shift();
}

function median(values: readonly number[]): number | null {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? null;
}
