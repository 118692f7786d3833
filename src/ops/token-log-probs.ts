/**
 * The log-probability of given tokens: the one quantity that SFT, GRPO and distillation losses are made of.
 */
import * as tf from '@tensorflow/tfjs-core';
import { differentiable } from './differentiable.ts';
import { oneHotRows } from './one-hot.ts';

/**
 * `log softmax(logits)[n, targets[n]]`.
 *
 * @param logits - `[N,V]`
 * @param targets - N token ids in [0, V)
 * @returns `[N]`, in nats
 */
export function tokenLogProbs(logits: tf.Tensor2D, targets: Int32Array): tf.Tensor1D {
  const [N, V] = logits.shape;
  return differentiable<[tf.Tensor2D], tf.Tensor1D>({
    inputs: [logits],
    forward: (save) => {
      const shifted = tf.sub(logits, tf.max(logits, -1, true)); // [N,V], for the exponent's range
      const exponentials = tf.exp(shifted);
      const total = tf.sum(exponentials, -1, true); // [N,1]
      save(tf.div(exponentials, total)); // softmax
      const ofTarget = tf.sum(tf.mul(shifted, oneHotRows(targets, V)), -1); // [N,V] -> [N]
      return tf.sub<tf.Tensor1D>(ofTarget, tf.log(tf.reshape(total, [N])));
    },
    // d/dz log softmax(z)[y] = onehot(y) - softmax(z)
    backward: (dY, saved) => [tf.mul(tf.sub(oneHotRows(targets, V), saved[0] as tf.Tensor2D), tf.reshape(dY, [N, 1]))],
  });
}
