/**
 * Mode balance: how much of an update comes from the expert's samples (forward KL, covers all the expert does) and how
 * much from reinforcement (reverse KL to the rewarded policy, seeks its best mode).
 *
 *     L = rl L_RL + expert L_SFT
 *
 * The two coefficients are a function of the config, the step and a dial that a person may move while the run goes on.
 * Each move is recorded with the step from which it holds, so that a run can be resumed, forked and told afterwards.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { BalanceConfig } from '../config/grpo-config.ts';
import { stopGradient } from '../ops/stop-gradient.ts';
import { sumAll } from '../ops/sums.ts';

/** The coefficients of one step. */
export interface Balance {
  readonly rl: number;
  readonly expert: number;
  /** Lambda or mu: the number that the dial shows; null where there is none. */
  readonly dial: number | null;
}

/** From `step` on, the dial stands at `value`. */
export interface DialMove {
  readonly step: number;
  readonly value: number;
}

/**
 * The coefficients at a step, counted from 0.
 *
 * @param dial - where a person put it, in place of the config's own schedule
 * @param gatedShare - the share of prompts whose completions are all wrong; read by hpt
 */
export function balanceAt(config: BalanceConfig, step: number, dial: number | undefined, gatedShare: number): Balance {
  switch (config.kind) {
    case 'additive': {
      const lambda = dial ?? rampAt(step, config.lambda, config.finalLambda ?? config.lambda, config.rampSteps);
      return { rl: 1, expert: lambda, dial: lambda };
    }
    case 'srft': {
      // exp(-H) is in the expert loss: it is known only where that is computed.
      const lambda = dial ?? config.lambda;
      return { rl: 1, expert: lambda, dial: lambda };
    }
    case 'convex':
      return convex(dial ?? config.mu);
    case 'chord':
      return convex(dial ?? chordMu(step, config));
    case 'hpt':
      return { rl: 1 - gatedShare, expert: gatedShare, dial: null };
    default:
      return config satisfies never;
  }
}

/** Mu rises in a straight line to its peak, falls along half a cosine to its valley and stays there. */
export function chordMu(
  step: number,
  { warmupSteps, decaySteps, peak, valley }: Extract<BalanceConfig, { kind: 'chord' }>,
): number {
  if (step < warmupSteps) return (peak * step) / warmupSteps;
  const progress = Math.min(1, (step - warmupSteps) / decaySteps);
  return valley + (peak - valley) * 0.5 * (1 + Math.cos(Math.PI * progress));
}

/** The moves with the present position of the dial taken in, if that is a new one. */
export function recordDial(moves: readonly DialMove[], step: number, dial: number | undefined): readonly DialMove[] {
  if (dial === undefined || dial === moves.at(-1)?.value) return moves;
  return [...moves, { step, value: dial }];
}

/** Which groups hand over to the expert under hpt: those in which no completion is right. */
export function gatedGroups(groups: readonly (readonly boolean[])[]): boolean[] {
  return groups.map((isRight) => !isRight.includes(true));
}

/** Scored tokens of expert completions; each tensor is `[M]`. Gradients flow through `logProbs`. */
export interface ExpertTokens {
  readonly logProbs: tf.Tensor1D;
  /** Computed if asked for; read by srft. */
  readonly entropies: () => tf.Tensor1D;
  /** Sum to 1; 0 at tokens that do not count. */
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

/** Each token weighed by phi = p (1 - p): what is learned already and what is far out of reach pull less. */
function phiWeightedNll({ logProbs, weights }: ExpertTokens): tf.Scalar {
  const p = stopGradient(tf.exp(logProbs));
  const phi = tf.mul(p, tf.sub(1, p));
  return tf.neg(sumAll(tf.mul(tf.mul(weights, phi), logProbs)));
}

/** The whole weighed by exp(-H), H the mean entropy on these tokens: an undecided policy is pulled less. */
function certaintyWeightedNll(tokens: ExpertTokens): tf.Scalar {
  const entropy = sumAll(tf.mul(tokens.weights, tokens.entropies()));
  return tf.mul(stopGradient(tf.exp(tf.neg(entropy))), meanNll(tokens));
}

function convex(mu: number): Balance {
  return { rl: 1 - mu, expert: mu, dial: mu };
}

function rampAt(step: number, from: number, to: number, steps: number): number {
  return from + (to - from) * Math.min(1, step / steps);
}
