/**
 * The GPU process dies while the Score view is open, as when a driver crashes or a laptop wakes up, and once more while
 * the next one is opened: the page reports it, opens a backend again, and ends with the same numbers.
 */
import type { Browser, Locator, Page } from 'playwright-core';
import { afterEach, beforeEach, expect, inject, it } from 'vitest';
import { describeBrowser, launchChromium } from '../setup/chromium.ts';
import { visit } from './visit.ts';

const PAGE_URL = inject('pageUrl');

/** Ends the GPU process of the browser, for all pages. */
async function crashGpu(browser: Browser): Promise<void> {
  const session = await browser.newBrowserCDPSession();
  // The command gets no answer if the browser notices the crash first; playwright's types do not include it.
  await session.send('Browser.crashGpuProcess' as 'Browser.close').catch(() => undefined);
}

/** Waits until a worker of the page is opened anew. */
function nextWorker(page: Page, name: string): Promise<unknown> {
  return page.waitForEvent('worker', { predicate: (worker) => worker.url().includes(name) });
}

describeBrowser('a GPU that is lost', () => {
  let browser: Browser;
  // A browser each, because Chromium gives up a GPU process that dies often.
  beforeEach(async () => {
    browser = await launchChromium();
  });
  afterEach(() => browser.close());

  it('in the Score view is replaced for the answering model and for the compared one, repeatedly', async () => {
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

  it('while the model is looked into is replaced, and it is looked into again', async () => {
    const { page } = await visit(browser, `${PAGE_URL}?backend=webgpu#/score`);
    await page.locator('lab-trace .summary').waitFor();
    await crashGpu(browser);
    const reopened = nextWorker(page, 'score.worker');
    await page.getByRole('button', { name: 'Look inside the model' }).click();
    await reopened;
    await crashGpu(browser);
    await page.getByText(/The model was loaded again and answers on/u).waitFor();
    await page.getByText('The inside of this answer is shown.').waitFor({ state: 'attached' });
  });
});
