/**
 * The scores of a policy's tokens: their log-probabilities and the entropy at each. Reinforcement learning needs both,
 * and a kernel computes both in one pass over the logits, forward and backward; elsewhere they are two ops.
 */
import * as tf from '@tensorflow/tfjs-core';
import { usesKernels } from '../gpu/dispatch.ts';
import { tokenScoresBackward, tokenScoresForward } from '../kernels/token-scores.ts';
import { differentiable } from './differentiable.ts';
import { tokenEntropies, tokenEntropiesGradient } from './token-entropies.ts';
import { tokenLogProbs, tokenLogProbsGradient } from './token-log-probs.ts';

/** For N tokens, in nats; both are differentiable. */
export interface TokenScores {
  /** `log softmax(logits)[n, targets[n]]`, `[N]` */
  readonly logProbs: tf.Tensor1D;
  /** Of the whole distribution at each token, `[N]`. Computed on demand where it costs a separate pass. */
  readonly entropies: () => tf.Tensor1D;
}

/**
 * The scores of tokens.
 *
 * @param logits - `[N,V]`
 * @param targets - N token ids in [0, V)
 */
export function tokenScores(logits: tf.Tensor2D, targets: Int32Array): TokenScores {
  if (usesKernels()) return splitScores(fused(logits, targets));
  return { logProbs: tokenLogProbs(logits, targets), entropies: () => tokenEntropies(logits) };
}

/** Splits log-probabilities and entropies in one tensor, `[2,N]`. */
export function splitScores(joined: tf.Tensor2D): TokenScores {
  const [logProbs, entropies] = tf.unstack(joined) as [tf.Tensor1D, tf.Tensor1D]; // [2,N] -> twice [N]
  return { logProbs, entropies: () => entropies };
}

/** Log-probabilities and entropies in one tensor, `[2,N]`. For forward passes of other ops. */
export function joinedScores(logits: tf.Tensor2D, targets: Int32Array): tf.Tensor2D {
  return tf.tidy(() => {
    if (usesKernels()) return tokenScoresForward(logits, tf.tensor1d(targets, 'int32')).scores as tf.Tensor2D;
    return tf.stack([tokenLogProbs(logits, targets), tokenEntropies(logits)]) as tf.Tensor2D; // twice [N] -> [2,N]
  });
}

/**
 * The gradient with respect to the logits, recomputed from them. For backward passes that keep none; not differentiable
 * itself.
 *
 * @param dY - `[2,N]`
 * @returns `[N,V]`
 */
export function joinedScoresGradient(dY: tf.Tensor2D, logits: tf.Tensor2D, targets: Int32Array): tf.Tensor2D {
  return tf.tidy(() => {
    if (usesKernels()) {
      const ids = tf.tensor1d(targets, 'int32');
      return tokenScoresBackward(dY, logits, ids, tokenScoresForward(logits, ids));
    }
    const [ofLogProbs, ofEntropies] = tf.unstack(dY) as [tf.Tensor1D, tf.Tensor1D];
    return tf.add(tokenLogProbsGradient(ofLogProbs, logits, targets), tokenEntropiesGradient(ofEntropies, logits));
  });
}

function fused(logits: tf.Tensor2D, targets: Int32Array): tf.Tensor2D {
  return differentiable<[tf.Tensor2D], tf.Tensor2D>({
    inputs: [logits],
    forward: (save) => {
      const ids = tf.tensor1d(targets, 'int32');
      const { scores, logZ } = tokenScoresForward(logits, ids);
      for (const tensor of [logits, ids, logZ, scores]) save(tensor);
      return scores as tf.Tensor2D;
    },
    backward: (dY, saved) => {
      const [savedLogits, ids, logZ, scores] = saved as [tf.Tensor2D, tf.Tensor1D, tf.Tensor1D, tf.Tensor2D];
      return [tokenScoresBackward(dY, savedLogits, ids, { logZ, scores })];
    },
  });
}
