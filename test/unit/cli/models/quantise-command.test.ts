/** `lab quantise` and `lab agreement` as users meet them, on a model with random weights. */
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { smallModelFiles } from '../../../reference/small-lab-model.ts';
import { lab as runLab, type Result } from '../lab.ts';

let root: string;
let folder: string;

function lab(...args: string[]): Promise<Result> {
  return runLab(...args, '--backend', 'wasm');
}

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'lab-quantise-'));
  folder = root;
  for (const [name, bytes] of smallModelFiles()) await writeFile(join(folder, name), bytes);
});
afterAll(() => rm(root, { recursive: true, force: true }));

describe('lab quantise', () => {
  it('writes a smaller model that answers, records its agreement in its card, and is not quantised again', async () => {
    const copy = join(root, 'copy');
    const asked = ['--pairs', '24', '--completions', '2'];
    const { code, out } = await lab('quantise', '--model', folder, '--bits', '8', '--out', copy, ...asked);
    expect(code).toBe(0);
    expect(out).toMatch(/int8, 0\.\d\d MB: the same label on \d+\.\d % of 24 pairs/u);
    const [full, small] = await Promise.all([folder, copy].map((name) => stat(join(name, 'model.safetensors'))));
    expect(small?.size).toBeLessThan((full?.size ?? 0) / 3);
    const card = JSON.parse(await readFile(join(copy, 'card.json'), 'utf8')) as Record<string, unknown>;
    expect(card).toMatchObject({ dtype: 'int8', quantisation: { from: 'random', pairs: 24 } });

    const answered = await lab('answer', 'red kettle', 'red kettle', '--model', copy);
    expect(answered.code).toBe(0);
    const config = JSON.parse(await readFile(join(copy, 'config.json'), 'utf8')) as Record<string, unknown>;
    expect(config['quantization_config']).toEqual({ quant_method: 'afrl-lab', bits: 8 });
    const trained = await lab('grpo', '--start', copy, '--out', join(root, 'run'), '--steps', '1');
    expect(trained).toMatchObject({ code: 2, out: '' });
    expect(trained.err).toMatch(/quantised model cannot be trained/u);
    const again = await lab('quantise', '--model', copy, '--bits', '4', '--out', join(root, 'again'));
    expect(again).toMatchObject({ code: 2, out: '' });
    expect(again.err).toContain('quantised already');
  });

  it('rejects other numbers of bits', async () => {
    expect(await lab('quantise', '--bits', '3', '--out', join(root, 'x'))).toMatchObject({ code: 2 });
  });
});

describe('lab agreement', () => {
  it('reports every precision of a model', async () => {
    const out = join(root, 'results');
    const { code } = await lab('agreement', folder, '--pairs', '12', '--completions', '0', '--out', out);
    expect(code).toBe(0);
    const results = JSON.parse(await readFile(join(out, 'quantisation.json'), 'utf8')) as {
      models: { copies: { precision: string; pairs: number; sizeBytes: number; sameCompletion: number | null }[] }[];
    };
    const copies = results.models[0]?.copies ?? [];
    expect(copies.map(({ precision }) => precision)).toEqual(['f16', 'int8', 'int4']);
    expect(copies.map(({ sizeBytes }) => sizeBytes)).toEqual(
      copies.map(({ sizeBytes }) => sizeBytes).toSorted((a, b) => b - a),
    );
    expect(copies.every(({ pairs, sameCompletion }) => pairs === 12 && sameCompletion === null)).toBe(true);
    expect(await readFile(join(out, 'quantisation.md'), 'utf8')).toMatch(/## random/u);
  });
});
