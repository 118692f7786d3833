/**
 * The log-probability of given tokens: the quantity that SFT, GRPO and distillation losses are built from.
 */
import * as tf from '@tensorflow/tfjs-core';
import { usesKernels } from '../gpu/dispatch.ts';
import { tokenLogProbsBackward, tokenLogProbsForward } from '../kernels/token-scores.ts';
import { differentiable } from './differentiable.ts';

/**
 * `log softmax(logits)[n, targets[n]]`.
 *
 * @param logits - `[N,V]`
 * @param targets - N token ids in [0, V)
 * @returns `[N]`, in nats
 */
export function tokenLogProbs(logits: tf.Tensor2D, targets: Int32Array): tf.Tensor1D {
  return usesKernels() ? fused(logits, targets) : composite(logits, targets);
}

/**
 * The gradient with respect to the logits, recomputed from them. For backward passes that keep none; not differentiable
 * itself.
 *
 * @param dY - `[N]`
 * @returns `[N,V]`
 */
export function tokenLogProbsGradient(dY: tf.Tensor1D, logits: tf.Tensor2D, targets: Int32Array): tf.Tensor2D {
  return tf.tidy(() => {
    if (!usesKernels()) return compositeGradient(dY, tf.softmax(logits), targets);
    const ids = tf.tensor1d(targets, 'int32');
    return tokenLogProbsBackward(dY, logits, ids, tokenLogProbsForward(logits, ids));
  });
}

function fused(logits: tf.Tensor2D, targets: Int32Array): tf.Tensor1D {
  return differentiable<[tf.Tensor2D], tf.Tensor1D>({
    inputs: [logits],
    forward: (save) => {
      const ids = tf.tensor1d(targets, 'int32');
      const { scores, logZ } = tokenLogProbsForward(logits, ids);
      for (const tensor of [logits, ids, logZ]) save(tensor);
      return scores as tf.Tensor1D;
    },
    backward: (dY, saved) => {
      const [savedLogits, ids, logZ] = saved as [tf.Tensor2D, tf.Tensor1D, tf.Tensor1D];
      return [tokenLogProbsBackward(dY, savedLogits, ids, { logZ })];
    },
  });
}

/**
 * The log normaliser follows from the softmax, for which every backend has a kernel: at the largest logit
 * `max p = exp(max - log Z)`, so `log Z = max - log(max p)`, and max p is at least 1/V.
 */
function composite(logits: tf.Tensor2D, targets: Int32Array): tf.Tensor1D {
  const [N, V] = logits.shape;
  return differentiable<[tf.Tensor2D], tf.Tensor1D>({
    inputs: [logits],
    forward: (save) => {
      const p = tf.softmax(logits);
      save(p);
      const logZ = tf.sub(tf.max(logits, -1), tf.log(tf.max(p, -1))); // [N]
      const ofTarget = tf.gather(tf.reshape(logits, [N * V, 1]), tf.tensor1d(placesOf(targets, V), 'int32')); // [N,V] -> [N,1]
      return tf.sub<tf.Tensor1D>(tf.reshape(ofTarget, [N]), logZ);
    },
    backward: (dY, saved) => [compositeGradient(dY, saved[0] as tf.Tensor2D, targets)],
  });
}

/** `d/dz log softmax(z)[y] = onehot(y) - softmax(z)`. @param p - the softmax, `[N,V]` */
function compositeGradient(dY: tf.Tensor1D, p: tf.Tensor2D, targets: Int32Array): tf.Tensor2D {
  const [N, V] = p.shape;
  const ofTargets = tf.scatterND(tf.tensor2d(placesOf(targets, V), [N, 1], 'int32'), dY, [N * V]); // onehot(y) dY
  return tf.sub(tf.reshape(ofTargets, [N, V]), tf.mul(p, tf.reshape(dY, [N, 1])));
}

/** The flat indices of targets among the logits. */
function placesOf(targets: Int32Array, V: number): Int32Array {
  return targets.map((target, n) => n * V + target);
}
