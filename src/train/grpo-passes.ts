/**
 * The forward passes of one update, as terms of its loss.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { GrpoConfig } from '../config/grpo-config.ts';
import { type Example, makeTrainingBatch, type TrainingBatch } from '../data/batches.ts';
import type { Transformer } from '../model/transformer.ts';
import { type KlDirection, tokenKl } from '../ops/token-kl.ts';
import type { LossPass } from './gradients.ts';
import type { ExpertTokens } from './mode-balance.ts';
import { batchScores, scoresToRead, type PolicyBatch, policyTokens, scoredLogits } from './policy-batch.ts';
import { klEstimate, type PolicyLossValue, type PolicyTokens, weightedSum } from './policy-loss.ts';

/**
 * L_RL on a batch: the policy loss, plus beta KL to the reference where the config puts it on rollouts, minus the
 * entropy bonus. Also counts clipped tokens and, where the update scores its rollouts itself, returns the scores.
 */
export function policyPass(
  model: Transformer,
  { kl, entropyBonus, temperature }: Pick<GrpoConfig, 'kl' | 'entropyBonus' | 'temperature'>,
  loss: (tokens: PolicyTokens) => PolicyLossValue,
  batch: PolicyBatch,
): LossPass {
  const scores = batchScores(model, batch.batch, temperature);
  const tokens = policyTokens(batch, scores.logProbs);
  const { logProbs, refLogProbs, weights } = tokens;
  const { loss: policyTerm, clipped } = loss(tokens);
  let total = policyTerm;
  if ((kl.kind === 'k2' || kl.kind === 'k3') && kl.on === 'rollouts') {
    const divergence = klEstimate(kl.kind, logProbs, refLogProbs);
    total = tf.add(total, tf.mul(kl.beta, weightedSum(weights, divergence)));
  }
  if (entropyBonus > 0) {
    total = tf.sub(total, tf.mul(entropyBonus, weightedSum(weights, scores.entropies())));
  }
  return {
    loss: total,
    measure: weightedSum(tf.sign(weights), clipped),
    scores: isFirstLook(batch) ? scoresToRead({ ...scores, logProbs }) : undefined,
  };
}

function isFirstLook({ samples }: PolicyBatch): boolean {
  return samples.some(({ oldLogProbs }) => oldLogProbs === null);
}

/** L_SFT on expert samples, at temperature 1 because the model answers at that temperature. */
export function expertPass(
  model: Transformer,
  loss: (tokens: ExpertTokens) => tf.Scalar,
  examples: readonly Example[],
): LossPass {
  const batch = makeTrainingBatch(examples);
  return { loss: loss({ ...batchScores(model, batch), weights: meanWeights(batch) }) };
}

/** The reference of a KL term on the expert's tokens. */
export interface Anchor {
  readonly reference: Transformer;
  readonly direction: KlDirection;
  /** Of both policies. */
  readonly temperature: number;
}

/** The mean exact divergence from the reference on the expert's tokens. */
export function anchorPass(
  model: Transformer,
  { reference, direction, temperature }: Anchor,
  examples: readonly Example[],
): LossPass {
  const batch = makeTrainingBatch(examples);
  const tempered = (of: Transformer): tf.Tensor2D =>
    temperature === 1 ? scoredLogits(of, batch) : tf.div(scoredLogits(of, batch), temperature);
  const divergences = tokenKl(tempered(model), tempered(reference), direction);
  return { loss: weightedSum(meanWeights(batch), divergences) };
}

/** Weights that sum to 1 over the scored tokens. */
function meanWeights({ weights }: TrainingBatch): tf.Tensor1D {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return tf.tensor1d(weights.map((weight) => weight / total));
}
