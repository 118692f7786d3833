/** Model folders written by other programs: weights in several files, in BF16, or without the lab's own files. */
import { mkdtemp, readFile, rm, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { bfloatsToFloats, floatsToBfloats } from '../../../src/checkpoint/float16.ts';
import { readSafetensors, type StoredTensor, writeSafetensors } from '../../../src/checkpoint/safetensors.ts';
import { readModelFiles } from '../../../src/cli/model-folder.ts';
import { readLabModel, readWeightTensors } from '../../../src/infer/lab-model.ts';
import { smallModelFiles } from '../../reference/small-lab-model.ts';

const INDEX = 'model.safetensors.index.json';
const files = smallModelFiles();
const weights = files.get('model.safetensors') ?? new Uint8Array();
const tensors = [...readSafetensors(weights).tensors.values()];

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'afrl-folder-'));
  for (const [name, bytes] of files) await writeFile(join(folder, name), bytes);
});
afterEach(() => rm(folder, { recursive: true }));

/** Replaces the weights by several files and their index, as `save_pretrained(max_shard_size=...)` does. */
async function shard(count: number, weightMap?: (map: Record<string, string>) => unknown): Promise<void> {
  await unlink(join(folder, 'model.safetensors'));
  const map: Record<string, string> = {};
  for (let i = 0; i < count; i++) {
    const part = tensors.filter((_, t) => t % count === i);
    const file = `model-${String(i + 1).padStart(5, '0')}-of-${String(count).padStart(5, '0')}.safetensors`;
    for (const { name } of part) map[name] = file;
    await writeFile(join(folder, file), writeSafetensors(part, new Map([['format', 'pt']])));
  }
  const index = { metadata: { total_size: weights.length }, weight_map: weightMap?.(map) ?? map };
  await writeFile(join(folder, INDEX), JSON.stringify(index));
}

async function readWeights(): Promise<ReturnType<typeof readWeightTensors>> {
  return readWeightTensors(readLabModel(await readModelFiles(folder)));
}

function bfloat(tensor: StoredTensor) {
  const { name, shape } = tensor;
  return { name, shape, dtype: 'BF16' as const, data: floatsToBfloats(tensor.toFloat32()) };
}

describe('a folder with weights in several files', () => {
  it.each([1, 2, 5])('has the weights of one file (%i shards)', async (count) => {
    const expected = await readWeights();
    await shard(count);
    const joined = await readWeights();
    expect([...joined.keys()].toSorted()).toEqual([...expected.keys()].toSorted());
    for (const [name, tensor] of expected) expect(joined.get(name), name).toEqual(tensor);
  });

  it('is rejected by name if a file is missing', async () => {
    await shard(3);
    await unlink(join(folder, 'model-00002-of-00003.safetensors'));
    await expect(readModelFiles(folder)).rejects.toThrow(/model-00002-of-00003\.safetensors.*Copy all files/su);
  });

  it('is rejected by tensor if index and files differ', async () => {
    const [first] = tensors;
    if (first === undefined) throw new Error('The model has no tensors.');
    await shard(2, (map) => ({ ...map, [first.name]: 'model-00002-of-00002.safetensors' }));
    await expect(readModelFiles(folder)).rejects.toThrow(`Tensor ${first.name} is not where`);
    await writeIndex({
      ...(await mapOf()),
      [first.name]: 'model-00001-of-00002.safetensors',
      extra: 'model-00001-of-00002.safetensors',
    });
    await expect(readModelFiles(folder)).rejects.toThrow(/Tensor extra is not where/u);
  });

  it('reads no file outside the folder, and no invalid index', async () => {
    await shard(1, (map) => ({ ...map, outside: '../secret.safetensors' }));
    await expect(readModelFiles(folder)).rejects.toThrow(/index\.json cannot be read/u);
    await writeFile(join(folder, INDEX), '{"weight_map": ');
    await expect(readModelFiles(folder)).rejects.toThrow(/index\.json cannot be read.*JSON/su);
  });

  async function mapOf(): Promise<Record<string, string>> {
    const { weight_map: map } = JSON.parse(await readFile(join(folder, INDEX), 'utf8')) as {
      weight_map: Record<string, string>;
    };
    return map;
  }

  async function writeIndex(map: Record<string, string>): Promise<void> {
    await writeFile(join(folder, INDEX), JSON.stringify({ weight_map: map }));
  }
});

describe('a folder in BF16', () => {
  it('has its weights exactly, whole or in shards', async () => {
    const rounded = tensors.map(bfloat);
    await writeFile(join(folder, 'model.safetensors'), writeSafetensors(rounded));
    const whole = await readWeights();
    for (const tensor of tensors) {
      const expected = bfloatsToFloats(floatsToBfloats(tensor.toFloat32()));
      expect(whole.get(tensor.name)?.data, tensor.name).toEqual(expected);
    }
    await unlink(join(folder, 'model.safetensors'));
    const half = Math.floor(rounded.length / 2);
    const map: Record<string, string> = {};
    for (const [file, part] of [
      ['a.safetensors', rounded.slice(0, half)],
      ['b.safetensors', rounded.slice(half)],
    ] as const) {
      for (const { name } of part) map[name] = file;
      await writeFile(join(folder, file), writeSafetensors(part));
    }
    await writeFile(join(folder, INDEX), JSON.stringify({ weight_map: map }));
    expect(Object.fromEntries(await readWeights())).toEqual(Object.fromEntries(whole));
  });
});

describe('a folder of another program', () => {
  it.each([
    ['lab.json', /lab\.json and card\.json are the lab's own: copy them/u],
    ['card.json', /lab\.json and card\.json are the lab's own: copy them/u],
    ['model.safetensors', /Save the weights as safetensors/u],
  ])('is rejected with what it lacks: %s', async (name, message) => {
    await unlink(join(folder, name));
    await expect(readModelFiles(folder)).rejects.toThrow(message);
    await expect(readModelFiles(folder)).rejects.toThrow(join(folder, name));
  });

  it('without a model is rejected with how to make one', async () => {
    await expect(readModelFiles(join(folder, 'nothing'))).rejects.toThrow(/Name a model, or make one/u);
  });
});
