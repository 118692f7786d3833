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
    const { page, complaints, foreignRequests } = await visit(browser, `${PAGE_URL}?backend=wasm#/score?model=default`);
    const leading = page.locator('.reading').getByRole('img', GAUGE);
    await leading.waitFor();
    await page.getByLabel('Compare with').selectOption({ label: 'Collapsed: GRPO alone' });
    await page.getByLabel('Compare with').selectOption({ label: 'Model of the rule world' });
    const columns = page.locator('lab-compared');
    // Pairs on which these models differ are a press away, and they do differ on them.
    const examples = page.getByRole('navigation', { name: 'Pairs on which these models differ' }).getByRole('button');
    await examples.first().click();
    await columns
      .nth(0)
      .getByText(/Another label: /u)
      .waitFor();
    await columns.nth(1).locator('lab-trace .summary').waitFor();
    expect(new URL(page.url()).hash).toMatch(/^#\/score\?model=default&with=collapsed%2Cdefault&pair=/u);
    // The leading model against itself, in another worker.
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
    // The address keeps the pair too.
    const query = page.getByRole('textbox', { name: 'Query' });
    const asked = await query.inputValue();
    await expect.poll(() => new URLSearchParams(new URL(page.url()).hash.split('?')[1]).get('pair')).toContain(asked);
    await page.reload();
    await page.locator('lab-compared lab-trace .summary').waitFor();
    expect(await query.inputValue()).toBe(asked);
    // The panel that stays in sight while one scrolls covers no card below it.
    const covered = await page.evaluate(async () => {
      const root = document.querySelector('lab-app')?.shadowRoot?.querySelector('lab-score-view')?.shadowRoot;
      const bottoms: number[] = [];
      for (let top = 0; top <= document.documentElement.scrollHeight; top += 120) {
        scrollTo(0, top);
        await new Promise(requestAnimationFrame);
        const panel = root?.querySelector('.pair')?.getBoundingClientRect();
        const cards = ['.comparison', '.card'].map((at) => root?.querySelector(at)?.getBoundingClientRect());
        for (const card of cards) bottoms.push((panel?.bottom ?? 0) - (card?.top ?? 0));
      }
      return Math.max(...bottoms);
    });
    expect(covered).toBeLessThanOrEqual(0);
    expect(complaints).toEqual([]);
    expect(foreignRequests).toEqual([]);
  });

  it('says that the pair of an address cannot be read, also where the view is open, and that one is too long for it', async () => {
    const { page, complaints } = await visit(browser, `${PAGE_URL}?backend=wasm#/score?pair=%7B%22query%22%3A1%7D`);
    const notice = page.locator('lab-notice', { hasText: 'The pair of this address cannot be read' });
    await notice.getByText('The first example is shown instead').waitFor();
    await page.locator('.reading').getByRole('img', GAUGE).waitFor();
    const query = page.getByRole('textbox', { name: 'Query' });
    const linked = (): string | null => new URLSearchParams(new URL(page.url()).hash.split('?')[1]).get('pair');
    await query.fill('steel kettle');
    await expect.poll(linked).toContain('steel kettle');
    expect(await notice.count()).toBe(0);
    await page.evaluate(() => (location.hash = '#/score?pair=%7B'));
    await notice.getByText('The pair that was there stays').waitFor();
    await expect.poll(linked).toContain('steel kettle');
    // A pair that an address cannot hold is in none, and one that the browser refuses to write is told.
    await query.fill('kettle '.repeat(4000));
    await page.getByText(/longer than the 16,000 characters that an address holds/u).waitFor();
    await expect.poll(linked).toBeNull();
    await page.evaluate(() => {
      history.replaceState = () => {
        throw new DOMException('too often', 'SecurityError');
      };
    });
    await query.fill('brass kettle');
    await page.getByText('The browser lets no address change as often as this').waitFor();
    expect(complaints).toEqual([]);
  });

  it('reports an address that names a missing model, and answers nevertheless', async () => {
    const { page } = await visit(browser, `${PAGE_URL}?backend=wasm#/score?with=nobody,checkpoint:gone,start`);
    await page.getByText('There is no such model').waitFor();
    await page.locator('lab-compared').nth(1).locator('lab-notice').waitFor();
    await page.locator('lab-compared').nth(2).locator('lab-trace .summary').waitFor();
  });
});
