/**
 * The GPU process dies in each view that computes, as when a driver crashes or a laptop wakes up, and once more while
 * the next one is opened: the page reports it, opens a backend again, and ends with the same numbers.
 */
import type { Browser, Locator, Page } from 'playwright-core';
import { afterEach, beforeEach, expect, inject, it } from 'vitest';
import { describeBrowser, launchChromium } from '../setup/chromium.ts';
import { runTiny } from './tiny-demonstration.ts';
import { finishedHash, shownStep, startRun, TINY } from './train/tiny-run.ts';
import { downloadedText, dropFile, visit } from './visit.ts';

const PAGE_URL = inject('pageUrl');
const LITTLE = {
  ...TINY,
  'Training queries': '6',
  Steps: '6',
  'Batch size': '2',
  'Evaluate every': '6',
  'Save every': '2',
};
const LEAST = { Steps: '2', 'Prompts per step': '1', 'Held-out pairs': '2' };
const PAIRS =
  'query,title,grade\nred kettle,"Red kettle, 1.5 l",1\nred kettle,Oven gloves,0\nred kettle,Blue kettle,0\n';
/** A software adapter needs minutes for what a GPU does at once. */
const LONGEST_RUN_MS = 400_000;

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

  it('in the Files view, while a file is scored and after, is replaced, and the scores are the same', async () => {
    const { page } = await visit(browser, `${PAGE_URL}?backend=webgpu#/files`);
    const exported = (): Promise<string> =>
      downloadedText(page, () => page.getByRole('combobox', { name: 'Export' }).selectOption({ label: 'JSON lines' }));
    const score = page.getByRole('button', { name: 'Score 3 pairs' });
    await page.getByRole('button', { name: 'Try a sample' }).waitFor();
    await dropFile(page.locator('lab-files-view'), 'pairs.csv', PAIRS);
    await page.getByRole('button', { name: 'Use it like this' }).click();
    await score.click();
    await page.locator('lab-trust-strip').getByText('Measured on 3 graded pairs').waitFor();
    const before = await exported();

    await page.getByRole('button', { name: 'Another model' }).click();
    await score.and(page.locator(':enabled')).waitFor();
    await crashGpu(browser);
    const reopened = nextWorker(page, 'files.worker');
    await score.click();
    await reopened;
    await crashGpu(browser);
    await page.locator('lab-trust-strip').getByText('Measured on 3 graded pairs').waitFor();
    expect(await exported()).toBe(before);
    expect(await page.locator('lab-notice[kind=failure]').count()).toBe(0);

    await crashGpu(browser);
    await page.getByRole('group', { name: 'Evidence to take away' }).getByRole('button', { name: 'kettle' }).click();
    await page.getByText(/Without “kettle”: .* at rank \d\./u).waitFor();
  });

  it('in mid-run of the Train view is replaced, and the run ends in the same weights', async () => {
    const { page } = await visit(browser, `${PAGE_URL}?backend=webgpu#/train`);
    page.setDefaultTimeout(LONGEST_RUN_MS);
    await startRun(page, LITTLE);
    const calm = await finishedHash(page);
    await page.getByRole('button', { name: 'New run' }).click();
    await startRun(page, { Name: 'again' });
    await expect.poll(() => shownStep(page)).toBeGreaterThan(2);
    await crashGpu(browser);
    await page.getByText('The GPU was lost', { exact: true }).waitFor();
    await crashGpu(browser);
    expect(await finishedHash(page)).toBe(calm);
  });

  it('in mid-run of the Collapse view is replaced, and every branch ends with the same readings', async () => {
    const { page } = await visit(browser, `${PAGE_URL}?backend=webgpu#/collapse`);
    page.setDefaultTimeout(LONGEST_RUN_MS);
    const readings = async (): Promise<string[]> => {
      await page.getByText('all branches have ended').waitFor();
      await page.getByText('Everything measured').click();
      return page.locator('lab-collapse-alarm dl').allInnerTexts();
    };
    await runTiny(page, LEAST);
    const calm = await readings();
    await page.getByRole('button', { name: 'Reset' }).click();
    await page.getByRole('button', { name: 'Run the demonstration' }).click();
    await page
      .getByText(/^step 1 of 2/u)
      .first()
      .waitFor();
    await crashGpu(browser);
    await page.getByText('The GPU was lost; another one is being opened').waitFor();
    await crashGpu(browser);
    expect(await readings()).toEqual(calm);
  });
});
