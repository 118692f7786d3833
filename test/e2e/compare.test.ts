/**
 * The same pair on several models: each answers in turn, exactly as it would answer alone.
 */
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { connectChromium, describeBrowser } from '../setup/chromium.ts';
import { visit } from './visit.ts';

const PAGE_URL = inject('pageUrl');
const GAUGE = { name: /^Probability of each label/u };

describeBrowser('models side by side', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await connectChromium();
  });
  afterAll(() => browser.close());

  it('answers the same pair with each model that is chosen, and with a new pair again', async () => {
    const { page, complaints, foreignRequests } = await visit(browser, `${PAGE_URL}?backend=wasm`);
    const leading = page.locator('.reading').getByRole('img', GAUGE);
    await leading.waitFor();
    await page.getByLabel('Compare with').selectOption({ label: 'Collapsed: GRPO alone' });
    await page.getByLabel('Compare with').selectOption({ label: 'Default model' });
    const columns = page.locator('lab-compared');
    await columns.nth(1).locator('lab-trace .summary').waitFor();
    expect(new URL(page.url()).hash).toBe('#/score?with=collapsed%2Cdefault');
    // The default model against itself, in another worker.
    expect(await columns.nth(1).getByRole('img', GAUGE).getAttribute('aria-label')).toBe(
      await leading.getAttribute('aria-label'),
    );
    await columns.nth(1).getByText('The same label. The scores are the same.').waitFor();

    const before = await columns.nth(0).getByRole('img', GAUGE).getAttribute('aria-label');
    await page.getByRole('navigation', { name: 'Examples' }).getByRole('button').nth(4).click();
    await expect.poll(() => columns.nth(0).getByRole('img', GAUGE).getAttribute('aria-label')).not.toBe(before);
    await columns.nth(1).getByText('The same label. The scores are the same.').waitFor();

    await page.getByRole('button', { name: 'Remove Collapsed: GRPO alone' }).click();
    await expect.poll(() => columns.count()).toBe(1);
    await page.reload();
    await page.locator('lab-compared lab-trace .summary').waitFor();
    expect(complaints).toEqual([]);
    expect(foreignRequests).toEqual([]);
  });

  it('reports an address that names a missing model, and answers nevertheless', async () => {
    const { page } = await visit(browser, `${PAGE_URL}?backend=wasm#/score?with=nobody,checkpoint:gone,start`);
    await page.getByText('There is no such model').waitFor();
    await page.locator('lab-compared').nth(1).locator('lab-notice').waitFor();
    await page.locator('lab-compared').nth(2).locator('lab-trace .summary').waitFor();
  });
});
