/**
 * `bench page`: how long the main thread of the page is blocked while a run trains in its worker. The page is built and
 * opened in Chromium, and its button starts the first run on WebAssembly.
 *
 * The wall time of a task is what users notice; its CPU time is the cost of the code. On a busy machine only CPU time
 * distinguishes slow code from a descheduled thread. The browser's trace has both.
 */
import { type Browser, chromium, type Page } from 'playwright-core';
import { LabError } from '../../src/common/errors.ts';
import { note } from '../../src/cli/terminal.ts';
import { addressOf, buildAndServe, pageIn } from '../setup/built-page.ts';
import { HEADLESS_FLAGS } from '../setup/chromium-flags.ts';
import { findChromium } from '../setup/system-packages.ts';

/** A task of the main thread. */
export interface PageTask {
  /** Milliseconds after the start of the run. */
  readonly atMs: number;
  readonly cpuMs: number;
  readonly clockMs: number;
  /** Its longest parts, by their names in the trace. */
  readonly did: readonly string[];
}

/** The result, which is the last line of output with `--json`. */
export interface PageResult {
  readonly seconds: number;
  readonly tasks: number;
  /** Tasks with more CPU time than {@link LIMIT_MS}. */
  readonly overLimit: number;
  /** Tasks longer than 50 ms wall time, as counted by the page's PerformanceObserver. */
  readonly longTasks: number;
  /** The longest tasks by CPU time, in descending order. */
  readonly longest: readonly PageTask[];
}

/** Users notice longer tasks. */
export const LIMIT_MS = 50;
const CATEGORIES = ['devtools.timeline', 'disabled-by-default-devtools.timeline', 'v8'];

/** Runs the benchmark. */
export async function benchPage(seconds: number, rows: number): Promise<PageResult> {
  return onBuiltPage((browser, address) => traceTraining(browser, `${address}?backend=wasm#/train`, seconds, rows));
}

/** Builds the page, serves it, and opens a Chromium for it. */
export async function onBuiltPage<T>(work: (browser: Browser, address: string) => Promise<T>): Promise<T> {
  const found = findChromium();
  if ('missing' in found) throw new LabError('internal', { message: found.missing });
  // Otherwise the development version of lit is built.
  process.env['NODE_ENV'] = 'production';
  note('building the page');
  const server = await buildAndServe(pageIn('bench-page'));
  const browser = await chromium.launch({ executablePath: found.path, args: HEADLESS_FLAGS });
  try {
    return await work(browser, addressOf(server));
  } finally {
    await browser.close();
    await server.close();
  }
}

async function traceTraining(browser: Browser, url: string, seconds: number, rows: number): Promise<PageResult> {
  const page = await browser.newPage();
  await page.goto(url);
  await page.locator('lab-run-plan .figure').waitFor({ timeout: 120_000 });
  await page.evaluate(watchLongTasks);
  const tasks = await tracedTasks(browser, page, async () => {
    await page.getByRole('button', { name: 'Train a small model' }).click();
    note(`training for ${seconds} s`);
    await page.waitForTimeout(1000 * seconds);
  });
  return {
    seconds,
    tasks: tasks.length,
    overLimit: tasks.filter(({ cpuMs }) => cpuMs > LIMIT_MS).length,
    longTasks: await page.evaluate(() => (globalThis as unknown as { longTasks: number }).longTasks),
    longest: tasks.slice(0, rows),
  };
}

/** The tasks of a page's main thread during some work, by CPU time. */
export async function tracedTasks(browser: Browser, page: Page, work: () => Promise<unknown>): Promise<PageTask[]> {
  await browser.startTracing(page, { categories: CATEGORIES });
  await work();
  const trace = JSON.parse((await browser.stopTracing()).toString()) as { traceEvents: TraceEvent[] };
  return tasksOf(trace.traceEvents);
}

/** Runs in the page. */
function watchLongTasks(): void {
  const seen = globalThis as unknown as { longTasks: number };
  seen.longTasks = 0;
  new PerformanceObserver((list) => {
    seen.longTasks += list.getEntries().length;
  }).observe({ type: 'longtask' });
}

/** An event of Chromium's trace; times are in microseconds, `tdur` is CPU time. */
interface TraceEvent {
  readonly name: string;
  readonly ph: string;
  readonly pid: number;
  readonly tid: number;
  readonly ts: number;
  readonly dur?: number;
  readonly tdur?: number;
  readonly args?: {
    readonly data?: { readonly functionName?: string; readonly type?: string; readonly frame?: string };
  };
}

/** The tasks of the main thread, by CPU time. */
function tasksOf(events: readonly TraceEvent[]): PageTask[] {
  // Layout runs only on the main thread of the page's renderer.
  const layout = events.find(({ name }) => name === 'Layout');
  const ofPage = events.filter(({ ph, pid, tid }) => ph === 'X' && pid === layout?.pid && tid === layout.tid);
  const startUs = ofPage[0]?.ts ?? NaN;
  const tasks = ofPage.filter(({ name }) => name === 'RunTask');
  return tasks
    .toSorted((a, b) => (b.tdur ?? 0) - (a.tdur ?? 0))
    .map((task, rank) => ({
      atMs: (task.ts - startUs) / 1000,
      cpuMs: (task.tdur ?? 0) / 1000,
      clockMs: (task.dur ?? 0) / 1000,
      did: rank < DETAILED_TASKS ? longestWithin(task, ofPage) : [],
    }));
}

/** Only the longest tasks get details, because searching their parts is slow. */
const DETAILED_TASKS = 20;
const PARTS_PER_TASK = 4;

function longestWithin(task: TraceEvent, events: readonly TraceEvent[]): string[] {
  const endUs = task.ts + (task.dur ?? 0);
  return events
    .filter(({ name, ts, dur = 0 }) => !name.endsWith('RunTask') && ts >= task.ts && ts + dur <= endUs)
    .toSorted((a, b) => (b.tdur ?? 0) - (a.tdur ?? 0))
    .slice(0, PARTS_PER_TASK)
    .map(({ name, tdur = 0, args }) => {
      const detail = args?.data?.functionName ?? args?.data?.type ?? '';
      return `${name}${detail === '' ? '' : ` ${detail}`} ${(tdur / 1000).toFixed(1)}`;
    });
}

/** The result as text. */
export function pageReport({ seconds, tasks, overLimit, longTasks, longest }: PageResult): string[] {
  return [
    `the main thread in ${seconds} s of the first run: ${tasks} tasks, ${overLimit} with more than ${LIMIT_MS} ms of CPU time`,
    `(${longTasks} with more than 50 ms of wall time)`,
    '',
    '   at s   CPU ms   wall ms',
    ...longest.map(
      ({ atMs, cpuMs, clockMs, did }) =>
        `${(atMs / 1000).toFixed(1).padStart(7)} ${cpuMs.toFixed(1).padStart(8)} ${clockMs.toFixed(1).padStart(9)}  ${did.join(', ')}`,
    ),
  ];
}
