/**
 * Normalisation over the last axis (arXiv 1607.06450), and the GELU (arXiv 1606.08415) in its exact form; for
 * inference, without gradients of their own.
 */
import * as tf from '@tensorflow/tfjs-core';

/**
 * `y = (x - mean) / sqrt(variance + eps) * gain + bias`.
 *
 * @param x - `[N,C]`
 * @param gain - `[C]`
 * @param bias - `[C]`
 * @returns `[N,C]`
 */
export function layerNorm(x: tf.Tensor2D, gain: tf.Tensor1D, bias: tf.Tensor1D, eps: number): tf.Tensor2D {
  return tf.tidy(() => {
    const centred = tf.sub<tf.Tensor2D>(x, tf.mean(x, -1, true)); // [N,C]
    const scale = tf.rsqrt(tf.add(tf.mean(tf.square(centred), -1, true), eps)); // [N,1]
    return tf.add<tf.Tensor2D>(tf.mul(tf.mul(centred, scale), gain), bias);
  });
}

/** `x * P(Z <= x)` of a standard normal Z, element by element. */
export function gelu(x: tf.Tensor2D): tf.Tensor2D {
  return tf.tidy(() => tf.mul<tf.Tensor2D>(tf.mul(x, 0.5), tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1)));
}
