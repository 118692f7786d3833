/**
 * Global set-up of the `e2e` tests: finds (or installs) a Chromium, builds the page and the scripted page of
 * test/harness, and serves both builds on free ports of this machine with the headers of `npm start`.
 */
import { build, type InlineConfig, preview, type PreviewServer } from 'vite';
import type { TestProject } from 'vitest/node';
import { findChromium } from './system-packages.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Path of the browser; null where there is none. */
    chromium: string | null;
    /** Where the built page is served, with a trailing slash; empty without a browser. */
    pageUrl: string;
    /** Where the page on a scripted model is served. */
    harnessUrl: string;
  }
}

const PAGE: InlineConfig = { build: { outDir: '.cache/e2e-page', emptyOutDir: true } };
const HARNESS: InlineConfig = {
  root: 'test/harness',
  publicDir: false,
  build: { outDir: '../../.cache/e2e-harness', emptyOutDir: true },
};

export default async function setUpPage(project: TestProject): Promise<() => Promise<void>> {
  const chromium = findChromium();
  if ('missing' in chromium) {
    process.stdout.write(`e2e tests are skipped: ${chromium.missing}\n`);
    project.provide('chromium', null);
    project.provide('pageUrl', '');
    project.provide('harnessUrl', '');
    return () => Promise.resolve();
  }
  // vitest sets NODE_ENV=test, with which lit's development version would be built.
  process.env['NODE_ENV'] = 'production';
  const page = await buildAndServe(PAGE);
  const harness = await buildAndServe(HARNESS);
  project.provide('chromium', chromium.path);
  project.provide('pageUrl', addressOf(page));
  project.provide('harnessUrl', addressOf(harness));
  return async () => {
    await page.close();
    await harness.close();
  };
}

async function buildAndServe(config: InlineConfig): Promise<PreviewServer> {
  const shared: InlineConfig = { ...config, configFile: 'vite.config.ts', mode: 'production', logLevel: 'warn' };
  await build(shared);
  return preview({ ...shared, preview: { port: 0, open: false } });
}

function addressOf(server: PreviewServer): string {
  const address = server.resolvedUrls?.local[0];
  if (address === undefined) throw new Error('vite preview gave no local address for the built page.');
  return address;
}
