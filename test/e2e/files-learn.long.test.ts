/**
 * "Learn from these" of the built page: grades and a correction become a lesson, the model that scored the file learns it,
 * both are compared on held-out queries, and the person takes the new model and goes back.
 */
import { AxeBuilder } from '@axe-core/playwright';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { connectChromium, describeBrowser } from '../setup/chromium.ts';
import { visit } from './visit.ts';

const FILES_URL = `${inject('pageUrl')}?backend=wasm#/files`;

/** Eleven queries; the product itself is relevant, what is only for it is not. */
function judgedCsv(): string {
  const things = ['kettle', 'lamp', 'mug', 'hose', 'cable', 'chair', 'table', 'fork', 'knife', 'spoon', 'plate'];
  const rows = things.flatMap((thing) => [
    `steel ${thing},${thing}-1,Steel ${thing},3`,
    `steel ${thing},${thing}-2,Case for a steel ${thing},0`,
    `steel ${thing},${thing}-3,Blue ${thing},1`,
    `steel ${thing},${thing}-4,Oven gloves,0`,
  ]);
  return ['query,docId,title,grade', ...rows].join('\n');
}

async function scoreFile(page: Page): Promise<void> {
  await page
    .locator('input[type=file]')
    .first()
    .setInputFiles({
      name: 'judged.csv',
      mimeType: 'text/csv',
      buffer: Buffer.from(judgedCsv()),
    });
  await page.getByRole('button', { name: 'Use it like this' }).click();
  await page.getByRole('button', { name: 'Score 44 pairs' }).click();
  await page.getByText('Measured on 44 graded pairs').waitFor();
}

describeBrowser('learning from a judged file', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await connectChromium();
  });
  afterAll(() => browser.close());

  it('trains the model that scored it, compares both, takes the new one and goes back', async () => {
    const { page, complaints, foreignRequests } = await visit(browser, FILES_URL, {
      viewport: { width: 390, height: 900 },
    });
    await scoreFile(page);
    await page.keyboard.press('3');
    await page.getByText('1 confirmed').or(page.getByText('1 corrected')).first().waitFor();

    await page.getByText('Learn from these grades').click();
    await page.getByRole('spinbutton', { name: 'Steps' }).fill('6');
    await page.getByRole('button', { name: 'Learn from these' }).click();
    const compared = page.getByRole('table').filter({ hasText: 'Difference, 95 % interval' });
    await compared.waitFor();
    const text = await compared.innerText();
    expect(text).toMatch(/Preliminary: on 8 graded pairs of 2 held-out queries/u);
    expect(text).toMatch(/Accuracy\s+\d\.\d{3}\s+\d\.\d{3}\s+(?:none|[+\u2212-]\d\.\d{3})/u);
    expect((await new AxeBuilder({ page }).analyze()).violations).toEqual([]);

    await page.reload();
    await compared.waitFor();
    expect(await compared.innerText()).toBe(text);
    await page.getByRole('button', { name: 'Score this file with the new model' }).click();
    await page.getByText('Scored by general, learned from judged.csv').waitFor();
    await page.getByRole('button', { name: 'Back to general' }).click();
    await page.getByText('Scored by general', { exact: true }).waitFor();
    await page.getByRole('button', { name: 'Keep general' }).click();
    await page.getByText('Learn from these grades').waitFor();

    await page.evaluate(() => (location.hash = '#/runs'));
    await page.getByText('general, learned from judged.csv').first().waitFor();
    expect(foreignRequests).toEqual([]);
    expect(complaints).toEqual([]);
    await page.context().close();
  });
});
