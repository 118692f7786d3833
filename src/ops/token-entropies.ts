/**
 * The uncertainty of a model at each token: the entropy of its next-token distribution.
 */
import * as tf from '@tensorflow/tfjs-core';
import { differentiable } from './differentiable.ts';
import { sumEachRow } from './sums.ts';

/**
 * `H(softmax(logits)[n]) = -sum_v p_v log p_v`.
 *
 * @param logits - `[N,V]`
 * @returns `[N]`, in nats
 */
export function tokenEntropies(logits: tf.Tensor2D): tf.Tensor1D {
  return differentiable<[tf.Tensor2D], tf.Tensor1D>({
    inputs: [logits],
    forward: (save) => {
      const { logP, p } = distribution(logits);
      const entropies = tf.neg(sumEachRow(tf.mul(p, logP))); // [N,V] -> [N]
      for (const tensor of [p, logP, entropies]) save(tensor);
      return entropies;
    },
    backward: (dY, saved) => {
      const [p, logP, entropies] = saved as [tf.Tensor2D, tf.Tensor2D, tf.Tensor1D];
      return [slopes(dY, p, logP, entropies)];
    },
  });
}

/**
 * The gradient with respect to the logits, recomputed from them. For backward passes that keep none; not differentiable
 * itself.
 *
 * @param dY - `[N]`
 * @returns `[N,V]`
 */
export function tokenEntropiesGradient(dY: tf.Tensor1D, logits: tf.Tensor2D): tf.Tensor2D {
  return tf.tidy(() => {
    const { logP, p } = distribution(logits);
    return slopes(dY, p, logP, tf.neg(sumEachRow(tf.mul(p, logP))));
  });
}

/** `dH/dz = -p (log p + H)`, multiplied by dY, `[N,V]`. */
function slopes(dY: tf.Tensor1D, p: tf.Tensor2D, logP: tf.Tensor2D, entropies: tf.Tensor1D): tf.Tensor2D {
  const [N] = p.shape;
  const slope = tf.neg(tf.mul(p, tf.add(logP, tf.reshape(entropies, [N, 1]))));
  return tf.mul(slope, tf.reshape(dY, [N, 1]));
}

/** Log-softmax and softmax over the last axis, `[N,V]` each. Not differentiable itself; used inside ops. */
export function distribution(logits: tf.Tensor2D): { logP: tf.Tensor2D; p: tf.Tensor2D } {
  const [N] = logits.shape;
  const shifted: tf.Tensor2D = tf.sub(logits, tf.max(logits, -1, true)); // prevents overflow
  const logP: tf.Tensor2D = tf.sub(shifted, tf.log(tf.reshape(sumEachRow(tf.exp(shifted)), [N, 1])));
  return { logP, p: tf.exp(logP) };
}
