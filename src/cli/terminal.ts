/**
 * What commands print: results on standard output, everything about the run on standard error.
 */
import process from 'node:process';
import type { GrpoStep } from '../train/grpo-telemetry.ts';

/** Where a command prints. */
export interface Streams {
  readonly out: OutputStream;
  readonly err: OutputStream;
}

interface OutputStream {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

/** The launcher of `npm run lab` says whether its own standard error is a terminal: here it is a pipe. */
const isLaunchedOnTerminal = process.env['AFRL_TERMINAL'] === '1';

let streams: Streams = {
  out: process.stdout,
  err: {
    isTTY: process.stderr.isTTY || isLaunchedOnTerminal,
    write: (text) => process.stderr.write(text),
  },
};
/** Whether the terminal shows a line of progress without a line break at its end. */
let isLineOpen = false;

/** Runs work that prints to other streams than those of the process. */
export async function withStreams<T>(others: Partial<Streams>, work: () => Promise<T>): Promise<T> {
  const own = streams;
  streams = { ...own, ...others };
  try {
    return await work();
  } finally {
    streams = own;
  }
}

/** Prints a line of the result. */
export function print(line: string): void {
  endProgressLine();
  streams.out.write(`${printable(line)}\n`);
}

/** Prints a line about the run. */
export function note(line: string): void {
  endProgressLine();
  streams.err.write(`${printable(line)}\n`);
}

/** Control characters except tab and line feed, which could manipulate the terminal. */
// eslint-disable-next-line no-control-regex -- this matches control characters on purpose
const CONTROLS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/gu;

/** Text with control characters escaped as in JSON, because it may quote a file. */
function printable(text: string): string {
  return text.replaceAll(CONTROLS, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** Prints text unchanged, for text that commander has laid out. */
export const raw = {
  out: (text: string): void => void streams.out.write(text),
  err: (text: string): void => void streams.err.write(text),
};

function endProgressLine(): void {
  if (isLineOpen) streams.err.write('\n');
  isLineOpen = false;
}

/** The minimum progress before the remaining time is estimated. */
const ESTIMATE = { leastMs: 5_000, leastUpdates: 3, leastShare: 0.01 };

/**
 * Shows the progress of a long task, in one line on a terminal and as occasional lines elsewhere, with the remaining
 * time once it can be estimated. The first update starts the clock, because the time before it is preparation.
 */
export class Progress {
  readonly #what: string;
  readonly #now: () => number;
  #first: { readonly ms: number; readonly done: number } | undefined;
  #updates = 0;
  #lastShownMs = -Infinity;

  /** @param now - the clock, in milliseconds */
  constructor(what: string, now: () => number = () => performance.now()) {
    this.#what = what;
    this.#now = now;
  }

  /** @param total - undefined while it is unknown */
  update(done: number, total: number | undefined, more = ''): void {
    const nowMs = this.#now();
    this.#first ??= { ms: nowMs, done };
    this.#updates += 1;
    const isTerminal = streams.err.isTTY === true;
    if (nowMs - this.#lastShownMs < (isTerminal ? 200 : 10_000) && done !== total) return;
    this.#lastShownMs = nowMs;
    const share = total === undefined ? '' : `/${total.toLocaleString('en')}`;
    const left = this.#leftSeconds(done, total, nowMs);
    const line =
      `${this.#what}: ${done.toLocaleString('en')}${share}` +
      `${left === undefined ? '' : `, ${duration(left)} left`}${more === '' ? '' : `, ${more}`}`;
    streams.err.write(isTerminal ? `\r\x1b[K${line}` : `${line}\n`);
    isLineOpen = isTerminal;
  }

  /** Ends the line. */
  end(): void {
    endProgressLine();
  }

  /** Undefined while it cannot be estimated. */
  #leftSeconds(done: number, total: number | undefined, nowMs: number): number | undefined {
    if (total === undefined || this.#first === undefined) return undefined;
    const [elapsedMs, made] = [nowMs - this.#first.ms, done - this.#first.done];
    const { leastMs, leastUpdates, leastShare } = ESTIMATE;
    if (elapsedMs < leastMs || this.#updates <= leastUpdates || made < leastShare * total) return undefined;
    return ((elapsedMs / made) * (total - done)) / 1000;
  }
}

/** A GRPO step, for a line of progress. */
export function describeStep({ reward, stage }: Pick<GrpoStep, 'reward' | 'stage'>): string {
  return `reward ${reward.total.toFixed(3)}${stage === null ? '' : `, stage ${stage}`}`;
}

/** A duration in readable units. */
export function duration(seconds: number): string {
  if (!Number.isFinite(seconds)) return 'unknown';
  if (seconds < 90) return `${Math.ceil(seconds)} s`;
  if (seconds < 5400) return `${Math.ceil(seconds / 60)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}

/** A measured value to three decimals, or "not measurable". */
export function valueText(value: number | null): string {
  return value === null ? 'not measurable' : value.toFixed(3);
}
