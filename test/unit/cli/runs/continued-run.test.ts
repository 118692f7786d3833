/** `lab sft --start`: a model is trained on judged pairs, resumed, and asked for nothing that it decides itself. */
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { smallModelFiles } from '../../../reference/small-lab-model.ts';
import { lab } from '../lab.ts';

let folder: string;
const at = (...names: string[]): string => join(folder, ...names);
const continued = (...more: string[]): string[] => ['sft', '--data', at('pairs.tsv'), '--backend', 'wasm', ...more];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lab-continued-'));
  await mkdir(at('model'));
  for (const [name, bytes] of smallModelFiles()) await writeFile(at('model', name), bytes);
  const rows = Array.from(
    { length: 40 },
    (_, i) => `kettle ${i >> 2}\t${i % 2 === 0 ? 'kettle' : 'hose'} ${i}\t${i % 4}`,
  );
  await writeFile(at('pairs.tsv'), `query\ttitle\tgrade\n${rows.join('\n')}\n`);
});
afterAll(() => rm(folder, { recursive: true }));

describe('a run that continues a model', () => {
  it('compares both where nothing was learned, and is resumed with the same start alone', async () => {
    const first = await lab(
      ...continued('--start', at('model'), '--steps', '2', '--replay-share', '0', '--out', at('run')),
    );
    expect(first.err).toMatch(/held-out/u);
    expect([first.code, first.out.trim()]).toEqual([0, at('run', 'model')]);
    const again = ['--resume', '--steps', '4', '--out', at('run')];
    await cp(at('run', 'model'), at('other'), { recursive: true });
    const other = await lab(...continued('--start', at('other'), ...again));
    expect([other.code, other.err]).toEqual([
      2,
      expect.stringMatching(/keeps its settings.*--start with the weights/su),
    ]);
    const replayed = await lab(...continued('--start', at('model'), '--replay-share', '0.5', ...again));
    expect([replayed.code, replayed.err]).toEqual([2, expect.stringMatching(/keeps its settings.*--replay-share 0/su)]);
    const more = await lab(...continued('--start', at('model'), ...again));
    expect([more.code, more.err]).toEqual([0, expect.stringMatching(/held-out/u)]);
  });

  it.each([
    [['--rules', 'rules.json'], /decides its rules/u],
    [['--task', 'task.json'], /decides its task/u],
    [['--preset', 'micro'], /decides its preset/u],
  ])('takes no %j', async (more, message) => {
    const { code, err } = await lab(...continued('--start', at('model'), ...more, '--out', at('none')));
    expect([code, err]).toEqual([2, expect.stringMatching(message)]);
  });
});
