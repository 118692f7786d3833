/** The runner of studies, and the folders of runs. */
import { mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import * as v from 'valibot';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { measuredOnce } from '../../../../src/cli/runs/read-files.ts';
import { RunFolder } from '../../../../src/cli/runs/run-folder.ts';
import { runStudy, type Study } from '../../../../src/cli/studies/study.ts';
import { e9Results, type E9SplitResult } from '../../../../src/studies/judged/e9-results.ts';

const MADE = { commit: 'abc', device: 'a test' };

let root: string;
let out: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'lab-study-'));
});
beforeEach(async () => {
  out = await mkdtemp(join(root, 'out-'));
});
afterAll(() => rm(root, { recursive: true }));

function splitOf(seed: number): E9SplitResult {
  const result = { seed, metrics: { accuracy: seed / 10 }, curve: [] };
  return { first: result, last: result, majority: result, bm25: result };
}

/** A study of two arms; `isElsewhere` says which of their runs another process works on. */
function studyOf(isElsewhere: (arm: string, seed: number) => boolean): Study<E9SplitResult> {
  const run = (arm: string, seed: number) => () =>
    Promise.resolve(isElsewhere(arm, seed) ? undefined : splitOf(seed)); // prettier-ignore
  return {
    arms: ['a', 'b'].map((name) => ({ name, runs: [1, 2].map((seed) => run(name, seed)) })),
    results: (arms) =>
      e9Results(
        arms.map(({ name, outcomes }) => ({ data: { name, scaleSize: 4, pairs: [] }, splits: outcomes })),
        { queries: 3, rounds: 1 },
        MADE,
      ),
  };
}

describe('runStudy', () => {
  it('passes the outcomes of every arm in order to the results, and writes these with their report', async () => {
    const path = await runStudy({ out }, () => studyOf(() => false));
    expect(path).toBe(join(out, 'E9'));
    expect(await readdir(out)).toEqual(['E9.html', 'E9.json', 'E9.md']);
    const { arms } = JSON.parse(await readFile(join(out, 'E9.json'), 'utf8')) as {
      arms: { name: string; seeds: { seed: number }[] }[];
    };
    expect(arms.map(({ name, seeds }) => `${name} ${seeds.map(({ seed }) => seed).join(', ')}`)).toEqual(
      ['a', 'b'].flatMap((arm) =>
        ['first instruction', 'last instruction', 'most frequent label', 'BM25, thresholds fitted on train'].map(
          (name) => `${arm}: ${name} 1, 2`,
        ),
      ),
    );
  });

  it('writes nothing while another process works on a run', async () => {
    expect(await runStudy({ out }, () => studyOf((arm, seed) => arm === 'a' && seed === 2))).toBeUndefined();
    expect(await readdir(out)).toEqual([]);
  });

  it('throws errors of runs, and of invalid results', async () => {
    const failing: Study<never> = {
      arms: [{ name: 'a', runs: [() => Promise.reject(new Error('the run failed'))] }],
      results: () => ({ id: 'E9' }),
    };
    await expect(runStudy({ out }, () => failing)).rejects.toThrow('the run failed');
    await expect(runStudy({ out }, () => ({ ...failing, arms: [] }))).rejects.toThrow(/The results is not usable/u);
    expect(await readdir(out)).toEqual([]);
  });
});

describe('RunFolder', () => {
  it('makes a result once, and releases the run when making it fails', async () => {
    const folder = new RunFolder(join(out, 'run'));
    const made: number[] = [];
    const make = (value: number) => () => {
      made.push(value);
      return value < 0 ? Promise.reject(new Error('below 0')) : Promise.resolve(value);
    };
    await expect(folder.once(v.number(), MADE, make(-1))).rejects.toThrow('below 0');
    expect(await readdir(folder.path)).toEqual([]);
    expect(await folder.once(v.number(), MADE, make(5))).toBe(5);
    expect(await folder.once(v.number(), MADE, make(6))).toBe(5);
    expect(made).toEqual([-1, 5]);
    expect(JSON.parse(await readFile(join(folder.path, 'result.json'), 'utf8'))).toEqual({ ...MADE, result: 5 });
    await expect(folder.once(v.string(), MADE, () => Promise.resolve(''))).rejects.toThrow(/result\.json/u);
  });

  it('leaves a run to a process that works on it', async () => {
    const folder = new RunFolder(join(out, 'run'));
    await mkdir(folder.path);
    await writeFile(join(folder.path, 'claim'), String(process.ppid));
    expect(await folder.alone(() => Promise.resolve('done'))).toBeUndefined();
    expect(await readdir(folder.path)).toEqual(['claim']);
  });

  it('removes a claim that was left beside a result', async () => {
    const folder = new RunFolder(join(out, 'run'));
    const make = (): Promise<number> => Promise.resolve(1);
    expect(await folder.once(v.number(), MADE, make)).toBe(1);
    await writeFile(join(folder.path, 'claim'), String(2 ** 22 + 1));
    expect(await folder.once(v.number(), MADE, make)).toBe(1);
    expect(await readdir(folder.path)).toEqual(['result.json']);
  });

  it.each(['', String(process.ppid)])(
    'takes over a claim that has not been refreshed for a long time: %j',
    async (owner) => {
      const folder = new RunFolder(join(out, 'run'));
      await mkdir(folder.path);
      const claim = join(folder.path, 'claim');
      await writeFile(claim, owner);
      const hourAgo = new Date(Date.now() - 3_600_000);
      await utimes(claim, hourAgo, hourAgo);
      expect(await folder.alone(() => Promise.resolve('done'))).toBe('done');
      expect(await readdir(folder.path)).toEqual([]);
    },
  );
});

describe('measuredOnce', () => {
  it('measures once, makes the folder, and names a damaged file', async () => {
    const folder = join(out, 'deep', 'er');
    expect(await measuredOnce(folder, 'a', v.number(), () => Promise.resolve(1))).toBe(1);
    expect(await measuredOnce(folder, 'a', v.number(), () => Promise.resolve(2))).toBe(1);
    await writeFile(join(folder, 'a.json'), '{');
    await expect(measuredOnce(folder, 'a', v.number(), () => Promise.resolve(3))).rejects.toThrow(/a\.json/u);
  });
});
