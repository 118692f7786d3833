/**
 * Matrices rounded to halves, in which mixed precision reads and keeps them: packed where kernels compute. Elsewhere the same
 * numbers are rounded the same way and stay floats, which is slower and no smaller, but a run means the same everywhere. Rows
 * that are no multiple of four stay as they are, with and without kernels.
 */
import * as tf from '@tensorflow/tfjs-core';
import { floatsToHalves, halvesToFloats } from '../checkpoint/float16.ts';
import { usesKernels } from '../gpu/dispatch.ts';
import { type HalfMatrix, packHalves } from '../kernels/halves.ts';
import { canKeepHalves } from './compressed.ts';

/** Halves where kernels compute; else floats that have the values of halves. */
export type Rounded = HalfMatrix | tf.Tensor2D;

/** The halves nearest to a matrix; values of 65520 and more become infinite. Not differentiable. */
export function rounded(x: tf.Tensor2D): Rounded {
  if (!canKeepHalves(x.shape[1])) return x;
  return usesKernels() ? { packed: packHalves(x), shape: x.shape } : throughHalves(x);
}

/** Synchronous, as the backends without kernels are. */
function throughHalves(x: tf.Tensor2D): tf.Tensor2D {
  return tf.tensor2d(halvesToFloats(floatsToHalves(x.dataSync<'float32'>())), x.shape);
}

/** The tensor of a rounded matrix, to be kept for a backward pass. */
export function tensorOf(x: Rounded): tf.Tensor {
  return 'packed' in x ? x.packed : x;
}

/** The rounded matrix that {@link tensorOf} gave the tensor of. */
export function ofShape(tensor: tf.Tensor, shape: readonly [number, number]): Rounded {
  return tensor.dtype === 'int32' ? { packed: tensor, shape } : (tensor as tf.Tensor2D);
}
