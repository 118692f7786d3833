/**
 * The Files view of the built page, as a reader walks it: a file is dropped, mapped, scored, corrected by keys and
 * exported, and a reload comes back to it. A browser that is killed in mid-file resumes to the file of an unbroken run.
 */
import { AxeBuilder } from '@axe-core/playwright';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { connectChromium, describeBrowser } from '../setup/chromium.ts';
import { whole } from '../setup/whole.ts';
import { Rng } from '../../src/common/rng.ts';
import { startKillableBrowser } from './killable-browser.ts';
import { downloadedText, dropFile, looksOf, visit } from './visit.ts';

const FILES_URL = `${inject('pageUrl')}?backend=wasm#/files`;
const WORDS = ['red', 'blue', 'kettle', 'mug', 'steel', 'lamp', 'oak', '12', 'usb', 'cable', 'garden', 'hose'];

/** Pairs with extra columns; that "verdict" is a grade, and what Y and N mean, has to be said. */
function verdictsCsv(): string {
  const rows = [
    ['red kettle', '007', 'Red kettle, 1.5 l', 'Y', 'box 1'],
    ['red kettle', '008', 'Oven gloves', 'N', 'box 2'],
    ['red kettle', '009', 'Blue kettle', 'N', '-3'],
    ['garden hose', '010', 'Garden hose', 'N', 'box 4'],
    ['garden hose', '011', '=HYPERLINK("x")', 'N', 'box 5'],
  ];
  return ['query,docId,title,verdict,Custodian', ...rows.map((row) => row.map(quoted).join(','))].join('\n');
}

function quoted(cell: string): string {
  return `"${cell.replaceAll('"', '""')}"`;
}

function manyPairsTsv(rows: number): string {
  const rng = new Rng('files');
  const some = (count: number): string => Array.from({ length: count }, () => rng.pick(WORDS)).join(' ');
  const lines = Array.from({ length: rows }, (_, i) => `${some(2)} ${i % 300}\td${i}\t${some(5)}\t${rng.int(4)}`);
  return ['query\tdocId\ttitle\tgrade', ...lines].join('\n');
}

/** Drops a file in the middle of the view. */
function drop(page: Page, name: string, text: string): Promise<void> {
  return dropFile(page.locator('lab-files-view'), name, text);
}

/** What an export gives. */
function exported(page: Page, format: string): Promise<string> {
  return downloadedText(page, () => page.getByRole('combobox', { name: 'Export' }).selectOption({ label: format }));
}

async function startScoring(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Use it like this' }).click();
  await page.getByRole('button', { name: /^Score [\d,]+ pairs$/u }).click();
}

/** The titles of the drawn rows with their grades. */
async function shownRows(page: Page): Promise<string[]> {
  const rows = await page.locator('lab-pair-table .pair').allInnerTexts();
  return rows.map((row) => row.replaceAll(/\s+/gu, ' '));
}

describeBrowser('the Files view', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await connectChromium();
  });
  afterAll(() => browser.close());

  it('takes a file from the drop to a corrected export, and is there again after a reload', async () => {
    const { page, complaints, foreignRequests } = await visit(browser, FILES_URL, { acceptDownloads: true });
    await page.getByRole('button', { name: 'Try a sample' }).waitFor();
    await drop(page, 'verdicts.csv', verdictsCsv());
    await page.getByText('5 pairs of 2 queries, 5 documents, no grades').waitFor();
    expect(await page.getByLabel('What Custodian is').inputValue()).toBe('');
    await page.getByLabel('What verdict is').selectOption('grade');
    await page.getByText('5 pairs of 2 queries, 5 documents').waitFor();
    // Dragged or chosen; both keep the other as it is.
    await page.getByText('N (4)').dragTo(page.getByRole('group', { name: 'label 1' }));
    await expect.poll(() => page.getByLabel('All at once').inputValue()).toMatch(/N=1/u);
    await page.getByLabel('N (4)').selectOption('0');
    await expect.poll(() => page.getByLabel('N (4)').evaluate((select) => select.matches(':focus'))).toBe(true);
    await page.getByLabel('Y (1)').selectOption('1');
    await expect.poll(() => page.getByLabel('All at once').inputValue()).toBe('N=0,Y=1');
    await startScoring(page);
    await page.locator('lab-trust-strip').getByText('Measured on 5 graded pairs').waitFor();

    // Without a word that both have, it is no longer relevant, and at once is again.
    const evidence = page.getByRole('group', { name: 'Evidence to take away' });
    await evidence.getByRole('button', { name: 'kettle' }).click();
    await evidence.getByRole('button', { name: 'red' }).click();
    await page.getByText(/Without “kettle”, “red”: irrelevant, .* at rank 3\./u).waitFor();
    await evidence.getByRole('button', { name: 'kettle' }).click();
    await page.getByText(/Without “red”: /u).waitFor();
    await evidence.getByRole('button', { name: 'red' }).click();
    await expect.poll(() => page.getByText(/Without “/u).count()).toBe(0);

    // What abstaining would cost, and the pairs that it is about.
    await page.getByText('When to trust a label').click();
    await page.getByRole('slider').fill('99');
    await page.getByText(/Below 99 % a person decides: \d of 5 graded pairs/u).waitFor();
    await page.getByRole('button', { name: 'Show the pairs below 99 %' }).click();
    await page.getByRole('button', { name: 'Show all again' }).waitFor();
    await expect.poll(async () => (await shownRows(page)).length).toBeGreaterThan(2);
    await page.getByRole('button', { name: 'Show all again' }).click();
    await page.getByText('When to trust a label').click();

    // The first query, its pairs by rank; one grade by key, which moves on.
    expect((await shownRows(page))[0]).toMatch(/^1 Red kettle, 1\.5 l .* relevant$/u);
    await page.keyboard.press('J');
    await expect.poll(() => page.locator('lab-query-list [aria-selected="true"]').innerText()).toContain('garden hose');
    await expect.poll(() => shownRows(page)).toHaveLength(2);
    const [first = ''] = await shownRows(page);
    await page.keyboard.press('1');
    await expect.poll(async () => (await shownRows(page))[0]).toMatch(/relevant ?, corrected/u);
    expect(await page.locator('lab-pair-table [aria-selected="true"]').innerText()).not.toContain(first.slice(2, 8));
    await page.keyboard.press('u');
    await expect.poll(async () => (await shownRows(page))[0]).toBe(first);
    await page.getByText('The last grade is undone.').waitFor({ state: 'attached' });
    await page.keyboard.press('u');
    await page.getByText('No grade is left to undo.').waitFor({ state: 'attached' });
    // A grade that is removed, and one that is given as it was.
    await page.keyboard.press('x');
    await expect.poll(async () => (await shownRows(page))[0]).toMatch(/none$/u);
    await page.keyboard.press('u');
    await page.keyboard.press('0');
    await page.getByText('1 confirmed').waitFor();
    await expect.poll(async () => (await shownRows(page))[0]).toBe(first);
    await page.keyboard.press('u');
    await page.keyboard.press('1');
    await page.keyboard.press('9'); // no grade, and no harm
    await expect.poll(async () => (await shownRows(page))[0]).toMatch(/relevant ?, corrected/u);

    const csv = await exported(page, 'CSV for spreadsheets');
    expect(csv).toMatch(/^\uFEFFquery,docId,title,verdict,Custodian,lab_label,/u);
    expect(csv.trimEnd().split('\r\n')).toHaveLength(6);
    expect(csv).toContain(`garden hose,011,"'=HYPERLINK(""x"")",N,box 5,`);
    expect(csv).toContain('red kettle,009,Blue kettle,N,-3,');
    expect(csv.split('\r\n').filter((line) => /,judge,\d{4}-/u.test(line))).toHaveLength(1);
    expect(await exported(page, 'TREC qrels')).toMatch(/^red%20kettle 0 007 1$/mu);

    await page.reload();
    await page.locator('lab-trust-strip').getByText('Measured on 5 graded pairs').waitFor();
    expect(await exported(page, 'CSV for spreadsheets')).toBe(csv);
    await page.keyboard.press('/');
    await page.keyboard.type('gloves');
    await expect.poll(() => shownRows(page)).toHaveLength(1);
    await page.keyboard.press('Escape');
    await page.keyboard.press('?');
    await page.getByRole('dialog').getByText('undo the last grade').waitFor();
    await page.getByRole('dialog').getByText('0 to 1', { exact: true }).waitFor();
    await page.keyboard.press('Escape');

    // Another file of the same shape is read as this one was.
    await page.getByRole('link', { name: 'Another file' }).click();
    await page.getByRole('link', { name: 'verdicts.csv' }).waitFor();
    await drop(page, 'more.csv', verdictsCsv());
    await page.getByText('The columns are read as in the last file that had them.').waitFor();
    expect(await page.getByLabel('What verdict is').inputValue()).toBe('grade');
    expect(complaints).toEqual([]);
    expect(foreignRequests).toEqual([]);
  });

  it('shows in each of two tabs what is corrected in the other, and loses neither', async () => {
    const { page: first, complaints } = await visit(browser, FILES_URL, { acceptDownloads: true });
    await first.getByRole('button', { name: 'Try a sample' }).waitFor();
    await drop(first, 'twice.csv', 'query,docId,title,grade\nred kettle,a,Red kettle,3\nred kettle,b,Oven gloves,0\n');
    await startScoring(first);
    await first.locator('lab-trust-strip').getByText('Measured on 2 graded pairs').waitFor();
    const second = await first.context().newPage();
    await second.goto(first.url());
    await second.locator('lab-trust-strip').getByText('Measured on 2 graded pairs').waitFor();
    await second.getByRole('textbox', { name: 'Grades signed by' }).fill('Bo');
    await second.getByRole('textbox', { name: 'Grades signed by' }).press('Tab');

    const grade = (page: Page, label: string): Promise<void> =>
      page.locator('lab-pair-panel').getByRole('button', { name: label }).click();
    await first.locator('lab-pair-table .pair').filter({ hasText: 'Red kettle' }).click();
    await grade(first, 'partial');
    await second.getByText('1 corrected', { exact: true }).waitFor();
    await second.locator('lab-pair-table .pair').filter({ hasText: 'Oven gloves' }).click();
    await grade(second, 'substantial');
    await first.getByText('2 corrected', { exact: true }).waitFor();
    const csv = await exported(first, 'CSV for spreadsheets');
    expect(csv).toMatch(/Red kettle,3,.*,1,judge,\d{4}-.*\r\n.*Oven gloves,0,.*,2,Bo,\d{4}-/u);
    expect(await exported(second, 'CSV for spreadsheets')).toBe(csv);

    // Each takes back its own, though the last was the other's.
    await first.keyboard.press('u');
    await second.getByText('1 corrected', { exact: true }).waitFor();
    await first.keyboard.press('u');
    await first.getByText('No grade is left to undo.').waitFor({ state: 'attached' });
    await second.reload();
    await second.getByText('1 corrected', { exact: true }).waitFor();
    expect(await exported(second, 'CSV for spreadsheets')).not.toContain('judge,');

    // Under other columns, its scores and grades are of another file: the first shows what the second has made of it.
    await second.getByRole('button', { name: 'Columns' }).click();
    await second.getByLabel('What title is').selectOption('text');
    await first.getByRole('button', { name: 'Use it like this' }).waitFor();
    await expect.poll(() => first.getByLabel('What title is').inputValue()).toBe('text');
    expect(complaints).toEqual([]);
  });

  it('gives reasons on demand with their evidence, and says what is wrong with a file', async () => {
    const { page, complaints } = await visit(browser, FILES_URL);
    await page.getByRole('button', { name: 'Try a sample' }).waitFor();
    await drop(page, 'broken.csv', 'a,b\n1,2\n');
    await page.getByText(/broken\.csv: no column is recognised as the query/u).waitFor();
    await page.getByRole('link', { name: 'Another file' }).click();
    await page.getByRole('button', { name: 'Paste a table' }).click();
    await page.getByRole('textbox').fill('query\ttitle\tcolour\nred kettle\tkettle\tred\nred kettle\tmug\tblue\n');
    await page.getByRole('button', { name: 'Use this table' }).click();
    await page.getByRole('button', { name: 'Use it like this' }).click();
    await page.getByRole('combobox', { name: /^Model/u }).selectOption('rules:general');
    await page.getByText('Rules decide each label').waitFor();
    await page.getByRole('button', { name: 'Score 2 pairs' }).click();
    await page.getByRole('heading', { name: 'Rules that decide' }).waitFor();
    await page
      .getByText(/The title has all words of the query|Not every word of the query/u)
      .first()
      .waitFor();
    await page.getByRole('button', { name: 'Another model' }).click();
    await page.getByRole('combobox', { name: /^Model/u }).selectOption('bundled:default');
    await page.getByText(/afrl-nano does not say/u).waitFor();
    await page.getByRole('button', { name: 'Score 2 pairs' }).click();
    await page.getByText('Nobody has graded these pairs').waitFor();
    await page.keyboard.press('e');
    await page.locator('lab-trace .summary').waitFor();
    expect(await page.locator('lab-pair-panel mark').allInnerTexts()).not.toEqual([]);
    await page.keyboard.press('3');
    await page.locator('lab-trust-strip').getByText('Measured on 1 graded pair').waitFor();
    expect(complaints).toEqual([]);
  });

  whole('resumes after the browser was killed in mid-file, to the same result', async () => {
    const pairs = manyPairsTsv(6000);
    const profile = mkdtempSync(join(tmpdir(), 'afrl-lab-killed-'));
    let killable = await startKillableBrowser(profile, FILES_URL);
    try {
      await killable.page.getByRole('button', { name: 'Try a sample' }).waitFor();
      await drop(killable.page, 'many.tsv', pairs);
      await startScoring(killable.page);
      for (let kills = 0; kills < 2; kills++) {
        // Killed behind at least one batch more than before.
        const before = kills * 2048;
        await expect.poll(() => scoredPairs(killable.page)).toBeGreaterThan(before);
        const url = killable.page.url();
        await killable.kill();
        killable = await startKillableBrowser(profile, url);
      }
      await allScored(killable.page);
      const resumed = await exported(killable.page, 'JSON lines');
      await killable.page.goto(FILES_URL);
      await killable.page.getByRole('link', { name: 'many.tsv' }).waitFor();
      await drop(killable.page, 'many.tsv', pairs);
      await startScoring(killable.page);
      await allScored(killable.page);
      expect((await exported(killable.page, 'JSON lines')) === resumed).toBe(true);
      expect(resumed.trimEnd().split('\n')).toHaveLength(6000);
      expect(resumed).not.toContain('"lab_label":null');
    } finally {
      await killable.close();
      rmSync(profile, { recursive: true, force: true });
    }
  });

  const looks = [
    ['light', 1440],
    ['dark', 390],
    ['light', 1920],
  ] as const;
  it.each(looksOf(looks, 1))('%s at %d px, is accessible and fits in every state', async (colorScheme, width) => {
    // axe brings its script as text, which the page's own policy rightly refuses.
    const options = {
      colorScheme,
      viewport: { width, height: 900 },
      bypassCSP: true,
      reducedMotion: 'reduce',
    } as const;
    const { page } = await visit(browser, FILES_URL, options);
    const check = async (): Promise<void> => {
      const { violations } = await new AxeBuilder({ page }).analyze();
      const serious = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
      expect(serious.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`)).toEqual([]);
      const overflowPx = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      expect(overflowPx).toBeLessThanOrEqual(0);
    };
    await page.getByRole('button', { name: 'Try a sample' }).waitFor();
    await check();
    await page.getByRole('button', { name: 'Try a sample' }).click();
    await page.getByRole('button', { name: 'Use it like this' }).waitFor();
    await check();
    await page.getByRole('button', { name: 'Use it like this' }).click();
    await page.getByRole('button', { name: 'Score 12 pairs' }).and(page.locator(':enabled')).waitFor();
    await check();
    await page.getByRole('button', { name: 'Score 12 pairs' }).click();
    await page.locator('lab-trust-strip .notes').waitFor();
    await page.keyboard.press('2');
    await page.keyboard.press('k');
    await page.getByText('By judge').waitFor();
    await check();
  });
});

/** Waits until there is nothing more to score. */
async function allScored(page: Page): Promise<void> {
  await page.getByRole('combobox', { name: 'Export' }).waitFor();
  await page.locator('lab-files-view progress').waitFor({ state: 'detached' });
}

/** The pairs scored so far: infinitely many once there is nothing more to score, which no kill can undo. */
async function scoredPairs(page: Page): Promise<number> {
  const [said] = await page.locator('lab-files-view .count').allInnerTexts();
  const isOver = said === undefined && (await page.getByRole('button', { name: 'TREC run' }).count()) > 0;
  return isOver ? Infinity : Number(/^[\d,]+/u.exec(said ?? '')?.[0].replaceAll(',', '') ?? 0);
}
