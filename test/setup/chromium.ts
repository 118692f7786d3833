/**
 * The browser of the `e2e` tests: headless Chromium with WebGPU on its software adapter, one process for all files.
 * Tests wrap themselves in `describeBrowser`, which skips them where no browser was found.
 */
import { chromium, type Browser } from 'playwright-core';
import { describe, inject } from 'vitest';
import { SWIFTSHADER_FLAGS } from './chromium-flags.ts';
import { recordRequests } from './request-record.ts';

/** `describe` where there is a browser, `describe.skip` elsewhere. */
export const describeBrowser = describe.skipIf(inject('chromium') === null);

/** A connection to the browser that the set-up started; closing it closes the contexts that were opened over it. */
export async function connectChromium(): Promise<Browser> {
  return recordRequests(await chromium.connect(inject('browserServer')));
}

/** Starts another one, for tests that do a browser harm. */
export async function launchChromium(): Promise<Browser> {
  return recordRequests(await chromium.launch({ executablePath: inject('chromium') ?? '', args: SWIFTSHADER_FLAGS }));
}
