/** Mixed precision on WebGPU: packing floats into halves bit for bit, and products of halves. */
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { floatsToHalves } from '../../src/checkpoint/float16.ts';
import { Rng } from '../../src/common/rng.ts';
import { packHalves } from '../../src/kernels/halves.ts';
import { useWebGpu } from '../reference/backends.ts';
import {
  judgeMixedGate,
  judgeMixedLinear,
  judgeMixedOverflow,
  judgeMixedSlopes,
  MIXED_GATES,
  MIXED_SHAPES,
} from '../reference/judge-mixed.ts';
import { describeGpu, DEVICES, openGpu } from '../setup/dawn.ts';

/** Values where rounding changes its behaviour, and their neighbours; ties on both sides of an even half. */
const EDGES = [
  0,
  1,
  65504,
  65519.996,
  65520,
  65536,
  1e30,
  3.4e38,
  2 ** -14,
  2 ** -14 * (1 - 2 ** -12),
  2 ** -24,
  2 ** -25,
  2 ** -25 * (1 + 2 ** -20),
  1.5 * 2 ** -24,
  2.5 * 2 ** -24,
  1e-30,
  1e-45,
  1 + 2 ** -11,
  1 + 3 * 2 ** -11,
  2 - 2 ** -12,
  Infinity,
];

/** Floats of all magnitudes; no NaN, because NaN bits may differ. */
function manyFloats(count: number): Float32Array {
  const rng = new Rng('halves');
  const floats = Float32Array.from({ length: count }, () => rng.normal() * 2 ** (rng.int(60) - 40));
  floats.set([...EDGES, ...EDGES.map((value) => -value)]);
  return floats;
}

describeGpu('mixed precision on WebGPU', () => {
  describe.each(DEVICES)('on a device of kind "%s"', (kind) => {
    const gpuErrors: string[] = [];
    beforeAll(async () => {
      const device = await useWebGpu(openGpu(), kind);
      device.addEventListener('uncapturederror', ({ error }) => gpuErrors.push(error.message));
    });
    afterEach(() => expect(gpuErrors).toEqual([]));

    it.each([
      [1, 64],
      [3, 20],
      [300, 132],
    ])('packs halves bit for bit: [%i, %i]', async (rows, columns) => {
      const floats = manyFloats(rows * columns);
      const x = tf.tensor2d(floats, [rows, columns]);
      const packed = packHalves(x);
      expect(packed.shape).toEqual([rows, columns / 2]);
      const words = await packed.data<'int32'>();
      expect(new Uint16Array(Int32Array.from(words).buffer)).toEqual(floatsToHalves(floats));
      tf.dispose([x, packed]);
    });

    it('packs NaN as NaN', async () => {
      const x = tf.tensor2d([NaN, -NaN, 1, NaN], [1, 4]);
      const packed = packHalves(x);
      const halves = new Uint16Array(Int32Array.from(await packed.data<'int32'>()).buffer);
      expect([...halves].map((half) => (half & 0x7fff) > 0x7c00)).toEqual([true, true, false, true]);
      tf.dispose([x, packed]);
    });

    it.each(MIXED_SHAPES)('multiplies rounded numbers: %i, %i, %i', (...shape) => judgeMixedLinear(shape));

    it.each(MIXED_GATES)('gates like float32, with gradients at rounded values: %i, %i', (...shape) =>
      judgeMixedGate(shape),
    );

    it('has the slopes of finite differences', judgeMixedSlopes);

    it('gives no finite gradient where halves overflow', judgeMixedOverflow);
  });
});
