/**
 * The built page in a Chromium that is killed at a transaction of its store, started again on the same profile, and
 * killed again; at last its work ends. It has to come to what a page comes to that nobody killed.
 */
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { errors, type Page } from 'playwright-core';
import type { Rng } from '../../../src/common/rng.ts';
import { addressOf, buildAndServe, pageIn } from '../../setup/built-page.ts';
import { type KillableChromium, startChromium } from '../../setup/killable-chromium.ts';
import { findChromium } from '../../setup/system-packages.ts';
import { type CrashCounts, NO_COUNTS } from './crash.ts';
import type { PageScenario } from './page-scenarios.ts';
import { readPageStore } from './page-store.ts';

/** A page that shows nothing new for so long is stuck. */
const LONGEST_WAIT_MS = 600_000;
/** Writes until the kill of what is under way. */
const SOON = 3;
/** What a counted transaction says in the console. */
const SAYS = 'crash: write';

export interface PageServer {
  readonly url: string;
  readonly chromium: string;
  close(): Promise<void>;
}

/** What a page does if nothing kills it. */
export interface PageReference {
  /** Transactions that may write. */
  readonly writes: number;
  readonly result: string;
}

interface OpenPage extends KillableChromium {
  /** Transactions so far. */
  readonly writes: () => number;
  /** Resolves at the transaction of this number. */
  readonly write: (at: number) => Promise<void>;
}

/** The built page, served. */
export async function servePage(): Promise<PageServer> {
  const found = findChromium();
  if ('missing' in found) throw new Error(found.missing);
  const server = await buildAndServe(pageIn('crash-page'));
  return { url: addressOf(server), chromium: found.path, close: () => server.close() };
}

export function pageReferenceOf(server: PageServer, scenario: PageScenario): Promise<PageReference> {
  return inProfile(async (profile) => {
    const browser = await opened(server, profile, scenario);
    await scenario.goOn(browser.page);
    const result = await scenario.result(browser.page);
    const writes = browser.writes();
    await browser.close();
    if (writes === 0) throw new Error(`${scenario.name}: no write was counted, so that none can be killed.`);
    return { writes, result };
  });
}

/** @param say - hears what went wrong */
export function crashPage(
  server: PageServer,
  scenario: PageScenario,
  reference: PageReference,
  times: number,
  rng: Rng,
  say: (problem: string) => void,
): Promise<CrashCounts> {
  return inProfile(async (profile) => {
    const counts = { ...NO_COUNTS };
    let browser = await opened(server, profile, scenario);
    let what = scenario.name;
    try {
      let got: string | undefined;
      for (let made = 0; made < times && got === undefined; made++) {
        const delayMs = rng.chance(0.5) ? 0 : rng.int(200);
        const { page } = browser;
        const end = scenario.goOn(page).then(() => scenario.result(page));
        end.catch(() => undefined); // it ends with its browser
        // What is killed in the middle is killed soon, so that it can be killed again.
        await scenario.underWay?.(page);
        const at = browser.writes() + 1 + rng.int(scenario.underWay === undefined ? reference.writes : SOON);
        what = `${scenario.name}, write ${at} of ${reference.writes}, ${delayMs} ms`;
        got = await Promise.race([browser.write(at).then(() => undefined), end]);
        if (got !== undefined) break;
        await new Promise((resolve) => setTimeout(resolve, delayMs));
        await browser.kill();
        counts.kills += 1;
        browser = await opened(server, profile, scenario);
        const { broken, scored } = await readPageStore(browser.page);
        if (scenario.underWay !== undefined) say(`${what}: killed, ${scored.join(' and ')} pairs have a score`);
        for (const problem of broken) {
          counts.halfFiles += 1;
          say(`${what}: ${problem}`);
        }
      }
      if (got === undefined) {
        await scenario.goOn(browser.page);
        got = await scenario.result(browser.page);
      }
      if (got !== reference.result) {
        counts.unequal += 1;
        say(`${what}: ${difference(got, reference.result)}`);
      }
      counts.halfFiles += await refused(browser.page);
    } catch (thrown) {
      if (!(thrown instanceof errors.TimeoutError)) throw thrown;
      counts.stuck += 1;
      say(`${what}: ${thrown.message}\n${await browser.page.locator('body').ariaSnapshot()}`);
    }
    await browser.close();
    return counts;
  });
}

/** Records that the page shows as damaged. */
async function refused(page: Page): Promise<number> {
  return page.getByText(/that cannot be read|can no longer be read/u).count();
}

function difference(got: string, wanted: string): string {
  let at = 0;
  while (at < got.length && got[at] === wanted[at]) at += 1;
  const hash = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 8);
  return `${hash(got)} instead of ${hash(wanted)}; from letter ${at} on: ${got.slice(Math.max(0, at - 80), at + 160)}`;
}

async function inProfile<T>(work: (profile: string) => Promise<T>): Promise<T> {
  const profile = mkdtempSync(join(tmpdir(), 'lab-crash-page-'));
  try {
    return await work(profile);
  } finally {
    // A browser that was killed may leave processes that write for a moment.
    rmSync(profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  }
}

async function opened({ url, chromium }: PageServer, profile: string, { view }: PageScenario): Promise<OpenPage> {
  const browser = await startChromium(chromium, profile);
  const { context, page } = browser;
  context.setDefaultTimeout(LONGEST_WAIT_MS);
  let writes = 0;
  const awaited = new Map<number, () => void>();
  const write = (at: number): Promise<void> =>
    new Promise((resolve) => (at <= writes ? resolve() : awaited.set(at, resolve)));
  context.on('console', (message) => {
    if (message.text() === SAYS) awaited.get((writes += 1))?.();
  });
  // The store is used in threads, so that is where its transactions are counted.
  page.on('worker', (worker) => {
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
  await page.goto(`${url}?backend=wasm#/${view}`);
  await page.locator(`lab-${view}-view`).waitFor();
  return { ...browser, writes: () => writes, write };
}
