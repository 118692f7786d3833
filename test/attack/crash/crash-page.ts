/**
 * The built page in a Chromium that is killed at a transaction of its store while it trains, started again on the same
 * profile, and killed again; at last the run ends. Its weights have to be those of a run that nobody killed.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import type { Rng } from '../../../src/common/rng.ts';
import { addressOf, buildAndServe, pageIn } from '../../setup/built-page.ts';
import { type KillableChromium, startChromium } from '../../setup/killable-chromium.ts';
import { findChromium } from '../../setup/system-packages.ts';
import { type CrashCounts, NO_COUNTS } from './crash.ts';

const LONGEST_WAIT_MS = 600_000;
/** What a counted transaction says in the console. */
const SAYS = 'crash: write';
const SETTINGS = {
  'Training queries': '12',
  'Held-out pairs': '4',
  Steps: '24',
  'Batch size': '4',
  'Evaluate every': '12',
  'Save every': '2',
};
/** A run of this length writes about this often: its record, each checkpoint in three transactions, its end. */
const WRITES = 40;

export interface PageServer {
  readonly url: string;
  readonly chromium: string;
  close(): Promise<void>;
}

/** The built page, served. */
export async function servePage(): Promise<PageServer> {
  const found = findChromium();
  if ('missing' in found) throw new Error(found.missing);
  const server = await buildAndServe(pageIn('crash-page'));
  return { url: addressOf(server), chromium: found.path, close: () => server.close() };
}

/** The weights of a run that is not killed. */
export function referenceHash({ url, chromium }: PageServer): Promise<string> {
  return inProfile(async (profile) => {
    const browser = await opened(chromium, profile, url);
    await start(browser.page);
    const hash = await finishedHash(browser.page);
    await browser.close();
    return hash;
  });
}

/** @param say - hears what went wrong */
export function crashPage(
  { url, chromium }: PageServer,
  wanted: string,
  times: number,
  rng: Rng,
  say: (problem: string) => void,
): Promise<CrashCounts> {
  return inProfile(async (profile) => {
    const counts = { ...NO_COUNTS };
    let browser = await opened(chromium, profile, url);
    for (let made = 0; made < times; made++) {
      const at = 1 + rng.int(WRITES);
      const delayMs = rng.chance(0.5) ? 0 : rng.int(200);
      const isHit = afterWrites(browser, at);
      await goOn(browser.page);
      const isKilled = await Promise.race([isHit.then(() => true), finishedHash(browser.page).then(() => false)]);
      if (!isKilled) break;
      await new Promise((resolve) => setTimeout(resolve, delayMs));
      await browser.kill();
      counts.kills += 1;
      browser = await opened(chromium, profile, url);
      const damaged = await browser.page.getByText('that cannot be read').count();
      counts.halfFiles += damaged;
      if (damaged > 0) say(`Train, write ${at}, ${delayMs} ms: ${damaged} records cannot be read`);
    }
    await goOn(browser.page);
    const got = await finishedHash(browser.page);
    if (got !== wanted) {
      counts.unequal += 1;
      say(`Train: ended with weights ${got} instead of ${wanted}`);
    }
    await browser.close();
    return counts;
  });
}

async function inProfile<T>(work: (profile: string) => Promise<T>): Promise<T> {
  const profile = mkdtempSync(join(tmpdir(), 'lab-crash-page-'));
  try {
    return await work(profile);
  } finally {
    rmSync(profile, { recursive: true, force: true });
  }
}

async function opened(chromium: string, profile: string, url: string): Promise<KillableChromium> {
  const browser = await startChromium(chromium, profile);
  browser.context.setDefaultTimeout(LONGEST_WAIT_MS);
  // The store is used in threads, so that is where its transactions are counted.
  browser.page.on('worker', (worker) => {
    const count = async (): Promise<void> =>
      worker.evaluate((says) => {
        // eslint-disable-next-line typescript/unbound-method -- called with its own object below
        const { transaction } = IDBDatabase.prototype;
        IDBDatabase.prototype.transaction = function (...args) {
          // eslint-disable-next-line no-console -- heard by the process that kills
          if (args[1] === 'readwrite') console.debug(says);
          return transaction.apply(this, args);
        };
      }, SAYS);
    count().catch(() => undefined); // it ended
  });
  await browser.page.goto(`${url}?backend=wasm#/train`);
  await browser.page.getByRole('button', { name: 'Start training' }).waitFor();
  return browser;
}

function afterWrites({ context }: KillableChromium, at: number): Promise<void> {
  let count = 0;
  return new Promise((resolve) => {
    context.on('console', (message) => {
      if (message.text() === SAYS && (count += 1) === at) resolve();
    });
  });
}

/** Begins the run, or continues it where it was interrupted. */
async function goOn(page: Page): Promise<void> {
  const resume = page.getByText(/^A run stopped /u);
  const over = page.locator('lab-run-monitor .weights');
  const empty = page.getByText('Nothing is stored yet');
  await resume.or(over).or(empty).first().waitFor();
  if ((await over.count()) > 0) return;
  if ((await resume.count()) === 0) return start(page);
  const proceed = page.getByRole('button', { name: 'Continue' });
  const again = page.getByRole('button', { name: /^Start (?:it )?again$/iu });
  await proceed.or(again).first().click();
}

async function start(page: Page): Promise<void> {
  for (const [label, value] of Object.entries(SETTINGS)) await page.getByLabel(label, { exact: true }).fill(value);
  await page.getByRole('button', { name: 'Start training' }).click();
}

async function finishedHash(page: Page): Promise<string> {
  return page.locator('lab-run-monitor .weights').innerText();
}
