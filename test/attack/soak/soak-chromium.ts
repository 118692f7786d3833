/**
 * The built page in headless Chromium: one tab trains without end, another answers, and what both hold is measured from
 * outside.
 */
import { type CDPSession, chromium, type Page } from 'playwright-core';
import { SWIFTSHADER_FLAGS } from '../../setup/chromium-flags.ts';
import { addressOf, buildAndServe, pageIn } from '../../setup/built-page.ts';
import { residentBytes } from '../../setup/browser-processes.ts';
import { findChromium } from '../../setup/system-packages.ts';
import type { Sample } from './slopes.ts';
import { fillFields } from '../../setup/fill-fields.ts';

/**
 * Chromium holds the text nodes of so many edits of a page for its own Undo (`kMaximumUndoStackDepth`), also in a page
 * without a script; until then each answer to typed text adds one to its counter of nodes.
 */
const UNDO_DEPTH = 1000;
const LONGEST_WAIT_MS = 600_000;

/** @param onSample - hears each sample when it is taken */
export async function soakChromium(
  minutes: number,
  everySeconds: number,
  backend: string,
  onSample: (sample: Sample) => void,
): Promise<void> {
  const found = findChromium();
  if ('missing' in found) throw new Error(found.missing);
  const server = await buildAndServe(pageIn('soak-page'));
  const browser = await chromium.launch({ executablePath: found.path, args: SWIFTSHADER_FLAGS });
  try {
    const context = await browser.newContext();
    context.setDefaultTimeout(LONGEST_WAIT_MS);
    const url = `${addressOf(server)}?backend=${backend}`;
    const training = await context.newPage();
    await training.goto(`${url}#/train`);
    await startTraining(training);
    const scoring = await context.newPage();
    await scoring.goto(`${url}#/score`);
    await scoring.locator('lab-answer .label').waitFor();
    await fillUndo(scoring);
    const sessions = await Promise.all([training, scoring].map((page) => context.newCDPSession(page)));
    const whole = await browser.newBrowserCDPSession();
    const start = performance.now();
    const elapsed = (): number => (performance.now() - start) / 60_000;
    let [answers, sampledAt] = [0, -Infinity];
    while (elapsed() < minutes) {
      for (let i = 0; i < 5; i++) {
        await scoring.getByRole('textbox', { name: 'Query', exact: true }).fill(`red kettle ${(answers += 1)}`);
        await scoring.locator('lab-answer .fresh').waitFor();
      }
      if (elapsed() * 60 < sampledAt + everySeconds) continue;
      sampledAt = elapsed() * 60;
      const values = await held([training, scoring], sessions, whole);
      onSample({ minutes: elapsed(), answers, steps: await shownStep(training), values });
    }
  } finally {
    await browser.close();
    await server.close();
  }
}

/** Edits the query until Chromium holds no more for its Undo, while the model is not asked. */
async function fillUndo(page: Page): Promise<void> {
  const asksItself = page.getByRole('checkbox', { name: 'while I type' });
  await asksItself.uncheck();
  const query = page.getByRole('textbox', { name: 'Query', exact: true });
  for (let i = 0; i <= UNDO_DEPTH; i++) await query.fill(`edit ${i}`);
  await asksItself.check();
}

async function startTraining(page: Page): Promise<void> {
  const settings = {
    'Training queries': '12',
    'Held-out pairs': '4',
    Steps: '1000000',
    'Batch size': '4',
    'Save every': '50',
  };
  await fillFields(page, settings);
  await page.getByRole('button', { name: 'Start training' }).click();
  await page.getByRole('button', { name: 'Pause' }).waitFor();
}

async function shownStep(page: Page): Promise<number> {
  const text = await page.locator('lab-run-monitor .figure').innerText();
  return Number(/[\d,]+/u.exec(text)?.[0]?.replaceAll(',', '') ?? 0);
}

/** Sums over both tabs. */
async function held(
  pages: readonly Page[],
  sessions: readonly CDPSession[],
  whole: CDPSession,
): Promise<Record<string, number>> {
  const sums: Record<string, number> = { 'JS heap of pages': 0, nodes: 0, listeners: 0 };
  for (const session of sessions) {
    await session.send('HeapProfiler.enable');
    await session.send('HeapProfiler.collectGarbage');
    await session.send('Performance.enable');
    const { metrics } = await session.send('Performance.getMetrics');
    for (const [name, metric] of [
      ['JS heap of pages', 'JSHeapUsedSize'],
      ['nodes', 'Nodes'],
      ['listeners', 'JSEventListeners'],
    ] as const) {
      sums[name] = (sums[name] ?? 0) + (metrics.find((one) => one.name === metric)?.value ?? 0);
    }
  }
  const usage = await pages[0]?.evaluate(async () => (await navigator.storage.estimate()).usage ?? 0);
  return {
    ...sums,
    workers: pages.reduce((sum, page) => sum + page.workers().length, 0),
    'stored bytes': usage ?? 0,
    'RSS of renderers': await residentBytes(whole, /renderer/iu),
    'RSS of the GPU process': await residentBytes(whole, /gpu/iu),
  };
}
