/** Files of several layouts and kinds on the command line: the same scores, whichever way the pairs are written. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { textRow, workbookOf, zipOf } from '../data/kinds/given.ts';
import { lab } from './lab.ts';

const TITLES = ['Red kettle, steel', 'Garden hose', 'Blue kettle'];
const GRADES = [3, 0, 1];

describe('lab score', () => {
  const folder = mkdtempSync(join(tmpdir(), 'afrl-lab-layouts-'));
  const put = (name: string, content: string | Uint8Array): string => {
    const path = join(folder, name);
    writeFileSync(path, content);
    return path;
  };
  afterAll(() => rmSync(folder, { recursive: true }));

  const csv = [
    'query,docId,title,grade',
    ...TITLES.map((title, i) => `red kettle,D${i},"${title}",${GRADES[i] ?? ''}`),
    '',
  ].join('\n');
  const beir = {
    'corpus.jsonl': TITLES.map((title, i) => JSON.stringify({ _id: `D${i}`, title, text: '' })).join('\n'),
    'queries.jsonl': '{"_id":"q7","text":"red kettle"}\n',
    'test.tsv': ['query-id\tcorpus-id\tscore', ...GRADES.map((grade, i) => `q7\tD${i}\t${grade}`), ''].join('\n'),
  };
  const scores = async (...args: string[]): Promise<{ err: string; rows: unknown[] }> => {
    const out = join(folder, 'out.jsonl');
    const { code, err } = await lab('score', ...args, '--backend', 'cpu', '--out', out, '--force');
    expect(code, err).toBe(0);
    const rows = readFileSync(out, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    return { err, rows: rows.map(({ docId, score, grade }) => [docId, score, grade]) };
  };

  it('gives the same scores for a table, BEIR, an archive of it and a workbook', async () => {
    const plain = await scores(put('pairs.csv', csv));
    const files = Object.entries(beir).map(([name, content]) => put(name, content));
    const several = await scores(...files);
    expect(several.err).toMatch(/Read as BEIR/u);
    expect(several.rows).toEqual(plain.rows);
    expect((await scores(put('beir.zip', zipOf(beir)))).rows).toEqual(plain.rows);
    const rows = csv
      .trim()
      .split('\n')
      .map((line) => textRow(line.split(/,(?! )/u).map((cell) => cell.replaceAll('"', ''))));
    const book = workbookOf({ sheets: { Notes: textRow(['x']), March: rows.join('') } });
    expect((await scores(put('pairs.xlsx', book), '--sheet', 'March')).rows).toEqual(plain.rows);
  });

  it('takes judgments with their documents and queries by name, and says what is missing', async () => {
    const [corpus = '', queries = '', qrels = ''] = Object.entries(beir).map(([name, content]) => put(name, content));
    const named = await scores(qrels, '--docs', corpus, '--queries', queries, '--format', 'beir');
    expect(named.rows).toHaveLength(3);
    const { code, err } = await lab('score', qrels, '--docs', corpus);
    expect(code).toBe(2);
    expect(err).toMatch(/texts of the queries are missing.*--queries/u);
  });

  it('never writes over any of its inputs', async () => {
    const [corpus = '', queries = '', qrels = ''] = Object.entries(beir).map(([name, content]) => put(name, content));
    for (const out of [corpus, queries]) {
      const { code, err } = await lab('score', qrels, corpus, queries, '--out', out, '--force');
      expect(code).toBe(2);
      expect(err).toMatch(/would replace the input/u);
    }
  });
});
