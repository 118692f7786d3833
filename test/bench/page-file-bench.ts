/**
 * `bench file --page`: a large file scored in the Files view of the built page on WebAssembly, while somebody scrolls
 * the table of all its pairs. What they notice is counted: frames, tasks that hold one up, and memory over time.
 */
import type { Browser, Page } from 'playwright-core';
import { note } from '../../src/cli/terminal.ts';
import { cpuSeconds, residentBytes } from '../setup/browser-processes.ts';
import { pairsTsv } from './file-bench.ts';
import { median } from './median.ts';
import { onBuiltPage, tracedTasks } from './page-bench.ts';

export interface PageFileResult {
  readonly pairs: number;
  /** Milliseconds from the click to the first row with a label. */
  readonly firstRowMs: number;
  /** Seconds of processor time of the browser until then, which other work on the machine hardly changes. */
  readonly firstRowCpuSec: number;
  readonly seconds: number;
  readonly framesPerSecond: number;
  /** The share of frames that came more than 20 ms after the one before, so at less than 50 a second. */
  readonly lateFrames: number;
  /** Of the page's thread in the first seconds of scoring, by processor time: a frame at 60 a second has 16.7 ms. */
  readonly tasks: { readonly count: number; readonly overFrame: number; readonly longestMs: number };
  /** Resident bytes of the page's process, with its threads, at equal steps from the first batch to the last. */
  readonly memory: readonly number[];
}

const FRAME_MS = 1000 / 60;
const LATE_MS = 20;
const SCROLLED_PX = 24;
const TRACED_MS = 10_000;
const SAMPLE_MS = 1000;
const SHOWN_SAMPLES = 12;
const LONGEST_WAIT_MS = 900_000;

export async function benchPageFile(pairs: number): Promise<PageFileResult> {
  return onBuiltPage((browser, address) => scoreAndScroll(browser, `${address}?backend=wasm#/files`, pairs));
}

async function scoreAndScroll(browser: Browser, url: string, pairs: number): Promise<PageFileResult> {
  const page = await browser.newPage();
  page.setDefaultTimeout(LONGEST_WAIT_MS);
  await page.goto(url);
  await page.locator('lab-file-start .files').setInputFiles({
    name: 'pairs.tsv',
    mimeType: 'text/tab-separated-values',
    buffer: Buffer.from(pairsTsv(pairs)),
  });
  await page.getByRole('button', { name: 'Use it like this' }).click();
  const score = page.getByRole('button', { name: /^Score [\d,]+ pairs$/u }).and(page.locator(':enabled'));
  await score.waitFor();
  const whole = await browser.newBrowserCDPSession();
  const cpuAtClick = await cpuSeconds(whole);
  const clickedAt = performance.now();
  await score.click();
  await page.locator('lab-pair-table .label').first().waitFor();
  const firstRowMs = performance.now() - clickedAt;
  const firstRowCpuSec = (await cpuSeconds(whole)) - cpuAtClick;
  await page.getByRole('option', { name: /^All queries/u }).click();
  await page.locator('lab-pair-table .box').evaluate(scrollAndCount, SCROLLED_PX);
  note(`scoring ${pairs} pairs while the table is scrolled`);
  const sampled: number[] = [];
  const sampling = setInterval(() => {
    void residentBytes(whole, /renderer/iu).then((bytes) => sampled.push(bytes));
  }, SAMPLE_MS);
  const tasks = (await tracedTasks(browser, page, () => page.waitForTimeout(TRACED_MS))).map(({ cpuMs }) => cpuMs);
  await page.getByText(`Measured on ${pairs.toLocaleString('en')} graded pairs`).waitFor();
  clearInterval(sampling);
  const seconds = (performance.now() - clickedAt) / 1000;
  const gaps = await frameGaps(page);
  return {
    pairs,
    firstRowMs,
    firstRowCpuSec,
    seconds,
    framesPerSecond: 1000 / (gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length),
    lateFrames: gaps.filter((gap) => gap > LATE_MS).length / gaps.length,
    tasks: {
      count: tasks.length,
      overFrame: tasks.filter((ms) => ms > FRAME_MS).length,
      longestMs: Math.max(...tasks),
    },
    memory: thinned(sampled),
  };
}

/** What the page notes for {@link frameGaps}. */
interface Noted {
  frameGaps: number[];
}

/**
 * Runs in the page: scrolls the table down at each frame, from the top again at its end, and notes when frames come. It
 * is a method, because the names that tsx gives to functions do not exist in the page.
 */
function scrollAndCount(box: Element, px: number): void {
  const noted = globalThis as unknown as Noted;
  noted.frameGaps = [];
  const scroller = {
    before: performance.now(),
    step(now: number): void {
      noted.frameGaps.push(now - this.before);
      this.before = now;
      const atEnd = box.scrollTop + box.clientHeight >= box.scrollHeight - 1;
      box.scrollTop = atEnd ? 0 : box.scrollTop + px;
      requestAnimationFrame((next) => this.step(next));
    },
  };
  requestAnimationFrame((now) => scroller.step(now));
}

function frameGaps(page: Page): Promise<number[]> {
  return page.evaluate(() => (globalThis as unknown as Noted).frameGaps.slice(1));
}

/** Medians of equal parts. */
function thinned(values: readonly number[]): number[] {
  const parts = Math.min(SHOWN_SAMPLES, values.length);
  return Array.from({ length: parts }, (_, i) =>
    median(values.slice(Math.floor((i * values.length) / parts), Math.floor(((i + 1) * values.length) / parts))),
  );
}

/** The result as text. */
export function pageFileReport({ pairs, seconds, tasks, memory, ...result }: PageFileResult): string[] {
  return [
    `${pairs.toLocaleString('en')} pairs in the page: ${seconds.toFixed(0)} s, first label after ${result.firstRowMs.toFixed(0)} ms (${result.firstRowCpuSec.toFixed(2)} s of processor time)`,
    `scrolled at ${result.framesPerSecond.toFixed(1)} frames a second, ${(100 * result.lateFrames).toFixed(1)} % of them late by over ${LATE_MS} ms`,
    `${tasks.overFrame} of ${tasks.count} traced tasks take longer than a frame (longest ${tasks.longestMs.toFixed(1)} ms of processor time)`,
    `resident MiB of the page, from the first batch to the last: ${memory.map((bytes) => (bytes / 2 ** 20).toFixed(0)).join(' ')}`,
  ];
}
