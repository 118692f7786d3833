/**
 * Mode balance: the weights of the expert's samples (forward KL, which covers everything the expert does) and of
 * reinforcement (reverse KL to the rewarded policy, which seeks its best mode) in an update.
 *
 *     L = rl L_RL + expert L_SFT
 *
 * `rl` and `expert` are a function of the config, the step and the coefficient (lambda or mu), which a person may
 * change during the run. Each change is recorded with the first step it applies to, because resuming and forking need
 * it.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { BalanceConfig } from '../config/grpo-config.ts';
import { stopGradient } from '../ops/stop-gradient.ts';
import { sumAll } from '../ops/sums.ts';

/** The weights of the two losses in one step. */
export interface Balance {
  readonly rl: number;
  readonly expert: number;
  /** Lambda or mu; null under hpt, which has none. */
  readonly coefficient: number | null;
}

/** The coefficient is `value` from `step` on. */
export interface CoefficientMove {
  readonly step: number;
  readonly value: number;
}

/**
 * The weights at a step, counted from 0.
 *
 * @param coefficient - set by a person; replaces the schedule of the config
 * @param gatedShare - the share of prompts whose completions are all wrong; read by hpt
 */
export function balanceAt(
  config: BalanceConfig,
  step: number,
  coefficient: number | undefined,
  gatedShare: number,
): Balance {
  switch (config.kind) {
    case 'additive': {
      const lambda = coefficient ?? rampAt(step, config.lambda, config.finalLambda ?? config.lambda, config.rampSteps);
      return { rl: 1, expert: lambda, coefficient: lambda };
    }
    case 'srft': {
      // The factor exp(-H) is part of the expert loss, because H is known only there.
      const lambda = coefficient ?? config.lambda;
      return { rl: 1, expert: lambda, coefficient: lambda };
    }
    case 'convex':
      return convex(coefficient ?? config.mu);
    case 'chord':
      return convex(coefficient ?? chordMu(step, config));
    case 'hpt':
      return { rl: 1 - gatedShare, expert: gatedShare, coefficient: null };
    default:
      return config satisfies never;
  }
}

/** Mu rises linearly to its peak, falls along half a cosine to its valley and stays there. */
export function chordMu(
  step: number,
  { warmupSteps, decaySteps, peak, valley }: Extract<BalanceConfig, { kind: 'chord' }>,
): number {
  if (step < warmupSteps) return (peak * step) / warmupSteps;
  const progress = Math.min(1, (step - warmupSteps) / decaySteps);
  return valley + (peak - valley) * 0.5 * (1 + Math.cos(Math.PI * progress));
}

/** The moves so far, with one appended if the coefficient has changed. */
export function recordCoefficient(
  moves: readonly CoefficientMove[],
  step: number,
  coefficient: number | undefined,
): readonly CoefficientMove[] {
  if (coefficient === undefined || coefficient === moves.at(-1)?.value) return moves;
  return [...moves, { step, value: coefficient }];
}

/** Which groups are replaced by the expert under hpt: those without a right completion. */
export function gatedGroups(groups: readonly (readonly boolean[])[]): boolean[] {
  return groups.map((isRight) => !isRight.includes(true));
}

/** Scored tokens of expert completions; each tensor is `[M]`. Gradients flow through `logProbs`. */
export interface ExpertTokens {
  readonly logProbs: tf.Tensor1D;
  /** Computed on demand by srft. */
  readonly entropies: () => tf.Tensor1D;
  /** Sum to 1; 0 at tokens that are not counted. */
  readonly weights: tf.Tensor1D;
}

/** L_SFT of a config; chosen once, before the loop. */
export function expertLoss({ kind }: BalanceConfig): (tokens: ExpertTokens) => tf.Scalar {
  switch (kind) {
    case 'additive':
    case 'convex':
    case 'hpt':
      return meanNll;
    case 'chord':
      return phiWeightedNll;
    case 'srft':
      return certaintyWeightedNll;
    default:
      return kind satisfies never;
  }
}

/** The token-mean negative log-likelihood. */
function meanNll({ logProbs, weights }: ExpertTokens): tf.Scalar {
  return tf.neg(sumAll(tf.mul(weights, logProbs)));
}

/**
 * Each token weighted by phi = p (1 - p), which is small for tokens already learned and for tokens far out of reach.
 */
function phiWeightedNll({ logProbs, weights }: ExpertTokens): tf.Scalar {
  const p = stopGradient(tf.exp(logProbs));
  const phi = tf.mul(p, tf.sub(1, p));
  return tf.neg(sumAll(tf.mul(tf.mul(weights, phi), logProbs)));
}

/** The mean weighted by exp(-H), where H is the mean entropy on these tokens: uncertain policies learn less from it. */
function certaintyWeightedNll(tokens: ExpertTokens): tf.Scalar {
  const entropy = sumAll(tf.mul(tokens.weights, tokens.entropies()));
  return tf.mul(stopGradient(tf.exp(tf.neg(entropy))), meanNll(tokens));
}

function convex(mu: number): Balance {
  return { rl: 1 - mu, expert: mu, coefficient: mu };
}

function rampAt(step: number, from: number, to: number, steps: number): number {
  return from + (to - from) * Math.min(1, step / steps);
}
