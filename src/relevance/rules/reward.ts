/**
 * The reward of a completion, with reasons. All rewards lie in [0, 1] and have one form, which is our definition:
 *
 *     r = 0                                if the completion does not parse, or the restated label differs from the first
 *     r = w r_label + (1 - w) r_reasoning  otherwise, w = 0.5 unless set
 *
 * - **strict**: r_reasoning = F1 of the steps against gold, aligned by rule id;
 * - **lenient**: r_reasoning = 1, so only label and format count;
 * - **plausible**: r_reasoning = the share of steps that look right without consulting gold: the evidence is in the
 *   pair, the rule does not imply another label, and some cited rule implies the stated one.
 *
 * The last two can be hacked, on purpose: a model that knows one common rule per label earns the full reasoning reward
 * without looking for the rare rule that decides.
 */
import * as v from 'valibot';
import { fraction, setting } from '../../config/settings.ts';
import { evidenceOccurs } from './evidence.ts';
import { type BonusCase, bonusOf, type OwnReward, OwnRewardSchema } from './own-reward.ts';
import type { TextFolding } from '../pair/folding.ts';
import type { Pair } from '../pair/pair.ts';
import type { ParsedTrace, Trace, TraceStep } from '../trace/trace.ts';

/** The rewards, strictest first. */
export const REWARD_KINDS = ['strict', 'plausible', 'lenient'] as const;

/** Settings of the reward. */
export const rewardConfigSchema = v.strictObject({
  kind: setting(v.picklist(REWARD_KINDS), 'strict', 'Reward', 'How completions are rewarded.', {
    choices: {
      strict: ['Full', 'Every step is held against the expert\u2019s.'],
      plausible: ['Plausible', 'The cited rule leads to the label, and its evidence is there.'],
      lenient: ['Lenient', 'Label and format alone.'],
    },
  }),
  /** Ordinal: 1 - |label - gold| / (R - 1). */
  labelCredit: setting(v.picklist(['exact', 'ordinal']), 'exact', 'Credit of labels', 'What a label earns.', {
    choices: { exact: ['Exact', 'Right or nothing.'], ordinal: ['Ordinal', 'A near miss earns something.'] },
  }),
  /** w, the weight of the label in the reward; the weight of the reasoning is 1 - w. */
  labelShare: setting(fraction, 0.5, 'Share of the label', 'Of the reward; the reasoning carries the rest.'),
  own: setting(
    v.nullable(OwnRewardSchema),
    null,
    'Own reward',
    'Of the reasoning, in place of the one above: a weighted mean of the rewards there are, with bonuses.',
  ),
  /** The SHA-256 of a module that rewards the reasoning, which the command line runs; absent where there is none. */
  moduleHash: v.optional(v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/u))),
});
export type RewardConfig = v.InferOutput<typeof rewardConfigSchema>;

export const DEFAULT_REWARD_CONFIG: RewardConfig = v.parse(rewardConfigSchema, {});

/** The reference for rewarding a completion. */
export interface RewardCase {
  readonly pair: Pair;
  /** The folding of the model's rules, by which evidence is looked up. */
  readonly folding: TextFolding;
  readonly gold: Trace;
  /**
   * The label that a rule implies when it decides (its cap); undefined for unknown rules. Used by the plausible reward.
   */
  readonly impliedLabel: (rule: number) => number | undefined;
  /** For the bonuses of an own reward; by default none are given. */
  readonly bonus?: BonusCase | undefined;
  /** r_reasoning as a module has given it, in [0, 1]; undefined where there is none. */
  readonly given?: number | undefined;
}

/** Why a step earned something or nothing. */
export type StepReason =
  | 'right'
  | 'not in gold'
  | 'cited twice'
  | 'wrong criterion'
  | 'wrong verdict'
  | 'evidence left out'
  | 'evidence not in the pair'
  | 'implies another label'
  | 'no step implies the label'
  | 'not looked at'
  | 'lost with the whole';

/** The reward of the label segment. `value` is r_label, which is set even if a format error voids the reward. */
export interface LabelReward {
  readonly value: number;
  readonly earned: number;
}

/** The reward of one step. */
export interface StepReward {
  readonly rule: number;
  /** 1 if the step is right under the kind of reward, else 0. */
  readonly value: number;
  /** Its part of the total. */
  readonly earned: number;
  /** The increase of the total if this step were removed and the others kept their verdicts. */
  readonly cost: number;
  readonly reason: StepReason;
}

/** A gold rule that no step cites, and the increase of the total if a correct step cited it. */
export interface MissedRule {
  readonly rule: number;
  readonly cost: number;
}

/** What rewards the reasoning: a kind, own weights, or a module. */
export type RewardName = RewardConfig['kind'] | 'own' | 'module';

/** A reward with its reasons: `total = label.earned + reasoning.earned`. */
export interface ExplainedReward {
  readonly kind: RewardName;
  /** w of its config. */
  readonly labelShare: number;
  /** In [0, 1]. */
  readonly total: number;
  /** Why the total is 0 regardless of its parts; undefined if it is not. */
  readonly rejected: string | undefined;
  readonly label: LabelReward;
  /** `value` is r_reasoning; the steps' shares add up to `earned` if there is a step. */
  readonly reasoning: { readonly value: number; readonly earned: number };
  /** One per step of the completion, in order; for a completion that does not parse, the steps before the error. */
  readonly steps: readonly StepReward[];
  /** Only for the strict reward, because the others do not consult gold. */
  readonly missed: readonly MissedRule[];
}

/** The reward of a completion with reasons for each segment. */
export function explainReward(
  parsed: ParsedTrace,
  judged: RewardCase,
  config: RewardConfig = DEFAULT_REWARD_CONFIG,
): ExplainedReward {
  const { labelShare } = config;
  const kind = rewardName(config);
  const labelValue = labelReward(parsed.answer, judged.gold, config);
  const rejected = rejection(parsed, judged.gold);
  if (!parsed.ok || rejected !== undefined) {
    const steps = (parsed.ok ? parsed.trace.steps : parsed.steps).map((step) => unjudged(step, 'lost with the whole'));
    const label = { value: labelValue, earned: 0 };
    return { kind, labelShare, total: 0, rejected, label, reasoning: { value: 0, earned: 0 }, steps, missed: [] };
  }

  const { value, steps, missed } = rewardReasoning(parsed.trace, judged, config);
  const label = { value: labelValue, earned: labelShare * labelValue };
  const reasoning = { value, earned: (1 - labelShare) * value };
  return { kind, labelShare, total: label.earned + reasoning.earned, rejected, label, reasoning, steps, missed };
}

/** The name of the reward of the reasoning, for people. */
export function rewardName({ kind, own, moduleHash }: RewardConfig): RewardName {
  if (moduleHash !== undefined) return 'module';
  return own === null ? kind : 'own';
}

function labelReward(answer: number | undefined, gold: Trace, { labelCredit }: RewardConfig): number {
  if (answer === undefined) return 0;
  if (labelCredit === 'exact') return answer === gold.label ? 1 : 0;
  return Math.max(0, 1 - Math.abs(answer - gold.label) / (gold.scaleSize - 1));
}

function rejection(parsed: ParsedTrace, gold: Trace): string | undefined {
  if (!parsed.ok) {
    const { position, expected, got } = parsed.failure;
    return `does not parse at segment ${position}: expected ${expected}, got ${got}`;
  }
  const { label, restated, scaleSize } = parsed.trace;
  if (scaleSize !== gold.scaleSize) return `answers on a scale of ${scaleSize} instead of ${gold.scaleSize}`;
  return label === restated ? undefined : `answers ${label} but restates ${restated}`;
}

interface ReasoningReward {
  readonly value: number;
  readonly steps: readonly StepReward[];
  readonly missed: readonly MissedRule[];
}

function rewardReasoning(trace: Trace, judged: RewardCase, { kind, own, labelShare }: RewardConfig): ReasoningReward {
  const share = 1 - labelShare;
  if (judged.given !== undefined) {
    return { value: judged.given, steps: sharedEqually(trace.steps, judged.given, share), missed: [] };
  }
  return own === null ? reasoningReward(trace, judged, kind, share) : ownReasoning(trace, judged, own, share);
}

/**
 * The weighted mean of the rewards with the bonuses; a step's value is the mean of its values, with its rule's bonus.
 */
function ownReasoning(trace: Trace, judged: RewardCase, own: OwnReward, share: number): ReasoningReward {
  const { bonus = NO_BONUS } = judged;
  const weights = REWARD_KINDS.map((kind) => own[kind]);
  const total = weights.reduce((sum, one) => sum + one, 0);
  const meanOf = (values: readonly number[]): number =>
    total === 0 ? 0 : values.reduce((sum, value, k) => sum + value * (weights[k] ?? 0), 0) / total;
  const partsOf = (steps: readonly TraceStep[]): readonly ReasoningReward[] =>
    REWARD_KINDS.map((kind) => reasoningReward({ ...trace, steps }, judged, kind, share));
  const worthOf = (parts: readonly ReasoningReward[], steps: readonly TraceStep[]): number => {
    const rules = steps.map(({ rule }) => rule);
    return clamp01(meanOf(parts.map((part) => part.value)) + bonusOf(own, rules, bonus));
  };
  const whole = partsOf(trace.steps);
  const value = worthOf(whole, trace.steps);
  const steps = sharedEqually(trace.steps, value, share).map((step, i): StepReward => {
    // A step that a reward does not look at counts as a perfect one for it.
    const values = whole.map((part) => (part.steps[i]?.reason === 'not looked at' ? 1 : (part.steps[i]?.value ?? 0)));
    const others = trace.steps.filter((_, other) => other !== i);
    const gain = worthOf(partsOf(others), others) - value;
    const reason = whole[weights.findIndex((one) => one > 0)]?.steps[i]?.reason ?? 'not looked at';
    return {
      ...step,
      value: clamp01(meanOf(values) + (bonus.ruleBonuses.get(step.rule) ?? 0)),
      cost: Math.max(0, share * gain),
      reason,
    };
  });
  return { value, steps, missed: [] };
}
const NO_BONUS: BonusCase = { tokens: 0, ruleBonuses: new Map() };

/** Steps that share what the reasoning as a whole has earned, where nothing tells them apart. */
function sharedEqually(steps: readonly TraceStep[], value: number, share: number): StepReward[] {
  const earned = (share * value) / Math.max(1, steps.length);
  return steps.map(({ rule }) => ({ rule, value, earned, cost: 0, reason: 'not looked at' }));
}

function clamp01(value: number): number {
  return Math.min(1, Math.max(0, value));
}

/** @param share - the weight of the reasoning in the total */
function reasoningReward(trace: Trace, judged: RewardCase, kind: RewardConfig['kind'], share: number): ReasoningReward {
  switch (kind) {
    case 'strict':
      return strictReasoning(trace, judged, share);
    case 'plausible':
      return plausibleReasoning(trace, judged, share);
    case 'lenient':
      return { value: 1, steps: trace.steps.map((step) => unjudged(step, 'not looked at')), missed: [] };
    default:
      return kind satisfies never;
  }
}

/** F1 of right steps: 2 right / (steps + gold rules); 1 if there are neither. */
function strictReasoning(trace: Trace, judged: RewardCase, share: number): ReasoningReward {
  const goldSteps = new Map(judged.gold.steps.map((step) => [step.rule, step]));
  const cited = new Set<number>();
  const reasons = trace.steps.map((step) => {
    const isAgain = cited.has(step.rule);
    cited.add(step.rule);
    return isAgain ? 'cited twice' : strictReason(step, goldSteps.get(step.rule), judged);
  });
  const right = reasons.filter((reason) => reason === 'right').length;
  const value = f1(right, reasons.length, goldSteps.size);
  const missing = f1(right + 1, reasons.length + 1, goldSteps.size) - value;
  return {
    value,
    steps: settle(trace.steps, reasons, share, value, f1(right, reasons.length - 1, goldSteps.size)),
    missed: [...goldSteps.keys()].filter((rule) => !cited.has(rule)).map((rule) => ({ rule, cost: share * missing })),
  };
}

// Without this check, omitting evidence would vacuously satisfy "all evidence is in the pair".
function strictReason(step: TraceStep, gold: TraceStep | undefined, { folding, pair }: RewardCase): StepReason {
  if (gold === undefined) return 'not in gold';
  if (step.criterion !== gold.criterion) return 'wrong criterion';
  if (step.verdict !== gold.verdict) return 'wrong verdict';
  const sources = new Set(step.evidence.map(({ source }) => source));
  if (gold.evidence.some(({ source }) => !sources.has(source))) return 'evidence left out';
  return step.evidence.every((evidence) => evidenceOccurs(folding, pair, evidence))
    ? 'right'
    : 'evidence not in the pair';
}

function f1(right: number, cited: number, gold: number): number {
  return cited + gold === 0 ? 1 : (2 * right) / (cited + gold);
}

/** The share of steps that look right; 0 unless some step's rule implies the stated label. */
function plausibleReasoning(trace: Trace, { pair, folding, impliedLabel }: RewardCase, share: number): ReasoningReward {
  const isLabelImplied = trace.steps.some(({ rule }) => impliedLabel(rule) === trace.label);
  const reasons = trace.steps.map(({ rule, evidence }): StepReason => {
    const implied = impliedLabel(rule);
    if (implied !== undefined && implied !== trace.label) return 'implies another label';
    if (!evidence.every((span) => evidenceOccurs(folding, pair, span))) return 'evidence not in the pair';
    return isLabelImplied ? 'right' : 'no step implies the label';
  });
  const right = reasons.filter((reason) => reason === 'right').length;
  const value = reasons.length === 0 ? 0 : right / reasons.length;
  const valueWithoutWrong = reasons.length < 2 ? 0 : right / (reasons.length - 1);
  return { value, steps: settle(trace.steps, reasons, share, value, valueWithoutWrong), missed: [] };
}

/** Divides r_reasoning equally among the correct steps; the cost of any other step is the gain from removing it. */
function settle(
  steps: readonly TraceStep[],
  reasons: readonly StepReason[],
  share: number,
  value: number,
  valueWithoutWrong: number,
): StepReward[] {
  const right = reasons.filter((reason) => reason === 'right').length;
  const earned = (share * value) / right; // read where a step is right
  const cost = share * (valueWithoutWrong - value);
  return steps.map(({ rule }, i) => {
    const reason = reasons[i] ?? 'not looked at';
    return reason === 'right'
      ? { rule, value: 1, earned, cost: 0, reason }
      : { rule, value: 0, earned: 0, cost, reason };
  });
}

function unjudged({ rule }: TraceStep, reason: StepReason): StepReward {
  return { rule, value: 0, earned: 0, cost: 0, reason };
}
