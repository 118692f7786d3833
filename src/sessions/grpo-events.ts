/**
 * The events that a branch sends to the page, made from the records of its run.
 */
import type { ModelTokenizer } from '../data/tokenizer/model-tokenizer.ts';
import type { CompletionSample, GrpoEventOf, MeasuredPoint, RuleInfo, SampledGroup } from '../protocol/grpo.ts';
import type { Rules } from '../relevance/rules/rules.ts';
import type { GrpoStep, KeptCompletion, KeptGroup } from '../train/grpo-telemetry.ts';
import type { RlTask } from '../train/rollouts.ts';
import type { GrpoCurvePoint } from '../runs/grpo-checkpoint.ts';
import { collapseSince } from '../runs/grpo-measure.ts';

/** Rules as the page shows them, in the order of their indices. */
export function ruleInfos({ instruction, tailRules }: Pick<Rules, 'instruction' | 'tailRules'>): RuleInfo[] {
  return instruction.rules.map(({ id, text, criterion, cap }, index) => {
    return { id, text, criterion, cap, isTail: tailRules.has(index) };
  });
}

/** A step of a branch that draws `rollouts` completions. */
export function stepEvent(branch: number, rollouts: number, record: GrpoStep): GrpoEventOf<'step'> {
  const { step, stage, reward, entropy, klNats, groups, rules, balance, loss, tokens, times, tokensPerSec } = record;
  const { gradient, activations } = record;
  return {
    kind: 'step',
    branch,
    step,
    stage,
    reward: reward.total,
    labelEntropyNats: entropy.labelNats,
    reasoningEntropyNats: entropy.reasoningNats,
    klNats,
    zeroVarianceShare: groups.zeroVarianceShare,
    rollouts,
    rules: { cited: [...rules.cited], gold: [...rules.gold], meanAdvantage: [...rules.meanAdvantage] },
    balance,
    loss,
    gradNorms: gradient.byWeight === null ? null : { ...gradient.byWeight },
    activations: activations === null ? null : { ...activations },
    tokens,
    times,
    tokensPerSec,
  };
}

/** The points of a curve, each compared with the first. */
export function measuredPoints(curve: readonly GrpoCurvePoint[]): MeasuredPoint[] {
  const [start] = curve;
  if (start === undefined) return [];
  return curve.map(({ step, measures }) => ({
    step,
    measures,
    collapse: collapseSince(start.measures, measures),
  }));
}

/** Recorded groups with their prompts as readable tokens. */
export function sampledGroups({ tokenizer, prompts }: RlTask, groups: readonly KeptGroup[]): SampledGroup[] {
  return groups.flatMap(({ prompt: index, completions }) => {
    const prompt = prompts[index];
    if (prompt === undefined) return [];
    const { query, document } = prompt.pair;
    return [
      {
        pair: { query, document: { ...document, attributes: { ...document.attributes } } },
        isTail: prompt.isTail,
        promptTokens: tokenizer.tokenTexts(prompt.example.prompt),
        goldTokens: tokenizer.tokenTexts(prompt.example.completion),
        completions: completions.map((completion) => completionSample(tokenizer, completion)),
      },
    ];
  });
}

function completionSample(tokenizer: ModelTokenizer, completion: KeptCompletion): CompletionSample {
  const { ids, reward, advantages, ratios } = completion;
  const { kind, total, rejected = null, label, reasoning } = reward;
  return {
    tokens: tokenizer.tokenTexts(ids),
    advantages: [...advantages],
    ratios: [...ratios],
    reward: {
      kind,
      total,
      rejected,
      label,
      reasoning,
      steps: reward.steps.map((step) => ({ ...step })),
      missed: reward.missed.map((missed) => ({ ...missed })),
    },
  };
}
