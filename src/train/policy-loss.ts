/**
 * The losses of reinforcement learning, as pure functions of the log-probabilities of sampled tokens.
 *
 * With rho = p / p_old the surrogate of a token is min(rho A, clip(rho, 1 - low, 1 + high) A) (PPO, arXiv 1707.06347).
 * Its gradient vanishes once the policy has moved far enough in the direction of the advantage. The weights
 * (token-weights.ts) define how tokens are averaged.
 *
 * The estimators of the divergence from a reference, with d = log p - log p_ref at a sampled token, are
 *
 *     k1 = d        k2 = d^2 / 2        k3 = exp(-d) + d - 1
 *
 * All three estimate KL(p || p_ref), k2 with a bias, but their gradients as *losses* on samples of p differ: the
 * gradient of k3 is that of the forward KL(p_ref || p), that of k2 is the gradient of the reverse KL(p || p_ref), and
 * that of k1 has mean 0. So k2 and k3 serve as losses, and k1 is only subtracted from a reward. A unit test checks this
 * by exact enumeration.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { PolicyLossConfig } from '../config/grpo-config.ts';
import { differentiable } from '../ops/differentiable.ts';
import { sumAll } from '../ops/sums.ts';

/** M sampled tokens; each tensor is `[M]`. Gradients flow through `logProbs` only. */
export interface PolicyTokens {
  readonly logProbs: tf.Tensor1D;
  /** By the policy that the tokens count as drawn from: the trainer's before the updates of this step. */
  readonly oldLogProbs: tf.Tensor1D;
  readonly advantages: tf.Tensor1D;
  /** From token-weights.ts; 0 at tokens that are not counted. */
  readonly weights: tf.Tensor1D;
  /** `[n,M]`: row i is 1 at the tokens of completion i. Computed on demand by gspo. */
  readonly membership: () => tf.Tensor2D;
}

/** A policy loss and which of its tokens were clipped (1) or not (0), `[M]`. */
export interface PolicyLossValue {
  readonly loss: tf.Scalar;
  readonly clipped: tf.Tensor1D;
}

/** The policy loss of a config; chosen once, before the loop. */
export function policyLoss({ kind, clipLow, clipHigh }: PolicyLossConfig): (tokens: PolicyTokens) => PolicyLossValue {
  const ratioOf = kind === 'gspo' ? sequenceRatio : tokenRatio;
  return (tokens) => {
    const { advantages, weights } = tokens;
    const ratio = ratioOf(tokens);
    const free = tf.mul(ratio, advantages);
    const held = tf.mul(tf.clipByValue(ratio, 1 - clipLow, 1 + clipHigh), advantages);
    const surrogate = tf.minimum(free, held);
    return {
      loss: tf.neg(sumAll(tf.mul(weights, surrogate))),
      clipped: tf.cast(tf.less<tf.Tensor1D>(held, free), 'float32'),
    };
  };
}

/** rho of each token, `[M]`. */
function tokenRatio({ logProbs, oldLogProbs }: PolicyTokens): tf.Tensor1D {
  return tf.exp(tf.sub<tf.Tensor1D>(logProbs, oldLogProbs));
}

/**
 * The ratio of each token's completion, s_i = exp(mean_t log rho), `[M]` (arXiv 2507.18071). The gradient is that of
 * GSPO-token: a token moves its own log-probability by s_i. For equal advantages within a completion this is the
 * gradient of s_i itself, and it allows segments to have different advantages.
 */
function sequenceRatio({ logProbs, oldLogProbs, membership }: PolicyTokens): tf.Tensor1D {
  return differentiable<[tf.Tensor1D], tf.Tensor1D>({
    inputs: [logProbs],
    forward: (save) => {
      const M = logProbs.shape[0];
      const members = membership();
      const gaps: tf.Tensor2D = tf.reshape(tf.sub(logProbs, oldLogProbs), [M, 1]);
      const lengths = tf.maximum(tf.sum(members, 1, true), 1); // [n,1]
      const means = tf.div(tf.matMul(members, gaps), lengths); // [n,M] @ [M,1] -> [n,1]
      const ofToken = tf.matMul(tf.reshape(tf.exp(means), [1, -1]), members); // [1,n] @ [n,M] -> [1,M]
      const ratio: tf.Tensor1D = tf.reshape(ofToken, [M]);
      save(ratio);
      return ratio;
    },
    backward: (dY, [ratio]) => [tf.mul(dY, ratio as tf.Tensor1D)],
  });
}

/**
 * The estimator of the divergence from a reference at each sampled token, `[M]`, in nats.
 *
 * @param logProbs - `[M]`, of the policy
 * @param refLogProbs - `[M]`, of the frozen reference
 */
export function klEstimate(kind: 'k1' | 'k2' | 'k3', logProbs: tf.Tensor1D, refLogProbs: tf.Tensor1D): tf.Tensor1D {
  const gap: tf.Tensor1D = tf.sub(logProbs, refLogProbs);
  switch (kind) {
    case 'k1':
      return gap;
    case 'k2':
      return tf.mul(0.5, tf.square(gap));
    case 'k3':
      return tf.sub(tf.add(tf.exp(tf.neg(gap)), gap), 1);
    default:
      return kind satisfies never;
  }
}

/** The weighted sum of a quantity over tokens, as a loss term. */
export function weightedSum(weights: tf.Tensor1D, values: tf.Tensor1D): tf.Scalar {
  return sumAll(tf.mul(weights, values));
}
