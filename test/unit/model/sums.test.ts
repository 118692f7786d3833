/**
 * Long sums against float64, on the backends where tfjs itself sums in float32 or in one pass.
 */
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { dot, sumAll, sumEachRow } from '../../../src/ops/sums.ts';
import { tokenEntropies } from '../../../src/ops/token-entropies.ts';
import { useBackend } from '../../reference/backends.ts';
import { expectClose } from '../../reference/expect-close.ts';
import { whole } from '../../setup/whole.ts';

const MANY = 20_000_000;

/** Numbers of one sign and similar size from a linear congruential generator, which makes 20 million in a second. */
function manyNumbers(count: number): Float32Array {
  let state = 12_345;
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return 1e-4 + (1e-4 * state) / 2 ** 32;
  });
}

describe.each(['cpu', 'wasm'] as const)('sums on %s', (backend) => {
  beforeAll(() => useBackend(backend));

  whole('sums 20 million elements and their squares like float64', async () => {
    const values = manyNumbers(MANY);
    let [sum, squares] = [0, 0];
    for (const value of values) [sum, squares] = [sum + value, squares + value * value];
    const x = tf.tensor1d(values);
    const results = [sumAll(x), dot(x, x)];
    expectClose(
      await Promise.all(results.map(async (result) => (await result.data())[0] ?? NaN)),
      [sum, squares],
      { absolute: 0, relative: 1e-7 },
      'sums',
    );
    tf.dispose([x, results]);
  });

  it('multiplies element by element', async () => {
    const [a, b] = [tf.tensor2d([[1, 2, -3]]), tf.tensor2d([[4, -5, 6]])];
    expect([...(await dot(a, b).data())]).toEqual([-24]);
  });

  it('passes the gradient of the sum to each element, and leaks no tensor', async () => {
    const before = tf.memory().numTensors;
    const x = tf.tensor2d([
      [1, -2, 3],
      [4, 5, 6],
    ]);
    const gradient = tf.grad((input: tf.Tensor) => tf.mul(sumAll(input), 2.5))(x);
    expect(gradient.shape).toEqual([2, 3]);
    expect([...(await gradient.data())]).toEqual(Array(6).fill(2.5));
    tf.dispose([x, gradient]);
    expect(tf.memory().numTensors).toBe(before);
  });

  it.each([7, 256, 257, 4096, 50_001])('sums rows of %d elements', async (V) => {
    const values = manyNumbers(2 * V);
    const x = tf.tensor2d(values, [2, V]);
    const rows = [0, 1].map((n) => values.subarray(n * V, (n + 1) * V).reduce((total, value) => total + value, 0));
    const sums = sumEachRow(x);
    expectClose(await sums.data(), rows, { absolute: 0, relative: 2e-6 }, 'sums of rows');
    tf.dispose([x, sums]);
  });

  it('computes the entropy of a uniform distribution over a large vocabulary', async () => {
    const V = 151_936;
    const logits = tf.zeros<tf.Rank.R2>([1, V]);
    const entropies = tokenEntropies(logits);
    expectClose(await entropies.data(), [Math.log(V)], { absolute: 0, relative: 2e-6 }, 'entropy');
    tf.dispose([logits, entropies]);
  });
});
