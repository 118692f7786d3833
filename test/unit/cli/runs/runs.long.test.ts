/** Runs by the dozen: a sweep that is stopped and asked for again, the list of its runs, and their comparison. */
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RunPoint } from '../../../../src/protocol/tracked-run.ts';
import { EVENT_FILE, tensorboardEvents } from '../../../../src/runs/tensorboard.ts';
import { smallModelFiles } from '../../../reference/small-lab-model.ts';
import { lab, labUntil, type Result } from '../lab.ts';

let folder: string;
const at = (...names: string[]): string => join(folder, ...names);

const SETTINGS = {
  data: { kind: 'world', trainQueries: 20, devQueries: 4, testQueries: 4 },
  queries: 4,
  probePrompts: 2,
  devPairs: 4,
  grpo: { steps: 2, prompts: 2, samples: 2, maxTokens: 6, expertBatch: 2 },
};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lab-runs-'));
  await mkdir(at('model'));
  for (const [name, bytes] of smallModelFiles()) await writeFile(at('model', name), bytes);
  await writeFile(at('grpo.json'), JSON.stringify(SETTINGS));
});
afterAll(() => rm(folder, { recursive: true }));

const sweep = (out: string, seeds: string): string[] => [
  'sweep', 'grpo', '--set', 'grpo.balance.lambda=0,0.3', '--seeds', seeds, '--out', at(out),
  '--', '--config', at('grpo.json'), '--start', at('model'), '--backend', 'wasm',
]; // prettier-ignore

describe('a sweep', () => {
  let made: Result;
  it('makes its runs one after another, and reports on them', async () => {
    made = await lab(...sweep('whole', '1-2'));
    expect(made.err).toMatch(/4 runs, 1 at a time.*4\/4 lambda 0\.3, seed 2\./su);
    expect(made.code).toBe(0);
    expect(made.out).toMatch(/\| lambda 0\.3 \| 2 \|/u);
  });

  it('continues where it was stopped, to the same report', async () => {
    const stopped = await labUntil(/1\/4 /u, ...sweep('stopped', '1-2'));
    expect(stopped.code).toBe(130);
    const again = await lab(...sweep('stopped', '1-2'));
    expect(again.code).toBe(0);
    expect(again.out).toBe(made.out);
  });

  it('takes more seeds, and refuses to become another sweep', async () => {
    const before = await readFile(at('whole', 'lambda-0_seed-1', 'checkpoint.safetensors'));
    const more = await lab(...sweep('whole', '1-3'));
    expect(more.code).toBe(0);
    expect(await readFile(at('whole', 'lambda-0_seed-1', 'checkpoint.safetensors'))).toEqual(before);
    const other = await lab(...sweep('whole', '1'), '--steps', '5');
    expect(other.code).toBe(2);
    expect(other.err).toMatch(/another sweep.*grpo over grpo\.balance\.lambda/su);
  });

  it('goes on with other runs where one fails, and says which', async () => {
    const args = sweep('failing', '1').map((arg) => (arg.includes('lambda=') ? 'grpo.balance.lambda=-1,0.3' : arg));
    const { code, err } = await lab(...args);
    expect(code).toBe(1);
    expect(err).toMatch(/lambda -1, seed 1 failed: .*lambda/u);
    expect(err).toMatch(/1 of 2 runs failed: lambda -1, seed 1/u);
    expect(await readdir(at('failing', 'lambda-0.3_seed-1'))).toContain('model');
  });

  it('lists its runs without making them, and gives seeds and folders itself', async () => {
    const dry = await lab('sweep', 'sft', '--set', 'sft.learningRate=1e-3,1e-2', '--out', at('dry'), '--dry-run');
    expect(dry.out.trim().split('\n')).toHaveLength(2);
    expect(await readdir(folder)).not.toContain('dry');
    const own = await lab('sweep', 'sft', '--out', at('dry'), '--', '--seed', '3');
    expect(own.err).toMatch(/sets --seed for its runs itself/u);
    expect(own.code).toBe(2);
  });
});

describe('a run with a reward of its own', () => {
  it('has that of its module, says which, and resumes with no other', async () => {
    await writeFile(at('reward.mjs'), 'export default ({ tokens }) => 1 / (1 + tokens);');
    await writeFile(at('other.mjs'), 'export default () => 1;');
    const run = ['grpo', '--config', at('grpo.json'), '--start', at('model'), '--backend', 'wasm', '--out', at('own')];
    const made = await lab(...run, '--reward-module', at('reward.mjs'));
    expect([made.code, made.err]).toEqual([0, expect.stringContaining('Step 2: reward')]);
    const card = await readFile(at('own', 'model', 'card.json'), 'utf8').catch(() => '');
    expect(card).toContain('reward \\"module\\"');
    for (const wrong of [[], ['--reward-module', at('other.mjs')]]) {
      const again = await lab(...run, '--resume', '--steps', '3', ...wrong);
      expect([again.code, again.err]).toEqual([2, expect.stringMatching(/keeps its reward.*SHA-256/su)]);
    }
    const resumed = await lab(...run, '--resume', '--steps', '3', '--reward-module', at('reward.mjs'));
    expect(resumed.code).toBe(0);
    const broken = await lab(...run.slice(0, -1), at('broken'), '--reward-module', at('grpo.json'));
    expect([broken.code, broken.err]).toEqual([2, expect.stringMatching(/reward module .*grpo\.json cannot be used/u)]);
  });

  it('may weigh the rewards there are, and names a rule that there is not', async () => {
    const run = [
      'grpo',
      '--config',
      at('grpo.json'),
      '--start',
      at('model'),
      '--backend',
      'wasm',
      '--set',
      'reward.own=yes',
    ];
    const wrong = await lab(...run, '--set', 'reward.own.ruleBonuses=no-such-rule 0.5', '--out', at('wrong'));
    expect([wrong.code, wrong.err]).toEqual([2, expect.stringMatching(/bonus for a rule.*no-such-rule/su)]);
    const made = await lab(...run, '--set', 'reward.own.tokenBonus=-0.01', '--out', at('weighed'));
    expect(made.code).toBe(0);
  });
});

describe('lab runs and compare', () => {
  it('list runs, with one that cannot be read', async () => {
    await mkdir(at('whole', 'broken'));
    await writeFile(at('whole', 'broken', 'checkpoint.safetensors'), 'not one');
    const { out, err, code } = await lab('runs', at('whole'));
    expect(code).toBe(0);
    const lines = out.trim().split('\n');
    expect(lines).toHaveLength(7);
    expect(lines.filter((line) => /grpo +finished +2\/2/u.test(line))).toHaveLength(6);
    expect(lines.filter((line) => line.endsWith('lambda 0'))).toHaveLength(3); // the first by name has 0.3
    expect(err).toMatch(/broken: /u);
    const json = await lab('runs', at('whole'), '--json');
    expect(
      json.out
        .trim()
        .split('\n')
        .map((line) => (JSON.parse(line) as { path: string }).path),
    ).toHaveLength(7);
  });

  it('compare them, and write what other programs read', async () => {
    const report = at('report');
    const { out, code } = await lab('compare', at('whole'), '--metric', 'accuracy', '--out', report);
    expect(code).toBe(0);
    expect(out).toMatch(/\| grpo\.balance\.lambda \| 0\.3 \| 0 \|/u);
    expect((await readdir(report)).toSorted()).toEqual(['compare.csv', 'compare.html', 'compare.json', 'compare.md', 'compare.svg']); // prettier-ignore
    const [head, ...rows] = (await readFile(join(report, 'compare.csv'), 'utf8')).trim().split('\r\n');
    expect(head).toBe('run,kind,group,seed,step,metric,value,tokens,activeMs');
    expect(rows.filter((row) => /,accuracy,/u.test(row))).toHaveLength(12); // six runs, after steps 0 and 2
    const again = await lab('compare', at('whole'), '--out', report);
    expect(again.err).toMatch(/already.*compare\.md.*--force/su);
  });

  it('go to TensorBoard, each in its own folder, with all that was measured', async () => {
    const out = at('events');
    const made = await lab('runs', at('whole'), '--tensorboard', out);
    expect([made.code, made.err]).toEqual([0, expect.stringMatching(/Wrote 6 event files to/u)]);
    expect((await readdir(out)).toSorted()).toEqual(
      (await readdir(at('whole'))).filter((name) => name.startsWith('lambda')),
    );
    const bytes = await readFile(join(out, 'lambda-0_seed-1', EVENT_FILE));
    const recorded = (name: string): Promise<string> => readFile(at('whole', 'lambda-0_seed-1', name), 'utf8');
    const curve = (await recorded('metrics.jsonl')).trim().split('\n').map((line) => JSON.parse(line) as RunPoint); // prettier-ignore
    const { updatedAt } = JSON.parse(await recorded('run.json')) as { updatedAt: number };
    expect(new Uint8Array(bytes)).toEqual(tensorboardEvents({ curve, updatedAt }));
    const again = await lab('runs', at('whole'), '--tensorboard', out);
    expect([again.code, again.err]).toEqual([2, expect.stringMatching(/--force/u)]);
  });

  it('have the completions of each measurement, and how long it took to come there', async () => {
    const path = at('whole', 'lambda-0_seed-1');
    const linesOf = async (name: string): Promise<Record<string, unknown>[]> =>
      (await readFile(join(path, name), 'utf8'))
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as never);
    const completions = await linesOf('completions.jsonl');
    expect(completions.map(({ step }) => step)).toEqual([0, 2]);
    expect(completions[0]?.['answers']).toHaveLength(4);
    const metrics = await linesOf('metrics.jsonl');
    expect(metrics.every(({ tokens, activeMs }) => Number.isInteger(tokens) && Number.isInteger(activeMs))).toBe(true);
    const overTokens = await lab('compare', at('whole'), '--axis', 'tokens', '--out', at('over-tokens'));
    expect(overTokens.code).toBe(0);
    expect(await readFile(at('over-tokens', 'compare.svg'), 'utf8')).toMatch(/\d tokens<\/text>/u);
    const overTime = await lab('compare', at('whole'), '--axis', 'time', '--out', at('over-time'));
    expect([overTime.code, overTime.err]).toEqual([0, expect.not.stringMatching(/has recorded/u)]);
    const rows = (await readFile(at('over-time', 'compare.csv'), 'utf8')).trim().split('\r\n').slice(1);
    expect(rows.every((row) => /,\d+,\d+$/u.test(row))).toBe(true);
  });

  it('are read from their checkpoints where their records are damaged', async () => {
    const path = at('whole', 'lambda-0_seed-1', 'metrics.jsonl');
    const metrics = await readFile(path, 'utf8');
    try {
      await writeFile(path, metrics.slice(0, -5));
      const compared = await lab('compare', at('whole', 'lambda-0_seed-1'), '--json');
      expect(compared.code).toBe(0);
      const timed = await lab('compare', at('whole', 'lambda-0_seed-1'), '--axis', 'time');
      expect([timed.code, timed.err]).toEqual([2, expect.stringMatching(/No run has recorded its time/u)]);
    } finally {
      await writeFile(path, metrics);
    }
  });

  it('are reported with figures and a citation, whichever runs they are', async () => {
    const out = at('report-of-runs');
    const folders = [at('whole', 'lambda-0_seed-1'), at('whole', 'lambda-0.3_seed-1')];
    const made = await lab('report', ...folders, '--out', out);
    expect([made.code, made.out.trim()]).toEqual([0, join(out, 'report.md')]);
    const markdown = await readFile(join(out, 'report.md'), 'utf8');
    expect(markdown).toMatch(/\| lambda 0\.3 \| 1 \|/u);
    expect((await readdir(out)).toSorted()).toEqual(['report-labels.svg', 'report-loss.svg', 'report-reward.svg', 'report-rules.svg', 'report.bib', 'report.csv', 'report.html', 'report.json', 'report.md']); // prettier-ignore
    const again = await lab('report', ...folders, '--out', out);
    expect([again.code, again.err]).toEqual([2, expect.stringMatching(/--force/u)]);
    const nowhere = await lab('report', ...folders);
    expect([nowhere.code, nowhere.err]).toEqual([2, expect.stringMatching(/needs a folder.*--out/su)]);
  });

  it.each([
    [['runs', 'nowhere'], /could not list .*nowhere/u],
    [['compare', 'model'], /no run in .*model/u],
    [['compare', 'whole', '--metric', 'accurracy'], /No run measured "accurracy".*accuracy/su],
  ])('say what is missing: %j', async ([command = '', path = '', ...more], message) => {
    const { code, err } = await lab(command, at(path), ...more);
    expect(err).toMatch(message);
    expect(code).toBe(2);
  });
});
