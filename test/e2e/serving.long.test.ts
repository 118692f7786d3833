/**
 * The built page on typical hosts: in any folder of a plain host, on one that isolates its pages, and over plain HTTP;
 * and the cost of a first visit.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { AxeBuilder } from '@axe-core/playwright';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { connectChromium, describeBrowser } from '../setup/chromium.ts';
import { PLAIN_HOST } from '../setup/chromium-flags.ts';
import { BUILT_PAGE, ISOLATION, serveFolder } from './static-host.ts';
import { answered, visit } from './visit.ts';

const UNDER = '/some/path/';
/** A policy under which a worker may not start another from a plain URL. */
const STRICT = { 'Content-Security-Policy': "worker-src 'self'; require-trusted-types-for 'script'" };
/** Of what the Score view requests before it has answered, as hosts that compress everything send it. */
const FIRST_VISIT_MAX_BYTES = 2_500_000;
/** The same and the rest of the offline copy, from a host that compresses no weights. */
const OFFLINE_COPY_MAX_BYTES = 3_900_000;

describeBrowser('the page on typical hosts', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await connectChromium();
  });
  afterAll(() => browser.close());

  it.each([
    { host: 'a plain host', headers: {}, used: 'tfjs-backend-wasm-simd', unused: /-threaded-|wasm-[\w-]{8}\.wasm/u },
    {
      host: 'an isolated host',
      headers: ISOLATION,
      used: 'tfjs-backend-wasm-threaded-simd',
      unused: /wasm-[\w-]{8}\.wasm/u,
    },
  ])('costs a first visitor to $host at most 3.9 MB, offline copy included', async ({ headers, used, unused }) => {
    const host = await serveFolder(BUILT_PAGE, { headers });
    const { page } = await visit(browser, host.url);
    await answered(page);
    await page.getByText('Works offline.').waitFor();
    const answers = host.answers.join('\n');
    expect(answers).toContain(`200 assets/${used}-`);
    expect(answers).toContain('200 models/general/vectors.safetensors');
    expect(answers).not.toMatch(unused);
    expect(answers).not.toContain('lab-nano-start'); // needed by the demonstration only
    expect(answers).not.toContain('404');
    // Nothing is sent twice, because the copy takes files that the page has loaded from the browser's cache.
    const sent = host.answers.filter((line) => line.startsWith('200'));
    expect(sent).toEqual([...new Set(sent)]);
    expect(host.sentBytes()).toBeLessThan(OFFLINE_COPY_MAX_BYTES);
    await page.context().close();
    await host.close();
  });

  it('answers a first visitor of the Score view after at most 2.5 MB', async () => {
    const host = await serveFolder(BUILT_PAGE);
    const { page } = await visit(browser, host.url, { serviceWorkers: 'block' });
    await answered(page);
    const paths = host.answers.filter((line) => line.startsWith('200')).map((line) => line.slice(4) || 'index.html');
    expect(paths).toContain('models/general/vectors.safetensors');
    const sizes = await Promise.all(
      [...new Set(paths)].map(async (path) => gzipSync(await readFile(join(BUILT_PAGE, path))).length),
    );
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(FIRST_VISIT_MAX_BYTES);
    await page.context().close();
    await host.close();
  });

  it('requests nothing outside its folder, and can be installed from there', async () => {
    const host = await serveFolder(BUILT_PAGE, { under: UNDER });
    const { page, complaints } = await visit(browser, host.url);
    await page.getByText('Works offline.').waitFor();
    const devTools = await page.context().newCDPSession(page);
    const { installabilityErrors } = await devTools.send('Page.getInstallabilityErrors');
    // A context of a test is a private window, where nothing is installed.
    expect(installabilityErrors.map(({ errorId }) => errorId)).toEqual(['in-incognito']);
    const { url, errors, data } = await devTools.send('Page.getAppManifest');
    expect({ url, errors }).toEqual({ url: `${host.url}manifest.webmanifest`, errors: [] });
    const { icons } = JSON.parse(data ?? '{}') as { icons: { src: string; sizes: string }[] };
    expect(icons.length).toBeGreaterThan(0);
    for (const { src, sizes } of icons) {
      const image = await page.request.get(new URL(src, host.url).href);
      expect(pngSize(await image.body())).toBe(sizes);
    }
    expect(host.answers.filter((line) => line.startsWith('404'))).toEqual([]);
    expect(complaints).toEqual([]);
    await page.context().close();
    await host.close();
  });

  it.each([
    { host: 'an isolated host', headers: ISOLATION, own: false, threads: true },
    { host: 'the host of "npm start"', headers: {}, own: true, threads: true },
    {
      host: 'an isolated host whose policy forbids them',
      headers: { ...ISOLATION, ...STRICT },
      own: false,
      threads: false,
    },
  ])('uses threads only where they can start: on $host', async ({ headers, own, threads }) => {
    const host = await serveFolder(BUILT_PAGE, { headers });
    const context = await browser.newContext();
    const used: string[] = [];
    context.on('request', (request) => {
      if (request.serviceWorker() === null) used.push(request.url());
    });
    const page = await context.newPage();
    await page.goto(`${own ? inject('pageUrl') : host.url}?backend=wasm#/score`);
    await answered(page);
    expect(await page.evaluate(() => crossOriginIsolated)).toBe(true);
    expect(used.some((url) => url.includes('tfjs-backend-wasm-threaded-simd-'))).toBe(threads);
    await context.close();
    await host.close();
  });

  it('works over plain HTTP, and explains in one sentence what is missing and what to do', async () => {
    const host = await serveFolder(BUILT_PAGE);
    const { port } = new URL(host.url);
    // axe brings its script as text, which the page's own policy rightly refuses; and it would measure what is fading
    // in.
    const options = { bypassCSP: true, reducedMotion: 'reduce' } as const;
    const { page, complaints } = await visit(browser, `http://${PLAIN_HOST}:${port}/`, options);
    await answered(page);
    expect(await page.evaluate(() => isSecureContext)).toBe(false);
    await page.getByRole('status').getByText('Opened over plain HTTP').waitFor();
    await page
      .getByText(`open it over https, or, on the machine that serves it, at http://localhost:${port}/.`)
      .waitFor();
    const { violations } = await new AxeBuilder({ page }).analyze();
    expect(violations.filter(({ impact }) => impact === 'serious' || impact === 'critical')).toEqual([]);
    expect(await page.getByText('Works offline.').count()).toBe(0);
    expect(complaints).toEqual([]);
    await page.context().close();
    await host.close();
  });
});

/** In the format of a manifest; the size is in the first chunk of a PNG. */
function pngSize(bytes: Buffer): string {
  expect(bytes.subarray(1, 4).toString('latin1')).toBe('PNG');
  return `${bytes.readUInt32BE(16)}x${bytes.readUInt32BE(20)}`;
}
