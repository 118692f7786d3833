/**
 * Turns rewarded and scored rollouts into training samples: which groups take part, their advantages and the weights of
 * their tokens. Plain numbers throughout.
 */
import type { GrpoConfig } from '../config/grpo-config.ts';
import { isSilent, type SegmentAdvantages, segmentAdvantages, spreadOverTokens } from './advantages.ts';
import { gatedGroups } from './mode-balance.ts';
import type { PolicySample, TokenScores } from './policy-batch.ts';
import { type Rollout, segmentRewards } from './rollouts.ts';
import { tokenWeights } from './token-weights.ts';

/** A rollout with the scores of its tokens. */
export interface ScoredRollout {
  readonly rollout: Rollout;
  /** By the trainer before the updates of the step; null until the update scores them ({@link isUpdateFirstLook}). */
  readonly scores: TokenScores | null;
  /** By the frozen reference, where there is one. */
  readonly refLogProbs: readonly number[] | undefined;
}

/** policy: learned from by its advantages; expert: replaced by the expert's sample (hpt); left out: no signal. */
export type GroupUse = 'policy' | 'expert' | 'left out';

/** The rollouts of one prompt and their use. */
export interface Group {
  readonly members: readonly ScoredRollout[];
  /** One per member. */
  readonly advantages: readonly SegmentAdvantages[];
  readonly isSilent: boolean;
  readonly use: GroupUse;
}

/**
 * Whether the only update of a step can score its rollouts itself, which saves a pass before it: all rollouts are in
 * that update, and neither advantages nor weights depend on their log-probabilities.
 */
export function isUpdateFirstLook(config: GrpoConfig): boolean {
  const { innerEpochs, minibatches, kl, balance, dropSilentGroups, samplerCorrectionCap } = config;
  const isOneUpdate = innerEpochs * minibatches === 1;
  const isWhole = !dropSilentGroups && balance.kind !== 'hpt';
  return isOneUpdate && isWhole && kl.kind !== 'k1-reward' && samplerCorrectionCap === null;
}

/** The share of groups replaced by the expert's samples. */
export function gatedShare(groups: readonly Group[]): number {
  return groups.filter(({ use }) => use === 'expert').length / Math.max(1, groups.length);
}

/** Computes the advantages of groups and decides their use. */
export function judgeGroups(config: GrpoConfig, drawn: readonly (readonly ScoredRollout[])[]): Group[] {
  const rewards = drawn.map((group) =>
    group.map((member) => segmentRewards(member.rollout, k1Penalty(config, member))),
  );
  const advantages = segmentAdvantages(rewards, config.advantages);
  const silent = silentGroups(
    config,
    drawn.map((group) => group.map(({ rollout }) => rollout)),
  );
  const isRight = drawn.map((group) => group.map(({ rollout }) => rollout.isRight));
  const gated = config.balance.kind === 'hpt' ? gatedGroups(isRight) : [];
  let room = config.dropSilentGroups ? config.prompts : Infinity;
  return drawn.map((members, i) => {
    const isDropped = config.dropSilentGroups && (silent[i] === true || room === 0);
    const use: GroupUse = gated[i] === true ? 'expert' : isDropped ? 'left out' : 'policy';
    if (use === 'policy') room -= 1;
    return { members, advantages: advantages[i] ?? [], isSilent: silent[i] === true, use };
  });
}

/** Which groups have equal rewards in every segment; a KL penalty in the reward is not a signal by itself. */
export function silentGroups({ advantages }: GrpoConfig, groups: readonly (readonly Rollout[])[]): boolean[] {
  const rewards = groups.map((group) => group.map((rollout) => segmentRewards(rollout)));
  return segmentAdvantages(rewards, advantages).map(isSilent);
}

/** The groups of one optimizer update: every `minibatches`-th, beginning with number `part`. */
export function minibatchOf<T>(items: readonly T[], part: number, minibatches: number): T[] {
  return items.filter((_, i) => i % minibatches === part);
}

/** The samples of one optimizer update; their weights are averaged over exactly these. */
export function policySamples(config: GrpoConfig, groups: readonly Group[]): PolicySample[] {
  const { loss, averaging, maskTruncated, maxTokens, samplerCorrectionCap } = config;
  const members = groups.flatMap((group) =>
    group.members.map((member, i) => ({ member, advantages: group.advantages[i] ?? NO_ADVANTAGE })),
  );
  const completions = members.map(({ member: { rollout } }) => rollout.completion);
  const weights = tokenWeights(
    loss.kind,
    averaging,
    completions.map(({ ids, isComplete }) => ({ length: ids.length, isMasked: maskTruncated && !isComplete })),
    maxTokens,
  );
  return members.map(({ member: { rollout, scores, refLogProbs }, advantages }, i) => {
    const { ids, logProbs: sampled } = rollout.completion;
    const corrections = samplerCorrections(scores?.logProbs ?? [], sampled, samplerCorrectionCap);
    return {
      rollout,
      oldLogProbs: scores?.logProbs ?? null,
      refLogProbs: refLogProbs ?? ids.map(() => 0),
      advantages: spreadOverTokens(ids.length, rollout.steps, advantages),
      weights: (weights[i] ?? []).map((weight, t) => weight * (corrections[t] ?? 1)),
    };
  });
}

/** Truncated importance weights min(p_trainer / p_sampler, cap) per token; 1 without a cap. */
export function samplerCorrections(
  trainer: readonly number[],
  sampler: readonly number[],
  cap: number | null,
): number[] {
  return trainer.map((logProb, t) => (cap === null ? 1 : Math.min(Math.exp(logProb - (sampler[t] ?? logProb)), cap)));
}

const NO_ADVANTAGE: SegmentAdvantages = { label: 0, reasoning: 0, steps: [] };

/** beta k1 of the label token, and its sum over the reasoning tokens. */
function k1Penalty({ kl }: GrpoConfig, { scores, refLogProbs }: ScoredRollout): { label: number; reasoning: number } {
  if (kl.kind !== 'k1-reward' || scores === null || refLogProbs === undefined) return { label: 0, reasoning: 0 };
  const [label = 0, ...reasoning] = scores.logProbs.map(
    (logProb, t) => kl.beta * (logProb - (refLogProbs[t] ?? logProb)),
  );
  return { label, reasoning: reasoning.reduce((sum, value) => sum + value, 0) };
}
