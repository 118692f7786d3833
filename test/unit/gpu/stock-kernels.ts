/** The kernels shipped with tfjs, as the reference for the lab's own. */
import * as tf from '@tensorflow/tfjs-core';
import { expect } from 'vitest';

/** Runs a kernel shipped with tfjs. */
export function stock(kernel: string, inputs: tf.NamedTensorMap, attrs: tf.NamedAttrMap): tf.TypedArray {
  const { kernelFunc } = tf.getKernel(kernel, 'wasm-stock');
  const tensor = tf
    .engine()
    .makeTensorFromTensorInfo(kernelFunc({ inputs, attrs, backend: tf.backend() }) as tf.TensorInfo);
  const values = tensor.dataSync();
  tensor.dispose();
  return values;
}

export function filled(shape: readonly number[], seed: number): tf.Tensor {
  const size = shape.reduce((product, axis) => product * axis, 1);
  return tf.tensor(
    Float32Array.from({ length: size }, (_, i) => Math.sin(seed + 1.7 * i)),
    [...shape],
  );
}

export function expectClose(got: ArrayLike<number>, expected: ArrayLike<number>): void {
  expect(got.length).toBe(expected.length);
  let largest = 0;
  // Math.max propagates NaN, which fails the comparison below.
  for (let i = 0; i < expected.length; i++)
    largest = Math.max(largest, Math.abs((got[i] ?? NaN) - (expected[i] ?? NaN)));
  expect(largest).toBeLessThan(1e-4);
}
