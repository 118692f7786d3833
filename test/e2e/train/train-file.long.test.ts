/**
 * Training on the user's own file in the built page: it is dropped, summarised, learned from, resumed without the file
 * after the browser was killed, and the model answers in the Score view. A broken file leaves everything usable.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterEach, beforeEach, expect, inject, it } from 'vitest';
import { startInstruction } from '../../../src/relevance/rules/start-instruction.ts';
import { describeBrowser } from '../../setup/chromium.ts';
import { pairsTsv } from '../../unit/runs/own-pairs.ts';
import { type KillableBrowser, startKillableBrowser } from '../killable-browser.ts';
import { answered, dropFile, shownLabel } from '../visit.ts';
import { finishedHash, pauseAfterCheckpoint, startRun } from './tiny-run.ts';

const TRAIN_URL = `${inject('pageUrl')}?backend=wasm#/train`;
const SETTINGS = {
  Name: 'own',
  'Held-out pairs': '8',
  Steps: '24',
  'Batch size': '4',
  'Evaluate every': '24',
  'Save every': '3',
};

describeBrowser('training on a file', () => {
  let profile: string;
  let browser: KillableBrowser;
  beforeEach(async () => {
    profile = mkdtempSync(join(tmpdir(), 'afrl-lab-file-'));
    browser = await startKillableBrowser(profile, TRAIN_URL);
  });
  afterEach(async () => {
    await browser.close();
    rmSync(profile, { recursive: true, force: true });
  });

  it('takes an own task in one file, and names the field of one that cannot be used', async () => {
    const { page } = browser;
    await page.getByLabel('Your own file').check();
    await drop(page, 'mine.tsv', pairsTsv(20));
    const choice = page.locator('lab-data-choice');
    await choice.getByText('80 pairs of 20 queries').waitFor();
    const task = {
      labels: ['no', 'partly', 'yes'],
      prompt: { maxWordsPerField: { title: 9 } },
      rules: startInstruction(3),
    };
    const given = (value: object): { name: string; mimeType: string; buffer: Buffer } => {
      return { name: 'task.json', mimeType: 'application/json', buffer: Buffer.from(JSON.stringify(value)) };
    };
    await choice.locator('input.own').setInputFiles(given({ ...task, labels: ['no', 'yes'] }));
    await choice.getByText('rules.scaleSize does not fit labels').waitFor();
    await choice.locator('input.own').setInputFiles(given(task));
    await choice.getByText(`task.json: ${task.rules.rules.length} rules`).waitFor();
    await choice.getByText('of 64 training labels').waitFor();
    expect(await page.getByLabel('Labels', { exact: true }).inputValue()).toBe('3');
    await page.getByText('More settings').click();
    await page.getByLabel('Find a setting').fill('Names of the labels');
    expect(await page.getByLabel('Names of the labels', { exact: true }).inputValue()).toBe('no, partly, yes');
  });

  it('learns from it, resumes without it after a crash to the same weights, and answers', async () => {
    const { page } = browser;
    await page.getByLabel('Your own file').check();
    await page.getByText('Choose a file of pairs that people have judged').waitFor();
    await drop(page, 'mine.tsv', `${pairsTsv(20)}\n\tmug\t1\n`);
    const choice = page.locator('lab-data-choice');
    await choice.getByText('80 pairs of 20 queries').waitFor();
    await choice.getByText('1 row left out').click();
    await choice.getByText('Row 82, column "query"').waitFor();
    await choice.getByText('64 training pairs, 8 held out, 8 for a test').waitFor();
    expect(await page.getByLabel('Labels', { exact: true }).inputValue()).toBe('3');
    expect(await page.getByLabel('Training queries').count()).toBe(0);

    await startRun(page, SETTINGS);
    const saved = await pauseAfterCheckpoint(page, 'own', 3);
    await browser.kill();

    browser = await startKillableBrowser(profile, TRAIN_URL);
    const reopened = browser.page;
    await reopened.getByText(`A run stopped at step ${saved} of 24`).waitFor();
    await reopened.getByRole('button', { name: 'Continue' }).click();
    const resumedHash = await finishedHash(reopened);
    await reopened.locator('lab-run-monitor').getByText('NDCG@10').waitFor();

    // The form shows the file of the run; the same run again, without interruption.
    expect(await reopened.locator('lab-data-choice .name').innerText()).toBe('mine.tsv');
    await reopened.getByRole('button', { name: 'New run' }).click();
    await reopened.getByRole('button', { name: 'Start training' }).click();
    expect(await finishedHash(reopened)).toBe(resumedHash);

    await reopened.getByRole('link', { name: 'Score with this model' }).click();
    await reopened.locator('.origin', { hasText: 'your checkpoint own, step 24 (2)' }).waitFor();
    await reopened.getByRole('textbox', { name: 'Query', exact: true }).fill('red kettle');
    await reopened.getByRole('textbox', { name: 'Title', exact: true }).fill('red kettle');
    await answered(reopened);
    expect(await shownLabel(reopened)).toMatch(/^label [012]$/u);
    expect(browser.complaints).toEqual([]);
  });

  it('explains what is wrong with a file and its grades, and works with a better one', async () => {
    const { page, complaints } = browser;
    await page.getByLabel('Your own file').check();
    await drop(page, 'empty.csv', 'query,title\nmug,mug\n');
    const failure = page.locator('lab-notice[kind="failure"]');
    await failure.getByText(/empty\.csv: no column is recognised as the grade.*Rename the column/u).waitFor();
    await drop(page, 'mine.tsv', pairsTsv(20));
    await page.locator('lab-run-plan .figure').waitFor();
    expect(await failure.count()).toBe(0);
    await page.getByLabel('Labels', { exact: true }).fill('2');
    await failure.getByText(/mine\.tsv: a grade is not on the scale of 2 labels, in row \d+/u).waitFor();
    await page.getByLabel('Labels', { exact: true }).fill('3');
    await page.locator('lab-run-plan .figure').waitFor();

    // The reader assigns unknown columns and grades, and an unusable file leaves the previous one in use.
    const choice = page.locator('lab-data-choice');
    await drop(page, 'words.tsv', wordedTsv());
    await failure
      .getByText(/words\.tsv: no column is recognised as the grade.*The data is still mine\.tsv/su)
      .waitFor();
    await choice.getByLabel('Grade', { exact: true }).selectOption('verdict');
    await choice.getByText('Pairs by grade: N: ').waitFor();
    await failure.getByText(/words\.tsv: a grade is not on the scale/u).waitFor();
    await choice.getByLabel('N (').selectOption('0');
    await choice.getByLabel('Y (').selectOption('1');
    await page.locator('lab-run-plan .figure').waitFor();
    expect(await page.getByLabel('Labels', { exact: true }).inputValue()).toBe('2');
    expect(await choice.getByLabel('All at once').inputValue()).toBe('N=0,Y=1');
    await choice.getByText(/with an earlier pair/u).waitFor();
    await page.getByLabel('Rule world').check();
    await page.getByLabel('Training queries', { exact: true }).waitFor();
    await page.getByRole('button', { name: 'Train a small model' }).waitFor();
    expect(complaints).toEqual([]);
  });
});

/** A file with words for grades, in a column of an unknown name, and its first pair twice. */
function wordedTsv(): string {
  const [head = '', ...rows] = pairsTsv(20)
    .split('\n')
    .map((line) => line.replace(/\t\d$/u, (grade) => (grade === '\t2' ? '\tY' : '\tN')));
  return [head.replace('grade', 'verdict'), ...rows, rows[0] ?? ''].join('\n');
}

/** Drops a file on its target. */
function drop(page: Page, name: string, text: string): Promise<void> {
  return dropFile(page.locator('lab-data-choice .drop'), name, text);
}
