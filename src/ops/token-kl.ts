/**
 * The exact Kullback-Leibler divergence between two models at each token, over the whole vocabulary.
 */
import * as tf from '@tensorflow/tfjs-core';
import { differentiable } from './differentiable.ts';
import { sumEachRow } from './sums.ts';
import { distribution } from './token-entropies.ts';

/**
 * forward: KL(reference || model), which covers the reference; reverse: KL(model || reference), which seeks its modes.
 */
export type KlDirection = 'forward' | 'reverse';

/**
 * The divergence at each row. Gradients flow into `logits` only.
 *
 * @param logits - `[N,V]`, of the trained model
 * @param reference - `[N,V]`, logits of the frozen model
 * @returns `[N]`, in nats
 */
export function tokenKl(logits: tf.Tensor2D, reference: tf.Tensor2D, direction: KlDirection): tf.Tensor1D {
  const [N] = logits.shape;
  return differentiable<[tf.Tensor2D], tf.Tensor1D>({
    inputs: [logits],
    forward: (save) => {
      const { logP, p } = distribution(logits);
      const { logP: logQ, p: q } = distribution(reference);
      const gap = tf.sub(logP, logQ); // [N,V]
      const kl = sumEachRow(direction === 'forward' ? tf.mul(q, tf.neg(gap)) : tf.mul(p, gap)); // [N,V] -> [N]
      for (const tensor of direction === 'forward' ? [p, q] : [p, gap, kl]) save(tensor);
      return kl;
    },
    backward: (dY, saved) => {
      const rows = tf.reshape(dY, [N, 1]);
      const [p] = saved as [tf.Tensor2D];
      // d/dz KL(q || p) = p - q
      if (direction === 'forward') return [tf.mul(tf.sub(p, saved[1] as tf.Tensor2D), rows)];
      // d/dz KL(p || q) = p (log p - log q - KL)
      const [, gap, kl] = saved as [tf.Tensor2D, tf.Tensor2D, tf.Tensor1D];
      return [tf.mul(tf.mul(p, tf.sub(gap, tf.reshape(kl, [N, 1]))), rows)];
    },
  });
}
