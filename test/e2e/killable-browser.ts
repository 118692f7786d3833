/**
 * A Chromium with a profile on disk that can be killed like a crashing browser, and started again on the remaining
 * files.
 */
import { chromium, type Page } from 'playwright-core';
import { inject } from 'vitest';
import { watchOrigins } from './visit.ts';

const FLAGS = ['--headless=new', '--no-sandbox', '--no-first-run', '--disable-background-networking', '--disable-sync'];
/** Training takes long on a small machine that is busy with other work. */
const LONGEST_WAIT_MS = 120_000;

/** A running browser with one page. */
export interface KillableBrowser {
  readonly page: Page;
  /** Errors of the page and its workers, including policy violations. */
  readonly complaints: readonly string[];
  /** Ends the browser's process at once, with no chance to write anything. */
  kill(): Promise<void>;
  close(): Promise<void>;
}

/** Starts the browser on a profile, and opens a page. */
export async function startKillableBrowser(profileFolder: string, url: string): Promise<KillableBrowser> {
  const executablePath = inject('chromium');
  if (executablePath === null) throw new Error('startKillableBrowser: no browser. Wrap the tests in describeBrowser.');
  const viewport = { width: 1440, height: 950 };
  const context = await chromium.launchPersistentContext(profileFolder, { executablePath, args: FLAGS, viewport });
  context.setDefaultTimeout(LONGEST_WAIT_MS);
  watchOrigins(context);
  const complaints: string[] = [];
  context.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  context.on('weberror', (error) => complaints.push(error.error().message));
  const session = await context.browser()?.newBrowserCDPSession();
  const { processInfo } = (await session?.send('SystemInfo.getProcessInfo')) ?? { processInfo: [] };
  const processId = processInfo.find(({ type }) => type === 'browser')?.id;
  if (processId === undefined) throw new Error('The browser does not tell its process id.');
  const page = context.pages()[0] ?? (await context.newPage());
  await page.goto(url);
  return {
    page,
    complaints,
    kill: async () => {
      const gone = new Promise((resolve) => context.once('close', resolve));
      process.kill(processId, 'SIGKILL');
      await gone;
    },
    close: () => context.close(),
  };
}
