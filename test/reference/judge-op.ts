/**
 * How an op is judged, on whichever backend is current: its value against a double-precision reference, its gradient
 * against finite differences of that reference, and that it leaves no tensor behind.
 */
import * as tf from '@tensorflow/tfjs-core';
import { expect } from 'vitest';
import { Rng } from '../../src/common/rng.ts';
import { expectClose, type Tolerance } from './expect-close.ts';
import { finiteDifference } from './finite-difference.ts';
import { randomTensor64 } from './random-tensor64.ts';
import type { OpCase } from './op-case.ts';
import { at, dot } from './tensor64.ts';

/**
 * Of the value, of single gradient elements, and per root of size of a slope (rounding errors add like a random walk).
 */
const TOLERANCE: Tolerance = { absolute: 2e-5, relative: 2e-5 };
/** Gradient elements compared one by one for each input, besides the slope along a random direction, which sees all. */
const SINGLE_ELEMENTS = 12;

/** Expects the value, the gradients and the memory of an op to be right. */
export async function judgeOp({ title, inputs, op, reference }: OpCase): Promise<void> {
  const before = tf.memory().numTensors;
  const tensors = inputs.map(({ data, shape }) => tf.tensor(Float32Array.from(data), [...shape]));
  const expected = reference(inputs);
  const dY = randomTensor64(expected.shape, `${title} dY`);

  const y = tf.tidy(() => op(tensors));
  expect(y.shape, `shape of ${title}`).toEqual(expected.shape);
  expectClose(await y.data(), expected.data, TOLERANCE, `value of ${title}`);

  const dYTensor = tf.tensor(Float32Array.from(dY.data), [...dY.shape]);
  const gradients = tf.grads((...xs: tf.Tensor[]) => op(xs))(tensors, dYTensor);
  for (const [i, { shape, data }] of inputs.entries()) {
    const gradient = at(gradients, i);
    const what = `gradient of ${title} by input ${i}`;
    expect(gradient.shape, `shape of the ${what}`).toEqual(shape);
    const projected = (x: Float64Array) => dot(reference(inputs.with(i, { shape, data: x })).data, dY.data);
    await judgeGradient(projected, data, await gradient.data(), what);
  }
  tf.dispose([...tensors, ...gradients, y, dYTensor]);
  expect(tf.memory().numTensors, `tensors left behind by ${title}`).toBe(before);
}

async function judgeGradient(
  f: (x: Float64Array) => number,
  x: Float64Array,
  gradient: ArrayLike<number>,
  what: string,
): Promise<void> {
  const rng = new Rng(what);
  const direction = x.map(() => rng.normal());
  const alongDirection = ([step = 0]: Float64Array) => f(x.map((value, i) => value + step * at(direction, i)));
  const slope = { absolute: 2e-5 * Math.sqrt(x.length), relative: 2e-5 };
  expectClose([dot(gradient, direction)], finiteDifference(alongDirection, [0]), slope, `slope along the ${what}`);

  const indices = Array.from({ length: SINGLE_ELEMENTS }, () => rng.int(x.length));
  const differences = finiteDifference(f, x, 1e-5, indices);
  expectClose(
    indices.map((i) => at(gradient, i)),
    indices.map((i) => at(differences, i)),
    TOLERANCE,
    `elements ${indices.join(', ')} of the ${what}`,
  );
}
