/**
 * The browser of the `e2e` tests: headless Chromium with WebGPU on its software adapter, one process for all files. Tests
 * wrap themselves in `describeBrowser`, which skips them where no browser was found.
 */
import { chromium, type Browser } from 'playwright-core';
import { describe, inject } from 'vitest';

/** `describe` where there is a browser, `describe.skip` elsewhere. */
export const describeBrowser = describe.skipIf(inject('chromium') === null);

/** A connection to the browser that the set-up started; closing it closes the contexts that were opened over it. */
export function connectChromium(): Promise<Browser> {
  const address = inject('browserServer');
  if (address === '') throw new Error('connectChromium: no browser. Wrap the tests in describeBrowser.');
  return chromium.connect(address);
}
