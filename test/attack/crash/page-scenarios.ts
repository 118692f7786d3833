/** What is done in the page that is killed: in which view, how it is begun or continued, and what it comes to. */
import { readFileSync } from 'node:fs';
import type { Page } from 'playwright-core';
import { Rng } from '../../../src/common/rng.ts';
import { readPageStore } from './page-store.ts';
import { fillFields } from '../../setup/fill-fields.ts';

export interface PageScenario {
  readonly name: string;
  /** The view, as in an address. */
  readonly view: string;
  /** Begins, or continues from whatever an earlier page has left. */
  readonly goOn: (page: Page) => Promise<void>;
  /** Waits until the work that is to be killed is under way, or over; without it, any write is. */
  readonly underWay?: (page: Page) => Promise<void>;
  /** What it comes to, once that is there; equal for all pages, whether they were killed or not. */
  readonly result: (page: Page) => Promise<string>;
}

const TRAIN = { 'Training queries': '12', 'Held-out pairs': '4', Steps: '24', 'Batch size': '4', 'Evaluate every': '12', 'Save every': '2' }; // prettier-ignore
const COLLAPSE = { Steps: '5', 'Measure every': '1', 'Prompts per step': '2', 'Held-out pairs': '12' };
/** Twelve batches of what is scored and stored at once. */
const PAIRS = 6000;
/** A page that is killed in the middle may store two or three batches each time that it is opened. */
const PAIRS_FOR_A_KILL = 2048;
const WORDS = ['red', 'blue', 'kettle', 'mug', 'steel', 'lamp', 'oak', '12', 'usb', 'cable', 'garden', 'hose'];

export const PAGE_SCENARIOS: readonly PageScenario[] = [
  { name: 'train', view: 'train', goOn: train, result: trained },
  { name: 'collapse', view: 'collapse', goOn: demonstrate, result: demonstrated },
  { name: 'files', view: 'files', goOn: (page) => judge(page, PAIRS), result: judged },
];

/** A file in the Files view that is large enough to be killed so many times while it is scored. */
export function fileKilledOften(kills: number): PageScenario {
  const pairs = kills * PAIRS_FOR_A_KILL;
  return { name: 'files', view: 'files', goOn: (page) => judge(page, pairs), underWay: scoring, result: judged };
}

async function train(page: Page): Promise<void> {
  // The button's name says whether the settings are those of the first run.
  const begin = page.getByRole('button', { name: /^(?:Train a small model|Start training)$/u });
  const { unfinished, ended } = await readPageStore(page);
  if (unfinished.length > 0) await page.getByRole('button', { name: /^(?:Continue|Start again)$/u }).click();
  else if (ended['train'] === undefined) {
    await begin.waitFor();
    await fillFields(page, TRAIN);
    await begin.click();
  }
}

async function trained(page: Page): Promise<string> {
  const hash = await page.locator('lab-run-monitor .weights').innerText();
  return JSON.stringify([hash, (await settled(page, 'train')).curves]);
}

async function demonstrate(page: Page): Promise<void> {
  const { unfinished, ended } = await readPageStore(page);
  if (unfinished.length > 0) {
    const offer = page.locator('lab-demonstration-offers');
    await offer.getByRole('button', { name: 'Continue' }).click();
  } else if (ended['collapse'] === undefined) {
    await page.locator('lab-collapse-setup summary', { hasText: 'More settings' }).click();
    await fillFields(page, COLLAPSE);
    await page.getByRole('button', { name: 'Run the demonstration' }).click();
  }
}

async function demonstrated(page: Page): Promise<string> {
  await page.getByText('all branches have ended').or(page.getByRole('button', { name: 'New demonstration' })).first().waitFor(); // prettier-ignore
  const { ended, curves } = await settled(page, 'collapse');
  return JSON.stringify([ended['collapse'], curves]);
}

/** The store once nothing is unfinished and the view's session is recorded. */
async function settled(page: Page, view: string): Promise<Awaited<ReturnType<typeof readPageStore>>> {
  for (;;) {
    const store = await readPageStore(page);
    if (store.unfinished.length === 0 && store.ended[view] !== undefined) return store;
    await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(resolve)));
  }
}

async function judge(page: Page, pairs: number): Promise<void> {
  const { files } = await readPageStore(page);
  const kept = page.getByRole('link', { name: 'many.tsv' });
  if (files.length > 0) await kept.first().click();
  else await page.locator('lab-file-start input.files').setInputFiles({ name: 'many.tsv', mimeType: 'text/plain', buffer: manyPairs(pairs) }); // prettier-ignore
  const use = page.getByRole('button', { name: 'Use it like this' });
  const score = page.getByRole('button', { name: /^Score [\d,]+ pairs$/u });
  const under = page.getByRole('button', { name: 'Pause' }).or(page.getByRole('combobox', { name: 'Export' }));
  await use.or(score).or(under).first().waitFor();
  if ((await use.count()) > 0) await use.click();
  await score.or(under).first().waitFor();
  if ((await score.count()) > 0) await score.click();
}

async function scoring(page: Page): Promise<void> {
  const pause = page.getByRole('button', { name: 'Pause' });
  await pause
    .or(page.getByRole('combobox', { name: 'Export' }))
    .first()
    .waitFor();
}

async function judged(page: Page): Promise<string> {
  await page.getByRole('combobox', { name: 'Export' }).waitFor();
  await page.locator('lab-files-view progress').waitFor({ state: 'detached' });
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('combobox', { name: 'Export' }).selectOption({ label: 'JSON lines' }),
  ]);
  return readFileSync(await download.path(), 'utf8');
}

function manyPairs(count: number): Buffer {
  const rng = new Rng('crash');
  const some = (words: number): string => Array.from({ length: words }, () => rng.pick(WORDS)).join(' ');
  const lines = Array.from({ length: count }, (_, i) => `${some(2)} ${i % 300}\td${i}\t${some(5)}\t${rng.int(4)}`);
  return Buffer.from(['query\tdocId\ttitle\tgrade', ...lines, ''].join('\n'));
}
