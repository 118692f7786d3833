/**
 * A Chromium with a profile on disk, which can be killed like a crashing browser and started again on the remaining
 * files. Its pages are blank except for the store harness, on any origin that a test asks for.
 */
import { chromium, type BrowserContext, type Page } from 'playwright-core';
import { inject } from 'vitest';

const BLANK_PAGE =
  '<!doctype html><link rel="icon" href="data:," /><script type="module" src="/store-harness.js"></script>';
const FLAGS = ['--headless=new', '--no-sandbox', '--no-first-run', '--disable-background-networking', '--disable-sync'];

/** Allows sandboxed frames, whose origin is opaque, to load the harness too. */
const FOR_ANY_ORIGIN = { 'access-control-allow-origin': '*' };

/** A running browser. */
export interface ProfileBrowser {
  readonly context: BrowserContext;
  /** A new tab; https origins are secure, http ones are not. */
  openTab(origin: string): Promise<Page>;
  /** Ends the browser's process at once, with no chance to write anything. */
  kill(): Promise<void>;
  close(): Promise<void>;
}

export async function startProfileBrowser(profileFolder: string): Promise<ProfileBrowser> {
  const executablePath = inject('chromium');
  if (executablePath === null) throw new Error('startProfileBrowser: no browser. Wrap the tests in describeBrowser.');
  const context = await chromium.launchPersistentContext(profileFolder, { executablePath, args: FLAGS });
  await context.route('**/*', (route) =>
    new URL(route.request().url()).pathname === '/store-harness.js'
      ? route.fulfill({ contentType: 'text/javascript', headers: FOR_ANY_ORIGIN, body: inject('storeHarness') })
      : route.fulfill({ contentType: 'text/html', body: BLANK_PAGE }),
  );
  const processId = await browserProcessId(context);
  return {
    context,
    openTab: async (origin) => {
      const page = await context.newPage();
      await page.goto(origin);
      await page.waitForFunction(() => 'lab' in globalThis);
      return page;
    },
    kill: async () => {
      const gone = new Promise((resolve) => context.once('close', resolve));
      process.kill(processId, 'SIGKILL');
      await gone;
    },
    close: () => context.close(),
  };
}

async function browserProcessId(context: BrowserContext): Promise<number> {
  const session = await context.browser()?.newBrowserCDPSession();
  const { processInfo } = (await session?.send('SystemInfo.getProcessInfo')) ?? { processInfo: [] };
  const browser = processInfo.find(({ type }) => type === 'browser');
  if (browser === undefined) throw new Error('The browser does not tell its process id.');
  await session?.detach();
  return browser.id;
}
