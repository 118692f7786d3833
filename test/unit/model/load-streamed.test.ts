/**
 * Weights from files of other programs: the decoder computes from them what transformers does; a file that lacks
 * something is refused before a tensor is read, and what fails halfway leaves nothing behind.
 */
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { arraySource, type ByteSource } from '../../../src/checkpoint/byte-source.ts';
import { writeSafetensors } from '../../../src/checkpoint/safetensors.ts';
import { readShardIndex } from '../../../src/checkpoint/shards.ts';
import { fromHuggingFaceConfig } from '../../../src/config/model-config.ts';
import { bytesNeeded, loadStreamed } from '../../../src/model/load-streamed.ts';
import { safetensorsWeights } from '../../../src/model/safetensors-weights.ts';
import { loadForAnswering, quantiseWeights, readStoredWeights, toFileTensors, toFloats } from '../../../src/model/stored-weights.ts'; // prettier-ignore
import type { WeightSource } from '../../../src/model/weight-source.ts';
import { readWeights } from '../../../src/model/weights.ts';
import { useBackend } from '../../reference/backends.ts';
import {
  disposeModel,
  expectedOf,
  fileSource,
  fixtureBytes,
  fixtureJson,
  fixturePath,
  GGUF_FIXTURES,
  largestDifference,
  logitsOf,
  openGguf,
} from '../../reference/model-fixture.ts';

const TOLERANCE = 1e-4;
const SAFETENSORS = [
  ['llama', ['model-00001-of-00002.safetensors', 'model-00002-of-00002.safetensors']],
  ['qwen2', ['model.safetensors']],
  ['qwen3', ['model.safetensors']],
] as const;

async function openFolder(folder: string, files: readonly string[]): Promise<WeightSource> {
  const sources = await Promise.all(
    files.map(async (file) => [file, await fileSource(fixturePath(folder, file))] as const),
  );
  const isSharded = files.length > 1;
  const index = isSharded ? readShardIndex(fixtureBytes(folder, 'model.safetensors.index.json')) : undefined;
  return safetensorsWeights(new Map(sources), index);
}

const configOf = (folder: string): ReturnType<typeof fromHuggingFaceConfig> =>
  fromHuggingFaceConfig(fixtureJson(folder, 'config.json'));

describe.each(['cpu', 'wasm'] as const)('on %s', (backend) => {
  beforeAll(() => useBackend(backend));

  it.each(GGUF_FIXTURES)('computes the logits of transformers from %s/%s', async (folder, file) => {
    const { config, source } = await openGguf(await fileSource(fixturePath(folder, file)));
    const model = await loadStreamed(config, source);
    const { tokens, logits } = expectedOf(folder, file);
    expect(largestDifference(await logitsOf(model, tokens), logits)).toBeLessThan(TOLERANCE);
    disposeModel(model);
  });

  it.each(SAFETENSORS)('computes the logits of transformers from the safetensors of %s', async (folder, files) => {
    const model = await loadStreamed(configOf(folder), await openFolder(folder, files));
    const { tokens, logits } = expectedOf(folder, 'safetensors');
    expect(largestDifference(await logitsOf(model, tokens), logits)).toBeLessThan(TOLERANCE);
    disposeModel(model);
  });
});

describe('a source of weights', () => {
  beforeAll(() => useBackend('cpu'));

  it('has the shape in the metadata of GGUF that config.json has', async () => {
    for (const folder of ['llama', 'qwen2', 'qwen3'] as const) {
      const file = GGUF_FIXTURES.find(([of]) => of === folder)?.[1] ?? '';
      const { config } = await openGguf(arraySource(fixtureBytes(folder, file)));
      expect(config, folder).toEqual(configOf(folder));
    }
  });

  it.each(GGUF_FIXTURES)('reads rows of %s/%s as it reads the whole', async (folder, file) => {
    const { source } = await openGguf(arraySource(fixtureBytes(folder, file)));
    for (const [name, { shape }] of source.tensors) {
      const [rows = 0, width = 1] = shape;
      const floats = async (range?: readonly [number, number]): Promise<Float32Array> => {
        const read = await source.read(name, range);
        return toFloats(new Map([[name, read]])).get(name)?.data ?? new Float32Array();
      };
      const whole = await floats();
      const [first, end] = [Math.floor(rows / 3), Math.ceil(rows / 2)];
      expect(await floats([first, end]), name).toEqual(whole.slice(first * width, end * width));
    }
  });

  it('keeps Q8_0 and Q4_0 as integers, those of interleaved rows too', async () => {
    const { source } = await openGguf(arraySource(fixtureBytes('llama', 'q4_0.gguf')));
    const read = await source.read('model.layers.1.self_attn.k_proj.weight');
    expect(read).toMatchObject({ bits: 4, shape: [32, 64] });
    expect(await source.read('model.embed_tokens.weight')).toMatchObject({ bits: 8, shape: [64, 64] });
  });

  it('reads nothing whole: no range is longer than the longest tensor', async () => {
    const bytes = fixtureBytes('llama', 'f16.gguf');
    const lengths: number[] = [];
    const watched: ByteSource = {
      sizeBytes: bytes.length,
      read: (start, end) => {
        lengths.push(end - start);
        return Promise.resolve(bytes.slice(start, end));
      },
    };
    const { config, source } = await openGguf(watched);
    lengths.length = 0; // of the header, in windows of one MiB
    disposeModel(await loadStreamed(config, source));
    const longest = Math.max(...[...source.tensors.values()].map(({ storedBytes }) => storedBytes));
    expect(Math.max(...lengths)).toBe(longest);
  });
});

describe('loading', () => {
  beforeAll(() => useBackend('cpu'));

  it.each([undefined, 'f32', 'f16', 'int8', 'int4'] as const)(
    'gives the values of loadForAnswering in %s',
    async (precision) => {
      const config = configOf('qwen2');
      const stored = readStoredWeights(fixtureBytes('qwen2', 'model.safetensors'));
      for (const weights of [stored, quantiseWeights(toFloats(stored), 8), quantiseWeights(toFloats(stored), 4)]) {
        const file = arraySource(writeSafetensors(toFileTensors(weights)));
        const model = await loadStreamed(config, await safetensorsWeights(new Map([['a', file]])), precision);
        const other = loadForAnswering(config, weights, precision);
        expect(await readWeights(model.weights)).toEqual(await readWeights(other.weights));
        disposeModel(model);
        disposeModel(other);
      }
    },
  );

  it('tells its progress, and its memory before', async () => {
    const { config, source } = await openGguf(arraySource(fixtureBytes('llama', 'q8_0.gguf')));
    const seen: number[] = [];
    const before = tf.memory().numBytes;
    const model = await loadStreamed(config, source, undefined, (loaded, total) => seen.push(loaded / total));
    expect(seen.length).toBe(source.tensors.size);
    expect(seen).toEqual(seen.toSorted((a, b) => a - b));
    expect(seen.at(-1)).toBe(1);
    expect(bytesNeeded(config, source).weights).toBe(tf.memory().numBytes - before);
    expect(bytesNeeded(config, source, undefined, true).weights).toBeLessThan(bytesNeeded(config, source, 'f32', true).weights / 3); // prettier-ignore
    disposeModel(model);
  });

  it('refuses a model that lacks a tensor, or has one of another shape, before anything is read', async () => {
    const { config, source } = await openGguf(arraySource(fixtureBytes('qwen3', 'bf16.gguf')));
    const name = 'model.layers.0.mlp.up_proj.weight';
    const read = (): never => {
      throw new Error('It was read.');
    };
    const without = new Map(source.tensors);
    without.delete(name);
    await expect(loadStreamed(config, { tensors: without, read })).rejects.toThrow(/up_proj\.weight.*\[64, 64\].*nothing/su); // prettier-ignore
    const other = new Map(source.tensors).set(name, { shape: [64, 32], storedBytes: 1 });
    await expect(loadStreamed(config, { tensors: other, read })).rejects.toThrow(/up_proj\.weight.*\[64, 32\]/su);
    const more = new Map(source.tensors).set('blk.0.attn_sinks.weight', { shape: [4], storedBytes: 1 });
    await expect(loadStreamed(config, { tensors: more, read })).rejects.toThrow(/attn_sinks/u);
  });

  it('frees what it has loaded if a tensor fails, or the caller stops it', async () => {
    const { config, source } = await openGguf(arraySource(fixtureBytes('qwen3', 'q5.gguf')));
    const before = tf.memory();
    const failing: WeightSource = {
      tensors: source.tensors,
      read: async (name, rows) => {
        const read = await source.read(name, rows);
        return name === 'model.norm.weight' && 'data' in read ? { ...read, data: read.data.fill(NaN) } : read;
      },
    };
    await expect(loadStreamed(config, failing)).rejects.toThrow(/model\.norm\.weight.*not finite/su);
    const stop = (): never => {
      throw new Error('stopped');
    };
    await expect(loadStreamed(config, source, undefined, stop)).rejects.toThrow('stopped');
    expect(tf.memory().numTensors).toBe(before.numTensors);
    expect(tf.memory().numBytes).toBe(before.numBytes);
  });
});
