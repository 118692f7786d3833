/**
 * The browser of the `e2e` tests: headless Chromium with WebGPU on its software adapter. Tests wrap themselves in
 * `describeBrowser`, which skips them where no browser was found.
 */
import { chromium, type Browser } from 'playwright-core';
import { describe, inject } from 'vitest';

/** `describe` where there is a browser, `describe.skip` elsewhere. */
export const describeBrowser = describe.skipIf(inject('chromium') === null);

/** WebGPU by SwiftShader, and none of the requests a fresh browser profile makes by itself. */
const FLAGS = [
  '--headless=new',
  '--no-sandbox',
  '--enable-unsafe-webgpu',
  '--use-webgpu-adapter=swiftshader',
  '--enable-features=Vulkan,WebGPU',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** Starts the browser that the set-up found; `flags` are added to its own. */
export function launchChromium(flags: readonly string[] = []): Promise<Browser> {
  const executablePath = inject('chromium');
  if (executablePath === null) throw new Error('launchChromium: no browser. Wrap the tests in describeBrowser.');
  return chromium.launch({ executablePath, args: [...FLAGS, ...flags] });
}
