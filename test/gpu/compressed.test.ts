/**
 * Compressed matrices on WebGPU: products and look-ups against double-precision references with exactly the stored
 * weights, so that the tests check the kernel and not the quantisation error.
 */
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Rng } from '../../src/common/rng.ts';
import { quantise, type QuantisedData } from '../../src/checkpoint/quantised.ts';
import type { CompressedFormat } from '../../src/kernels/compressed-matmul.ts';
import {
  compressedEmbedding,
  compressedLinear,
  decompress,
  disposeCompressed,
  type HalvesData,
  toHalves,
  uploadCompressed,
} from '../../src/ops/compressed.ts';
import { type DeviceKind, useWebGpu } from '../reference/backends.ts';
import { expectClose } from '../reference/expect-close.ts';
import { embeddingReference, linearReference } from '../reference/linear-reference.ts';
import { randomTensor64 } from '../reference/random-tensor64.ts';
import { add, tensor64, type Tensor64 } from '../reference/tensor64.ts';
import { describeGpu, openGpu } from '../setup/dawn.ts';

const DEVICES: readonly DeviceKind[] = ['full', 'least'];
const FORMATS: readonly CompressedFormat[] = ['f16', 'int8', 'int4'];
const TOLERANCE = { absolute: 3e-5, relative: 3e-5 };

/** [N,O,I]: tiny, one row as in decoding, odd, across tiles; groups of 8, 16 and 32. */
const SHAPES = [
  [1, 1, 8],
  [1, 131, 176],
  [3, 5, 24],
  [33, 65, 96],
] as const;

function stored(format: CompressedFormat, [O, I]: readonly [number, number]): QuantisedData | HalvesData {
  const rng = new Rng(`weights ${format} ${O} ${I}`);
  const weights = Float32Array.from({ length: O * I }, () => rng.normal());
  if (format === 'f16') return toHalves(weights, [O, I]);
  return quantise(weights, [O, I], format === 'int8' ? 8 : 4);
}

const meantBy = (data: QuantisedData | HalvesData): Tensor64 => tensor64([...data.shape], [...decompress(data)]);
const upload = ({ data, shape }: Tensor64): tf.Tensor => tf.tensor(Float32Array.from(data), [...shape]);

describeGpu('compressed matrices', () => {
  describe.each(DEVICES)('on a device of kind "%s"', (kind) => {
    const gpuErrors: string[] = [];
    beforeAll(async () => {
      const device = await useWebGpu(openGpu(), kind);
      device.addEventListener('uncapturederror', ({ error }) => gpuErrors.push(error.message));
    });
    afterEach(() => expect(gpuErrors).toEqual([]));

    describe.each(FORMATS)('of %s', (format) => {
      // One shard of the whole matrix, and shards of two or three rows.
      it.each(SHAPES.flatMap((shape) => [false, true].map((isSharded) => [shape, isSharded] as const)))(
        'multiply like the reference: %j, in shards: %s',
        async ([N, O, I], isSharded) => {
          const before = tf.memory().numTensors;
          const data = stored(format, [O, I]);
          const matrix = uploadCompressed(data, isSharded ? 2 * I + 8 : undefined);
          expect(matrix.shards.length > 1).toBe(isSharded && O > 1);
          const x = randomTensor64([N, I], `x ${N} ${I}`);
          const bias = randomTensor64([O], `bias ${O}`);
          const residual = randomTensor64([N, O], `residual ${N} ${O}`);
          const tensors = [x, bias, residual].map(upload) as [tf.Tensor2D, tf.Tensor1D, tf.Tensor2D];
          const plain = compressedLinear(tensors[0], matrix, {});
          const added = compressedLinear(tensors[0], matrix, { bias: tensors[1], residual: tensors[2] });
          expectClose(await plain.data(), linearReference(x, meantBy(data)).data, TOLERANCE, 'products');
          const expected = add(linearReference(x, meantBy(data), bias), residual);
          expectClose(await added.data(), expected.data, TOLERANCE, 'products with bias and residual');
          tf.dispose([...tensors, plain, added]);
          disposeCompressed(matrix);
          expect(tf.memory().numTensors).toBe(before);
        },
      );

      it.each([false, true])('are looked up row by row, in shards: %s', async (isSharded) => {
        const before = tf.memory().numTensors;
        const data = stored(format, [70, 40]);
        const matrix = uploadCompressed(data, isSharded ? 1000 : undefined);
        const ids = [69, 0, 31, 31, 5, 48, 12];
        const found = compressedEmbedding(matrix, Int32Array.from(ids));
        expectClose(await found.data(), embeddingReference(meantBy(data), ids).data, { absolute: 1e-6 }, 'rows');
        found.dispose();
        disposeCompressed(matrix);
        expect(tf.memory().numTensors).toBe(before);
      });
    });
  });
});
