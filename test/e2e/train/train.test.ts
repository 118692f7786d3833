/**
 * Training in the built page by clicking, as a reader does. A run whose browser was killed resumes from its last
 * checkpoint and ends with exactly the weights of an uninterrupted run; the model then answers in the Score view.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterEach, beforeEach, expect, inject, it } from 'vitest';
import { describeBrowser } from '../../setup/chromium.ts';
import { whole } from '../../setup/whole.ts';
import { type KillableBrowser, startKillableBrowser } from '../killable-browser.ts';
import { answered, dropFile, shownLabel } from '../visit.ts';
import { finishedHash, pauseAfterCheckpoint, shownStep, startRun, TINY } from './tiny-run.ts';
import { fillFields } from '../../setup/fill-fields.ts';

const TRAIN_URL = `${inject('pageUrl')}?backend=wasm#/train`;
const STEPS = 40;
const SAVE_EVERY = 5;
const SETTINGS = { ...TINY, Steps: String(STEPS), 'Evaluate every': '20', 'Save every': String(SAVE_EVERY) };

describeBrowser('training in the page', () => {
  let profile: string;
  let browser: KillableBrowser;
  beforeEach(async () => {
    profile = mkdtempSync(join(tmpdir(), 'afrl-lab-train-'));
    browser = await startKillableBrowser(profile, TRAIN_URL);
  });
  afterEach(async () => {
    await browser.close();
    rmSync(profile, { recursive: true, force: true });
  });

  it('predicts the cost of a run, trains to its end by one click, and stores checkpoints', async () => {
    const { page, complaints } = browser;
    const plan = page.locator('lab-run-plan');
    await plan.locator('.figure').waitFor();
    expect(await plan.locator('.readings').innerText()).toMatch(/Runs on\s+WebAssembly[^]+A step takes[^]+Memory/u);
    await page.getByRole('button', { name: 'Train a small model' }).waitFor();

    await startTiny(page);
    expect(await finishedHash(page)).toMatch(/^[0-9a-f]{8,}$/u);
    // The last three automatic ones are kept.
    const names = [STEPS, STEPS - SAVE_EVERY, STEPS - 2 * SAVE_EVERY].map((step) => `first-model, step ${step}`);
    await expect.poll(() => page.locator('lab-checkpoint h3').allInnerTexts()).toEqual(names);

    // It is shown after a reload with its curves and settings, until it is dismissed.
    const charts = page.locator('lab-run-monitor').getByRole('img');
    const curves = await charts.evaluateAll((images) => images.map((image) => image.getAttribute('aria-label')));
    // Any module can be watched, after the run as well.
    const module = page.getByRole('combobox', { name: 'Of the module' });
    await page.getByRole('img', { name: /^Gradient norm: Whole model from [\d.e-]+ at step/u }).waitFor();
    await module.selectOption({ label: '\u2003\u2003\u2003Layer 1, Attention, q_proj' });
    await page
      .getByRole('img', { name: /^Gradient norm: Layer 1, Attention, q_proj from [\d.e-]+ at step/u })
      .waitFor();
    await module.selectOption({ label: 'Whole model' });
    const hash = await finishedHash(page);
    await page.reload();
    expect(await finishedHash(page)).toBe(hash);
    expect(await charts.evaluateAll((images) => images.map((image) => image.getAttribute('aria-label')))).toEqual(
      curves,
    );
    expect(await page.getByLabel('Batch size', { exact: true }).inputValue()).toBe(SETTINGS['Batch size']);
    await page.getByRole('link', { name: 'Score with this model' }).waitFor();
    await page.getByRole('button', { name: 'New run' }).click();
    await plan.locator('.figure').waitFor();
    await page.reload();
    await plan.locator('.figure').waitFor();
    expect(complaints).toEqual([]);
  });

  it('takes settings as JSON, typed, dropped or from a link, and refuses by name what is no setting', async () => {
    const { page, complaints } = browser;
    const steps = page.locator('lab-train-view').getByLabel('Steps', { exact: true });
    const json = page.getByRole('textbox', { name: 'Settings as JSON' });
    await page.getByText('As JSON').click();
    expect(JSON.parse(await json.inputValue())).toMatchObject({ preset: 'lab-nano', sft: { steps: 500 } });
    await json.fill('{"sft": {"stepz": 3}}');
    await page.getByRole('button', { name: 'Use this' }).click();
    await page
      .getByRole('alert')
      .getByText(/sft\.stepz.*did you mean "steps"/u)
      .waitFor();
    await json.fill('{"preset": "lab-nano", "sft": {"steps": 77, "beta2": 0.95}}');
    await page.getByRole('button', { name: 'Use this' }).click();
    await page.getByText('Taken over.').waitFor();
    expect(await steps.inputValue()).toBe('77');
    const link = await page.getByRole('link', { name: 'Link to these settings' }).getAttribute('href');
    const config = { name: 'dropped', sft: { steps: 9 }, start: { name: 'general', hash: 'h' } };
    await dropFile(page.locator('lab-settings-json summary'), 'config.json', JSON.stringify(config));
    await page.getByText('Taken over, except what is chosen elsewhere: start.').waitFor();
    expect(await steps.inputValue()).toBe('9');
    await page.goto(`${TRAIN_URL.replace('#/train', '')}${link ?? ''}`);
    await expect.poll(() => steps.inputValue()).toBe('77');
    await page.goto(`${TRAIN_URL}?student=${encodeURIComponent('{"distill": {"steps": 12}}')}`);
    await page.reload();
    await expect.poll(() => steps.inputValue()).toBe('12');
    expect(complaints).toEqual([]);
  });

  whole('teaches a student, which resumes after a reload and answers', async () => {
    const { page, complaints } = browser;
    await page.getByRole('button', { name: 'From a teacher' }).click();
    await page.getByLabel('Teacher', { exact: true }).selectOption({ label: 'Supervised start of the demonstration' });
    const numbers = { Steps: '60', Queries: '10', 'Batch size': '4' };
    await fillFields(page, numbers);
    await page.getByRole('button', { name: 'Teach a student' }).click();
    await page.getByRole('button', { name: 'Pause' }).click();
    await page.locator('lab-run-monitor').getByRole('button', { name: 'Continue' }).waitFor();
    await page.getByRole('button', { name: 'One step' }).click();
    await expect.poll(() => shownStep(page)).toBe(1);
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByRole('heading', { name: 'student, step 1' }).waitFor();
    await page.reload();
    await page.getByText('A run stopped at step 1 of 60').waitFor();
    await page.getByRole('button', { name: 'Continue' }).click();
    expect(await finishedHash(page)).toMatch(/^[0-9a-f]{8,}$/u);
    await page.getByRole('link', { name: 'Score with this model' }).click();
    await page.locator('.origin', { hasText: 'your checkpoint student, step 60' }).waitFor();
    await answered(page);
    expect(complaints).toEqual([]);
  });

  whole(
    'resumes after the browser was killed, to the weights of an uninterrupted run, and answers with them',
    async () => {
      const { page } = browser;
      await startTiny(page);
      const saved = await pauseAfterCheckpoint(page, 'first-model', SAVE_EVERY);
      await browser.kill();

      // Every view shows that there is an unfinished run.
      browser = await startKillableBrowser(profile, TRAIN_URL.replace('#/train', ''));
      const reopened = browser.page;
      await reopened.getByRole('link', { name: 'Train (unfinished run)' }).click();
      await reopened.getByText(`A run stopped at step ${saved} of ${STEPS}`).waitFor();
      await reopened.getByRole('button', { name: 'Continue' }).click();
      const resumedHash = await finishedHash(reopened);
      expect(await reopened.getByText(/^A run stopped /u).count()).toBe(0);

      // The form shows the settings of the resumed run; the same run again, without interruption.
      expect(await reopened.getByLabel('Batch size', { exact: true }).inputValue()).toBe(SETTINGS['Batch size']);
      await reopened.getByRole('button', { name: 'New run' }).click();
      await reopened.getByRole('button', { name: 'Start training' }).click();
      expect(await finishedHash(reopened)).toBe(resumedHash);

      await reopened.getByRole('link', { name: 'Score with this model' }).click();
      await reopened.locator('.origin', { hasText: `your checkpoint first-model, step ${STEPS} (2)` }).waitFor();
      await answered(reopened);
      expect(['irrelevant', 'partial', 'substantial', 'exact']).toContain(await shownLabel(reopened));
      await reopened.getByRole('link', { name: 'Use the bundled model' }).click();
      await reopened.locator('.origin').waitFor({ state: 'detached' });
      await answered(reopened);
      expect(browser.complaints).toEqual([]);
    },
  );

  whole('holds as many nodes after many checkpoints as a page that was just opened', async () => {
    const { page } = browser;
    await startTiny(page, { 'Save every': '2' });
    await finishedHash(page);
    const rows = page.locator('lab-checkpoint h3');
    await expect.poll(() => rows.first().innerText()).toBe(`first-model, step ${STEPS}`);
    const nodes = (): Promise<number> =>
      page.locator('lab-checkpoints').evaluate(({ shadowRoot }) => {
        const walker = document.createTreeWalker(shadowRoot ?? document);
        let count = 0;
        while (walker.nextNode() !== null) count += 1;
        return count;
      });
    const after = await nodes();
    await page.reload();
    await expect.poll(() => rows.count()).toBe(3);
    await expect.poll(nodes).toBe(after);
  });

  whole('discards an interrupted run when asked to', async () => {
    const { page, complaints } = browser;
    await startTiny(page, { 'Save every': String(STEPS) });
    await page.getByRole('button', { name: 'Pause' }).click();
    await page.getByRole('button', { name: 'Continue' }).waitFor();
    await page.reload(); // before its first checkpoint
    await page.getByText('A run stopped before its first checkpoint').waitFor();
    await page.getByRole('button', { name: 'Discard' }).click();
    await page.getByText(/^A run stopped /u).waitFor({ state: 'detached' });
    await page.reload();
    await page.getByText('Nothing is stored yet').waitFor();
    expect(await page.getByText(/^A run stopped /u).count()).toBe(0);
    expect(complaints).toEqual([]);
  });

  whole('names, notes, exports, imports and deletes checkpoints', async () => {
    const { page, complaints } = browser;
    await startTiny(page, { Steps: '2' });
    await finishedHash(page);
    const rows = page.locator('lab-checkpoint');
    await rows.getByRole('button', { name: 'Name and note' }).click();
    await rows.getByLabel('Name', { exact: true }).fill('keeper');
    await rows.getByLabel('Note', { exact: true }).fill('for the lesson');
    await rows.getByRole('button', { name: 'Save' }).click();
    await rows.getByText('for the lesson').waitFor();

    const downloading = page.waitForEvent('download');
    await rows.getByRole('button', { name: 'Export' }).click();
    const download = await downloading;
    expect(download.suggestedFilename()).toBe('keeper.afrl-checkpoint');
    const file = join(profile, 'keeper.afrl-checkpoint');
    await download.saveAs(file);
    const input = page.locator('lab-checkpoints input.files');
    await input.setInputFiles(file);
    const copy = page.locator('lab-checkpoint', { hasText: 'keeper (2)' });
    await copy.getByText('for the lesson').waitFor();
    expect(await rows.count()).toBe(2);

    await copy.getByRole('button', { name: 'Delete' }).click();
    await copy.getByRole('button', { name: 'Keep' }).click();
    await copy.getByRole('button', { name: 'Delete' }).click();
    await copy.getByRole('group', { name: 'Delete keeper (2)?' }).getByRole('button', { name: 'Delete' }).click();
    await copy.waitFor({ state: 'detached' });
    expect(await rows.count()).toBe(1);
    expect(complaints).toEqual([]);

    await input.setInputFiles(join(import.meta.dirname, 'train.test.ts'));
    await page
      .locator('lab-checkpoints lab-notice')
      .getByText(/not a checkpoint file/u)
      .waitFor();
  });
});

/** Starts a run that takes seconds. */
function startTiny(page: Page, change: Partial<typeof SETTINGS> = {}): Promise<void> {
  return startRun(page, { ...SETTINGS, ...change });
}
