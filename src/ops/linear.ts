/**
 * Linear maps with weights in Hugging Face's layout, `[out, in]`.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { TrainingPrecision } from '../config/sft-config.ts';
import { usesKernels } from '../gpu/dispatch.ts';
import { columnSums } from '../kernels/column-sums.ts';
import { gatedMatmulKernel, matmulKernel } from '../kernels/matmul.ts';
import { swiGluBackward } from '../kernels/swiglu.ts';
import { type CompressedMatrix, compressedLinear, isCompressed } from './compressed.ts';
import { differentiable } from './differentiable.ts';
import { type MixedInput, mixedInput, mixedLinear, mixedLinearGradients } from './mixed-linear.ts';
import { sumRows } from './sum-rows.ts';
import { swiGlu } from './swiglu.ts';

/** Terms added to the product. */
export interface Added {
  /** `[O]`, added to each row. */
  readonly bias?: tf.Tensor1D | undefined;
  /** `[N,O]`, the residual stream. */
  readonly residual?: tf.Tensor2D | undefined;
}

/** The factor of the product in a SwiGLU. */
export interface Gated {
  /** `[N,O]`, before `silu`. */
  readonly gate: tf.Tensor2D;
}

/** The input of linear maps, `[N,I]`; in mixed precision with its rounded form. */
export type LinearInput = tf.Tensor2D | MixedInput;

/** Prepares a tensor as the input of linear maps in a precision. @param precision - default f32 */
export function linearInput(x: tf.Tensor2D, precision?: TrainingPrecision): LinearInput {
  return precision === 'mixed' ? mixedInput(x) : x;
}

/**
 * `y = x W^T (+ bias) (+ residual)`, or as the second half of a SwiGLU `y = silu(gate) * x W^T`.
 *
 * @param weight - `[O,I]`; without a gradient if it is compressed
 * @returns `[N,O]`
 */
export function linear(
  input: LinearInput,
  weight: tf.Tensor2D | CompressedMatrix,
  added: Added | Gated = {},
): tf.Tensor2D {
  if ('gate' in added) return gated(input, weight, added.gate);
  if (isCompressed(weight)) return compressedLinear('rounded' in input ? input.x : input, weight, added);
  if ('rounded' in input) return mixedLinear(input, weight, added);
  return usesKernels() ? fused(input, weight, added) : composite(input, weight, added);
}

/** The gradients of x and of the weight. For backward passes; not differentiable itself. */
export function linearGradients(
  dY: tf.Tensor2D,
  x: tf.Tensor2D,
  weight: tf.Tensor2D,
  precision: TrainingPrecision = 'f32',
): [tf.Tensor2D, tf.Tensor2D] {
  if (precision === 'mixed') return mixedLinearGradients(dY, x, weight);
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

function gated(input: LinearInput, weight: tf.Tensor2D | CompressedMatrix, gate: tf.Tensor2D): tf.Tensor2D {
  const isRounded = 'rounded' in input;
  if (isRounded || isCompressed(weight) || !usesKernels()) {
    return swiGlu(gate, linear(input, weight), isRounded ? 'mixed' : 'f32');
  }
  return differentiable<[tf.Tensor2D, tf.Tensor2D, tf.Tensor2D], tf.Tensor2D>({
    inputs: [input, weight, gate],
    forward: (save) => {
      const { up, gated: y } = gatedMatmulKernel(input, weight, 'nt', gate); // [N,I] @ [I,O] -> [N,O]
      for (const tensor of [input, weight, gate, up]) save(tensor);
      return y;
    },
    backward: (dY, saved) => {
      const [savedX, savedWeight, savedGate, up] = saved as [tf.Tensor2D, tf.Tensor2D, tf.Tensor2D, tf.Tensor2D];
      const { dGate, dUp } = swiGluBackward(dY, savedGate, up);
      return [...linearGradients(dUp, savedX, savedWeight), dGate];
    },
  });
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
