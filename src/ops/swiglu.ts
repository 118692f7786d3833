/**
 * The gate of the feed-forward block (arXiv 2002.05202).
 */
import * as tf from '@tensorflow/tfjs-core';
import type { TrainingPrecision } from '../config/sft-config.ts';
import { usesKernels } from '../gpu/dispatch.ts';
import { swiGluBackward, swiGluForward } from '../kernels/swiglu.ts';
import { differentiable } from './differentiable.ts';
import { ofShape, rounded, tensorOf } from './halves.ts';

/**
 * `silu(gate) * up` with `silu(z) = z sigmoid(z)`.
 *
 * @param gate - `[N,F]`
 * @param up - `[N,F]`
 * @param precision - of training; in mixed precision only halves of gate and up are kept for the backward pass
 * @returns `[N,F]`
 */
export function swiGlu(gate: tf.Tensor2D, up: tf.Tensor2D, precision: TrainingPrecision = 'f32'): tf.Tensor2D {
  const kept = (x: tf.Tensor2D): tf.Tensor => (precision === 'mixed' ? tensorOf(rounded(x)) : x);
  return differentiable<[tf.Tensor2D, tf.Tensor2D], tf.Tensor2D>({
    inputs: [gate, up],
    forward: (save) => {
      save(kept(gate));
      save(kept(up));
      return usesKernels() ? swiGluForward(gate, up) : tf.mul(tf.mul(gate, tf.sigmoid(gate)), up);
    },
    backward: (dY, saved) => {
      const [savedGate, savedUp] = saved as [tf.Tensor2D, tf.Tensor2D];
      if (usesKernels()) {
        const { dGate, dUp } = swiGluBackward(dY, ofShape(savedGate, dY.shape), ofShape(savedUp, dY.shape));
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
