/**
 * Matrices rounded to half precision, as mixed precision reads and stores them: packed where kernels compute. Elsewhere
 * the same numbers are rounded in the same way and stay floats, which is slower and no smaller, but a run gives the
 * same result everywhere. Rows whose length is not a multiple of four stay unrounded, with and without kernels.
 */
import * as tf from '@tensorflow/tfjs-core';
import { floatsToHalves, halvesToFloats } from '../checkpoint/float16.ts';
import { usesGpuKernels } from '../gpu/dispatch.ts';
import { type HalfMatrix, packHalves } from '../kernels/halves.ts';
import { canKeepHalves } from './compressed.ts';

/** Packed halves where kernels compute; else floats with half-precision values. */
export type Rounded = HalfMatrix | tf.Tensor2D;

/** The halves nearest to a matrix; values of 65520 and more become infinite. Not differentiable. */
export function rounded(x: tf.Tensor2D): Rounded {
  if (!canKeepHalves(x.shape[1])) return x;
  return usesGpuKernels() ? { packed: packHalves(x), shape: x.shape } : throughHalves(x);
}

/** Synchronous, like the backends without kernels. */
function throughHalves(x: tf.Tensor2D): tf.Tensor2D {
  return tf.tensor2d(halvesToFloats(floatsToHalves(x.dataSync<'float32'>())), x.shape);
}

/** The tensor of a rounded matrix, to be kept for a backward pass. */
export function tensorOf(x: Rounded): tf.Tensor {
  return 'packed' in x ? x.packed : x;
}

/** The inverse of {@link tensorOf}. */
export function ofShape(tensor: tf.Tensor, shape: readonly [number, number]): Rounded {
  return tensor.dtype === 'int32' ? { packed: tensor, shape } : (tensor as tf.Tensor2D);
}
