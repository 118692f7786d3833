/**
 * The gate of the feed-forward block (arXiv 2002.05202).
 */
import * as tf from '@tensorflow/tfjs-core';
import { usesKernels } from '../gpu/dispatch.ts';
import { swiGluBackward, swiGluForward } from '../kernels/swiglu.ts';
import { differentiable } from './differentiable.ts';

/**
 * `silu(gate) * up` with `silu(z) = z sigmoid(z)`.
 *
 * @param gate - `[N,F]`
 * @param up - `[N,F]`
 * @returns `[N,F]`
 */
export function swiGlu(gate: tf.Tensor2D, up: tf.Tensor2D): tf.Tensor2D {
  return differentiable<[tf.Tensor2D, tf.Tensor2D], tf.Tensor2D>({
    inputs: [gate, up],
    forward: (save) => {
      save(gate);
      save(up);
      return usesKernels() ? swiGluForward(gate, up) : tf.mul(tf.mul(gate, tf.sigmoid(gate)), up);
    },
    backward: (dY, saved) => {
      const [savedGate, savedUp] = saved as [tf.Tensor2D, tf.Tensor2D];
      if (usesKernels()) {
        const { dGate, dUp } = swiGluBackward(dY, savedGate, savedUp);
        return [dGate, dUp];
      }
      const sigma = tf.sigmoid(savedGate);
      const silu = tf.mul(savedGate, sigma);
      // silu'(z) = sigma + silu (1 - sigma)
      const slope = tf.add(sigma, tf.mul(silu, tf.sub(1, sigma)));
      return [tf.mul(tf.mul(dY, savedUp), slope), tf.mul(dY, silu)];
    },
  });
}
