/**
 * Every op of the lab against its double-precision reference, at the shapes of the tests (test/reference/op-cases.ts):
 * the value, and the slope of each gradient along a random direction against finite differences.
 */
import * as tf from '@tensorflow/tfjs';
import { messageOf } from '../../../src/common/errors.ts';
import { Rng } from '../../../src/common/rng.ts';
import type { Check } from '../../../src/protocol/device-report.ts';
import { finiteDifference } from '../../reference/finite-difference.ts';
import type { OpCase } from '../../reference/op-case.ts';
import { EXTREME_CASES, LARGE_OP_CASES, OP_CASES } from '../../reference/op-cases.ts';
import { randomTensor64 } from '../../reference/random-tensor64.ts';
import { at, dot } from '../../reference/tensor64.ts';

/** As in the tests, absolute and relative; of a slope, per root of the number of elements. */
const TOLERANCE = 2e-5;

/** Judges all cases on the current backend. */
export async function judgeOps(): Promise<Check[]> {
  const checks: Check[] = [];
  for (const each of [...OP_CASES, ...LARGE_OP_CASES, ...EXTREME_CASES]) checks.push(await judged(each));
  return checks;
}

async function judged(given: OpCase): Promise<Check> {
  const name = given.title;
  try {
    const { value, slope } = await compared(given);
    // Written so that NaN is wrong.
    const isRight = value <= 1 && slope <= 1;
    const text = (share: number): string => `${(100 * share).toPrecision(2)} %`;
    return { name, isRight, detail: `value off by ${text(value)} of the tolerance, slopes by ${text(slope)}` };
  } catch (thrown) {
    return { name, isRight: false, detail: messageOf(thrown).slice(0, 500) };
  }
}

/** The largest differences as shares of the tolerance. */
async function compared({ title, inputs, op, reference }: OpCase): Promise<{ value: number; slope: number }> {
  const tensors = inputs.map(({ data, shape }) => tf.tensor(Float32Array.from(data), [...shape]));
  const expected = reference(inputs);
  const dY = randomTensor64(expected.shape, `${title} dY`);
  const dYTensor = tf.tensor(Float32Array.from(dY.data), [...dY.shape]);
  const y = tf.tidy(() => op(tensors));
  const gradients = tf.grads((...xs: tf.Tensor[]) => op(xs))(tensors, dYTensor);
  try {
    const values = await y.data<'float32'>();
    let value = values.length === expected.data.length ? 0 : Infinity;
    for (const [i, wanted] of expected.data.entries()) value = worse(value, off(at(values, i), wanted, TOLERANCE));
    let slope = 0;
    for (const [i, { shape, data }] of inputs.entries()) {
      const rng = new Rng(`${title} direction ${i}`);
      const direction = data.map(() => rng.normal());
      const along = ([step = 0]: Float64Array): number => {
        const moved = data.map((x, n) => x + step * at(direction, n));
        return dot(reference(inputs.with(i, { shape, data: moved })).data, dY.data);
      };
      const got = dot(await at(gradients, i).data<'float32'>(), direction);
      slope = worse(slope, off(got, at(finiteDifference(along, [0]), 0), TOLERANCE * Math.sqrt(data.length)));
    }
    return { value, slope };
  } finally {
    tf.dispose([...tensors, ...gradients, y, dYTensor]);
  }
}

function off(got: number, wanted: number, absolute: number): number {
  if (got === wanted) return 0;
  return Math.abs(got - wanted) / (absolute + TOLERANCE * Math.abs(wanted));
}

/** The larger; NaN if one is. */
function worse(a: number, b: number): number {
  return Math.max(a, b);
}
