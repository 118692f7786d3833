/** `npm run dev`: the unbundled page answers and trains as the built one does. */
import { rmSync } from 'node:fs';
import type { Browser } from 'playwright-core';
import { createServer, type ViteDevServer } from 'vite';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { connectChromium, describeBrowser } from '../setup/chromium.ts';
import { serves } from '../setup/request-record.ts';
import { answered, shownLabel, visit } from './visit.ts';
import { finishedHash, startRun } from './train/tiny-run.ts';

/** A new, empty folder, because a first start is the harder case. */
const CACHE = '.cache/e2e-dev';

describeBrowser('the page of the development server', () => {
  let server: ViteDevServer;
  let browser: Browser;
  let url: string;
  beforeAll(async () => {
    rmSync(CACHE, { recursive: true, force: true });
    server = await createServer({
      configFile: 'vite.config.ts',
      cacheDir: CACHE,
      mode: 'development',
      logLevel: 'warn',
      server: { port: 0, open: false },
    });
    await server.listen();
    url = `${server.resolvedUrls?.local[0] ?? ''}?backend=wasm`;
    serves(url);
    browser = await connectChromium();
  });
  afterAll(async () => {
    await browser.close();
    await server.close();
  });

  it('answers', async () => {
    const { page, complaints } = await visit(browser, url);
    await answered(page);
    expect(['irrelevant', 'partial', 'substantial', 'exact']).toContain(await shownLabel(page));
    expect(complaints).toEqual([]);
    await page.context().close();
  });

  it('trains', async () => {
    const { page, complaints } = await visit(browser, `${url}#/train`);
    await startRun(page, { 'Training queries': '12', 'Held-out pairs': '4', Steps: '1', 'Batch size': '4' });
    expect(await finishedHash(page)).toMatch(/^[0-9a-f]{8,}$/u);
    expect(complaints).toEqual([]);
    await page.context().close();
  });
});
