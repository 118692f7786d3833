/** Interrupted runs and scorings: they save their state, exit with 130 and are resumed to the same bytes. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { smallModelFiles } from '../../../reference/small-lab-model.ts';
import { lab, labUntil } from '../lab.ts';

let folder: string;
const at = (...names: string[]): string => join(folder, ...names);
const ON_WASM = ['--backend', 'wasm'];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lab-stopped-'));
  await mkdir(at('model'));
  for (const [name, bytes] of smallModelFiles()) await writeFile(at('model', name), bytes);
});
afterAll(() => rm(folder, { recursive: true }));

async function linesOf(...names: string[]): Promise<Record<string, unknown>[]> {
  const lines = (await readFile(at(...names), 'utf8')).split('\n').filter((line) => line !== '');
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}

describe('lab sft', () => {
  const settings = {
    preset: 'lab-nano',
    data: { kind: 'world', trainQueries: 20, devQueries: 4, testQueries: 4 },
    sft: { steps: 4, batchSize: 4, warmupSteps: 0, evaluateEvery: 2, checkpointEvery: 100, logEvery: 1 },
    devPairs: 4,
  };
  const weights = (...names: string[]): Promise<Buffer> => readFile(at(...names, 'model', 'model.safetensors'));
  const train = (out: string, ...more: string[]): string[] => ['sft', '--out', at(out), ...ON_WASM, ...more];

  beforeAll(() => writeFile(at('sft.json'), JSON.stringify(settings)));

  it('saves at once when stopped, even during an evaluation, and is resumed to the same model and log', async () => {
    const whole = await lab(...train('whole', '--config', at('sft.json')));
    expect(whole.code).toBe(0);
    // The first progress line comes before the first evaluation, which is then cut short.
    for (const [name, when] of [
      ['early', /Steps: 1\/4/u],
      ['evaluated', /Step 2: held-out/u],
    ] as const) {
      const stopped = await labUntil(when, ...train(name, '--config', at('sft.json')));
      expect(stopped.code).toBe(130);
      expect(stopped.err).toMatch(/Saved after \d updates; continue with --resume/u);
      expect(existsSync(at(name, 'model'))).toBe(false);
      const { length } = await linesOf(name, 'log.jsonl');
      await writeFile(at(name, 'log.jsonl'), `{"step":9,"lossNats":1}\n{"step":`, { flag: 'a' });
      const resumed = await lab(...train(name, '--resume'));
      expect(resumed.code).toBe(0);
      expect(await weights(name)).toEqual(await weights('whole'));
      const log = await linesOf(name, 'log.jsonl');
      expect(log.length).toBeGreaterThan(length);
      expect(log).toEqual(await linesOf('whole', 'log.jsonl'));
      const cards = [name, 'whole'].map(async (run) => (await linesJson(run, 'model', 'card.json'))['curve']);
      const [curve, wholeCurve] = await Promise.all(cards);
      expect(curve).toEqual(wholeCurve);
    }
    const heldOut = (await linesOf('whole', 'log.jsonl')).filter((entry) => 'heldOut' in entry);
    expect(heldOut.map(({ step }) => step)).toEqual([2, 4]);
  });

  it('repeats an evaluation that was cut short', async () => {
    const stopped = await labUntil(/Steps: 2\/4|Steps: 1\/4/u, ...train('cut', '--config', at('sft-2.json')));
    expect(stopped.code).toBe(2); // no such file
    await writeFile(at('sft-2.json'), JSON.stringify({ ...settings, sft: { ...settings.sft, evaluateEvery: 1 } }));
    const whole = await lab(...train('cut-whole', '--config', at('sft-2.json')));
    expect(whole.code).toBe(0);
    const cut = await labUntil(/Steps: 1\/4/u, ...train('cut', '--config', at('sft-2.json')));
    expect(cut.code).toBe(130);
    expect((await linesOf('cut', 'log.jsonl')).filter((entry) => 'heldOut' in entry)).toEqual([]);
    expect((await lab(...train('cut', '--resume'))).code).toBe(0);
    expect(await linesOf('cut', 'log.jsonl')).toEqual(await linesOf('cut-whole', 'log.jsonl'));
  });

  it('continues to more steps, and rejects other settings by name', async () => {
    const out = 'further';
    expect((await lab(...train(out, '--config', at('sft.json')))).code).toBe(0);
    const more = await lab(...train(out, '--resume', '--steps', '6'));
    expect(more.code).toBe(0);
    expect((await linesOf(out, 'log.jsonl')).at(-1)).toMatchObject({ step: 6 });
    const before = await weights(out);
    for (const [asked, message] of [
      [['--steps', '3'], /at least 6 steps.*Got --steps 3/u],
      [['--lr', '0.5', '--seed', '7'], /learningRate 0\.003, sft\.seed 1\. Got sft\.learningRate 0\.5, sft\.seed 7/u],
      [['--preset', 'nano'], /preset "lab-nano".*Got preset "nano"/u],
      [['--config', at('other.json')], /sft\.batchSize 4.*Got sft\.batchSize 8/u],
    ] as const) {
      await writeFile(at('other.json'), '{"sft": {"batchSize": 8}}');
      const refused = await lab(...train(out, '--resume', ...asked));
      expect(refused.err).toMatch(message);
      expect(refused.code).toBe(2);
    }
    expect(await weights(out)).toEqual(before);
    // Unchanged settings may be repeated.
    expect((await lab(...train(out, '--resume', '--config', at('sft.json'), '--steps', '6'))).code).toBe(0);
    expect((await lab(...train(out, '--config', at('sft.json')))).err).toMatch(/already contains a run.*--resume/su);
  });

  it('starts again if it was killed before its first checkpoint', async () => {
    await mkdir(at('killed'));
    await writeFile(at('killed', 'log.jsonl'), '{"step":1,"lossNats":9}\n');
    const refused = await lab(...train('killed', '--config', at('sft.json')));
    expect(refused.code).toBe(2);
    expect(refused.err).toMatch(/log\.jsonl.* no checkpoint.*Start that run again with --resume/su);
    const again = await lab(...train('killed', '--config', at('sft.json'), '--resume'));
    expect(again.err).toMatch(/before its first checkpoint/u);
    expect(await weights('killed')).toEqual(await weights('whole'));
    expect(await linesOf('killed', 'log.jsonl')).toEqual(await linesOf('whole', 'log.jsonl'));
  });

  it('is saved by SIGTERM, as a process', async () => {
    const out = at('process');
    const args = ['scripts/lab.js', 'sft', '--out', out, '--config', at('long.json'), ...ON_WASM];
    await writeFile(at('long.json'), JSON.stringify({ ...settings, sft: { ...settings.sft, steps: 100_000 } }));
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    let err = '';
    child.stderr.on('data', (chunk: Buffer) => {
      const isFirst = !err.includes('Steps: ');
      err += String(chunk);
      if (isFirst && err.includes('Steps: ')) child.kill('SIGTERM');
    });
    const code = await new Promise((resolve) => child.on('exit', resolve));
    expect(err).toMatch(/Saved after \d+ updates/u);
    expect(code).toBe(130);
    expect(existsSync(join(out, 'checkpoint.safetensors'))).toBe(true);
  });
});

async function linesJson(...names: string[]): Promise<Record<string, unknown>> {
  return JSON.parse(await readFile(at(...names), 'utf8')) as Record<string, unknown>;
}

describe('lab grpo', () => {
  const settings = {
    world: { trainQueries: 20, devQueries: 4, testQueries: 4 },
    queries: 4,
    probePrompts: 2,
    devPairs: 4,
    grpo: { steps: 3, prompts: 2, samples: 2, maxTokens: 6, expertBatch: 2, evaluateEvery: 1, checkpointEvery: 100 },
  };
  const train = (out: string, ...more: string[]): string[] => [
    'grpo', '--start', at('model'), '--out', at(out), ...ON_WASM, ...more,
  ]; // prettier-ignore

  it('saves the last whole step when stopped, and is resumed to the same model, steps and curve', async () => {
    await writeFile(at('grpo.json'), JSON.stringify(settings));
    expect((await lab(...train('grpo-whole', '--config', at('grpo.json')))).code).toBe(0);
    for (const [name, when] of [
      ['grpo-measured', /Step 1: reward/u],
      ['grpo-cut', /Steps: 1\/3/u],
    ] as const) {
      const stopped = await labUntil(when, ...train(name, '--config', at('grpo.json')));
      expect(stopped.err).toMatch(/Saved after 1 steps/u);
      expect(stopped.code).toBe(130);
      await writeFile(at(name, 'steps.jsonl'), '{"step":7}\n', { flag: 'a' });
      expect((await lab(...train(name, '--resume', '--lambda', '9'))).err).toMatch(/grpo\.balance/u);
      expect((await lab(...train(name, '--resume'))).code).toBe(0);
      for (const file of ['model/model.safetensors', 'curve.jsonl']) {
        expect(await readFile(at(name, file))).toEqual(await readFile(at('grpo-whole', file)));
      }
      const steps = await Promise.all([name, 'grpo-whole'].map((run) => linesOf(run, 'steps.jsonl')));
      const [own, whole] = steps.map((lines) => lines.map(({ step, reward, tokens }) => ({ step, reward, tokens })));
      expect(own).toEqual(whole);
    }
    expect((await lab(...train('grpo-whole', '--resume', '--steps', '4'))).code).toBe(0);
    expect((await linesOf('grpo-whole', 'curve.jsonl')).map(({ step }) => step)).toEqual([0, 1, 2, 3, 4]);
  });
});

describe('lab distill', () => {
  it('writes a log with the held-out curve, and continues to more steps', async () => {
    const train = (...more: string[]): string[] => [
      'distill', '--teacher', at('model'), '--out', at('student'), ...ON_WASM, ...more,
    ]; // prettier-ignore
    const quick = ['--method', 'label-kd', '--queries', '4', '--batch', '8'];
    expect((await lab(...train(...quick, '--steps', '1'))).code).toBe(0);
    expect((await lab(...train('--resume', '--temperature', '5'))).err).toMatch(/distill\.method\.temperature 2/u);
    expect((await lab(...train('--resume', '--steps', '2'))).code).toBe(0);
    const log = await linesOf('student', 'log.jsonl');
    expect(log.map(({ step, heldOut }) => [step, heldOut !== undefined])).toEqual([
      [1, false],
      [1, true],
      [2, false],
      [2, true],
    ]);
  });
});

describe('lab score', () => {
  it('continues where it was stopped, to the same bytes, if nothing has changed', async () => {
    const rows = Array.from({ length: 1_400 }, (_, i) => `query ${i % 40},kettle ${i} no ${i % 7},d${i},${i % 4}`);
    await writeFile(at('pairs.csv'), ['query,title,docId,grade', ...rows].join('\n'));
    const score = (out: string, ...more: string[]): string[] => [
      'score', at('pairs.csv'), '--out', at(out), '--json', '--model', at('model'), ...ON_WASM, ...more,
    ]; // prettier-ignore
    const whole = await lab(...score('whole.csv'));
    expect(whole.code).toBe(0);
    const stopped = await labUntil(/pairs\.csv: /u, ...score('part.csv'));
    expect(stopped.code).toBe(130);
    expect(stopped.err).toMatch(/continue .* with --resume/u);
    expect(existsSync(at('part.csv'))).toBe(false);

    expect((await lab(...score('part.csv'))).err).toMatch(/interrupted scoring.*--resume.*--force/su);
    const other = await lab(...score('part.csv', '--resume', '--limit', '9'));
    expect(other.err).toMatch(/cannot be resumed.*options/su);
    const resumed = await lab(...score('part.csv', '--resume'));
    expect(resumed.code).toBe(0);
    expect(await readFile(at('part.csv'))).toEqual(await readFile(at('whole.csv')));
    const plain = (out: string): unknown => ({ ...(JSON.parse(out) as object), pairsPerSec: 0 });
    expect(plain(resumed.out)).toEqual(plain(whole.out));
    expect(existsSync(at('part.csv.part.journal'))).toBe(false);
    expect((await lab(...score('part.csv', '--resume', '--force'))).err).toMatch(/no interrupted scoring/u);
  });
});
