/**
 * The command line as users meet it: processes, files, exit codes. The model has random weights, because its answers do
 * not matter here.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SMALL_WORLD, smallModelFiles } from '../../reference/small-lab-model.ts';
import { lab } from './lab.ts';

let folder: string;
let model: string;

const file = async (name: string, contents: string | Uint8Array): Promise<string> => {
  const path = join(folder, name);
  await writeFile(path, contents);
  return path;
};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lab-cli-'));
  model = folder;
  for (const [name, bytes] of smallModelFiles()) await writeFile(join(model, name), bytes);
});
afterAll(() => rm(folder, { recursive: true }));

const onModel = (): string[] => ['--model', model, '--backend', 'wasm'];

describe('score', () => {
  const rows = [
    'query\ttitle\tbrand\tgrade',
    'red kettle\tkettle red\tzorvex\t3',
    'red kettle\ttoaster\tzorvex\tseven',
    'red kettle\tlamp\t\t0',
    'blue lamp\tlamp\t\t1',
  ];

  it('scores a file, names the bad row and column, and writes rows in order', async () => {
    const input = await file('pairs.tsv', rows.join('\n'));
    const output = join(folder, 'scored.csv');
    const { code, out, err } = await lab('score', input, '--out', output, '--json', ...onModel());
    expect(code).toBe(0);
    expect(err).toMatch(/pairs\.tsv: 1 row with a grade that has no label.*"seven" \(1 row, first 3\)/);
    const summary = JSON.parse(out.trimEnd().split('\n').at(-1) ?? '') as Record<string, unknown>;
    expect(summary).toMatchObject({ pairs: 4, skipped: 0, graded: 3, queries: 2 });
    for (const key of ['accuracy', 'macroF1', 'ndcg10', 'pairAccuracy']) expect(summary[key]).toBeTypeOf('number');
    const written = (await readFile(output, 'utf8')).trimEnd().split('\r\n');
    expect(written[0]).toMatch(
      /^row,query,queryId,docId,title,label,labelName,score,relevance,confidence,p0,p1,p2,p3,grade,brand,file_grade$/,
    );
    expect(written.slice(1).map((line) => line.split(',')[0])).toEqual(['2', '3', '4', '5']);
  });

  it('scores gzip JSON lines with documents in a second file, with reasoning', async () => {
    const docs = await file('docs.jsonl', '{"docId":"a","title":"kettle"}\n{"docId":"b","title":"lamp"}\n');
    const pairs = [
      '{"query":"kettle","docId":"a"}',
      '{"query":"kettle","docId":"b"}',
      '{"query":"kettle","docId":"c"}',
    ];
    const input = await file('pairs.jsonl.gz', gzipSync(pairs.join('\n')));
    const output = join(folder, 'scored.jsonl');
    const { code, err } = await lab('score', input, '--docs', docs, '--reason', '--out', output, ...onModel());
    expect(code).toBe(0);
    expect(err).toMatch(/Row 3, column "docId"/);
    const records = (await readFile(output, 'utf8'))
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as object);
    expect(records).toHaveLength(2);
    expect(records[0]).toMatchObject({ row: 1, docId: 'a', reason: expect.any(String) as string });
    // Held to the pair unless asked otherwise, whatever the weights.
    for (const record of records)
      expect(record).toHaveProperty('reasoning', expect.stringMatching(/^(label|no reasons)/u));
    expect(records[0]).not.toHaveProperty('grade');
  });

  it('stops at a bad row when strict', async () => {
    const input = await file('strict.tsv', rows.join('\n'));
    const { code, err } = await lab('score', input, '--strict', ...onModel());
    expect(code).toBe(2);
    expect(err).toMatch(/Row 3, column "grade"/);
  });

  it('maps grades to their declared labels, and finds columns of both files by name', async () => {
    const input = await file('said.csv', 'query,docId,judgement\nkettle,1,Y\nkettle,2,N\nkettle,3,?\n');
    const docs = await file('said-docs.csv', 'sku code,display name\n1,kettle\n2,lamp\n3,mug\n');
    const columns = ['--column', 'docId=sku code', '--column', 'title=display name'];
    const grades = ['--grade', 'Y=1,N=0', '--grade', '?=none', '--grade-scale', '2'];
    const { code, out, err } = await lab('score', input, '--docs', docs, ...columns, ...grades, '--json', ...onModel());
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ pairs: 3, graded: 2, skipped: 0 });
    expect(err).toMatch(/1 row with a grade declared as none/);
  });

  it('compares nothing with grades on an unknown scale, and says what to do', async () => {
    const grades = [0, 0.2, 0.4, 0.6, 0.8, 1, 2.5];
    const input = await file(
      'points.csv',
      `query,title,grade\n${grades.map((g) => `kettle,mug ${g},${g}\n`).join('')}`,
    );
    const { out, err } = await lab('score', input, '--json', ...onModel());
    expect(JSON.parse(out)).toMatchObject({ pairs: 7, graded: 0, accuracy: null, ndcg10: null });
    expect(err).toMatch(/not on a scale that the lab knows.*--grade/u);
    const said = await lab('score', input, '--json', '--grade', '>=0.5=1,*=0', ...onModel());
    expect(JSON.parse(said.out)).toMatchObject({ graded: 7, gradeScale: 2 });
  });

  it('maps labels where the grades have another scale, and reports the mapping', async () => {
    const input = await file('binary.csv', 'query,title,relevance\nkettle,kettle,1\nkettle,lamp,0\n');
    const { out } = await lab('score', input, '--grade-scale', '2', '--json', ...onModel());
    expect(JSON.parse(out)).toMatchObject({ labelMapping: [0, 0, 1, 1], graded: 2 });
  });

  it('orders an unknown file with the general model, on the requested labels, and reports BM25', async () => {
    const csv = [
      'query,document,relevance',
      'steel bread knife,Steel bread knife with a long blade,1',
      'steel bread knife,Knife block of beech,0',
      'steel bread knife,Linen tablecloth,0',
      'linen tablecloth,Linen tablecloth,1',
      'linen tablecloth,Steel bread knife,0',
    ];
    const input = await file('stranger.csv', csv.join('\n'));
    const output = join(folder, 'stranger-scored.jsonl');
    const { code, out } = await lab('score', input, '--labels', '2', '--out', output, '--json', '--backend', 'wasm');
    expect(code).toBe(0);
    const measured = { model: 'general', pairs: 5, graded: 5, labelMapping: [0, 1], pairAccuracy: 1 };
    expect(JSON.parse(out)).toMatchObject({ ...measured, bm25: { pairAccuracy: 1 } });
    const records = (await readFile(output, 'utf8')).trimEnd().split('\n');
    expect(records.map((line) => Object.keys(JSON.parse(line) as object).filter((key) => /^p\d$/u.test(key)))).toEqual(
      Array.from({ length: 5 }, () => ['p0', 'p1']),
    );
    const refused = await lab('score', input, '--model', 'general', '--labels', '3', '--backend', 'wasm');
    expect(refused.code).toBe(2);
    expect(refused.err).toMatch(/Expected 4 or 2/u);
  });

  it.each([
    ['a missing file', ['score', 'nowhere.tsv'], /no file nowhere\.tsv/],
    ['a folder', ['score', 'src'], /src is not a file/],
    ['an unknown output format', ['score', 'package.json', '--out', 'scores.xlsx'], /\.csv, \.tsv or \.jsonl/],
    ['an unknown role', ['score', 'package.json', '--column', 'foo=bar'], /role=name/],
    ['an unknown command', ['scroe', 'x'], /unknown command/],
    ['a bad number', ['score', 'package.json', '--limit', 'many'], /whole number/],
  ])('rejects %s with exit code 2', async (_, args, message) => {
    const { code, err } = await lab(...args, ...(args[0] === 'score' ? onModel() : []));
    expect(err).toMatch(message);
    expect(code).toBe(2);
  });

  it('rejects files without pairs, naming what is missing', async () => {
    const noQuery = await file('no-query.csv', 'a,b\n1,2\n');
    const first = await lab('score', noQuery, ...onModel());
    expect(first.code).toBe(2);
    expect(first.err).toMatch(/no-query\.csv.*query/s);
    const empty = await file('empty.tsv', '');
    const second = await lab('score', empty, ...onModel());
    expect(second.code).toBe(2);
  });
});

describe('answer', () => {
  it('prints the label first, then events in order', async () => {
    const { code, out } = await lab('answer', 'red kettle', '{"title":"kettle"}', '--json', ...onModel());
    expect(code).toBe(0);
    const kinds = out
      .trimEnd()
      .split('\n')
      .map((line) => (JSON.parse(line) as { kind: string }).kind);
    expect(kinds[0]).toBe('label');
    expect(kinds.at(-1)).toBe('done');
  });

  it('samples the reasoning on request, and rejects invalid sampling options', async () => {
    const answer = ['answer', 'red kettle', '{"title":"kettle"}', ...onModel()];
    const greedy = await lab(...answer);
    const one = await lab(...answer, '--temperature', '1', '--top-k', '1', '--seed', '3');
    expect(one.out.replaceAll(/[\d.]+ ms/gu, '')).toBe(greedy.out.replaceAll(/[\d.]+ ms/gu, ''));
    const bad = await lab(...answer, '--temperature', '1', '--top-p', '2');
    expect(bad.code).toBe(2);
    expect(bad.err).toMatch(/top-p above 0 and at most 1/u);
  });

  it.each([
    ['', 'kettle', /The query is empty/u],
    [' \n', '{"text":"kettle"}', /The query is empty/u],
    ['kettle', '', /The document is empty/u],
    ['kettle', '{"title":" ","brand":"Acme"}', /The document is empty/u],
  ])('rejects the query %j with the document %j', async (query, document, message) => {
    const { code, err } = await lab('answer', query, document, ...onModel());
    expect(err).toMatch(message);
    expect(code).toBe(2);
  });

  it('takes the text for the title of a document without one', async () => {
    const answer = (field: string) => lab('answer', 'kettle', `{"${field}":"red kettle"}`, '--no-reason', ...onModel());
    const byTitle = await answer('title');
    const byText = await answer('text');
    expect(byText.out).toBe(byTitle.out);
    expect(byText.code).toBe(0);
  });

  it('rejects a document of broken JSON, and a missing model', async () => {
    const broken = await lab('answer', 'kettle', '{"title":', ...onModel());
    expect(broken.code).toBe(2);
    expect(broken.err).toMatch(/is not usable/);
    const missing = await lab('answer', 'kettle', 'kettle', '--model', 'nowhere', '--backend', 'wasm');
    expect(missing.code).toBe(2);
    expect(missing.err).toMatch(/nowhere\/config\.json cannot be read/);
  });
});

describe('world and tokenizer', () => {
  it('writes judged pairs that score can read', async () => {
    const output = join(folder, 'world.jsonl');
    expect((await lab('world', '--split', 'dev', '--queries', '3', '--out', output)).code).toBe(0);
    const { code, out } = await lab('score', output, '--json', ...onModel());
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ pairs: 18, skipped: 0, graded: 18, queries: 3 });
  });

  it('trains a tokenizer and shows how a text is split', async () => {
    const { code, out } = await lab('tokenizer', '--vocab', '420', '--text', 'README.md', '--encode', 'lab kettle');
    expect(code).toBe(0);
    const pieces = [...out.matchAll(/\d+:("(?:[^"\\]|\\.)*")/g)].map(([, text]) => JSON.parse(text ?? '') as string);
    expect(pieces.join('')).toBe('lab kettle');
  });
});

describe('sft', () => {
  it('trains, resumes, and leaves a model folder that answers', async () => {
    const out = join(folder, 'run');
    // Evaluations use few pairs, so that they are quick.
    const config = await file('sft.json', JSON.stringify({ devPairs: 20, data: { kind: 'world', devQueries: 4 } }));
    const small = ['--preset', 'lab-nano', '--steps', '2', '--batch', '4', '--train-queries', '20'];
    const settings = ['--config', config, ...small];
    const trained = await lab('sft', ...settings, '--backend', 'wasm', '--out', out);
    expect(trained.err).toMatch(/Step 2: held-out accuracy/);
    expect(trained.code).toBe(0);
    // A finished run has nothing left to do, and leaves the same model.
    const before = await readFile(join(out, 'model', 'model.safetensors'));
    expect((await lab('sft', '--resume', '--backend', 'wasm', '--out', out)).code).toBe(0);
    expect(await readFile(join(out, 'model', 'model.safetensors'))).toEqual(before);
    const [pair] = SMALL_WORLD.pairs('test', 0, 1);
    const answer = ['answer', pair?.query ?? '', JSON.stringify(pair?.document)];
    expect((await lab(...answer, '--model', join(out, 'model'), '--backend', 'wasm')).code).toBe(0);
  });

  it('rejects --resume where nothing was saved', async () => {
    const { code, err } = await lab('sft', '--resume', '--backend', 'wasm', '--out', join(folder, 'nothing'));
    expect(code).toBe(2);
    expect(err).toMatch(/no checkpoint to resume/);
  });
});

describe('grpo', () => {
  const tiny = {
    world: { trainQueries: 20, devQueries: 4, testQueries: 4 },
    queries: 4,
    probePrompts: 2,
    devPairs: 4,
    grpo: { steps: 1, prompts: 2, samples: 2, maxTokens: 6, expertBatch: 2 },
  };

  it('trains from the start, reports collapse, resumes, and leaves a model folder that answers', async () => {
    const config = await file('grpo.json', JSON.stringify(tiny));
    const out = join(folder, 'reinforced');
    const trained = await lab(
      'grpo',
      '--start',
      model,
      '--config',
      config,
      '--lambda',
      '0.5',
      '--backend',
      'wasm',
      '--out',
      out,
    );
    expect(trained.err).toMatch(/Step 0: reward [^]+Step 1: reward [^]+No collapse: /u);
    expect(trained.code).toBe(0);
    const kept = JSON.parse(await readFile(join(out, 'config.json'), 'utf8')) as { grpo: { balance: unknown } };
    expect(kept.grpo.balance).toMatchObject({ kind: 'additive', lambda: 0.5 });
    const resumed = await lab('grpo', '--start', model, '--resume', '--backend', 'wasm', '--out', out);
    expect(resumed.code).toBe(0);
    expect((await lab('grpo', '--start', model, '--out', out)).err).toMatch(/already contains a run/u);
    const [pair] = SMALL_WORLD.pairs('test', 0, 1);
    const answer = ['answer', pair?.query ?? '', JSON.stringify(pair?.document)];
    expect((await lab(...answer, '--model', join(out, 'model'), '--backend', 'wasm')).code).toBe(0);
  });

  it('names the setting that is wrong', async () => {
    const config = await file('wrong.json', JSON.stringify({ grpo: { lambda: 1 } }));
    const { code, err } = await lab('grpo', '--start', model, '--config', config, '--out', join(folder, 'wrong'));
    expect(code).toBe(2);
    expect(err).toMatch(/wrong\.json is not usable: grpo\.lambda/u);
  });
});

describe('report', () => {
  it('prints the table of a results file, and names the problem with an invalid one', async () => {
    const results = {
      id: 'E1',
      title: 'A title',
      question: 'A question?',
      device: 'a test',
      commit: 'none',
      config: {},
      arms: [{ name: 'SFT', seeds: [] }],
      findings: [],
      verdict: 'Nothing has been run yet.',
    };
    const shown = await lab('report', await file('E1.json', JSON.stringify(results)));
    expect(shown.code).toBe(0);
    expect(shown.out).toMatch(/^# E1: A title/u);
    expect(await readFile(join(folder, 'E1.svg'), 'utf8')).toMatch(/^<svg/u);
    expect((await lab('report', await file('broken.json', '{'))).err).toMatch(/broken\.json is not JSON/u);
    expect((await lab('report', join(folder, 'missing.json'))).code).toBe(2);
  });
});
