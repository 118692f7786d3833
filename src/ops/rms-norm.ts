/**
 * Root-mean-square normalisation over the last axis (arXiv 1910.07467).
 */
import * as tf from '@tensorflow/tfjs-core';
import { usesKernels } from '../gpu/dispatch.ts';
import { rmsNormBackward, rmsNormForward } from '../kernels/rms-norm.ts';
import { differentiable } from './differentiable.ts';
import { sumRows } from './sum-rows.ts';

/**
 * `y = x / sqrt(mean(x^2) + eps) * gain`.
 *
 * @param x - `[N,C]`
 * @param gain - `[C]`
 * @param eps - added to the mean square
 * @returns `[N,C]`
 */
export function rmsNorm(x: tf.Tensor2D, gain: tf.Tensor1D, eps: number): tf.Tensor2D {
  return usesKernels() ? fused(x, gain, eps) : composite(x, gain, eps);
}

function fused(x: tf.Tensor2D, gain: tf.Tensor1D, eps: number): tf.Tensor2D {
  return differentiable<[tf.Tensor2D, tf.Tensor1D], tf.Tensor2D>({
    inputs: [x, gain],
    forward: (save) => {
      const { y, scale } = rmsNormForward(x, gain, eps);
      for (const tensor of [x, gain, scale]) save(tensor);
      return y;
    },
    backward: (dY, saved) => {
      const [savedX, savedGain, scale] = saved as [tf.Tensor2D, tf.Tensor1D, tf.Tensor1D];
      const { dX, dGain } = rmsNormBackward(dY, savedX, savedGain, scale);
      return [dX, dGain];
    },
  });
}

function composite(x: tf.Tensor2D, gain: tf.Tensor1D, eps: number): tf.Tensor2D {
  return differentiable<[tf.Tensor2D, tf.Tensor1D], tf.Tensor2D>({
    inputs: [x, gain],
    forward: (save) => {
      const scale = tf.rsqrt(tf.add(tf.mean(tf.square(x), -1, true), eps)); // [N,1]
      const xHat = tf.mul(x, scale); // [N,C]
      save(xHat);
      save(scale);
      save(gain);
      return tf.mul(xHat, gain);
    },
    backward: (dY, saved) => {
      const [xHat, scale, savedGain] = saved as [tf.Tensor2D, tf.Tensor2D, tf.Tensor1D];
      const dXHat = tf.mul(dY, savedGain); // [N,C]
      const along = tf.mean(tf.mul(dXHat, xHat), -1, true); // [N,1]
      return [tf.mul(scale, tf.sub(dXHat, tf.mul(xHat, along))), sumRows(tf.mul(dY, xHat))];
    },
  });
}
