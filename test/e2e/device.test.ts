/**
 * The Device view: the engine is checked and timed in the page, and the file that is offered is the one that the lab
 * collects. Times themselves are not tested.
 */
import { text } from 'node:stream/consumers';
import { AxeBuilder } from '@axe-core/playwright';
import type { Browser } from 'playwright-core';
import * as v from 'valibot';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { DeviceReportSchema, SHORT_PARTS } from '../../src/protocol/device-report.ts';
import { connectChromium, describeBrowser } from '../setup/chromium.ts';
import { visit } from './visit.ts';

describeBrowser('the Device view', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await connectChromium();
  });
  afterAll(() => browser.close());

  it('measures this device on WebAssembly, and gives a file that says what was found', async () => {
    const { page, complaints, foreignRequests } = await visit(browser, `${inject('pageUrl')}?backend=wasm#/`);
    await page.getByRole('link', { name: 'Measure this device' }).click();
    await page.getByRole('heading', { name: 'This device' }).waitFor();
    await page.getByText('No hardware GPU has been measured yet').waitFor();
    await page.getByRole('button', { name: 'Measure this device' }).click();
    await page.getByRole('status').filter({ hasText: 'Measuring' }).waitFor();
    await page.getByText('No check found a wrong result.').waitFor();

    const downloading = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Download JSON' }).click();
    const download = await downloading;
    const report = v.parse(DeviceReportSchema, JSON.parse(await text(await download.createReadStream())));
    expect(download.suggestedFilename()).toMatch(/^[a-z0-9-]+-wasm-short\.json$/u);
    expect(report.device).toMatchObject({ backend: 'wasm', kind: 'processor', adapter: null });
    expect(report.device.engine).toContain('Chrome');
    expect(Object.keys(report.parts)).toEqual([...SHORT_PARTS]);
    for (const part of Object.values(report.parts)) {
      if (part.state !== 'done') throw new Error(part.why);
      expect(part.figures.length + part.checks.length).toBeGreaterThan(0);
      expect(part.checks.filter(({ isRight }) => !isRight)).toEqual([]);
    }

    await page.setViewportSize({ width: 390, height: 800 });
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      expect((await new AxeBuilder({ page }).analyze()).violations).toEqual([]);
    }
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    expect(overflow, 'no sideways scrolling').toBeLessThanOrEqual(0);
    expect({ complaints, foreignRequests }).toEqual({ complaints: [], foreignRequests: [] });
  });

  it('can be stopped, and says so', async () => {
    const { page } = await visit(browser, `${inject('pageUrl')}?backend=wasm#/device`);
    await page.getByRole('button', { name: 'Measure this device' }).click();
    await page.getByRole('heading', { name: 'A first answer, cold' }).waitFor();
    await page.getByRole('button', { name: 'Stop' }).click();
    await page.getByText('The measurement was stopped.').first().waitFor();
    await page.getByRole('button', { name: 'Download JSON' }).waitFor();
  });
});
