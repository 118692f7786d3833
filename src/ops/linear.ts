/**
 * The linear map with weights as Hugging Face stores them, `[out, in]`.
 */
import * as tf from '@tensorflow/tfjs-core';
import { usesKernels } from '../gpu/dispatch.ts';
import { columnSums } from '../kernels/column-sums.ts';
import { matmulKernel } from '../kernels/matmul.ts';
import { type CompressedMatrix, compressedLinear, isCompressed } from './compressed.ts';
import { differentiable } from './differentiable.ts';
import { sumRows } from './sum-rows.ts';

/** What is added to the product. */
export interface Added {
  /** `[O]`, to each row. */
  readonly bias?: tf.Tensor1D | undefined;
  /** `[N,O]`, the stream that the map writes to. */
  readonly residual?: tf.Tensor2D | undefined;
}

/**
 * `y = x W^T (+ bias) (+ residual)`.
 *
 * @param x - `[N,I]`
 * @param weight - `[O,I]`; without a gradient where it is compressed
 * @returns `[N,O]`
 */
export function linear(x: tf.Tensor2D, weight: tf.Tensor2D | CompressedMatrix, added: Added = {}): tf.Tensor2D {
  if (isCompressed(weight)) return compressedLinear(x, weight, added);
  return usesKernels() ? fused(x, weight, added) : composite(x, weight, added);
}

/** The gradients of x and of the weight. For backward passes: not differentiable itself. */
export function linearGradients(dY: tf.Tensor2D, x: tf.Tensor2D, weight: tf.Tensor2D): [tf.Tensor2D, tf.Tensor2D] {
  if (usesKernels()) {
    return [
      matmulKernel(dY, weight, 'nn'), // [N,O] @ [O,I] -> [N,I]
      matmulKernel(dY, x, 'tn'), // [O,N] @ [N,I] -> [O,I]
    ];
  }
  return [
    tf.matMul(dY, weight), // [N,O] @ [O,I] -> [N,I]
    tf.matMul(dY, x, true), // [O,N] @ [N,I] -> [O,I]
  ];
}

function fused(x: tf.Tensor2D, weight: tf.Tensor2D, { bias, residual }: Added): tf.Tensor2D {
  return differentiable<tf.Tensor[], tf.Tensor2D>({
    inputs: [x, weight, ...[bias, residual].filter((tensor) => tensor !== undefined)],
    forward: (save) => {
      save(x);
      save(weight);
      return matmulKernel(x, weight, 'nt', { bias, residual }); // [N,I] @ [I,O] -> [N,O]
    },
    backward: (dY, saved) => {
      const [savedX, savedWeight] = saved as [tf.Tensor2D, tf.Tensor2D];
      return [
        ...linearGradients(dY, savedX, savedWeight),
        ...(bias === undefined ? [] : [columnSums(dY)]),
        ...(residual === undefined ? [] : [dY.clone()]),
      ];
    },
  });
}

function composite(x: tf.Tensor2D, weight: tf.Tensor2D, { bias, residual }: Added): tf.Tensor2D {
  const product = differentiable<[tf.Tensor2D, tf.Tensor2D], tf.Tensor2D>({
    inputs: [x, weight],
    forward: (save) => {
      save(x);
      save(weight);
      return tf.matMul(x, weight, false, true); // [N,I] @ [I,O] -> [N,O]
    },
    backward: (dY, saved) => {
      const [savedX, savedWeight] = saved as [tf.Tensor2D, tf.Tensor2D];
      return linearGradients(dY, savedX, savedWeight);
    },
  });
  const biased = bias === undefined ? product : addBias(product, bias);
  return residual === undefined ? biased : tf.add(residual, biased);
}

function addBias(x: tf.Tensor2D, bias: tf.Tensor1D): tf.Tensor2D {
  return differentiable<[tf.Tensor2D, tf.Tensor1D], tf.Tensor2D>({
    inputs: [x, bias],
    forward: () => tf.add(x, bias),
    backward: (dY) => [dY.clone(), sumRows(dY)],
  });
}
