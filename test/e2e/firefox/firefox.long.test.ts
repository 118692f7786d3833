/**
 * The built page in Firefox, without a GPU: front door, a lesson, answers, a file, training with its store, the
 * demonstration, and all of it offline. Training ends in the weights of Chromium, bit for bit.
 */
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, inject, it, onTestFinished } from 'vitest';
import { connectChromium } from '../../setup/chromium.ts';
import { FIREFOX_CONTEXT, FIREFOX_PATH, launchFirefox } from '../../setup/firefox.ts';
import { BUILT_PAGE, serveFolder } from '../static-host.ts';
import { runTiny } from '../tiny-demonstration.ts';
import { finishedHash, pauseAfterCheckpoint, startRun, TINY } from '../train/tiny-run.ts';
import { answered, LONGEST_WAIT_MS, shownLabel, visit } from '../visit.ts';

const PAGE_URL = inject('pageUrl');

describe.skipIf(FIREFOX_PATH === undefined || inject('chromium') === null)('the page in Firefox', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchFirefox(FIREFOX_PATH ?? '');
  });
  afterAll(() => browser.close());

  it('opens with its front door, and leads through a lesson', async () => {
    const { page, complaints } = await visit(browser, `${PAGE_URL}#/`, FIREFOX_CONTEXT);
    const slider = page.getByRole('slider', { name: 'Step of the run' });
    await slider.waitFor();
    await expect.poll(() => slider.inputValue()).not.toBe('0');
    await page.getByRole('link', { name: /See a model collapse/u }).click();
    await page.getByRole('heading', { name: 'One pair, before and after' }).waitFor();
    await page.getByRole('button', { name: 'Right, and surer' }).click();
    await page.locator('lab-lesson .truth').waitFor();
    const next = page.getByRole('link', { name: 'Next' });
    const heading = page.locator('lab-lesson h2');
    for (let screen = 2; screen <= 7; screen++) {
      await next.click();
      await page.waitForURL(new RegExp(`#/lesson/collapse/${screen}$`, 'u'));
      await heading.waitFor();
    }
    await page.getByRole('heading', { name: 'What this proves, and what not' }).waitFor();
    expect(complaints).toEqual([]);
  });

  it('answers on WebAssembly with the probabilities of Chromium', async () => {
    const gauge = async (page: Page): Promise<string | null> => {
      await answered(page);
      return page.getByRole('img', { name: /^Probability of each label/u }).getAttribute('aria-label');
    };
    const { page, complaints } = await visit(browser, `${PAGE_URL}?backend=wasm`, FIREFOX_CONTEXT);
    const here = await gauge(page);
    await page.getByText('Runs on WebAssembly').first().waitFor();
    expect(await page.locator('lab-step .check').count()).toBeGreaterThan(0);
    const chromium = await connectChromium();
    onTestFinished(() => chromium.close());
    expect(here).toBe(await gauge((await visit(chromium, `${PAGE_URL}?backend=wasm`)).page));
    expect(complaints).toEqual([]);
  });

  it('trains to the weights of Chromium, keeps checkpoints, continues after a reload, and answers with them', async () => {
    const { page, complaints } = await visit(browser, `${PAGE_URL}?backend=wasm#/train`, FIREFOX_CONTEXT);
    await startRun(page, TINY);
    const hash = await finishedHash(page);
    const rows = page.locator('lab-checkpoint h3');
    const kept = ['first-model, step 24', 'first-model, step 20', 'first-model, step 16'];
    await expect.poll(() => rows.allInnerTexts()).toEqual(kept);
    await page.reload();
    await expect.poll(() => rows.allInnerTexts()).toEqual(kept);
    expect(await finishedHash(page)).toBe(hash);

    await page.getByRole('button', { name: 'New run' }).click();
    await startRun(page, { Name: 'again' });
    const saved = await pauseAfterCheckpoint(page, 'again', Number(TINY['Save every']));
    await page.reload();
    await page.getByText(`A run stopped at step ${saved} of 24`).waitFor();
    await page.getByRole('button', { name: 'Continue' }).click();
    expect(await finishedHash(page)).toBe(hash);
    await page.getByRole('link', { name: 'Score with this model' }).click();
    await page.locator('.origin', { hasText: 'your checkpoint again, step 24' }).waitFor();
    await answered(page);
    expect(complaints).toEqual([]);

    const chromium = await connectChromium();
    onTestFinished(() => chromium.close());
    const { page: other } = await visit(chromium, `${PAGE_URL}?backend=wasm#/train`);
    await startRun(other, TINY);
    expect(await finishedHash(other)).toBe(hash);
  });

  it('judges a file and has it after a reload; runs a demonstration', async () => {
    const { page, complaints } = await visit(browser, `${PAGE_URL}?backend=wasm#/files`, FIREFOX_CONTEXT);
    await page.getByRole('button', { name: 'Try a sample' }).click();
    await page.getByRole('button', { name: 'Use it like this' }).click();
    await page.getByRole('button', { name: 'Score 12 pairs' }).click();
    await page.getByRole('combobox', { name: 'Export' }).waitFor();
    await page.reload();
    await page.getByRole('combobox', { name: 'Export' }).waitFor();
    expect(await page.locator('lab-pair-table .pair').count()).toBeGreaterThan(0);
    await page.getByRole('link', { name: 'Collapse', exact: true }).click();
    await runTiny(page);
    await page.getByText('all branches have ended').waitFor();
    expect(complaints).toEqual([]);
  });

  it('works offline after one visit', async () => {
    const host = await serveFolder(BUILT_PAGE);
    const context: BrowserContext = await browser.newContext(FIREFOX_CONTEXT);
    context.setDefaultTimeout(LONGEST_WAIT_MS);
    onTestFinished(() => context.close());
    const page = await context.newPage();
    await page.goto(`${host.url}#/score`);
    await answered(page);
    const label = await shownLabel(page);
    await page.getByText('Works offline.').waitFor();
    await host.close();
    await page.reload();
    await answered(page);
    expect(await shownLabel(page)).toBe(label);
    await page.getByRole('link', { name: 'Train', exact: true }).click();
    await page.locator('lab-run-plan button.primary:enabled').waitFor();
  });
});
