/**
 * Global set-up of the `browser` tests: finds (or installs) a Chromium, and bundles the harness that puts the
 * checkpoint store within their reach. No server: the tests answer the browser's requests themselves
 * (test/browser/profile-browser.ts).
 */
import { fileURLToPath } from 'node:url';
import { build } from 'vite';
import type { TestProject } from 'vitest/node';
import { findChromium } from './system-packages.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** The text of test/browser/store-harness.ts, bundled; empty without a browser. */
    storeHarness: string;
  }
}

const HARNESS = fileURLToPath(new URL('../browser/store-harness.ts', import.meta.url));

export default async function setUpStore(project: TestProject): Promise<void> {
  const chromium = findChromium();
  const isMissing = 'missing' in chromium;
  if (isMissing) process.stdout.write(`browser tests are skipped: ${chromium.missing}\n`);
  project.provide('chromium', isMissing ? null : chromium.path);
  project.provide('storeHarness', isMissing ? '' : await bundle());
}

async function bundle(): Promise<string> {
  const result = await build({
    configFile: false,
    publicDir: false,
    mode: 'production',
    logLevel: 'warn',
    build: {
      write: false,
      minify: false,
      target: 'es2023',
      modulePreload: false,
      rollupOptions: { input: HARNESS },
    },
  });
  const outputs = 'output' in result ? result.output : [];
  const [chunk, ...more] = outputs;
  if (chunk?.type !== 'chunk' || more.length > 0) throw new Error('The store harness did not become one file.');
  return chunk.code;
}
