/** The replaced kernels against the stock ones, on shapes that reach every path of both. */
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { replaceWasmKernels } from '../../../src/gpu/wasm-kernels.ts';
import { useBackend } from '../../reference/backends.ts';
import { expectClose, filled, stock } from './stock-kernels.ts';

const axis = fc.integer({ min: 1, max: 40 });

describe('the wasm kernels', () => {
  beforeAll(() => useBackend('wasm'));

  it('are in use, and are replaced only once', () => {
    const before = tf.getKernel('Identity', 'wasm').kernelFunc;
    expect(before).not.toBe(tf.getKernel('Identity', 'wasm-stock').kernelFunc);
    replaceWasmKernels();
    expect(tf.getKernel('Identity', 'wasm').kernelFunc).toBe(before);
  });

  it('multiply batches, transposed or not, like the stock kernel', () => {
    const shapes = fc.tuple(fc.integer({ min: 1, max: 5 }), axis, axis, axis, fc.boolean(), fc.boolean());
    fc.assert(
      fc.property(shapes, ([G, M, K, N, transposeA, transposeB]) => {
        const a = filled(transposeA ? [G, K, M] : [G, M, K], 1);
        const b = filled(transposeB ? [G, N, K] : [G, K, N], 2);
        const got = tf.matMul(a, b, transposeA, transposeB);
        expect(got.shape).toEqual([G, M, N]);
        expectClose(got.dataSync(), stock('BatchMatMul', { a, b }, { transposeA, transposeB }));
        tf.dispose([a, b, got]);
      }),
    );
  });

  it('multiply matrices that are transposed in blocks', () => {
    for (const [G, R, C] of [
      [1, 300, 129],
      [2, 129, 131],
    ] as const) {
      const a = filled([G, R, C], 3);
      const b = filled([G, R, 7], 4);
      const got = tf.matMul(a, b, true, false);
      expectClose(got.dataSync(), stock('BatchMatMul', { a, b }, { transposeA: true, transposeB: false }));
    }
  });

  it.each([
    { left: [3], right: [1] },
    { left: [1], right: [3] },
    { left: [1, 6], right: [6, 1] },
  ])('broadcast batches $left and $right', ({ left, right }) => {
    const a = filled([...left, 5, 6], 5);
    const b = filled([...right, 6, 7], 6);
    const got = tf.matMul(a, b);
    expect(got.shape.slice(0, -2)).toEqual(left.map((size, i) => Math.max(size, right[i] ?? 0)));
    expectClose(got.dataSync(), stock('BatchMatMul', { a, b }, { transposeA: false, transposeB: false }));
  });

  it.each([
    { left: [2, 5, 6], right: [2, 7, 5] },
    { left: [2, 3, 4, 5], right: [3, 2, 5, 4] },
  ])('reject the product of $left and $right', ({ left, right }) => {
    expect(() => tf.matMul(filled(left, 1), filled(right, 2))).toThrow();
  });

  it('give no stale product when an operand changes', () => {
    const a = filled([2, 8, 8], 7);
    for (let seed = 8; seed < 12; seed++) {
      const b = filled([2, 8, 8], seed);
      expectClose(tf.matMul(a, b).dataSync(), stock('BatchMatMul', { a, b }, { transposeA: false, transposeB: false }));
    }
  });

  it('transpose, slice and gather exactly like the stock kernels', () => {
    const x = filled([300, 129], 13);
    expect(tf.transpose(x).dataSync()).toEqual(stock('Transpose', { x }, { perm: [1, 0] }));
    for (const { begin, size } of [
      { begin: [7, 0], size: [20, 129] },
      { begin: [0, 3], size: [300, 5] },
      { begin: [299, 128], size: [1, 1] },
    ]) {
      expect(tf.slice(x, begin, size).dataSync()).toEqual(stock('Slice', { x }, { begin, size }));
    }
    const indices = tf.tensor1d([5, 299, 5, 0], 'int32');
    const attrs = { axis: 0, batchDims: 0 };
    expect(tf.gather(x, indices).dataSync()).toEqual(stock('GatherV2', { x, indices }, attrs));
    expect(() => tf.gather(x, tf.tensor1d([300], 'int32'))).toThrow('row 300');
  });

  it('keep the data shared by a clone until both are disposed, and leak nothing', () => {
    const before = tf.memory();
    for (let i = 0; i < 50; i++) {
      tf.tidy(() => {
        const x = filled([4, 16, 16], i);
        const copy = x.clone();
        const expected = x.dataSync();
        x.dispose();
        expect(copy.dataSync()).toEqual(expected);
        tf.slice(tf.matMul(copy, copy, false, true), [1, 0, 0], [1, 16, 16]);
      });
    }
    expect(tf.memory().numTensors).toBe(before.numTensors);
    expect(tf.memory().numDataBuffers).toBe(before.numDataBuffers);
  });
});
