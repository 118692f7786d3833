/**
 * A benchmark in a Chromium page: the code of the peers is bundled into a separate page, which is not part of the
 * product's build, and opened in a headless browser. Peers, rounds and counters are the same as in Node.
 */
import { type Browser, type BrowserContext, chromium } from 'playwright-core';
import { build, type InlineConfig, preview } from 'vite';
import { note } from '../../src/cli/terminal.ts';
import { LabError } from '../../src/common/errors.ts';
import { HEADLESS_FLAGS, SWIFTSHADER_FLAGS } from '../setup/chromium-flags.ts';
import { cpuSeconds } from '../setup/browser-processes.ts';
import { findChromium } from '../setup/system-packages.ts';
import type { BenchPage } from './page/page.ts';

/** Steps may take minutes on a software adapter, so no watchdog may stop them. */
const NO_WATCHDOG_FLAGS = ['--disable-gpu-watchdog'];

/**
 * Opens the page and runs an action on it.
 *
 * @param adapter - `swiftshader`; default: a GPU
 * @throws {LabError} `internal` where there is no Chromium, `bad-config` for another adapter, and the errors of the
 *   page
 */
export async function inChromium<Result>(
  adapter: string | undefined,
  action: (page: BenchPage) => Promise<Result>,
): Promise<Result> {
  return pagesInChromium(adapter, async (open) => action((await open()).page));
}

/** A page that was opened, and how to close it, which ends its work. */
interface OpenedPage {
  readonly page: BenchPage;
  readonly close: () => Promise<void>;
}

/** The same, for an action that opens several pages, one after the other. */
export async function pagesInChromium<Result>(
  adapter: string | undefined,
  action: (open: () => Promise<OpenedPage>) => Promise<Result>,
): Promise<Result> {
  if (adapter !== undefined && adapter !== 'swiftshader') {
    throw new LabError('bad-config', {
      message: 'Unknown --adapter with --browser.',
      expected: 'swiftshader, or nothing for a GPU',
      got: adapter,
    });
  }
  const found = findChromium();
  if ('missing' in found) throw new LabError('internal', { message: found.missing });
  const config: InlineConfig = {
    root: 'test/bench/page',
    publicDir: '../../../public', // the bundled models
    configFile: false,
    logLevel: 'error', // hides the warning about the size of tfjs, which is intended here
    build: {
      outDir: '../../../.cache/bench-page-train',
      emptyOutDir: true,
      target: 'es2023',
      chunkSizeWarningLimit: 1e4,
    },
  };
  note('building the page');
  await build(config);
  const server = await preview({ ...config, preview: { port: 0, open: false } });
  const flags = adapter === undefined ? HEADLESS_FLAGS : SWIFTSHADER_FLAGS;
  const browser = await chromium.launch({ executablePath: found.path, args: [...flags, ...NO_WATCHDOG_FLAGS] });
  try {
    const context = await browser.newContext();
    return await action(() => openPage(browser, context, server.resolvedUrls?.local[0] ?? ''));
  } finally {
    await browser.close();
    await server.close();
  }
}

async function openPage(browser: Browser, context: BrowserContext, url: string): Promise<OpenedPage> {
  const page = await context.newPage();
  const processes = await browser.newBrowserCDPSession();
  await page.exposeFunction('benchSay', note);
  await page.exposeFunction('benchCpuMs', async () => 1000 * (await cpuSeconds(processes)));
  page.on('pageerror', (error) => note(`page: ${error.message}`));
  await page.goto(url);
  await page.waitForFunction(() => 'benchPage' in window);
  const calls: BenchPage = {
    train: (contest) => page.evaluate((request) => window.benchPage.train(request), contest),
    kernels: (bench) => page.evaluate((request) => window.benchPage.kernels(request), bench),
    products: (bench) => page.evaluate((request) => window.benchPage.products(request), bench),
    device: (...asked) => page.evaluate((request) => window.benchPage.device(...request), asked),
  };
  return { page: calls, close: () => page.close() };
}
