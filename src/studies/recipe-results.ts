/**
 * Turns runs into results: the numbers of every arm and seed, and the sentences that their differences support.
 */
import type { ExperimentResults, Finding, ResultPoint, SeedResult } from '../protocol/experiment-results.ts';
import type { GrpoStep } from '../train/grpo-telemetry.ts';
import type { DistillPoint } from '../runs/distill-checkpoint.ts';
import type { GrpoCurvePoint } from '../runs/grpo-checkpoint.ts';
import type { PolicyMeasures } from '../protocol/policy-measures.ts';
import { collapseSince } from '../runs/grpo-measure.ts';
import { decide, findingSentence, metricBySeed, pairedDifferences, rounded } from './findings.ts';
import type { OrderMeasures, TimeToLabel } from './order-measure.ts';
import type { OrderPoint } from './order-run.ts';
import type { Recipe } from './recipes.ts';

type HeldOut = PolicyMeasures['heldOut'];

const CITATIONS = ['tailRecall', 'headRecall', 'distinctRules'] as const;
const LABELS = ['accuracy', 'macroF1', 'pairAccuracy'] as const;
const REASONING = ['strictReward', 'verifiedSteps', 'labelTraceAgreement', 'validTraces'] as const;

/** Results without training. */
export const NO_TOKENS: SeedResult['tokens'] = { generated: 0, learned: 0, expert: 0 };

/**
 * The result of one run.
 *
 * @param test - the evaluation on the test split after the run
 * @param records - of the run's steps, for the token counts of each point
 */
export function seedResult(
  seed: number,
  curve: readonly GrpoCurvePoint[],
  test: HeldOut,
  tokens: SeedResult['tokens'],
  records: readonly Pick<GrpoStep, 'step' | 'tokens'>[] = [],
): SeedResult {
  const spent = new Map(records.map((record) => [record.step, totalOf(record.tokens)]));
  const [first, last] = [curve[0]?.measures, curve.at(-1)?.measures];
  return {
    seed,
    metrics: {
      reward: rounded(last?.probe.reward),
      rewardGain: first === undefined || last === undefined ? null : rounded(last.probe.reward - first.probe.reward),
      ...heldOutMetrics(test),
      reasoningEntropy: rounded(last?.probe.reasoningEntropyNats),
      collapsed: first === undefined || last === undefined ? null : Number(collapseSince(first, last).isCollapsed),
    },
    curve: curve.map(({ step, measures: { probe, heldOut } }) => ({
      step,
      reward: rounded(probe.reward),
      ...heldOutPoint(heldOut),
      labelEntropy: rounded(probe.labelEntropyNats),
      reasoningEntropy: rounded(probe.reasoningEntropyNats),
      ...(records.length === 0 ? {} : { tokens: spent.get(step) ?? 0 }),
    })),
    tokens,
  };
}

/** The result of one distillation run; it has no reward, and no start to collapse from. */
export function studentResult(
  seed: number,
  curve: readonly DistillPoint[],
  test: HeldOut,
  tokens: SeedResult['tokens'],
): SeedResult {
  return {
    seed,
    metrics: heldOutMetrics(test),
    curve: curve.map(({ step, heldOut, tokens: spent }) => ({
      step,
      reward: null,
      ...heldOutPoint(heldOut),
      labelEntropy: rounded(heldOut.labelEntropyNats),
      reasoningEntropy: null,
      tokens: totalOf(spent),
    })),
    tokens,
  };
}

/** The result of one run with another order of completions; it learns from the expert only. */
export function orderResult(
  seed: number,
  curve: readonly OrderPoint[],
  { labels, reasoning }: OrderMeasures,
  time: TimeToLabel,
  tokens: number,
): SeedResult {
  return {
    seed,
    metrics: {
      ...(reasoning === null ? {} : pick(reasoning, [...CITATIONS, ...REASONING])),
      ...pick(labels, ['accuracy', 'macroF1', 'tailLabels', 'pairAccuracy']),
      labelEntropy: rounded(labels.labelEntropyNats),
      ...pick(labels, ['answered', 'tokensToLabel']),
      passesToLabel: rounded(time.passes),
      msToLabel: rounded(time.ms),
    },
    curve: curve.map(({ step, tokens: learned, measures }) => ({
      step,
      reward: null,
      ...pick(measures.reasoning, CITATIONS),
      ...pick(measures.labels, LABELS),
      labelEntropy: rounded(measures.labels.labelEntropyNats),
      reasoningEntropy: null,
      tokens: learned,
    })),
    tokens: { ...NO_TOKENS, expert: tokens },
  };
}

function heldOutMetrics(test: HeldOut): SeedResult['metrics'] {
  return {
    ...heldOutPoint(test),
    labelEntropy: rounded(test.labelEntropyNats),
    ...pick(test, REASONING),
    expertLoss: rounded(test.expertLossNats),
  };
}

function heldOutPoint(heldOut: HeldOut): Pick<ResultPoint, (typeof CITATIONS | typeof LABELS)[number]> {
  return pick(heldOut, [...CITATIONS, ...LABELS]);
}

/** Some measures, rounded, in this order; null where nothing was measured. */
function pick<Name extends string>(
  measures: Readonly<Record<Name, number | null>> | null,
  names: readonly Name[],
): Record<Name, number | null> {
  return Object.fromEntries(names.map((name) => [name, rounded(measures?.[name])])) as Record<Name, number | null>;
}

/** The findings of each comparison of a recipe; comparisons whose arms have not run are left out. */
export function findingsOf(recipe: Recipe, arms: ExperimentResults['arms']): Finding[] {
  return recipe.comparisons.flatMap(({ claim, metric, arm, against, expected }) => {
    const values = metricBySeed(arms, arm, metric);
    const differences =
      against === null ? [...values.values()] : pairedDifferences(values, metricBySeed(arms, against, metric));
    return differences.length === 0 ? [] : [{ claim, metric, arm, against, ...decide(differences, expected) }];
  });
}

/** The findings in sentences. */
export function verdictOf(findings: readonly Finding[]): string {
  if (findings.length === 0) return 'Nothing has been run yet.';
  return findings.map((finding) => findingSentence(finding.claim, finding, `${finding.metric} `)).join(' ');
}

function totalOf({ generated, learned, expert }: SeedResult['tokens']): number {
  return generated + learned + expert;
}
