/**
 * Global set-up of the `e2e` tests: finds (or installs) a Chromium, builds the page, and serves the build on a free port
 * of this machine with the headers of `npm start`.
 */
import { build, preview } from 'vite';
import type { TestProject } from 'vitest/node';
import { findChromium } from './system-packages.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Path of the browser; null where there is none. */
    chromium: string | null;
    /** Where the built page is served, with a trailing slash; empty without a browser. */
    pageUrl: string;
  }
}

const OUT_DIR = '.cache/e2e-dist';

export default async function setUpPage(project: TestProject): Promise<() => Promise<void>> {
  const chromium = findChromium();
  if ('missing' in chromium) {
    process.stdout.write(`e2e tests are skipped: ${chromium.missing}\n`);
    project.provide('chromium', null);
    project.provide('pageUrl', '');
    return () => Promise.resolve();
  }
  // vitest sets NODE_ENV=test, which would build lit's development version.
  process.env['NODE_ENV'] = 'production';
  await build({ mode: 'production', logLevel: 'warn', build: { outDir: OUT_DIR, emptyOutDir: true } });
  const server = await preview({ build: { outDir: OUT_DIR }, preview: { port: 0, open: false } });
  const pageUrl = server.resolvedUrls?.local[0];
  if (pageUrl === undefined) throw new Error('vite preview gave no local address for the built page.');
  project.provide('chromium', chromium.path);
  project.provide('pageUrl', pageUrl);
  return () => server.close();
}
