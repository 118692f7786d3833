/** On wasm compressed matrices have the bits of the plain ones that they stand for. */
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { quantise, type QuantisedData } from '../../../src/checkpoint/quantised.ts';
import { Rng } from '../../../src/common/rng.ts';
import { pauseWasmKernels } from '../../../src/gpu/wasm-calls.ts';
import type { CompressedFormat } from '../../../src/kernels/compressed-matmul.ts';
import { bytesOf, loadForAnswering } from '../../../src/model/stored-weights.ts';
import { initialWeights } from '../../../src/model/weights.ts';
import {
  compressedEmbedding,
  compressedLinear,
  decompress,
  disposeCompressed,
  type HalvesData,
  toHalves,
  uploadCompressed,
} from '../../../src/ops/compressed.ts';
import { linear } from '../../../src/ops/linear.ts';
import { useBackend } from '../../reference/backends.ts';
import { FOREIGN_CONFIG } from '../../reference/foreign-model.ts';

const FORMATS: readonly CompressedFormat[] = ['f16', 'int8', 'int4'];
/** [N,O,I]: tiny, one row as in decoding, more rows than are expanded at once, odd; groups of 8, 16 and 32. */
const SHAPES = [
  [1, 1, 8],
  [1, 131, 176],
  [3, 64, 24],
  [33, 65, 96],
  [5, 200, 608],
] as const;
const IN_SHARDS = [false, true] as const;

function stored(format: CompressedFormat, [O, I]: readonly [number, number]): QuantisedData | HalvesData {
  const rng = new Rng(`weights ${format} ${O} ${I}`);
  const weights = Float32Array.from({ length: O * I }, () => rng.normal());
  if (format === 'f16') return toHalves(weights, [O, I]);
  return quantise(weights, [O, I], format === 'int8' ? 8 : 4);
}

function random(shape: readonly number[], name: string): tf.Tensor {
  const rng = new Rng(name);
  const size = shape.reduce((product, each) => product * each, 1);
  return tf.tensor(
    Float32Array.from({ length: size }, () => rng.normal()),
    [...shape],
  );
}

describe('compressed matrices on wasm', () => {
  beforeAll(() => useBackend('wasm'));

  it.each(
    FORMATS.flatMap((format) =>
      SHAPES.flatMap((shape) => IN_SHARDS.map((isSharded) => [format, shape, isSharded] as const)),
    ),
  )('of %s multiply like plain ones: %j, in shards: %s', async (format, [N, O, I], isSharded) => {
    const before = tf.memory().numTensors;
    const data = stored(format, [O, I]);
    const matrix = uploadCompressed(data, isSharded ? 2 * I + 8 : undefined);
    const plain = tf.tensor2d(decompress(data), [O, I]);
    const x = random([N, I], `x ${N} ${I}`) as tf.Tensor2D;
    const bias = random([O], `bias ${O}`) as tf.Tensor1D;
    const residual = random([N, O], `residual ${N} ${O}`) as tf.Tensor2D;
    for (const terms of [{}, { bias, residual }]) {
      const [got, expected] = [compressedLinear(x, matrix, terms), linear(x, plain, terms)];
      expect(await got.data()).toEqual(await expected.data());
      tf.dispose([got, expected]);
    }
    tf.dispose([plain, x, bias, residual]);
    disposeCompressed(matrix);
    expect(tf.memory().numTensors).toBe(before);
  });

  it.each(FORMATS.flatMap((format) => IN_SHARDS.map((isSharded) => [format, isSharded] as const)))(
    'of %s are looked up row by row, in shards: %s',
    async (format, isSharded) => {
      const data = stored(format, [70, 40]);
      const matrix = uploadCompressed(data, isSharded ? 1000 : undefined);
      const ids = [69, 0, 31, 31, 5, 48, 12];
      const found = compressedEmbedding(matrix, Int32Array.from(ids));
      const all = decompress(data);
      expect([...(await found.data())]).toEqual(ids.flatMap((id) => [...all.subarray(40 * id, 40 * (id + 1))]));
      found.dispose();
      disposeCompressed(matrix);
    },
  );

  it('read every half and every integer as they are read elsewhere', async () => {
    const halves = { shape: [2 ** 13, 8] as const, halves: Uint16Array.from({ length: 2 ** 16 }, (_, i) => i) };
    const bytes: QuantisedData = {
      shape: [8, 32],
      bits: 8,
      values: Uint8Array.from({ length: 256 }, (_, i) => i),
      scales: Uint16Array.from({ length: 8 }, (_, i) => 0x2001 + 977 * i),
    };
    const scales = Uint16Array.from({ length: 16 }, (_, i) => 0x1801 + 577 * i);
    for (const data of [halves, bytes, { ...bytes, shape: [16, 32] as const, bits: 4 as const, scales }]) {
      const matrix = uploadCompressed(data);
      const found = compressedEmbedding(
        matrix,
        Int32Array.from({ length: data.shape[0] }, (_, i) => i),
      );
      const [got, expected] = [await found.data<'float32'>(), decompress(data)];
      const other = got.findIndex(
        (value, i) => !Object.is(value, expected[i]) && !(value !== value && Number.isNaN(expected[i])),
      );
      expect([other, got[other], expected[other]]).toEqual([-1, undefined, undefined]);
      found.dispose();
      disposeCompressed(matrix);
    }
  });

  it('are what a model is loaded with where kernels compute, and plain floats where they do not', () => {
    const weights = initialWeights(FOREIGN_CONFIG, new Rng(2));
    const compact = loadForAnswering(FOREIGN_CONFIG, weights, 'int8');
    expect(compact.compressed?.size).toBe(1 + 7 * FOREIGN_CONFIG.layers);
    expect(bytesOf(weights, 'int8')).toBeLessThan(0.4 * bytesOf(weights));
    const resume = pauseWasmKernels();
    try {
      expect(loadForAnswering(FOREIGN_CONFIG, weights, 'int8').compressed).toBeUndefined();
    } finally {
      resume();
    }
  });
});
