/**
 * Models of the command line in the page: a folder, its five files or one file are imported as a checkpoint, answer as
 * they do elsewhere, and can be exported again.
 */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { connectChromium, describeBrowser } from '../../setup/chromium.ts';
import { foreignFolder, foreignGguf } from '../../reference/foreign-model.ts';
import { chooseFiles, visit } from '../visit.ts';

const PAGE_URL = inject('pageUrl');
const FOLDER = new URL('../../../public/models/lab-nano-start/', import.meta.url).pathname;
const GAUGE = { name: /^Probability of each label/u };

describeBrowser('a model of the command line', () => {
  const downloads = mkdtempSync(join(tmpdir(), 'afrl-lab-own-model-'));
  let browser: Browser;
  beforeAll(async () => {
    browser = await connectChromium();
  });
  afterAll(async () => {
    await browser.close();
    rmSync(downloads, { recursive: true, force: true });
  });

  it('is imported as a folder, answers as outside the page, and is exported and imported as one file', async () => {
    const { page, complaints } = await visit(browser, `${PAGE_URL}?backend=wasm#/train`);
    const shelf = page.locator('lab-checkpoints');
    await shelf.locator('input.folder').setInputFiles(FOLDER);
    const row = shelf.locator('lab-checkpoint');
    await row.getByText('model', { exact: true }).waitFor();
    const name = await row.getByRole('heading').innerText();

    const [download] = await Promise.all([
      page.waitForEvent('download'),
      row.getByRole('button', { name: 'Export' }).click(),
    ]);
    const file = join(downloads, download.suggestedFilename());
    expect(file.endsWith('.afrl-checkpoint')).toBe(true);
    await download.saveAs(file);
    await shelf.locator('input.files').setInputFiles(file);
    await shelf.getByRole('heading', { name: `${name} (2)` }).waitFor();
    await shelf.locator('input.files').setInputFiles(readdirSync(FOLDER).map((each) => join(FOLDER, each)));
    await shelf.getByRole('heading', { name: `${name} (3)` }).waitFor();

    await row.first().getByRole('link', { name: 'Score with it' }).click();
    await page.getByText(`Answers come from your checkpoint ${name}`).waitFor();
    const leading = page.locator('.reading').getByRole('img', GAUGE);
    await leading.waitFor();
    const options = await page.getByLabel('Compare with').getByRole('option').allInnerTexts();
    for (const each of ['Supervised start of the demonstration', name]) {
      await page.getByLabel('Compare with').selectOption({ index: options.indexOf(each) });
      options.splice(options.indexOf(each), 1); // a chosen model is no longer offered
    }
    const columns = page.locator('lab-compared');
    await columns.nth(1).locator('lab-trace .summary').waitFor();
    for (const column of await columns.all()) {
      expect(await column.getByRole('img', GAUGE).getAttribute('aria-label')).toBe(
        await leading.getAttribute('aria-label'),
      );
    }
    expect(complaints).toEqual([]);
  });

  it('may be a language model from elsewhere: a GGUF file or a Hugging Face folder, kept through a reload', async () => {
    const { page, complaints, foreignRequests } = await visit(browser, `${PAGE_URL}?backend=wasm#/train`);
    const shelf = page.locator('lab-checkpoints');
    await chooseFiles(shelf.locator('input.files'), { 'small.gguf': await foreignGguf('Q8_0') });
    await shelf.getByRole('heading', { name: 'Foreign' }).waitFor();
    const folder = await Promise.all(
      [...foreignFolder()].map(async ([name, file]) => [name, await file.read(0, file.sizeBytes)] as const),
    );
    await chooseFiles(shelf.locator('input.files'), Object.fromEntries(folder));
    await shelf.locator('lab-checkpoint').nth(1).waitFor();

    await shelf
      .getByRole('listitem')
      .filter({ hasText: 'Foreign' })
      .getByRole('link', { name: 'Score with it' })
      .click();
    await page.getByText('Answers come from your checkpoint Foreign').waitFor();
    await page.locator('.reading').getByRole('img', GAUGE).waitFor();
    await page.locator('lab-trace .summary').waitFor();
    await page.reload();
    await page.getByText('Answers come from your checkpoint Foreign').waitFor();
    const gauge = page.locator('.reading').getByRole('img', GAUGE);
    await gauge.waitFor();
    expect(await gauge.getAttribute('aria-label')).toMatch(/irrelevant.*exact/su);
    expect(complaints).toEqual([]);
    expect(foreignRequests).toEqual([]);
  });

  it('that is damaged is refused with the place', async () => {
    const { page } = await visit(browser, `${PAGE_URL}?backend=wasm#/train`);
    const shelf = page.locator('lab-checkpoints');
    const whole = await foreignGguf('Q8_0');
    await chooseFiles(shelf.locator('input.files'), { 'cut.gguf': whole.subarray(0, whole.length - 999) });
    await shelf.getByText(/GGUF.*cut off|GGUF.*ends|tensor/u).waitFor();
    await chooseFiles(shelf.locator('input.files'), {
      'other.gguf': await foreignGguf('F32', [['tokenizer.ggml.pre', 'viking']]),
    });
    await shelf.getByText(/tokenizer\.ggml\.pre.*viking/u).waitFor();
  });

  it('is rejected with a list of missing files, and the view is unchanged', async () => {
    const { page } = await visit(browser, `${PAGE_URL}?backend=wasm#/train`);
    const shelf = page.locator('lab-checkpoints');
    await shelf.locator('input.files').setInputFiles([join(FOLDER, 'config.json'), join(FOLDER, 'tokenizer.json')]);
    await shelf.getByText(/not a complete model of the lab: lab.json, card.json, model.safetensors/u).waitFor();
    await shelf
      .locator('input.files')
      .setInputFiles([{ name: 'x.afrl-checkpoint', mimeType: '', buffer: Buffer.from('?') }]);
    await shelf.getByText('The checkpoint file cannot be used: it is too short.').waitFor();
    await page.getByRole('button', { name: 'Train a small model' }).waitFor();
  });
});
