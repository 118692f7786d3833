/**
 * The linear map of mixed precision (arXiv 1710.03740): x, the weights and, in the backward pass, dY are rounded to
 * half precision; all sums are float32. Only the halves of x are kept for the backward pass, once for all maps that
 * read it. The weights stay float32 for the optimizer and are rounded again when needed, which is cheap.
 */
import * as tf from '@tensorflow/tfjs-core';
import { usesKernels } from '../gpu/dispatch.ts';
import { columnSums } from '../kernels/column-sums.ts';
import { type Arrangement, type Epilogue, matmulKernel } from '../kernels/matmul.ts';
import { differentiable } from './differentiable.ts';
import { ofShape, type Rounded, rounded, tensorOf } from './halves.ts';
import { sumRows } from './sum-rows.ts';

/** The input of linear maps in mixed precision, rounded once for all of them. */
export interface MixedInput {
  /** `[N,I]`, which gradients flow to. */
  readonly x: tf.Tensor2D;
  readonly rounded: Rounded;
}

/** Rounds the input of several maps. */
export function mixedInput(x: tf.Tensor2D): MixedInput {
  return { x, rounded: rounded(x) };
}

/**
 * `y = x W^T (+ bias) (+ residual)`, x and W rounded to halves.
 *
 * @param weight - `[O,I]`
 * @returns `[N,O]`
 */
export function mixedLinear(input: MixedInput, weight: tf.Tensor2D, { bias, residual }: Epilogue = {}): tf.Tensor2D {
  const { shape } = input.x;
  return differentiable<tf.Tensor[], tf.Tensor2D>({
    inputs: [input.x, weight, ...[bias, residual].filter((tensor) => tensor !== undefined)],
    forward: (save) => {
      save(tensorOf(input.rounded));
      save(weight);
      return product(input.rounded, rounded(weight), 'nt', { bias, residual }); // [N,I] @ [I,O] -> [N,O]
    },
    backward: (dY, [savedX, savedWeight]) => [
      ...gradients(dY, ofShape(savedX as tf.Tensor, shape), savedWeight as tf.Tensor2D),
      ...(bias === undefined ? [] : [usesKernels() ? columnSums(dY) : sumRows(dY)]),
      ...(residual === undefined ? [] : [dY.clone()]),
    ],
  });
}

/**
 * The gradients of x and of the weight, computed from all three rounded to half precision. For backward passes; not
 * differentiable itself.
 */
export function mixedLinearGradients(dY: tf.Tensor2D, x: tf.Tensor2D, weight: tf.Tensor2D): [tf.Tensor2D, tf.Tensor2D] {
  return tf.tidy(() => gradients(dY, rounded(x), weight));
}

function gradients(dY: tf.Tensor2D, x: Rounded, weight: tf.Tensor2D): [tf.Tensor2D, tf.Tensor2D] {
  const roundedDY = rounded(dY);
  return [
    product(roundedDY, rounded(weight), 'nn'), // [N,O] @ [O,I] -> [N,I]
    product(roundedDY, x, 'tn'), // [O,N] @ [N,I] -> [O,I]
  ];
}

function product(a: Rounded, b: Rounded, arrangement: Arrangement, added: Epilogue = {}): tf.Tensor2D {
  if (usesKernels()) return matmulKernel(a, b, arrangement, added);
  // Without kernels all operands are plain tensors.
  const [plainA, plainB] = [a as tf.Tensor2D, b as tf.Tensor2D];
  const { bias, residual } = added;
  const plain = tf.matMul<tf.Tensor2D>(plainA, plainB, arrangement === 'tn', arrangement === 'nt');
  const biased = bias === undefined ? plain : tf.add<tf.Tensor2D>(plain, bias);
  return residual === undefined ? biased : tf.add(residual, biased);
}
