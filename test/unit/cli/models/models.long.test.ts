/** Models between the command line and the page, and paths without a model. */
import { openAsBlob } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readCheckpointFile, readPayload } from '../../../../src/checkpoint/checkpoint-file.ts';
import { MODEL_FILES } from '../../../../src/infer/lab-model.ts';
import { modelInCheckpoint } from '../../../../src/sessions/model-in-checkpoint.ts';
import { smallModelFiles } from '../../../reference/small-lab-model.ts';
import { lab } from '../lab.ts';

let folder: string;
const at = (...names: string[]): string => join(folder, ...names);
const ON_WASM = ['--backend', 'wasm'];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lab-models-'));
  await mkdir(at('model'));
  for (const [name, bytes] of smallModelFiles()) await writeFile(at('model', name), bytes);
  await writeFile(at('pairs.csv'), 'query,title,grade\nred kettle,kettle red,3\nred kettle,lamp,0\n');
  expect((await lab('export', '--model', at('model'), '--out', at('model.afrl-checkpoint'))).code).toBe(0);
});
afterAll(() => rm(folder, { recursive: true }));

const untimed = (text: string): string => text.replaceAll(/[\d.]+ ms/gu, '').replaceAll(/"pairsPerSec":[\d.]+/gu, '');

describe('a model in a checkpoint file', () => {
  it('returns the folder that it was made from', async () => {
    expect((await lab('export', '--model', at('model.afrl-checkpoint'), '--out', at('again'))).code).toBe(0);
    for (const name of MODEL_FILES)
      expect(await readFile(at('again', name))).toEqual(await readFile(at('model', name)));
  });

  it.each([
    ['answer', ['answer', 'red kettle', 'kettle', '--no-reason', '--model']],
    ['score', ['score', 'PAIRS', '--json', '--model']],
    ['mine', ['mine', '--world-queries', '2', '--samples', '1', '--max-tokens', '2', '--model']],
    ['eval', ['eval', '--pairs', '12', '--completions', '2', '--json', '--model']],
  ])('is accepted as a model by %s', async (_, words) => {
    const args = words.map((word) => word.replace('PAIRS', at('pairs.csv')));
    const byFile = await lab(...args, at('model.afrl-checkpoint'), ...ON_WASM);
    const byFolder = await lab(...args, at('model'), ...ON_WASM);
    expect(byFile.code).toBe(0);
    expect(untimed(byFile.out)).toBe(untimed(byFolder.out));
  });

  it('starts reinforcement, teaches, and is quantised', async () => {
    const model = at('model.afrl-checkpoint');
    const settings = {
      world: { trainQueries: 20, devQueries: 4, testQueries: 4 }, queries: 4, probePrompts: 2, devPairs: 4,
      grpo: { steps: 1, prompts: 2, samples: 2, maxTokens: 4, expertBatch: 2 },
    }; // prettier-ignore
    await writeFile(at('grpo.json'), JSON.stringify(settings));
    const commands = [
      ['grpo', '--start', model, '--config', at('grpo.json'), '--out', at('grpo')],
      [
        'distill',
        '--teacher',
        model,
        '--method',
        'label-kd',
        '--queries',
        '2',
        '--steps',
        '1',
        '--batch',
        '8',
        '--out',
        at('student'),
      ],
      ['quantise', '--model', model, '--pairs', '6', '--completions', '0', '--out', at('small')],
    ];
    for (const command of commands) expect((await lab(...command, ...ON_WASM)).err).not.toMatch(/Error/u);
  });

  it('is rejected if truncated, or if it is another file', async () => {
    await writeFile(at('cut.afrl-checkpoint'), await readFile(at('model.afrl-checkpoint')));
    await truncate(at('cut.afrl-checkpoint'), 5_000);
    const cut = await lab('answer', 'a', 'b', '--model', at('cut.afrl-checkpoint'), ...ON_WASM);
    expect(cut).toMatchObject({ code: 2, out: '' });
    expect(cut.err).toMatch(/checkpoint file cannot be used/u);
    const other = await lab('answer', 'a', 'b', '--model', at('pairs.csv'), ...ON_WASM);
    expect(other.err).toMatch(/pairs\.csv is a file.*Expected a folder with config\.json.*afrl-checkpoint/su);
  });
});

describe('a run in a checkpoint file', () => {
  it('can be read by the page, and answers on the command line', async () => {
    const settings = {
      preset: 'lab-nano',
      data: { kind: 'world', trainQueries: 20, devQueries: 4, testQueries: 4 },
      sft: { steps: 1, batchSize: 4, warmupSteps: 0 },
      devPairs: 4,
    };
    await writeFile(at('sft.json'), JSON.stringify(settings));
    expect((await lab('sft', '--out', at('run'), '--config', at('sft.json'), ...ON_WASM)).code).toBe(0);
    const out = at('run.afrl-checkpoint');
    expect((await lab('export', '--run', at('run'), '--out', out)).code).toBe(0);
    const file = await readCheckpointFile(await openAsBlob(out));
    expect(file.manifest).toMatchObject({ kind: 'sft', name: 'afrl-lab, step 1', step: 1 });
    const payload = await readPayload(file);
    expect(Buffer.from(payload)).toEqual(await readFile(at('run', 'checkpoint.safetensors')));
    expect(Object.keys(await modelInCheckpoint(file.manifest, payload)).toSorted()).toEqual(MODEL_FILES.toSorted());
    expect((await lab('answer', 'a', 'b', '--no-reason', '--model', out, ...ON_WASM)).code).toBe(0);
    const run = await lab('answer', 'a', 'b', '--model', at('run'), ...ON_WASM);
    expect(run.err).toMatch(/folder of a run; its model is .*run\/model/u);
  });
});
