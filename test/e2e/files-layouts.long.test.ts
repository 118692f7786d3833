/**
 * Kinds and layouts of files in the built page: the readers of workbooks and of Parquet are loaded into the thread when
 * such a file is opened, several files are read together, and a proof of their scores is checked.
 */
import { parquetWriteBuffer } from 'hyparquet-writer';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { connectChromium, describeBrowser } from '../setup/chromium.ts';
import { textRow, workbookOf, zipOf } from '../unit/data/kinds/given.ts';
import { BEIR_QRELS, CORPUS, QUERIES } from '../unit/data/layouts/cases.ts';
import { chooseFiles, visit } from './visit.ts';

const FILES_URL = `${inject('pageUrl')}?backend=wasm#/files`;

async function choose(page: Page, files: Readonly<Record<string, string | Uint8Array>>): Promise<void> {
  await chooseFiles(page.locator('lab-file-start .files'), files);
}

async function another(page: Page): Promise<void> {
  await page.getByRole('link', { name: 'Another file' }).click();
  await page.getByRole('button', { name: 'Try a sample' }).waitFor();
}

describeBrowser('kinds and layouts in the Files view', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await connectChromium();
  });
  afterAll(() => browser.close());

  it('reads an archive, a sheet and Parquet, and names the layout', async () => {
    const { page, complaints, foreignRequests } = await visit(browser, FILES_URL);
    await page.getByRole('button', { name: 'Try a sample' }).waitFor();
    await choose(page, {
      'beir.zip': zipOf({ 'corpus.jsonl': CORPUS, 'queries.jsonl': QUERIES, 'test.tsv': BEIR_QRELS }),
    });
    await page.getByText('Read as BEIR').waitFor();
    await page.getByText('3 pairs of 2 queries, 2 documents').waitFor();

    await another(page);
    const rows = textRow(['query', 'title']) + textRow(['red kettle', 'Kettle']);
    await choose(page, { 'book.xlsx': workbookOf({ sheets: { Notes: textRow(['nothing', 'here']), March: rows } }) });
    await page.getByText('It cannot be read like this').waitFor();
    await page.getByLabel('Sheet').selectOption('March');
    await page.getByText('1 pair of 1 query').waitFor();

    await another(page);
    const columnData = [
      { name: 'query', data: ['red kettle', 'hose'], type: 'STRING' as const },
      { name: 'title', data: ['Kettle', 'Hose'], type: 'STRING' as const },
    ];
    await choose(page, { 'pairs.parquet': new Uint8Array(parquetWriteBuffer({ columnData })) });
    await page.getByText('2 pairs of 2 queries').waitFor();
    expect(complaints).toEqual([]);
    expect(foreignRequests).toEqual([]);
  });

  it('scores several files together, and checks the proof of it', async () => {
    const { page, complaints } = await visit(browser, FILES_URL, { acceptDownloads: true });
    await page.getByRole('button', { name: 'Try a sample' }).waitFor();
    await choose(page, { 'corpus.jsonl': CORPUS, 'queries.jsonl': QUERIES, 'test.tsv': BEIR_QRELS });
    await page.getByText('Read as BEIR').waitFor();
    await page.getByRole('button', { name: 'Use it like this' }).click();
    await page.getByRole('button', { name: /^Score [\d,]+ pairs$/u }).click();
    await page.locator('lab-trust-strip').getByText('Measured on 3 graded pairs').waitFor();
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('combobox', { name: 'Export' }).selectOption('proof'),
    ]);
    const folder = mkdtempSync(join(tmpdir(), 'afrl-lab-proof-'));
    try {
      await download.saveAs(join(folder, 'proof.json'));
      await page.locator('lab-files-view .proof').setInputFiles(join(folder, 'proof.json'));
      await page.getByText('The proof holds: 3 of 3 pairs were scored again').waitFor();
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
    expect(complaints).toEqual([]);
  });
});
