/**
 * The browser of the `e2e` tests: headless Chromium with WebGPU on its software adapter. Tests wrap themselves in
 * `describeBrowser`, which skips them where no browser was found.
 */
import { chromium, type Browser } from 'playwright-core';
import { describe, inject } from 'vitest';
import { SWIFTSHADER_FLAGS } from './chromium-flags.ts';

/** `describe` where there is a browser, `describe.skip` elsewhere. */
export const describeBrowser = describe.skipIf(inject('chromium') === null);

/** Starts the browser that the set-up found; `flags` are added to its own. */
export function launchChromium(flags: readonly string[] = []): Promise<Browser> {
  const executablePath = inject('chromium');
  if (executablePath === null) throw new Error('launchChromium: no browser. Wrap the tests in describeBrowser.');
  return chromium.launch({ executablePath, args: [...SWIFTSHADER_FLAGS, ...flags] });
}
