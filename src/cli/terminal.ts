/**
 * What commands print: results on standard output, everything about the run on standard error.
 */
import process from 'node:process';
import type { GrpoStep } from '../train/grpo-telemetry.ts';

/** Prints a line of the result. */
export function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** Prints a line about the run. */
export function note(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** Shows how far a long task is and how long it will take; on a terminal in one line, else a line now and then. */
export class Progress {
  readonly #what: string;
  readonly #startMs = performance.now();
  #lastShownMs = -Infinity;
  #isShown = false;

  constructor(what: string) {
    this.#what = what;
  }

  /** @param total - undefined while it is not known */
  update(done: number, total: number | undefined, more = ''): void {
    const nowMs = performance.now();
    if (nowMs - this.#lastShownMs < (process.stderr.isTTY ? 200 : 10_000) && done !== total) return;
    this.#lastShownMs = nowMs;
    const elapsedSeconds = (nowMs - this.#startMs) / 1000;
    const share = total === undefined ? '' : `/${total.toLocaleString('en')}`;
    const left =
      total === undefined || done === 0 ? '' : `, ${duration((elapsedSeconds / done) * (total - done))} left`;
    const line = `${this.#what}: ${done.toLocaleString('en')}${share}${left}${more === '' ? '' : `, ${more}`}`;
    process.stderr.write(process.stderr.isTTY ? `\r\x1b[K${line}` : `${line}\n`);
    this.#isShown = true;
  }

  /** Ends the line. */
  end(): void {
    if (this.#isShown && process.stderr.isTTY) process.stderr.write('\n');
  }
}

/** A step of reinforcement, for a line of progress. */
export function spokenStep({ reward, stage }: Pick<GrpoStep, 'reward' | 'stage'>): string {
  return `reward ${reward.total.toFixed(3)}${stage === null ? '' : `, stage ${stage}`}`;
}

/** Seconds as people say them. */
export function duration(seconds: number): string {
  if (!Number.isFinite(seconds)) return 'unknown';
  if (seconds < 90) return `${Math.ceil(seconds)} s`;
  if (seconds < 5400) return `${Math.ceil(seconds / 60)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}

/** A measured value, or that there was nothing to measure. */
export function said(value: number | null): string {
  return value === null ? 'not measurable' : value.toFixed(3);
}
