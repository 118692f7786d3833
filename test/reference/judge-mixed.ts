/**
 * Linear maps and gates in mixed precision, on whichever backend is current: against double-precision products of the
 * rounded numbers, and, where all numbers are halves already so that rounding changes none, against finite differences.
 */
import * as tf from '@tensorflow/tfjs-core';
import { expect } from 'vitest';
import { floatsToHalves, halvesToFloats } from '../../src/checkpoint/float16.ts';
import { type Added, linear, linearGradients, linearInput } from '../../src/ops/linear.ts';
import { swiGlu } from '../../src/ops/swiglu.ts';
import { expectClose } from './expect-close.ts';
import { finiteDifference } from './finite-difference.ts';
import { linearReference } from './linear-reference.ts';
import { randomTensor64 } from './random-tensor64.ts';
import { swiGluReference } from './swiglu-reference.ts';
import { add, at, dot, tensor64, type Tensor64 } from './tensor64.ts';

/** [N,I,O]: tiny, all widths multiples of four, only some of them, none, crossing tiles. */
export const MIXED_SHAPES = [
  [1, 4, 4],
  [5, 8, 12],
  [7, 12, 5],
  [9, 7, 8],
  [6, 5, 3],
  [67, 36, 132],
] as const;
/** [N,F]: tiny, odd, of halves, crossing workgroups. */
export const MIXED_GATES = [
  [1, 1],
  [7, 5],
  [3, 8],
  [17, 36],
] as const;
const TOLERANCE = { absolute: 3e-5, relative: 3e-5 };
/** Of what is rounded to halves: their unit roundoff. */
const HALF_ROUNDOFF = 2 ** -11;

/** The halves nearest to some numbers, where rows of them can be packed. */
function rounded({ shape, data }: Tensor64): Tensor64 {
  if ((shape[1] ?? 0) % 4 !== 0) return { shape, data };
  return tensor64(shape, halvesToFloats(floatsToHalves(Float32Array.from(data))));
}

/** `[N,O] @ [O,I]` as a linear map with the transposed matrix. */
const product = (a: Tensor64, b: Tensor64): Tensor64 => linearReference(a, transposed(b));

function transposed({ shape: [rows = 0, columns = 0], data }: Tensor64): Tensor64 {
  const values = Float64Array.from({ length: rows * columns }, (_, i) =>
    at(data, (i % rows) * columns + Math.floor(i / rows)),
  );
  return tensor64([columns, rows], values);
}

const mixed = (x: tf.Tensor2D, weight: tf.Tensor2D, added: Added = {}): tf.Tensor2D =>
  tf.tidy(() => linear(linearInput(x, 'mixed'), weight, added));

const upload = ({ data, shape }: Tensor64): tf.Tensor => tf.tensor(Float32Array.from(data), [...shape]);

/** Expects the value and all gradients of a map with bias and residual to be those of the rounded numbers. */
export async function judgeMixedLinear([N, I, O]: readonly [number, number, number]): Promise<void> {
  const before = tf.memory().numTensors;
  const named = (shape: number[], name: string): Tensor64 => randomTensor64(shape, `${name} ${N} ${I} ${O}`);
  const [x, weight, dY] = [named([N, I], 'x'), named([O, I], 'weight'), named([N, O], 'dY')];
  const [bias, residual] = [named([O], 'bias'), named([N, O], 'residual')];
  const inputs = [x, weight, bias, residual].map(upload) as [tf.Tensor2D, tf.Tensor2D, tf.Tensor1D, tf.Tensor2D];
  const dYTensor = upload(dY) as tf.Tensor2D;

  const y = mixed(inputs[0], inputs[1], { bias: inputs[2], residual: inputs[3] });
  const expected = add(linearReference(rounded(x), rounded(weight), bias), residual);
  expectClose(await y.data(), expected.data, TOLERANCE, 'values');

  const gradients = tf.grads((...[a, b, c, d]: tf.Tensor[]) =>
    mixed(a as tf.Tensor2D, b as tf.Tensor2D, { bias: c as tf.Tensor1D, residual: d as tf.Tensor2D }),
  )(inputs, upload(dY));
  const dX = product(rounded(dY), rounded(weight));
  const dWeight = product(transposed(rounded(dY)), rounded(x));
  expectClose(await at(gradients, 0).data(), dX.data, TOLERANCE, 'gradient of x');
  expectClose(await at(gradients, 1).data(), dWeight.data, TOLERANCE, 'gradient of the weight');
  const ones = tensor64([1, N], new Float64Array(N).fill(1));
  expectClose(await at(gradients, 2).data(), product(ones, dY).data, TOLERANCE, 'gradient of the bias');
  expectClose(await at(gradients, 3).data(), dY.data, { absolute: 0 }, 'gradient of the residual');

  const alone = linearGradients(dYTensor, inputs[0], inputs[1], 'mixed');
  expectClose(await alone[0].data(), dX.data, TOLERANCE, 'gradient of x alone');
  expectClose(await alone[1].data(), dWeight.data, TOLERANCE, 'gradient of the weight alone');
  // What is rounded is not what came in, or nothing has been tested.
  const exact = linearReference(x, weight, bias).data;
  const error = Math.max(...(await y.data()).map((value, i) => Math.abs(value - at(residual.data, i) - at(exact, i))));
  if (I % 4 === 0) expect(error).toBeGreaterThan(HALF_ROUNDOFF / 100);
  tf.dispose([...inputs, ...gradients, ...alone, y, dYTensor]);
  expect(tf.memory().numTensors).toBe(before);
}

/** Expects the gate of float32, and its gradients at the rounded numbers. */
export async function judgeMixedGate([N, F]: readonly [number, number]): Promise<void> {
  const before = tf.memory().numTensors;
  const [gate, up, dY] = ['gate', 'up', 'dY'].map((name) => randomTensor64([N, F], `${name} ${N} ${F}`)) as [
    Tensor64,
    Tensor64,
    Tensor64,
  ];
  const inputs = [upload(gate), upload(up)] as [tf.Tensor2D, tf.Tensor2D];
  const y = swiGlu(...inputs, 'mixed');
  expectClose(await y.data(), swiGluReference(gate, up).data, TOLERANCE, 'values');

  const gradients = tf.grads((a: tf.Tensor, b: tf.Tensor) => swiGlu(a as tf.Tensor2D, b as tf.Tensor2D, 'mixed'))(
    inputs,
    upload(dY),
  );
  const [halfGate, halfUp] = [rounded(gate), rounded(up)];
  const along = (of: (data: Float64Array) => Tensor64) => (data: Float64Array) => dot(of(data).data, dY.data);
  const byGate = finiteDifference(
    along((data) => swiGluReference({ ...gate, data }, halfUp)),
    halfGate.data,
  );
  const byUp = finiteDifference(
    along((data) => swiGluReference(halfGate, { ...up, data })),
    halfUp.data,
  );
  expectClose(await at(gradients, 0).data(), byGate, TOLERANCE, 'gradient of the gate');
  expectClose(await at(gradients, 1).data(), byUp, TOLERANCE, 'gradient of what passes it');
  tf.dispose([...inputs, ...gradients, y]);
  expect(tf.memory().numTensors).toBe(before);
}

/** Expects slopes of a map of halves to be those of finite differences. */
export async function judgeMixedSlopes(): Promise<void> {
  const [N, I, O] = [5, 8, 12];
  const halves = (shape: number[], name: string): Tensor64 => rounded(randomTensor64(shape, name));
  const [x, weight, dY] = [halves([N, I], 'x'), halves([O, I], 'weight'), halves([N, O], 'dY')];
  const tensors = [upload(x), upload(weight)] as [tf.Tensor2D, tf.Tensor2D];
  const dYTensor = upload(dY);
  const [dX, dWeight] = tf.grads((a: tf.Tensor, b: tf.Tensor) => mixed(a as tf.Tensor2D, b as tf.Tensor2D))(
    tensors,
    dYTensor,
  );
  const ofX = (data: Float64Array): number => dot(linearReference({ ...x, data }, weight).data, dY.data);
  const ofWeight = (data: Float64Array): number => dot(linearReference(x, { ...weight, data }).data, dY.data);
  expectClose((await dX?.data()) ?? [], finiteDifference(ofX, x.data), TOLERANCE, 'gradient of x');
  expectClose(
    (await dWeight?.data()) ?? [],
    finiteDifference(ofWeight, weight.data),
    TOLERANCE,
    'gradient of the weight',
  );
  tf.dispose([...tensors, dYTensor, dX ?? [], dWeight ?? []]);
}

/** Expects a gradient that halves cannot hold to be infinite or no number, and not a wrong one. */
export async function judgeMixedOverflow(): Promise<void> {
  const ones = tf.ones<tf.Rank.R2>([4, 4]);
  for (const huge of [65520, -1e6]) {
    const dY = tf.mul<tf.Tensor2D>(ones, huge);
    const gradients = linearGradients(dY, ones, ones, 'mixed');
    for (const gradient of gradients) {
      expect((await gradient.data<'float32'>()).some((value) => Number.isFinite(value))).toBe(false);
    }
    tf.dispose([dY, ...gradients]);
  }
  ones.dispose();
}
