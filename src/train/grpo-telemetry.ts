/**
 * The record of each GRPO step: enough to see a collapse coming and to find its cause.
 *
 * Rollout statistics cover all rollouts that were drawn, including those not learned from, so that runs with and
 * without dynamic sampling are comparable.
 */
import type { LossScale } from '../optim/loss-scale.ts';
import { distinctRulesCited, invalidFormatRate, ruleCitations } from '../relevance/metrics/metrics-reasoning.ts';
import type { ExplainedReward } from '../relevance/rules/reward.ts';
import { spreadOverTokens, zeroVarianceShare } from './advantages.ts';
import type { Stage } from './curriculum.ts';
import { gatedShare, type Group, type ScoredRollout } from './groups.ts';
import type { OneUpdate } from './grpo-update.ts';
import type { Balance } from './mode-balance.ts';
import { type RlTask, segmentRewards } from './rollouts.ts';

/** Token counts since the run began, including the time before a resume. */
export interface TokenCounts {
  /** Sampled. */
  readonly generated: number;
  /** Input tokens of rollouts that updates learned from, counted once per pass. */
  readonly learned: number;
  /** Input tokens of expert samples. */
  readonly expert: number;
}

/** Statistics of the rollouts of a step. */
export interface RolloutReport {
  /** Means over rollouts, in [0, 1]; `label` and `reasoning` before weighting into `total`. */
  readonly reward: { readonly total: number; readonly label: number; readonly reasoning: number };
  /** Rollouts that follow the grammar and answer with the gold label. */
  readonly rightShare: number;
  /** Mean entropies of the policy at label tokens and at reasoning tokens, in nats. */
  readonly entropy: { readonly labelNats: number; readonly reasoningNats: number };
  /** Mean k3 per token to the reference; null without one. */
  readonly klNats: number | null;
  /** The largest |delta log p| of a token between sampler and trainer. */
  readonly samplerGapNats: number;
  readonly length: { readonly mean: number; readonly max: number; readonly truncatedShare: number };
  readonly invalidShare: number;
  /** The share of rollouts with each label; they sum to less than 1 where rollouts have no label. */
  readonly labelShares: readonly number[];
  /** By rule index, one entry per rule of the instruction. */
  readonly rules: {
    /** Citations in rollouts. */
    readonly cited: readonly number[];
    /** Drawn prompts whose gold cites the rule. */
    readonly gold: readonly number[];
    /** Mean advantage of the steps that cite the rule; null where none does. */
    readonly meanAdvantage: readonly (number | null)[];
  };
  readonly distinctRules: number;
  /** Recall of gold rules in these rollouts; null where no gold trace cites such a rule. */
  readonly recall: { readonly head: number | null; readonly tail: number | null };
  readonly groups: {
    readonly drawn: number;
    /** Learned from by their advantages. */
    readonly used: number;
    /** Groups of equal total rewards. */
    readonly zeroVarianceShare: number;
    /** Groups in which no token has an advantage. */
    readonly silentShare: number;
    /** Groups replaced by the expert's sample (hpt). */
    readonly gatedShare: number;
  };
}

/** Statistics of the updates of a step, as means; null where a step has no such term. */
export interface UpdateReport {
  readonly loss: { readonly policy: number | null; readonly expert: number | null };
  /** Mean exact KL on the expert's tokens in nats, where the config asks for it. */
  readonly expertKlNats: number | null;
  /** Clipped tokens of all tokens learned from. */
  readonly clipFraction: number;
  readonly gradient: {
    /** Of the whole, before clipping. */
    readonly norm: number | null;
    /** Norms of L_RL and of L_SFT and the cosine between them, in the first update of the step. */
    readonly policyNorm: number | null;
    readonly expertNorm: number | null;
    readonly cosine: number | null;
    /** The norm of the whole for each weight by its name, in the first update; null where it is not finite. */
    readonly byWeight: Readonly<Record<string, number>> | null;
  };
  /** Of the last update. */
  readonly learningRate: number;
  /** In mixed precision, after the last update. */
  readonly lossScale?: LossScale | undefined;
}

/** The record of one step. */
export interface GrpoStep extends RolloutReport, UpdateReport {
  /** Steps made, counting this one. */
  readonly step: number;
  /** The stage of the curriculum that the prompts came from; null in random order. */
  readonly stage: Stage | null;
  readonly balance: Balance;
  /** What each module gave in some rollouts of the step, by the weights before it (activations.ts); null if not finite. */
  readonly activations: Readonly<Record<string, number>> | null;
  readonly tokens: TokenCounts;
  readonly times: { readonly rolloutMs: number; readonly scoreMs: number; readonly updateMs: number };
  /** Tokens sampled and learned from in this step, per second. */
  readonly tokensPerSec: number;
}

/** One kept completion, token by token. */
export interface KeptCompletion {
  readonly ids: readonly number[];
  readonly reward: ExplainedReward;
  /** One per token. */
  readonly advantages: readonly number[];
  /** p after the updates of the step / p before them, one per token. */
  readonly ratios: readonly number[];
}

/** A recorded group: a prompt of the task and all its completions. */
export interface KeptGroup {
  readonly prompt: number;
  readonly completions: readonly KeptCompletion[];
}

/** Summarises the rollouts of a step after they have been scored. */
export function reportRollouts(task: RlTask, groups: readonly Group[]): RolloutReport {
  const members = groups.flatMap((group) => group.members);
  const rollouts = members.map(({ rollout }) => rollout);
  const parsed = rollouts.map((rollout) => rollout.parsed);
  const rewards = groups.map((group) => group.members.map(({ rollout }) => segmentRewards(rollout)));
  const lengths = rollouts.map(({ completion }) => completion.ids.length);
  const cases = rollouts.flatMap((rollout) => {
    const gold = task.prompts[rollout.prompt]?.gold;
    return gold === undefined ? [] : [{ gold, parsed: rollout.parsed }];
  });
  const recall = ruleCitations(cases, (rule) => task.tailRules.has(rule));
  const labels = Array.from({ length: task.instruction.scaleSize }, (_, label) => label);
  return {
    reward: {
      total: meanOf(rollouts.map(({ reward }) => reward.total)),
      label: meanOf(rollouts.map(({ reward }) => reward.label.value)),
      reasoning: meanOf(rollouts.map(({ reward }) => reward.reasoning.value)),
    },
    rightShare: shareOf(rollouts.map(({ isRight }) => isRight)),
    entropy: {
      labelNats: meanOf(members.flatMap(({ scores }) => scores?.entropies.slice(0, 1) ?? [])),
      reasoningNats: meanOf(members.flatMap(({ scores }) => scores?.entropies.slice(1) ?? [])),
    },
    klNats: meanK3(members),
    samplerGapNats: largestGap(members),
    length: {
      mean: meanOf(lengths),
      max: Math.max(...lengths),
      truncatedShare: shareOf(rollouts.map(({ completion }) => !completion.isComplete)),
    },
    invalidShare: invalidFormatRate(parsed),
    labelShares: labels.map((label) => shareOf(parsed.map(({ answer }) => answer === label))),
    rules: reportRules(task, groups),
    distinctRules: distinctRulesCited(parsed),
    recall: { head: recall.head.recall, tail: recall.tail.recall },
    groups: {
      drawn: groups.length,
      used: groups.filter(({ use }) => use === 'policy').length,
      zeroVarianceShare: zeroVarianceShare(rewards),
      silentShare: shareOf(groups.map(({ isSilent }) => isSilent)),
      gatedShare: gatedShare(groups),
    },
  };
}

/** Summarises the updates of a step. */
export function reportUpdates(updates: readonly OneUpdate[]): UpdateReport {
  const geometry = updates[0]?.geometry;
  const lossScale = updates.at(-1)?.lossScale;
  const weighed = updates.reduce((sum, { weighedTokens }) => sum + weighedTokens, 0);
  const clipped = updates.reduce((sum, { clippedTokens }) => sum + clippedTokens, 0);
  return {
    loss: {
      policy: meanOfPresent(updates.map(({ policyLoss }) => policyLoss)),
      expert: meanOfPresent(updates.map(({ expertLoss }) => expertLoss)),
    },
    expertKlNats: meanOfPresent(updates.map(({ expertKlNats }) => expertKlNats)),
    clipFraction: weighed === 0 ? 0 : clipped / weighed,
    gradient: {
      norm: meanOfPresent(updates.map(({ gradNorm }) => gradNorm)),
      policyNorm: geometry?.firstNorm ?? null,
      expertNorm: geometry?.secondNorm ?? null,
      cosine: geometry?.cosine ?? null,
      byWeight: updates[0]?.gradNorms ?? null,
    },
    learningRate: updates.at(-1)?.learningRate ?? 0,
    ...(lossScale === undefined ? {} : { lossScale }),
  };
}

/**
 * Records a group.
 *
 * @param after - log-probabilities of the members' tokens after the updates of the step
 */
export function keepGroup(group: Group, after: readonly (readonly number[])[]): KeptGroup {
  return {
    prompt: group.members[0]?.rollout.prompt ?? -1,
    completions: group.members.map(({ rollout, scores }, i) => {
      const { ids } = rollout.completion;
      const advantages = group.advantages[i] ?? { label: 0, reasoning: 0, steps: [] };
      return {
        ids,
        reward: rollout.reward,
        advantages: spreadOverTokens(ids.length, rollout.steps, advantages),
        ratios: scores?.logProbs.map((before, t) => Math.exp((after[i]?.[t] ?? NaN) - before)) ?? [],
      };
    }),
  };
}

function reportRules({ instruction, prompts }: RlTask, groups: readonly Group[]): RolloutReport['rules'] {
  const zeros = (): number[] => instruction.rules.map(() => 0);
  const [cited, gold, advantageSums] = [zeros(), zeros(), zeros()];
  const add = (counts: number[], rule: number, amount: number): void => {
    // A model may cite a rule that the instruction does not have.
    if (counts[rule] !== undefined) counts[rule] += amount;
  };
  for (const { members, advantages } of groups) {
    const first = members[0]?.rollout.prompt ?? -1;
    for (const { rule } of prompts[first]?.gold.steps ?? []) add(gold, rule, 1);
    for (const [i, { rollout }] of members.entries()) {
      for (const [s, { rule }] of rollout.reward.steps.entries()) {
        add(cited, rule, 1);
        add(advantageSums, rule, (advantages[i]?.reasoning ?? 0) + (advantages[i]?.steps[s] ?? 0));
      }
    }
  }
  return {
    cited,
    gold,
    meanAdvantage: cited.map((count, rule) => (count === 0 ? null : (advantageSums[rule] ?? 0) / count)),
  };
}

function meanK3(members: readonly ScoredRollout[]): number | null {
  const estimates = members.flatMap(({ scores, refLogProbs }) =>
    (refLogProbs ?? []).map((ref, t) => {
      const gap = (scores?.logProbs[t] ?? NaN) - ref;
      return Math.exp(-gap) + gap - 1;
    }),
  );
  return estimates.length === 0 ? null : meanOf(estimates);
}

function largestGap(members: readonly ScoredRollout[]): number {
  const gaps = members.flatMap(({ rollout, scores }) =>
    (scores?.logProbs ?? []).map((logProb, t) => Math.abs(logProb - (rollout.completion.logProbs[t] ?? NaN))),
  );
  return gaps.reduce((a, b) => Math.max(a, b), 0);
}

function meanOfPresent(values: readonly (number | null)[]): number | null {
  const present = values.filter((value) => value !== null);
  return present.length === 0 ? null : meanOf(present);
}

function shareOf(flags: readonly boolean[]): number {
  return meanOf(flags.map(Number));
}

function meanOf(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
}
