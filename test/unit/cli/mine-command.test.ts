/** `lab mine` as users meet it. The model has random weights, so everything is hard for it. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { smallModelFiles } from '../../reference/small-lab-model.ts';
import { lab, type Result } from './lab.ts';

let folder: string;
/** Judged pairs of four queries, and one row that cannot be read. */
let pairs: string;
let hard: string;

function mine(...args: string[]): Promise<Result> {
  const quick = ['--model', folder, '--backend', 'wasm', '--samples', '2', '--max-tokens', '4'];
  return lab('mine', ...args, ...quick);
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lab-mine-'));
  for (const [name, bytes] of smallModelFiles()) await writeFile(join(folder, name), bytes);
  [pairs, hard] = [join(folder, 'pairs.tsv'), join(folder, 'hard.jsonl')];
  const rows = ['lamp', 'kettle', 'mug', 'chair'].flatMap((word) =>
    [0, 1, 2, 3].map((grade) => `${word}\t${word} number ${grade}\t${word}-${grade}\t${grade}`),
  );
  await writeFile(pairs, ['query\ttitle\tdocId\tgrade', ...rows, 'lamp\tlamp\tlamp-x\tmany'].join('\n'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('lab mine', () => {
  it('lists hard pairs of the rule world, with consistent counts', async () => {
    const { code, out } = await mine('--world-queries', '3', '--show', '2', '--json');
    expect(code).toBe(0);
    expect(out).toMatch(/18 pairs, 36 completions: right label \d+\.\d %, full reward \d+\.\d %/u);
    expect(out).toMatch(/gold: (irrelevant|partial|substantial|exact)/u);
    const counts = JSON.parse(out.trim().split('\n').at(-1) ?? '') as { byPasses: number[]; hard: number };
    expect(counts.byPasses.reduce((sum, count) => sum + count, 0)).toBe(18);
    expect(counts.hard).toBeGreaterThan(0);
  });

  it('reads a file of judged pairs, and writes a file that sft can learn from', async () => {
    const { code, out, err } = await mine(pairs, '--out', hard, '--margin', '2', '--near', '1');
    expect(code).toBe(0);
    expect(err).toMatch(/pairs\.tsv: 1 with a grade that has no label, left out: "many", first in row 18/u);
    expect(out).toMatch(/16 hard pairs .* 12 hard negatives/u); // nothing has that margin; all but the best are near
    const lines = (await readFile(hard, 'utf8')).trim().split('\n');
    const records = lines.map((line) => JSON.parse(line) as object);
    expect(records).toHaveLength(16 + 12);
    expect(records[0]).toMatchObject({ kind: 'hard pair', document: { docId: expect.any(String) as string } });
    expect(records.at(-1)).toMatchObject({ kind: 'hard negative', betterGrade: expect.any(Number) as number });
    const run = [
      '--preset',
      'lab-nano',
      '--steps',
      '1',
      '--batch',
      '2',
      '--backend',
      'wasm',
      '--out',
      join(folder, 'run'),
    ];
    const sft = await lab('sft', '--data', hard, ...run);
    expect(sft.err).toMatch(/28 judged pairs, 16 documents in hard\.jsonl/u);
    expect(sft.code).toBe(0);
  });

  it('writes a table, a row for each', async () => {
    const path = join(folder, 'hard.tsv');
    const { code } = await mine(pairs, '--out', path, '--margin', '2', '--near', '1');
    expect(code).toBe(0);
    const table = (await readFile(path, 'utf8')).trim().split('\n');
    expect(table).toHaveLength(1 + 16 + 12);
    expect(table[0]).toContain('"passRate"');
  });

  it.each([
    [['nowhere.tsv'], /nowhere\.tsv/u],
    [['--out', 'hard.xlsx'], /ends in \.jsonl, \.tsv or \.csv/u],
    [['--samples', '0'], /at least 1/u],
  ])('rejects %s with exit code 2', async (args, message) => {
    const { code, err } = await lab('mine', ...args, '--model', folder, '--backend', 'wasm');
    expect(err).toMatch(message);
    expect(code).toBe(2);
  });
});
