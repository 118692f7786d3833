/**
 * A thread that ends without a word, as for want of memory: the page notices, says so, and offers what was saved. (A
 * thread that ends itself sends no error either.)
 */
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { connectChromium, describeBrowser } from '../setup/chromium.ts';
import { runTiny } from './tiny-demonstration.ts';
import { answered, LONGEST_WAIT_MS, visit } from './visit.ts';

async function endWorker(page: Page, name: RegExp): Promise<void> {
  const worker = page.workers().find((each) => name.test(each.url()));
  if (worker === undefined)
    throw new Error(
      `No worker ${name}; there are ${page
        .workers()
        .map((each) => each.url())
        .join()}`,
    );
  // The answer may not come any more.
  await worker.evaluate(() => setTimeout(() => (globalThis as unknown as { close: () => void }).close(), 0));
}

/** Corrections in the store of the page. */
async function countCorrections(): Promise<number> {
  const resultOf = <T>(request: IDBRequest<T>): Promise<T> =>
    new Promise((resolve, reject) => {
      request.addEventListener('success', () => resolve(request.result));
      request.addEventListener('error', () => reject(request.error ?? new Error('The store cannot be read.')));
    });
  const database = await resultOf(indexedDB.open('afrl-lab'));
  const keys = await resultOf(database.transaction('judgedParts').objectStore('judgedParts').getAllKeys());
  database.close();
  return keys.filter((key) => Array.isArray(key) && key[1] === 'correction').length;
}

describeBrowser('a thread that ends without a word', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await connectChromium();
  });
  afterAll(() => browser.close());

  it('while it trains is noticed, and the run can be continued in a new one', async () => {
    const { page } = await visit(browser, `${inject('pageUrl')}?backend=wasm#/train`);
    await page.getByRole('button', { name: 'Train a small model' }).click();
    await page.getByRole('button', { name: 'Save' }).and(page.locator(':enabled')).click();
    await page.getByRole('heading', { name: /first-model, step/u }).waitFor();
    await endWorker(page, /train/u);
    await page.getByText(/training worker ended without saying why/u).waitFor();
    await page.getByText(/What was saved is still there/u).waitFor();
    await page.reload();
    await page.getByText(/A run stopped at step/u).waitFor();
    await page.getByRole('button', { name: 'Continue' }).click();
    await page.getByRole('button', { name: 'Stop' }).click();
    expect(await page.locator('lab-part-failure').count()).toBe(0);
  });

  it('while it answers is noticed, and the page loads the model into a new one', async () => {
    const { page } = await visit(browser, `${inject('pageUrl')}?backend=wasm#/score`);
    await answered(page);
    await endWorker(page, /score/u);
    await page.getByRole('textbox', { name: 'Query', exact: true }).fill('blue kettle');
    await page.getByText(/scoring worker ended without saying why/u).waitFor();
    await page.locator('lab-answer .fresh').waitFor();
    expect(await page.locator('lab-part-failure').count()).toBe(0);
  });

  it('in the Files view is noticed, and what is asked next is done in a new one', async () => {
    const { page } = await visit(browser, `${inject('pageUrl')}?backend=wasm#/files`);
    await page.getByRole('button', { name: 'Try a sample' }).click();
    await page.getByRole('button', { name: 'Use it like this' }).click();
    await page.getByRole('button', { name: 'Score 12 pairs' }).and(page.locator(':enabled')).waitFor();
    // The model that was loaded went with it.
    const loaded = page.waitForEvent('worker', { predicate: (worker) => worker.url().includes('files.worker') });
    await endWorker(page, /files/u);
    await loaded;
    await page.getByRole('button', { name: 'Score 12 pairs' }).and(page.locator(':enabled')).click();
    await page.getByRole('combobox', { name: 'Export' }).waitFor();
    await endWorker(page, /files/u);
    await page.locator('lab-pair-table .pair').first().click();
    await page.keyboard.press('1');
    await page.getByText(/^1 (?:corrected|confirmed)$/u).waitFor();
    await expect.poll(() => page.evaluate(countCorrections), { timeout: LONGEST_WAIT_MS }).toBe(1);
    await page.reload();
    await page.getByText(/^1 (?:corrected|confirmed)$/u).waitFor();
    expect(await page.locator('lab-notice[kind=failure]').count()).toBe(0);
  });

  it('while it demonstrates is noticed, and the demonstration can be continued', async () => {
    const { page } = await visit(browser, `${inject('pageUrl')}?backend=wasm#/collapse`);
    await runTiny(page, { Steps: '40' });
    await page
      .getByText(/^step [2-9]/u)
      .first()
      .waitFor();
    await endWorker(page, /grpo/u);
    await page.getByText(/worker ended without saying why/u).waitFor();
    await page.reload();
    await page.getByText(/^A demonstration stopped/u).waitFor();
    await page.getByRole('button', { name: 'Continue' }).click();
    await page.getByRole('button', { name: 'Pause' }).waitFor();
    expect(await page.locator('lab-part-failure').count()).toBe(0);
  });
});
