/**
 * Runs of the page: listed with what sets them apart, compared, tagged, archived, deleted and brought back, and carried
 * to the command line and to another browser with the same numbers.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { AxeBuilder } from '@axe-core/playwright';
import { strFromU8, unzipSync } from 'fflate';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { connectChromium, describeBrowser } from '../setup/chromium.ts';
import { whole } from '../setup/whole.ts';
import { startKillableBrowser } from './killable-browser.ts';
import { runTiny } from './tiny-demonstration.ts';
import { finishedHash, startRun } from './train/tiny-run.ts';
import { visit } from './visit.ts';

const TRAIN = { 'Training queries': '12', 'Held-out pairs': '4', 'Batch size': '4', 'Evaluate every': '2', 'Save every': '2', Steps: '4' }; // prettier-ignore

describeBrowser('the Runs view', () => {
  let browser: Browser;
  let folder: string;
  beforeAll(async () => {
    browser = await connectChromium();
    folder = mkdtempSync(join(tmpdir(), 'afrl-lab-runs-'));
  });
  afterAll(async () => {
    await browser.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it('lists, compares and changes runs, and carries them elsewhere', async () => {
    const { page, complaints, foreignRequests } = await visit(browser, `${inject('pageUrl')}?backend=wasm#/runs`, {
      viewport: { width: 1280, height: 900 },
    });
    await page.getByText('There is no run here yet').waitFor();
    await page.getByRole('link', { name: 'Train', exact: true }).first().click();
    await train(page, { Seed: '1' });
    await page.getByRole('button', { name: 'New run' }).click();
    await train(page, { Seed: '1', 'Learning rate': '0.01' });
    await page.getByRole('link', { name: 'Runs' }).click();
    await page.reload(); // without the fields of the Train view
    const rows = page.locator('lab-run-table tbody tr');
    await expect.poll(() => rows.filter({ hasText: 'supervised' }).count()).toBe(2);
    const changed = rows.filter({ hasText: 'learningRate 0.01' });
    await changed.getByText('finished, 4 steps').waitFor();

    // Remarks stay after a reload.
    await changed.getByRole('button', { name: 'first-model' }).first().click();
    await page.getByLabel('Name', { exact: true }).fill('faster');
    await page.getByLabel('Tags, separated by commas').fill('lesson, fast');
    await page.getByRole('button', { name: 'Save' }).click();
    await rows.getByText('lesson').waitFor();
    await page.reload();
    await rows.getByText('lesson').waitFor();

    await page.getByLabel('Filter runs').fill('supervised');
    await page.getByLabel('Choose all').check();
    await page.getByRole('button', { name: 'Compare 2' }).click();
    const comparison = page.getByRole('region', { name: 'Comparison' });
    await comparison.getByRole('cell', { name: 'sft.learningRate' }).waitFor();
    const shown = await comparison.locator('table').nth(1).innerText();
    expect(shown).toMatch(/learningRate 0\.01\s+1\s/u);

    // Curves over what was learned from, and completions at any step.
    await comparison.getByRole('group', { name: 'Curves over' }).getByRole('button', { name: 'Tokens' }).click();
    await comparison.getByRole('img', { name: /^Accuracy: .* tokens/u }).waitFor();
    const figure = async (format: string): Promise<Buffer> => {
      const saved = page.waitForEvent('download');
      await comparison.getByRole('button', { name: `Accuracy as ${format}`, exact: true }).click();
      const download = await saved;
      expect(download.suggestedFilename()).toBe(`accuracy.${format.toLowerCase()}`);
      return buffer(await download.createReadStream());
    };
    expect(String(await figure('SVG'))).toMatch(/^<svg .*<title>accuracy<\/title>/su);
    const png = await figure('PNG');
    expect(png.subarray(1, 4).toString('latin1')).toBe('PNG');
    expect(png.readUInt32BE(16)).toBe(2 * 420); // its width in pixels
    const completions = comparison.getByRole('region', { name: 'Completions' });
    await completions.getByText('Step 4:').first().waitFor();
    await completions.getByLabel('Step').fill('0');
    await completions.getByText('Step 2:').first().waitFor();
    expect(await completions.locator('article').count()).toBe(2);
    expect(await completions.getByLabel('Pair').locator('option').count()).toBe(4);

    const zip = await exported(page, folder, 'zip');
    const files = unzipSync(readFileSync(zip));
    expect(Object.keys(files).filter((name) => name.endsWith('/run.json'))).toHaveLength(2);
    expect(Object.keys(files).filter((name) => name.endsWith('/completions.jsonl'))).toHaveLength(2);
    const report = unzipSync(readFileSync(await exported(page, folder, 'report')));
    expect(Object.keys(report)).toContain('report-labels.svg');
    const tensorboard = unzipSync(readFileSync(await exported(page, folder, 'tensorboard')));
    expect(Object.keys(tensorboard).every((name) => name.includes('tfevents'))).toBe(true);

    // The command line reads the records, and gives the numbers of the page.
    for (const [name, bytes] of Object.entries(files)) {
      const [run = '', file = ''] = name.split('/');
      execFileSync('mkdir', ['-p', join(folder, 'runs', run)]);
      writeFileSync(join(folder, 'runs', run, file), strFromU8(bytes));
    }
    const printed = execFileSync('node', ['scripts/lab.js', 'compare', join(folder, 'runs')], { encoding: 'utf8' });
    const cells = (text: string): string[] => text.match(/\d\.\d{3}/gu) ?? [];
    expect(cells(shown).length).toBeGreaterThan(1);
    const lastOnes = printed.slice(printed.indexOf('## Last'), printed.indexOf('## Differences'));
    expect(new Set(cells(lastOnes))).toEqual(new Set(cells(shown)));

    await page.getByLabel('Choose all').check();
    await page.getByRole('button', { name: 'Delete', exact: true }).click();
    await page.getByText('2 runs deleted').waitFor();
    expect(await rows.count()).toBe(0);
    await page.getByRole('button', { name: 'Undo' }).click();
    await expect.poll(() => rows.count()).toBe(2);

    const other = await visit(browser, `${inject('pageUrl')}?backend=wasm#/runs`, {
      bypassCSP: true, // axe brings its script as text, which the page's own policy rightly refuses
      reducedMotion: 'reduce',
      viewport: { width: 390, height: 844 },
    });
    await other.page.locator('lab-runs-view input[type="file"]').setInputFiles(zip);
    await other.page.getByText('2 imported').waitFor();
    await other.page.locator('lab-run-table').getByText('lesson').waitFor();
    await other.page.locator('lab-runs-view input[type="file"]').setInputFiles(zip);
    await other.page.getByText('2 were here already.').waitFor();
    await other.page.getByLabel('Choose all').check();
    await other.page.getByRole('button', { name: 'Compare 2' }).click();
    await other.page.getByRole('region', { name: 'Comparison' }).locator('table').first().waitFor();
    await other.page.getByLabel('Choose faster', { exact: true }).uncheck();
    await other.page.getByRole('button', { name: 'Sweep from this run' }).click();
    await other.page.getByRole('button', { name: 'Queue 5 runs' }).waitFor();
    await other.page.getByLabel('Keep the best checkpoint by').selectOption('accuracy');
    await other.page.getByText(/ends at a checkpoint after 5 measurements in a row/u).waitFor();
    await other.page.getByRole('button', { name: 'Experiments' }).click();
    await other.page.getByRole('button', { name: 'Queue 10 runs' }).waitFor(); // two arms of E1 with five seeds
    await other.page.getByLabel('Seeds of the arms').fill('2-1');
    await other.page.getByText(/seeds cannot be read/u).waitFor();
    await other.page.locator('lab-preset-setup select').selectOption('E10');
    await other.page.getByText(/experiment E10/u).waitFor();
    await other.page.locator('lab-preset-setup select').selectOption('E7');
    await other.page.getByLabel('Seeds of the arms').fill('1');
    await other.page.getByRole('button', { name: 'Queue 2 runs' }).waitFor();
    for (const [colorScheme, width] of [
      ['light', 1440],
      ['dark', 390],
    ] as const) {
      await other.page.emulateMedia({ colorScheme });
      await other.page.setViewportSize({ width, height: 900 });
      await expectFit(other.page);
    }
    await other.page.locator('lab-runs-view input[type="file"]').setInputFiles(join(import.meta.dirname, 'visit.ts'));
    await other.page.getByText(/Expected a complete zip archive/u).waitFor();
    expect([...complaints, ...foreignRequests, ...other.complaints, ...other.foreignRequests]).toEqual([]);
  });

  whole('queues reinforcement as well, from the start that its base had', async () => {
    const { page, complaints } = await visit(browser, `${inject('pageUrl')}?backend=wasm#/collapse`);
    await runTiny(page);
    await page.getByText('all branches have ended').waitFor();
    await page.getByRole('link', { name: 'Runs' }).click();
    const rows = page.locator('lab-run-table tbody tr');
    await page.getByLabel('Filter runs').fill('reinforcement seed');
    await page.getByLabel('Choose GRPO (head-heavy, plausible)', { exact: true }).check();
    await page.getByRole('button', { name: 'Sweep from this run' }).click();
    await page.getByLabel('Values, separated by commas').fill('0.5');
    await page.getByLabel('Seeds').fill('3');
    await page.getByRole('button', { name: 'Queue 1 run' }).click();
    await rows.filter({ hasText: 'plausible), lambda 0.5' }).getByText('finished, 3 steps').waitFor();
    expect(complaints).toEqual([]);
  });

  whole('makes a sweep, which continues after the browser was killed in the middle of it', async () => {
    const profile = mkdtempSync(join(tmpdir(), 'afrl-lab-sweep-'));
    const url = `${inject('pageUrl')}?backend=wasm#/train`;
    let killable = await startKillableBrowser(profile, url);
    try {
      await train(killable.page, { Seed: '7' });
      const swept = async (page: Page): Promise<Record<string, string>> => {
        const rows = page.locator('lab-run-table tbody tr');
        await expect.poll(() => rows.filter({ hasText: 'finished' }).count()).toBe(5);
        const texts = await rows.allInnerTexts();
        const named = texts
          .filter((text) => text.includes('learningRate'))
          .map((text) => [text.slice(0, 60), valueIn(text)]);
        expect(named).toHaveLength(4);
        return Object.fromEntries(named) as Record<string, string>;
      };
      await startSweep(killable.page, '16');
      // The second of the runs is under way.
      await killable.page.getByRole('group', { name: 'Queue' }).getByText('3 runs are in the queue').waitFor();
      await killable.kill();
      killable = await startKillableBrowser(profile, url.replace('#/train', '#/runs'));
      await killable.page.getByText('3 runs are in the queue').waitFor();
      await killable.page.getByRole('button', { name: 'Run the queue' }).click();
      const resumed = await swept(killable.page);
      await killable.page
        .locator('lab-run-table')
        .getByRole('button', { name: /^first-model, learningRate/u })
        .first()
        .click();
      await killable.page.getByText(/highest accuracy is kept.*Best so far/su).waitFor();
      expect(killable.complaints).toEqual([]);

      // The same sweep without interruption.
      await killable.page.getByLabel('Choose all').check();
      await killable.page.getByLabel('Choose first-model', { exact: true }).uncheck();
      await killable.page.getByRole('button', { name: 'Delete', exact: true }).click();
      await killable.page.getByText('4 runs deleted').waitFor();
      await startSweep(killable.page, '16');
      expect(await swept(killable.page)).toEqual(resumed);
    } finally {
      await killable.close();
      rmSync(profile, { recursive: true, force: true });
    }
  });
});

/** Two learning rates and two seeds of the run `first-model`, with so many steps that the second can be interrupted. */
async function startSweep(page: Page, steps: string): Promise<void> {
  await page.getByRole('link', { name: 'Runs', exact: true }).click();
  await page.getByLabel('Choose first-model', { exact: true }).check();
  await page.getByRole('button', { name: 'Sweep from this run' }).click();
  await page.getByLabel('Values, separated by commas').fill('0.001, fast');
  await page.getByText(/sft\.learningRate cannot be fast/u).waitFor();
  await page.getByLabel('Values, separated by commas').fill('0.001, 0.01');
  await page.getByRole('button', { name: 'Another setting' }).click();
  await page.getByLabel('Setting', { exact: true }).nth(1).fill('sft.steps');
  await page.getByLabel('Values, separated by commas').nth(1).fill(steps);
  await page.getByLabel('Seeds').fill('1-2');
  await page.getByLabel('Keep the best checkpoint by').selectOption('accuracy');
  await page.getByRole('button', { name: 'Queue 4 runs' }).click();
}

/** The last value of the metric in a row of the table. */
function valueIn(row: string): string {
  return /\d\.\d{3}/u.exec(row)?.[0] ?? 'none';
}

async function train(page: Page, settings: Readonly<Record<string, string>>): Promise<void> {
  await startRun(page, { ...TRAIN, ...settings });
  await finishedHash(page);
}

async function expectFit(page: Page): Promise<void> {
  const { violations } = await new AxeBuilder({ page }).analyze();
  expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`)).toEqual([]);
  const overflowPx = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  expect(overflowPx).toBeLessThanOrEqual(0);
}

/** Exports the chosen runs and returns the path of the file. */
async function exported(page: Page, folder: string, as: string): Promise<string> {
  const downloading = page.waitForEvent('download');
  await page.getByLabel('Export').selectOption(as);
  const download = await downloading;
  const path = join(folder, download.suggestedFilename());
  await download.saveAs(path);
  return path;
}
