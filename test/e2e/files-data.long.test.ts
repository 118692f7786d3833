/**
 * Strangers' files in the Files view, read from `../shared`, which a clone may lack: real judgments in seven layouts, and
 * small hostile or odd files. Each gives in the page what the command line says of it.
 */
import { parquetWriteBuffer } from 'hyparquet-writer';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { gunzipSync } from 'node:zlib';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { connectChromium, describeBrowser } from '../setup/chromium.ts';
import { lab } from '../unit/cli/lab.ts';
import { textRow, workbookOf, zipOf } from '../unit/data/kinds/given.ts';
import { chooseFiles, downloadedText, visit } from './visit.ts';

const FILES_URL = `${inject('pageUrl')}?backend=wasm#/files`;
const SHARED = new URL('../../../shared/', import.meta.url).pathname;
const CHORUS = join(SHARED, 'data/chorus');
const CASES = join(SHARED, 'cases');
if (!existsSync(CHORUS) || !existsSync(CASES)) {
  process.stdout.write('files-data: strangers\u2019 files are missing (../shared); their tests are skipped.\n');
}

type Files = Readonly<Record<string, string | Uint8Array>>;

/** A pair of the first queries of chorus. */
interface Judged {
  readonly query: string;
  readonly docId: string;
  readonly title: string;
  readonly text: string;
  readonly grade: number;
}

function linesOf(path: string): string[] {
  return gunzipSync(readFileSync(path)).toString('utf8').trimEnd().split('\n');
}

function judgedPairs(queries: number): Judged[] {
  const docs = new Map<string, { title: string; text: string }>();
  for (const line of linesOf(join(CHORUS, 'docs.jsonl.gz'))) {
    const { docId, title, text } = JSON.parse(line) as Judged;
    docs.set(docId, { title, text });
  }
  const pairs = linesOf(join(CHORUS, 'pairs.jsonl.gz')).map((line) => JSON.parse(line) as Judged);
  const first = new Set([...new Set(pairs.map(({ query }) => query))].slice(0, queries));
  return pairs
    .filter(({ query }) => first.has(query))
    .flatMap(({ query, docId, grade }) => {
      const doc = docs.get(docId);
      // White space inside a text is not kept alike by all layouts, and decides nothing here.
      const flat = (text: string): string => text.replaceAll(/\s+/gu, ' ').trim();
      return doc === undefined ? [] : [{ query, docId, title: flat(doc.title), text: flat(doc.text), grade }];
    });
}

const COLUMNS = ['query', 'docId', 'title', 'text', 'grade'] as const;

/** The same judgments in each layout. */
function layoutsOf(pairs: readonly Judged[]): Readonly<Record<string, Files>> {
  const cell = (value: string | number): string => `"${String(value).replaceAll('"', '""')}"`;
  const table = (separator: string): string =>
    [COLUMNS.join(separator), ...pairs.map((pair) => COLUMNS.map((name) => cell(pair[name])).join(separator))].join(
      '\n',
    );
  const json = (values: readonly object[]): string => values.map((value) => JSON.stringify(value)).join('\n');
  const queries = [...new Set(pairs.map(({ query }) => query))];
  const idOf = (query: string): string => `q${queries.indexOf(query)}`;
  const docs = [...new Map(pairs.map((pair) => [pair.docId, pair])).values()];
  const column = (name: (typeof COLUMNS)[number]) =>
    name === 'grade'
      ? { name, data: pairs.map(({ grade }) => grade), type: 'INT32' as const }
      : { name, data: pairs.map((pair) => pair[name]), type: 'STRING' as const };
  const beir = {
    'corpus.jsonl': json(docs.map(({ docId, title, text }) => ({ _id: docId, title, text }))),
    'queries.jsonl': json(queries.map((text) => ({ _id: idOf(text), text }))),
    'test.tsv': ['query-id\tcorpus-id\tscore', ...pairs.map((p) => `${idOf(p.query)}\t${p.docId}\t${p.grade}`)].join(
      '\n',
    ),
  };
  const rows = [COLUMNS, ...pairs.map((pair) => COLUMNS.map((name) => String(pair[name])))];
  return {
    TSV: { 'pairs.tsv': table('\t') },
    CSV: { 'pairs.csv': table(',') },
    'JSON lines': { 'pairs.jsonl': json(pairs) },
    Parquet: { 'pairs.parquet': new Uint8Array(parquetWriteBuffer({ columnData: COLUMNS.map(column) })) },
    'a workbook': { 'pairs.xlsx': workbookOf({ sheets: { Pairs: rows.map((row) => textRow([...row])).join('') } }) },
    BEIR: beir,
    'an archive': { 'beir.zip': zipOf(beir) },
  };
}

async function choose(page: Page, files: Files): Promise<void> {
  await page.goto(FILES_URL);
  await page.getByRole('button', { name: 'Try a sample' }).waitFor();
  await chooseFiles(page.locator('lab-file-start .files'), files);
}

/** Scores the chosen file by rules alone, which need no model, and exports JSON lines. */
async function scoredByRules(page: Page): Promise<Record<string, unknown>[]> {
  await page.getByRole('button', { name: 'Use it like this' }).click();
  await page.getByRole('combobox', { name: /^Model/u }).selectOption('rules:general');
  await page.getByRole('button', { name: /^Score [\d,]+ pairs?$/u }).click();
  const choice = page.getByRole('combobox', { name: 'Export' });
  await choice.waitFor();
  await page.locator('lab-files-view progress').waitFor({ state: 'detached' });
  return objectsOf(await downloadedText(page, () => choice.selectOption({ label: 'JSON lines' })));
}

/** Label and score of each row. */
function measuredIn(rows: readonly Record<string, unknown>[], label: string, score: string): unknown[] {
  return rows.map((row) => [row[label], row[score]]);
}

/** Files of pairs among the cases, by folder; models and programs are tested elsewhere. */
function oddFiles(): [folder: string, files: string[]][] {
  if (!existsSync(CASES)) return [];
  return readdirSync(CASES, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }): [string, string[]] => {
      const files = readdirSync(join(CASES, name));
      return [name, files.filter((file) => /\.(?:csv|tsv|jsonl|json|txt|gz)$/u.test(file))];
    })
    .filter(([, files]) => files.length > 0);
}

function objectsOf(text: string): Record<string, unknown>[] {
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

describeBrowser('strangers\u2019 files in the Files view', () => {
  let browser: Browser;
  let folder = '';
  beforeAll(async () => {
    browser = await connectChromium();
    folder = mkdtempSync(join(tmpdir(), 'afrl-lab-strangers-'));
  });
  afterAll(async () => {
    await browser.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it.skipIf(!existsSync(CHORUS))('scores real judgments alike in seven layouts, and as the command line', async () => {
    const pairs = judgedPairs(8);
    const layouts = layoutsOf(pairs);
    const tsv = join(folder, 'pairs.tsv');
    writeFileSync(tsv, layouts['TSV']?.['pairs.tsv'] ?? '');
    const out = join(folder, 'cli.jsonl');
    expect(await lab('score', tsv, '--rules-alone', '--out', out)).toMatchObject({ code: 0 });
    const { page, complaints, foreignRequests } = await visit(browser, FILES_URL, { acceptDownloads: true });
    const expected = measuredIn(objectsOf(readFileSync(out, 'utf8')), 'label', 'score');
    expect(expected).toHaveLength(pairs.length);
    for (const [name, files] of Object.entries(layouts)) {
      await choose(page, files);
      const scored = await scoredByRules(page);
      expect(measuredIn(scored, 'lab_label', 'lab_score'), name).toEqual(expected);
    }
    expect(complaints).toEqual([]);
    expect(foreignRequests).toEqual([]);
  });

  describe.skipIf(!existsSync(CASES))('gives the labels of the command line, or its reason for none:', () => {
    it.each(oddFiles())('%s', async (name, files) => {
      const { page, complaints } = await visit(browser, FILES_URL, { acceptDownloads: true });
      for (const file of files) {
        const path = join(CASES, name, file);
        const out = join(folder, 'odd.jsonl');
        rmSync(out, { force: true });
        const { code, err } = await lab('score', path, '--rules-alone', '--out', out);
        await choose(page, { [file]: readFileSync(path) });
        const expected = existsSync(out) ? measuredIn(objectsOf(readFileSync(out, 'utf8')), 'label', 'score') : [];
        if (code === 0) {
          expect(expected.length, file).toBeGreaterThan(0);
          expect(measuredIn(await scoredByRules(page), 'lab_label', 'lab_score'), file).toEqual(expected);
        } else if (err.includes('No rule fires on it')) {
          const scored = await scoredByRules(page);
          expect(
            scored.map((row) => row['lab_label']),
            file,
          ).toEqual(scored.map(() => null));
        } else {
          const why = /^Error: .*?(Expected .+? Got )/mu.exec(err)?.[1];
          expect(why, file).toBeDefined();
          await page
            .locator('lab-files-view lab-notice')
            .getByText(why ?? '')
            .waitFor();
        }
      }
      expect(complaints).toEqual([]);
    });
  });
});
