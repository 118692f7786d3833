/** Files of several layouts and kinds on the command line: the same scores, whichever way the pairs are written. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { given, rowsIn, textRow, workbookOf, zipOf } from '../data/kinds/given.ts';
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

  it('exports a run, judgments, Parquet, a report and a proof, and marks a CSV for Excel', async () => {
    const [out, ...exports] = ['s.csv', 's.run', 's.qrels', 's.parquet', 's.html'].map((name) => join(folder, name));
    const proof = join(folder, 's.proof.json');
    const also = exports.flatMap((path) => ['--export', path]);
    const hostile = csv.replace('Garden hose', '<script>alert(1)</script>');
    const path = put('h.csv', hostile);
    const run = ['score', path, '--backend', 'cpu', '--out', out ?? '', '--bom', ...also, '--proof', proof];
    const first = await lab(...run);
    expect(first.code, first.err).toBe(0);
    const [trec = '', qrels = '', parquet = '', html = ''] = exports;
    expect(readFileSync(out ?? '', 'utf8')).toMatch(/^\uFEFFrow,query/u);
    expect(
      readFileSync(trec, 'utf8')
        .trim()
        .split('\n')
        .map((line) => line.split(' ')[3]),
    ).toEqual(['1', '2', '3']);
    expect(readFileSync(qrels, 'utf8').trim().split('\n').toSorted()).toEqual(
      GRADES.map((grade, i) => `red%20kettle 0 D${i} ${grade}`),
    );
    const rows = await rowsIn(given('s.parquet', readFileSync(parquet)));
    expect(rows).toMatchObject(GRADES.map((grade, i) => ({ row: i + 2, docId: `D${i}`, grade })));
    const page = readFileSync(html, 'utf8');
    expect(page).toContain('&lt;script&gt;alert(1)&lt;/script&gt;');
    expect(page).not.toMatch(/<script/u);
    expect((await lab('verify', proof)).code).toBe(0);
    const again = await lab(...run);
    expect(again.code).toBe(2);
    expect(again.err).toMatch(/exists already/u);
    expect((await lab('score', path, '--export', join(folder, 'x.pdf'))).err).toMatch(
      /\.run, \.qrels, \.parquet, \.html/u,
    );
  });

  it('says what abstaining leaves and how far the judges of a file agree', async () => {
    const rows = ['Ada,3', 'Bo,3', 'Ada,0', 'Bo,1'].map((said, i) => `red kettle,D${i >> 1},kettle ${i >> 1},${said}`);
    const path = put('judges.csv', ['query,docId,title,annotator,grade', ...rows, ''].join('\n'));
    const out = join(folder, 'judges-scored.jsonl');
    const {
      code,
      err,
      out: printed,
    } = await lab('score', path, '--backend', 'cpu', '--abstain-below', '0.999', '--out', out);
    expect(code, err).toBe(0);
    expect(printed).toMatch(/Below 100 % a person decides: 1 of 1 graded pairs/u);
    expect(printed).toMatch(/2 judges, 2 pairs with two or more: Ada 2, Bo 2/u);
    expect(printed).toMatch(/Ada and Bo: 50 % the same on 2, quadratic weighted kappa 0\.\d{3}/u);
    const first = JSON.parse(readFileSync(out, 'utf8').split('\n')[0] ?? '') as Record<string, unknown>;
    expect(first).toMatchObject({ abstains: true, annotator: 'Ada' });
    expect((await lab('score', path, '--abstain-below', '2')).err).toMatch(/a number from 0 to 1/u);
  });

  it('is no other than what the other commands read', async () => {
    const queries = Array.from({ length: 40 }, (_, i) => ({ _id: `q${i}`, text: `kettle ${i}` }));
    const judged = queries.flatMap(({ _id }) => TITLES.map((_, i) => `${_id}\tD${i}\t${GRADES[i] ?? 0}`));
    const files = [
      put('many-corpus.jsonl', beir['corpus.jsonl']),
      put('many-queries.jsonl', queries.map((query) => JSON.stringify(query)).join('\n')),
      put('many.tsv', ['query-id\tcorpus-id\tscore', ...judged, ''].join('\n')),
    ];
    const data = files.flatMap((path) => ['--data', path]);
    const train = await lab('sft', ...data, '--preset', 'micro', '--steps', '1', '--out', join(folder, 'sft'));
    expect(train.code, train.err).toBe(0);
    expect(train.err).toMatch(/Read as BEIR[^]*120 judged pairs, 3 documents/u);
    const [corpus = '', texts = '', qrels = ''] = files;
    const rules = await lab('piar', qrels, '--docs', corpus, '--queries', texts, '--out', join(folder, 'piar'));
    expect(rules.code, rules.err).toBe(0);
    expect(rules.err).toMatch(/Read as BEIR/u);
    const out = join(folder, 'ruled.jsonl');
    const texts_ = ['--docs', corpus, '--queries', texts];
    const ruled = await lab(
      'score',
      qrels,
      ...texts_,
      '--rules-alone',
      join(folder, 'piar', 'instruction.json'),
      '--reason',
      '--out',
      out,
    );
    expect(ruled.code, ruled.err).toBe(0);
    const reasons = readFileSync(out, 'utf8').trimEnd().split('\n');
    expect(reasons).toHaveLength(120);
    expect(JSON.parse(reasons[0] ?? '')).toMatchObject({
      stepsVerified: expect.stringMatching(/^(\d) of \1$/u) as string,
    });
    const model = ['--model', join(folder, 'sft', 'model')];
    const measured = await lab('eval', ...model, ...data, '--format', 'beir', '--split', 'dev', '--json');
    expect(measured.code, measured.err).toBe(0);
    const twice = await lab('sft', '--data', '-', '--data', '-', '--out', join(folder, 'twice'));
    expect(twice.err).toMatch(/Standard input \(-\) is given for several files/u);
  });

  it('keeps the columns of the file as they are, in every table that it writes', async () => {
    const own = 'query,docId,title,grade,Custodian,score,Remark\nred kettle,007,Red kettle,3,Anna,0.50,=1+1\n';
    const path = put('own.csv', `${own}x\nred kettle,008,Hose,0,,1,ok then\n`);
    const [out, parquet] = [join(folder, 'own-scored.csv'), join(folder, 'own-scored.parquet')];
    const { code, err } = await lab('score', path, '--backend', 'cpu', '--out', out, '--export', parquet);
    expect(code, err).toBe(0);
    const [head = '', ...rows] = readFileSync(out, 'utf8').trimEnd().split('\r\n');
    expect(head).toMatch(/^row,query,queryId,docId,title,label,.*,grade,file_grade,Custodian,file_score,Remark$/u);
    expect(rows.map((row) => row.split(',').slice(-5).join(','))).toEqual(["3,3,Anna,0.50,'=1+1", '0,0,,1,ok then']);
    expect(await rowsIn(given('own.parquet', readFileSync(parquet)))).toMatchObject([
      { row: 2, docId: '007', grade: 3, file_grade: '3', Custodian: 'Anna', file_score: '0.50', Remark: '=1+1' },
      { row: 4, docId: '008', grade: 0, file_grade: '0', Custodian: '', file_score: '1', Remark: 'ok then' },
    ]);
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
