/**
 * `bench lesson`: what a class waits for on the built page in Chromium, on WebAssembly: the first motion of the front
 * door on a cold load, and the alarm of the lesson's live run of a collapse.
 */
import type { Browser } from 'playwright-core';
import { note } from '../../src/cli/terminal.ts';
import { cpuSeconds } from '../setup/browser-processes.ts';
import { onBuiltPage } from './page-bench.ts';

export interface LessonResult {
  /** Of each cold load: from the start of its navigation to the first step of the picture. */
  readonly motionMs: readonly number[];
  readonly alarm: {
    /** What the page said. */
    readonly event: string;
    /** From the click, by the clock. */
    readonly seconds: number;
    /** Of all processes of the browser. */
    readonly cpuSeconds: number;
    readonly threads: number;
  };
}

const DESK = { viewport: { width: 1280, height: 720 } };
const LONGEST_WAIT_MS = 1_200_000;

/** @param loads - cold loads of the front door */
export async function benchLesson(loads: number): Promise<LessonResult> {
  return onBuiltPage(async (browser, address) => {
    const motionMs: number[] = [];
    for (let load = 0; load < loads; load++) motionMs.push(await firstMotion(browser, `${address}#/`));
    note(`first motion after ${motionMs.map((ms) => ms.toFixed(0)).join(', ')} ms`);
    return { motionMs, alarm: await firstAlarm(browser, `${address}?backend=wasm#/lesson/collapse/6`) };
  });
}

async function firstMotion(browser: Browser, url: string): Promise<number> {
  const context = await browser.newContext(DESK);
  try {
    const page = await context.newPage();
    await page.goto(url, { waitUntil: 'commit' });
    // Waits for the slider first.
    return await page.getByRole('slider', { name: 'Step of the run' }).evaluate(
      (slider) =>
        new Promise<number>((resolve) => {
          const loop = {
            look(): void {
              if (slider instanceof HTMLInputElement && slider.value !== '0') resolve(performance.now());
              else requestAnimationFrame(() => this.look());
            },
          };
          loop.look();
        }),
    );
  } finally {
    await context.close();
  }
}

async function firstAlarm(browser: Browser, url: string): Promise<LessonResult['alarm']> {
  const page = await (await browser.newContext(DESK)).newPage();
  page.setDefaultTimeout(LONGEST_WAIT_MS);
  const whole = await browser.newBrowserCDPSession();
  await page.goto(url);
  await page.getByRole('link', { name: 'Run it here' }).click();
  const start = page.getByRole('button', { name: 'Run the demonstration' }).and(page.locator(':enabled'));
  await start.waitFor();
  const before = await cpuSeconds(whole);
  const clickedAt = performance.now();
  await start.click();
  note('the collapse runs until its alarm');
  const event = await page.locator('lab-live .event').first().innerText();
  return {
    event: event.replaceAll(/\s+/gu, ' '),
    seconds: (performance.now() - clickedAt) / 1000,
    cpuSeconds: (await cpuSeconds(whole)) - before,
    threads: await page.evaluate(() => (crossOriginIsolated ? navigator.hardwareConcurrency : 1)),
  };
}

/** The result as text. */
export function lessonReport({ motionMs, alarm }: LessonResult): string[] {
  return [
    `first motion on a cold load: ${motionMs.map((ms) => ms.toFixed(0)).join(', ')} ms`,
    `alarm ${alarm.seconds.toFixed(1)} s after the click, ${alarm.cpuSeconds.toFixed(1)} s of processor time, ${alarm.threads} threads: ${alarm.event}`,
  ];
}
