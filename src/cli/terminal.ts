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
/** Whether a line of progress is on the terminal that nothing has ended yet. */
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

/** Control characters but tab and line feed; they could move the cursor of a terminal, or worse. */
// eslint-disable-next-line no-control-regex -- control characters are what is looked for
const CONTROLS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/gu;

/** Text with control characters as JSON escapes them, because it may hold what a file says. */
function printable(text: string): string {
  return text.replaceAll(CONTROLS, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** Prints text as it is: what commander has laid out. */
export const raw = {
  out: (text: string): void => void streams.out.write(text),
  err: (text: string): void => void streams.err.write(text),
};

function endProgressLine(): void {
  if (isLineOpen) streams.err.write('\n');
  isLineOpen = false;
}

/** The time left is an estimate once there is so much to go by. */
const ESTIMATE = { leastMs: 5_000, leastUpdates: 3, leastShare: 0.01 };

/**
 * Shows how far a long task is, on a terminal in one line, else by a line now and then; and how long it will take, once that
 * can be estimated. The first update starts the clock, because what comes before it is getting ready.
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

  /** @param total - undefined while it is not known */
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

  /** Undefined while too little has been done to say. */
  #leftSeconds(done: number, total: number | undefined, nowMs: number): number | undefined {
    if (total === undefined || this.#first === undefined) return undefined;
    const [elapsedMs, made] = [nowMs - this.#first.ms, done - this.#first.done];
    const { leastMs, leastUpdates, leastShare } = ESTIMATE;
    if (elapsedMs < leastMs || this.#updates <= leastUpdates || made < leastShare * total) return undefined;
    return ((elapsedMs / made) * (total - done)) / 1000;
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
