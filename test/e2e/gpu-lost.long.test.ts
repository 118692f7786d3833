/**
 * The GPU process dies while the Score view is open, as when a driver crashes or a laptop wakes up: the page reports
 * it, opens a backend again and answers the same pair with the same label.
 */
import type { Browser, Locator } from 'playwright-core';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { describeBrowser, launchChromium } from '../setup/chromium.ts';
import { visit } from './visit.ts';

const PAGE_URL = inject('pageUrl');

/** Ends the GPU process of the browser, for all pages. */
async function crashGpu(browser: Browser): Promise<void> {
  const session = await browser.newBrowserCDPSession();
  // The command gets no answer if the browser notices the crash first; playwright's types do not include it.
  await session.send('Browser.crashGpuProcess' as 'Browser.close').catch(() => undefined);
}

describeBrowser('a GPU that is lost in the Score view', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchChromium();
  });
  afterAll(() => browser.close());

  it('is replaced for the answering model and for the compared one, repeatedly', async () => {
    const { page } = await visit(browser, `${PAGE_URL}?backend=webgpu#/score?with=start`);
    const [leading, column] = [page.locator('.reading'), page.locator('lab-compared')];
    const label = (place: Locator): Promise<string> => place.locator('.label').innerText();
    await Promise.all([leading, column].map((place) => place.locator('lab-trace .summary').waitFor()));
    await leading.getByText('Runs on WebGPU').waitFor();
    const before = [await label(leading), await label(column)];

    for (let loss = 1; loss <= 2; loss++) {
      let opened = 0;
      page.on('worker', (worker) => (opened += worker.url().includes('score.worker') ? 1 : 0));
      await crashGpu(browser);
      await page.getByRole('button', { name: 'Answer', exact: true }).click();
      // Each model is opened again in its own worker.
      await expect.poll(() => opened).toBeGreaterThanOrEqual(2);
      for (const place of [leading, column]) {
        await place.getByText('The GPU was lost', { exact: true }).waitFor();
        await place.getByText(/The model was loaded again and answers on/u).waitFor();
        await place.locator('lab-answer .fresh').waitFor();
        await place.locator('lab-trace .summary').waitFor();
      }
      expect([await label(leading), await label(column)]).toEqual(before);
    }
    expect(await page.getByText('Something went wrong inside the lab').count()).toBe(0);
  });
});
