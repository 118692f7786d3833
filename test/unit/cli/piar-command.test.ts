/** `lab piar` as users meet it: files in, files out, exit codes. */
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readInstruction } from '../../../src/relevance/rules/instruction-text.ts';
import { instructionFromJson } from '../../../src/relevance/rules/instruction.ts';
import { makeRuleWorld } from '../../../src/relevance/world/rule-world.ts';
import { lab as runLab, type Result } from './lab.ts';

let folder: string;
let pairs: string;

function lab(...args: string[]): Promise<Result> {
  return runLab('piar', ...args);
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lab-piar-'));
  pairs = join(folder, 'pairs.jsonl');
  const rows = [...makeRuleWorld({ trainQueries: 60 }).pairs('train')].map(({ query, label, document }) =>
    JSON.stringify({ query, grade: label, document }),
  );
  await writeFile(pairs, rows.join('\n'));
});
afterAll(() => rm(folder, { recursive: true }));

describe('lab piar', () => {
  it('writes history, instruction, traces and report, and can start from the instruction it wrote', async () => {
    const out = join(folder, 'out');
    const first = await lab(pairs, '--rounds', '2', '--seed', '3', '--out', out);
    expect(first).toMatchObject({ code: 0 });
    expect(first.out).toMatch(/test accuracy 0\.\d+ -> 0\.\d+ on 12 queries, 72 pairs/u);
    expect((await readdir(out)).toSorted()).toEqual([
      'history.json', 'instruction.json', 'instruction.txt', 'lexicon.json', 'report.md', 'traces.jsonl',
    ]); // prettier-ignore
    const read = (name: string): Promise<string> => readFile(join(out, name), 'utf8');
    const instruction = instructionFromJson(await read('instruction.json'));
    expect(readInstruction(await read('instruction.txt'))).toEqual(instruction);
    const history = JSON.parse(await read('history.json')) as { seed: number; last: { instruction: unknown } };
    expect(history).toMatchObject({ seed: 3, last: { instruction } });
    const report = await read('report.md');
    for (const part of ['# Refining an instruction on pairs.jsonl', '### Confusion, last instruction', '### Round 0']) {
      expect(report).toContain(part);
    }
    const again = await lab(
      pairs,
      '--rounds',
      '1',
      '--start',
      join(out, 'instruction.txt'),
      '--out',
      join(folder, 'again'),
    );
    expect(again).toMatchObject({ code: 0 });
  }, 120_000);

  it.each([
    ['a file that is not there', [], /There is no file/u],
    ['grades off the scale', ['--scale', '2'], /column "grade": the grade has no label/u],
    ['a scale that cannot be', ['--scale', '9'], /2 to 6 names/u],
    ['a model without an endpoint', ['--model', 'm'], /require --endpoint/u],
    ['an endpoint without a model', ['--endpoint', 'http://localhost:1'], /needs a model's name/u],
    [
      'a key that is not set',
      ['--endpoint', 'http://localhost:1', '--model', 'm', '--key-env', 'NO_SUCH_KEY'],
      /NO_SUCH_KEY is not set/u,
    ],
    ['an instruction that is not there', ['--start', 'nowhere.json'], /no instruction nowhere\.json/u],
  ])(
    'says what is wrong with %s',
    async (what, more, message) => {
      const path = what === 'a file that is not there' ? join(folder, 'nothing.tsv') : pairs;
      const { code, err } = await lab(path, '--out', join(folder, what.replaceAll(' ', '-')), ...more);
      expect(err).toMatch(message);
      // With two labels, rows with other grades are left out and the rest is refined.
      expect(code).toBe(what === 'grades off the scale' ? 0 : 2);
    },
    120_000,
  );
});
