/**
 * A Chromium with a profile on disk that can be killed like a crashing browser, and started again on the remaining
 * files.
 */
import { type BrowserContext, chromium, type Page } from 'playwright-core';

const FLAGS = ['--headless=new', '--no-sandbox', '--no-first-run', '--disable-background-networking', '--disable-sync'];

/** A running browser with one page. */
export interface KillableChromium {
  readonly context: BrowserContext;
  readonly page: Page;
  /** Ends the browser's process at once, with no chance to write anything. */
  kill(): Promise<void>;
  close(): Promise<void>;
}

/** Starts the browser on a profile, with an empty page. */
export async function startChromium(executablePath: string, profileFolder: string): Promise<KillableChromium> {
  const viewport = { width: 1440, height: 950 };
  const context = await chromium.launchPersistentContext(profileFolder, { executablePath, args: FLAGS, viewport });
  const session = await context.browser()?.newBrowserCDPSession();
  const { processInfo } = (await session?.send('SystemInfo.getProcessInfo')) ?? { processInfo: [] };
  const processId = processInfo.find(({ type }) => type === 'browser')?.id;
  if (processId === undefined) throw new Error('The browser does not tell its process id.');
  return {
    context,
    page: context.pages()[0] ?? (await context.newPage()),
    kill: async () => {
      const gone = new Promise((resolve) => context.once('close', resolve));
      process.kill(processId, 'SIGKILL');
      await gone;
    },
    close: () => context.close(),
  };
}
