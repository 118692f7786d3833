/**
 * Rules of a file in the built page: they are found in its grades, edited by button and as text, score every pair and
 * explain it, and are there again after a reload.
 */
import { AxeBuilder } from '@axe-core/playwright';
import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { connectChromium, describeBrowser } from '../setup/chromium.ts';
import { readInstruction } from '../../src/relevance/rules/instruction-text.ts';
import { downloadedText, dropFile, visit } from './visit.ts';

const FILES_URL = `${inject('pageUrl')}?backend=wasm#/files`;
const THINGS =
  'kettle lamp mug hose cable chair table fork knife spoon plate bowl glass jug pan pot oven stove shelf desk sofa bed door rug';

/** What is only for the product is not relevant, although its title has all words of the query. */
function judgedCsv(): string {
  const rows = THINGS.split(' ').flatMap((thing) => [
    `steel ${thing},${thing}-1,Steel ${thing},3`,
    `steel ${thing},${thing}-2,Case for a steel ${thing},0`,
    `steel ${thing},${thing}-3,Blue ${thing},1`,
    `steel ${thing},${thing}-4,Garden gloves,0`,
  ]);
  return ['query,docId,title,grade', ...rows].join('\n');
}

/** The sentence on all rules. */
function summary(page: Page): Locator {
  return page.getByText(/^\d+ rules?: right on \d+ of all 96 graded pairs/u);
}

/** The name of what has the focus. */
function focused(page: Page): Promise<string> {
  return page.evaluate(() => {
    let at = document.activeElement;
    while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
    return at?.getAttribute('aria-label') ?? '';
  });
}

function downloaded(page: Page, name: string): Promise<string> {
  return downloadedText(page, () => page.getByRole('button', { name, exact: true }).click());
}

describeBrowser('the rules of a judged file', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await connectChromium();
  });
  afterAll(() => browser.close());

  it('are found, edited, score the file, and are there after a reload', async () => {
    const { page, complaints, foreignRequests } = await visit(browser, FILES_URL, {
      viewport: { width: 390, height: 900 },
      acceptDownloads: true,
      reducedMotion: 'reduce',
    });
    await page.getByRole('button', { name: 'Try a sample' }).waitFor();
    await dropFile(page.locator('lab-files-view'), 'judged.csv', judgedCsv());
    await page.getByRole('button', { name: 'Use it like this' }).click();
    await page.getByRole('button', { name: 'Find the rules in my judgments', exact: true }).click();
    await summary(page).waitFor();
    const onTest = page.getByRole('group', { name: 'Rules on test queries' });
    expect(await onTest.innerText()).toMatch(/The rules found\s+20 of 20/u);
    // "Case for a steel kettle" says what it is for, which is read as a property of it.
    const cases = 'Some word of the query is in an attribute.';
    await page.getByText(cases, { exact: true }).waitFor();
    expect((await new AxeBuilder({ page }).analyze()).violations).toEqual([]);

    // A rule that goes takes its pairs along; the focus goes on to the next one, and Undo brings it back.
    const found = await summary(page).innerText();
    await page.getByRole('button', { name: `Delete: ${cases}`, exact: true }).click();
    await page.getByText('The rules with your changes', { exact: true }).waitFor();
    await expect.poll(() => focused(page)).toBe('Delete: The title has all words of the query.');
    expect(await page.getByText(cases, { exact: true }).count()).toBe(0);
    await page.getByRole('button', { name: 'Undo', exact: true }).click();
    await page.getByText(cases, { exact: true }).waitFor();
    expect(await summary(page).innerText()).toBe(found);

    // A text that cannot be read stays as it is, with the line.
    await page.getByRole('button', { name: 'Edit as text', exact: true }).click();
    const area = page.getByRole('textbox', { name: 'The rules as text', exact: true });
    const text = await area.inputValue();
    await area.fill(text.replace(/at most (\d)$/mu, 'at best $1'));
    await page.getByRole('button', { name: 'Use this text', exact: true }).click();
    await page.getByText(/Line 2 of the instruction is not readable/u).waitFor();
    expect(await area.inputValue()).toContain('at best');
    expect((await new AxeBuilder({ page }).analyze()).violations).toEqual([]);
    const mine = 'A case is not what it is for.';
    await area.fill(text.replace(`  ${cases}`, `  ${mine}`));
    await page.getByRole('button', { name: 'Use this text', exact: true }).click();
    await page.getByText(mine, { exact: true }).waitFor();
    const edited = await summary(page).innerText();

    await page.getByRole('button', { name: 'Score with these rules', exact: true }).click();
    await page.getByText('Measured on 96 graded pairs').waitFor();
    await page.getByText('Scored by rules of judged.csv', { exact: true }).waitFor();
    await page.getByRole('heading', { name: 'Rules that decide', exact: true }).waitFor();

    await page.reload();
    await page.getByText('Measured on 96 graded pairs').waitFor();
    await page.getByText('Scored by rules of judged.csv', { exact: true }).waitFor();
    await page.getByRole('button', { name: 'Another model', exact: true }).click();
    await page.getByText(mine, { exact: true }).waitFor();
    expect(await summary(page).innerText()).toBe(edited);
    expect(await page.getByRole('combobox', { name: 'Model', exact: true }).inputValue()).toBe('rules:own');
    const instruction = readInstruction(await downloaded(page, 'Download instruction.txt'));
    expect(instruction.rules.map((rule) => rule.text)).toContain(mine);
    expect(JSON.parse(await downloaded(page, 'Download lexicon.json'))).toHaveProperty('brands');

    // Other rules than those of the scores say so.
    await page.getByRole('combobox', { name: `At most: ${mine}`, exact: true }).selectOption('1');
    await page.getByText('The scores of this file are from other rules. Score it again to use these.').waitFor();
    expect(foreignRequests).toEqual([]);
    expect(complaints).toEqual([]);
  });
});
