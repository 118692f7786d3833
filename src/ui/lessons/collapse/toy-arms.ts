/**
 * The smallest policy that collapses: one choice among four arms that pay the same, learned by group-relative updates.
 * Nothing favours any arm, and still a policy ends with one of them, because what was drawn by chance is learned, and
 * what is not drawn cannot be. A share of prompts on which only the last arm pays, an expert loss, or a leash to the
 * start holds against that.
 */
import { Rng } from '../../../common/rng.ts';
import { entropyNats } from '../../../common/tilted-policy.ts';

/** How often the start takes each arm. */
export const ARM_START: readonly number[] = [0.4, 0.3, 0.2, 0.1];
/** How often a choice that pays at all is paid: the chance that makes one completion of a group better than another. */
const PAY_RATE = 0.5;
/** Updates of one run, each from the completions of one prompt. */
export const UPDATES = 250;
const LEARNING_RATE = 1;
/** An arm is lost where the policy takes it less often. */
export const LOST_BELOW = 0.02;

/** What the sliders set. */
export interface ToySettings {
  /** G, completions of one prompt. */
  readonly groupSize: number;
  /** The share of prompts on which only the last arm pays. */
  readonly promptShare: number;
  /** Weight of the expert loss; the expert takes all arms as often as the start does. */
  readonly lambda: number;
  /** Weight of the reverse divergence from the start. */
  readonly beta: number;
}

/** Many runs that differ by their random numbers alone. */
export interface ToyRuns {
  /** Of each run, how often the policy takes each arm in the end. */
  readonly policies: readonly (readonly number[])[];
  /** Arms that are left, on average: exp of the entropy. */
  readonly meanArms: number;
  /** Of all runs, those that have lost at least one arm, and those that have lost the last one. */
  readonly withLoss: number;
  readonly withoutLast: number;
}

/** Runs the toy. The same settings and seed give the same runs. */
export function runToy(settings: ToySettings, runs = 100, seed = 1): ToyRuns {
  const policies = Array.from({ length: runs }, (_, run) => toyRun(settings, new Rng(`toy ${seed} ${run}`)));
  const last = ARM_START.length - 1;
  return {
    policies,
    meanArms: policies.reduce((sum, policy) => sum + Math.exp(entropyNats(policy)), 0) / runs,
    withLoss: policies.filter((policy) => policy.some((share) => share < LOST_BELOW)).length,
    withoutLast: policies.filter((policy) => (policy[last] ?? 0) < LOST_BELOW).length,
  };
}

function toyRun({ groupSize, promptShare, lambda, beta }: ToySettings, rng: Rng): number[] {
  const logits = ARM_START.map(Math.log);
  const last = logits.length - 1;
  for (let update = 0; update < UPDATES; update++) {
    const policy = softmax(logits);
    const push = logits.map(() => 0);
    const isRare = rng.chance(promptShare);
    const drawn = Array.from({ length: groupSize }, () => drawArm(policy, rng));
    const rewards = drawn.map((arm) => ((!isRare || arm === last) && rng.chance(PAY_RATE) ? 1 : 0));
    for (const [i, advantage] of groupAdvantages(rewards).entries()) {
      // d log p(arm) / d logit_k = [k = arm] - p_k
      for (const [k, share] of policy.entries()) {
        push[k] = (push[k] ?? 0) + (advantage * ((k === drawn[i] ? 1 : 0) - share)) / groupSize;
      }
    }
    const gap = policy.map((share, k) => Math.log(share / (ARM_START[k] ?? 1)));
    const divergence = policy.reduce((sum, share, k) => sum + share * (gap[k] ?? 0), 0);
    for (const [k, share] of policy.entries()) {
      const expert = lambda * ((ARM_START[k] ?? 0) - share);
      const leash = -beta * share * ((gap[k] ?? 0) - divergence);
      logits[k] = (logits[k] ?? 0) + LEARNING_RATE * ((push[k] ?? 0) + expert + leash);
    }
  }
  return softmax(logits);
}

/** (r - mean) / standard deviation; all 0 where all are paid the same. */
export function groupAdvantages(rewards: readonly number[]): number[] {
  const mean = rewards.reduce((sum, reward) => sum + reward, 0) / rewards.length;
  const variance = rewards.reduce((sum, reward) => sum + (reward - mean) ** 2, 0) / rewards.length;
  return rewards.map((reward) => (variance === 0 ? 0 : (reward - mean) / Math.sqrt(variance)));
}

function softmax(logits: readonly number[]): number[] {
  const highest = Math.max(...logits);
  const powers = logits.map((logit) => Math.exp(logit - highest));
  const sum = powers.reduce((total, power) => total + power, 0);
  // Never quite 0, so that logarithms are finite.
  return powers.map((power) => Math.max(power / sum, 1e-12));
}

function drawArm(policy: readonly number[], rng: Rng): number {
  let left = rng.next();
  for (const [arm, share] of policy.entries()) {
    left -= share;
    if (left < 0) return arm;
  }
  return policy.length - 1;
}
