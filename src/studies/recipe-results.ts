/**
 * From runs to results: the numbers of every arm and seed, and the sentences that their differences support.
 */
import {
  type ExperimentResults,
  type Finding,
  type ResultPoint,
  type SeedResult,
  SEEDS_FOR_A_CLAIM,
} from '../protocol/experiment-results.ts';
import type { GrpoStep } from '../train/grpo-telemetry.ts';
import type { DistillPoint } from '../runs/distill-checkpoint.ts';
import type { GrpoCurvePoint } from '../runs/grpo-checkpoint.ts';
import type { PolicyMeasures } from '../protocol/policy-measures.ts';
import { collapseSince } from '../runs/grpo-measure.ts';
import type { OrderMeasures, OrderReasoning, TimeToLabel } from './order-measure.ts';
import type { OrderPoint } from './order-run.ts';
import type { Comparison, Recipe } from './recipes.ts';
import { meanInterval, signed } from './student-t.ts';

/**
 * The result of one run.
 *
 * @param test - measured on the test split when the run had ended
 * @param records - of the run's steps, to tell what its points had cost in tokens
 */
export function seedResult(
  seed: number,
  curve: readonly GrpoCurvePoint[],
  test: PolicyMeasures['heldOut'],
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

/** The result of one run in which a student learned from a teacher; it has no reward, and no start to collapse from. */
export function studentResult(
  seed: number,
  curve: readonly DistillPoint[],
  test: PolicyMeasures['heldOut'],
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

/** The result of one run with an order of completions of its own; it learns from the expert alone. */
export function orderResult(
  seed: number,
  curve: readonly OrderPoint[],
  { labels, reasoning }: OrderMeasures,
  time: TimeToLabel,
  tokens: number,
): SeedResult {
  const { accuracy, macroF1, pairAccuracy, tailLabels, labelEntropyNats, answered, tokensToLabel } = labels;
  return {
    seed,
    metrics: {
      ...(reasoning === null ? {} : reasoningMetrics(reasoning)),
      accuracy: rounded(accuracy),
      macroF1: rounded(macroF1),
      tailLabels: rounded(tailLabels),
      pairAccuracy: rounded(pairAccuracy),
      labelEntropy: rounded(labelEntropyNats),
      answered: rounded(answered),
      tokensToLabel: rounded(tokensToLabel),
      passesToLabel: rounded(time.passes),
      msToLabel: rounded(time.ms),
    },
    curve: curve.map(({ step, tokens: learned, measures }) => ({
      step,
      reward: null,
      tailRecall: rounded(measures.reasoning?.tailRecall),
      headRecall: rounded(measures.reasoning?.headRecall),
      distinctRules: measures.reasoning?.distinctRules ?? null,
      accuracy: rounded(measures.labels.accuracy),
      macroF1: rounded(measures.labels.macroF1),
      pairAccuracy: rounded(measures.labels.pairAccuracy),
      labelEntropy: rounded(measures.labels.labelEntropyNats),
      reasoningEntropy: null,
      tokens: learned,
    })),
    tokens: { generated: 0, learned: 0, expert: tokens },
  };
}

function reasoningMetrics(reasoning: OrderReasoning): SeedResult['metrics'] {
  return {
    tailRecall: rounded(reasoning.tailRecall),
    headRecall: rounded(reasoning.headRecall),
    distinctRules: reasoning.distinctRules,
    strictReward: rounded(reasoning.strictReward),
    verifiedSteps: rounded(reasoning.verifiedSteps),
    labelTraceAgreement: rounded(reasoning.labelTraceAgreement),
    validTraces: rounded(reasoning.validTraces),
  };
}

function heldOutMetrics(test: PolicyMeasures['heldOut']): SeedResult['metrics'] {
  return {
    tailRecall: rounded(test.tailRecall),
    headRecall: rounded(test.headRecall),
    distinctRules: test.distinctRules,
    accuracy: rounded(test.accuracy),
    macroF1: rounded(test.macroF1),
    pairAccuracy: rounded(test.pairAccuracy),
    labelEntropy: rounded(test.labelEntropyNats),
    strictReward: rounded(test.strictReward),
    verifiedSteps: rounded(test.verifiedSteps),
    labelTraceAgreement: rounded(test.labelTraceAgreement),
    validTraces: rounded(test.validTraces),
    expertLoss: rounded(test.expertLossNats),
  };
}

function heldOutPoint(heldOut: PolicyMeasures['heldOut']): Omit<ResultPoint, 'step' | 'reward' | `${string}Entropy`> {
  return {
    tailRecall: rounded(heldOut.tailRecall),
    headRecall: rounded(heldOut.headRecall),
    distinctRules: heldOut.distinctRules,
    accuracy: rounded(heldOut.accuracy),
    macroF1: rounded(heldOut.macroF1),
    pairAccuracy: rounded(heldOut.pairAccuracy),
  };
}

/** What the arms say about each comparison of a recipe; comparisons whose arms have not run are left out. */
export function findingsOf(recipe: Recipe, arms: ExperimentResults['arms']): Finding[] {
  return recipe.comparisons.flatMap((comparison) => {
    const differences = pairedDifferences(comparison, arms);
    if (differences.length === 0) return [];
    const { n, mean, low, high } = meanInterval(differences);
    const { claim, metric, arm, against, expected } = comparison;
    const outcome = outcomeOf(n, low, high, expected);
    const bound = (value: number): number | null => (Number.isFinite(value) ? rounded(value) : null);
    return [
      { claim, metric, arm, against, n, mean: Number(mean.toFixed(4)), low: bound(low), high: bound(high), outcome },
    ];
  });
}

/** The findings in sentences. */
export function verdictOf(findings: readonly Finding[]): string {
  if (findings.length === 0) return 'Nothing has been run yet.';
  return findings.map(sentence).join(' ');
}

function pairedDifferences({ metric, arm, against }: Comparison, arms: ExperimentResults['arms']): number[] {
  const valuesOf = (name: string): ReadonlyMap<number, number> =>
    new Map(
      arms
        .filter((candidate) => candidate.name === name)
        .flatMap(({ seeds }) =>
          seeds.flatMap(({ seed, metrics }): [number, number][] => {
            const value = metrics[metric] ?? null;
            return value === null ? [] : [[seed, value]];
          }),
        ),
    );
  if (against === null) return [...valuesOf(arm).values()];
  const base = valuesOf(against);
  return [...valuesOf(arm)].flatMap(([seed, value]) => {
    const other = base.get(seed);
    return other === undefined ? [] : [value - other];
  });
}

function outcomeOf(n: number, low: number, high: number, expected: Comparison['expected']): Finding['outcome'] {
  if (n < SEEDS_FOR_A_CLAIM) return 'preliminary';
  if (low > 0) return expected === 'higher' ? 'supported' : 'refuted';
  if (high < 0) return expected === 'lower' ? 'supported' : 'refuted';
  return 'undecided';
}

function sentence({ claim, metric, n, mean, low, high, outcome }: Finding): string {
  const interval = low === null || high === null ? '' : `, 95 %: ${signed(low)} to ${signed(high)}`;
  const measured = `${metric} ${signed(mean)}${interval}, n = ${n}`;
  return `${claim}: ${outcome} (${measured}).`;
}

function totalOf({ generated, learned, expert }: SeedResult['tokens']): number {
  return generated + learned + expert;
}

function rounded(value: number | null | undefined): number | null {
  return value === null || value === undefined || !Number.isFinite(value) ? null : Number(value.toFixed(4));
}
