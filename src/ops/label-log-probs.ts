/**
 * The log-probabilities of a few given tokens, the same for all rows, so that only R of V numbers per row are read
 * back. Without a gradient.
 */
import * as tf from '@tensorflow/tfjs-core';
import { usesKernels } from '../gpu/dispatch.ts';
import { labelLogProbsForward } from '../kernels/token-scores.ts';
import { tokenLogProbs } from './token-log-probs.ts';

/**
 * `log softmax(logits)[m, ids[r]]`.
 *
 * @param logits - `[M,V]`
 * @param ids - R token ids in [0, V)
 * @returns `[M,R]`, in nats
 */
export function labelLogProbs(logits: tf.Tensor2D, ids: readonly number[]): tf.Tensor2D {
  if (!usesKernels()) return composite(logits, ids);
  return tf.tidy(() => labelLogProbsForward(logits, tf.tensor1d([...ids], 'int32')));
}

function composite(logits: tf.Tensor2D, ids: readonly number[]): tf.Tensor2D {
  const [M] = logits.shape;
  const ofLabels = tf.gather(logits, tf.tensor1d([...ids], 'int32'), 1); // [M,V] -> [M,R]
  // In a row all labels differ from their log-probabilities by the same log Z.
  const ofFirst = tf.reshape(tokenLogProbs(logits, new Int32Array(M).fill(ids[0] ?? 0)), [M, 1]); // [M] -> [M,1]
  return tf.add(ofLabels, tf.sub(ofFirst, tf.slice(ofLabels, [0, 0], [M, 1])));
}
