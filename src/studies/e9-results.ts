/**
 * What E9 has found: the schema of `docs/results/E9.json`, and the sentences its numbers support. Numbers only: no query
 * and no document of the data stands in it.
 */
import * as v from 'valibot';
import { SEEDS_FOR_A_CLAIM } from '../protocol/experiment-results.ts';
import { meanInterval, signed } from './student-t.ts';

const measure = v.nullable(v.number());

/** The measures of an arm on the test part. */
const MetricsSchema = v.record(v.string(), measure);
export type E9Metrics = v.InferOutput<typeof MetricsSchema>;

const SeedSchema = v.strictObject({
  seed: v.number(),
  metrics: MetricsSchema,
  /** By round, for the arm that is refined: accuracy of the instruction the round began with; the last entry is the end. */
  curve: v.array(v.strictObject({ round: v.number(), rules: v.number(), train: v.number(), dev: v.number() })),
});
export type E9Seed = v.InferOutput<typeof SeedSchema>;

const FindingSchema = v.strictObject({
  data: v.string(),
  claim: v.string(),
  n: v.number(),
  /** Mean difference over seeds with its 95 % interval (Student's t); null: fewer than two seeds. */
  mean: v.number(),
  low: measure,
  high: measure,
  outcome: v.picklist(['supported', 'refuted', 'undecided', 'preliminary']),
});
export type E9Finding = v.InferOutput<typeof FindingSchema>;

/** The schema of the results file. */
export const E9ResultsSchema = v.strictObject({
  id: v.literal('E9'),
  title: v.string(),
  question: v.string(),
  device: v.string(),
  commit: v.string(),
  config: v.unknown(),
  arms: v.array(v.strictObject({ name: v.string(), seeds: v.array(SeedSchema) })),
  findings: v.array(FindingSchema),
  verdict: v.string(),
});
export type E9Results = v.InferOutput<typeof E9ResultsSchema>;

/** The arms of one data set, as they are named after it. */
export const ARMS = {
  first: 'first instruction',
  last: 'last instruction',
  majority: 'most frequent label',
  bm25: 'BM25, thresholds fitted on train',
  human: 'one annotator against another',
} as const;

/** The differences that decide E9, for one data set. */
export function findingsFor(data: string, arms: E9Results['arms']): E9Finding[] {
  const values = (arm: keyof typeof ARMS, metric = 'accuracy'): ReadonlyMap<number, number> => {
    const seeds = arms.find(({ name }) => name === `${data}: ${ARMS[arm]}`)?.seeds ?? [];
    return new Map(
      seeds.flatMap(({ seed, metrics }) => (typeof metrics[metric] === 'number' ? [[seed, metrics[metric]]] : [])),
    );
  };
  const last = values('last');
  const against = (claim: string, other: ReadonlyMap<number, number>, subject = last): E9Finding[] => {
    const differences = [...subject].flatMap(([seed, value]) => {
      const base = other.get(seed);
      return base === undefined ? [] : [value - base];
    });
    return differences.length === 0 ? [] : [finding(data, claim, differences)];
  };
  return [
    ...against('test accuracy, last round above first', values('first')),
    ...against('test accuracy, last round above the most frequent label', values('majority')),
    ...against('test accuracy, last round above BM25 with fitted thresholds', values('bm25')),
    ...against(
      'test pair accuracy, last round above first',
      values('first', 'pairAccuracy'),
      values('last', 'pairAccuracy'),
    ),
    ...against(
      'test accuracy below train accuracy after the last round (overfitting)',
      last,
      values('last', 'trainAccuracy'),
    ),
    ...against(
      'test accuracy below dev accuracy after the last round (overfitting)',
      last,
      values('last', 'devAccuracy'),
    ),
    ...against(
      'agreement with an annotator, last instruction above another annotator',
      values('human', 'accuracy'),
      values('last', 'annotatorAccuracy'),
    ),
  ];
}

/** The verdict on E9: does test accuracy fall, or train rise alone? */
export function verdictOf(findings: readonly E9Finding[]): string {
  const sentences = findings.map(({ data, claim, mean, low, high, n, outcome }) => {
    const interval = low === null || high === null ? '' : `, 95 %: ${signed(low)} to ${signed(high)}`;
    return `${data}: ${claim}: ${outcome} (${signed(mean)}${interval}, n = ${n}).`;
  });
  const caution =
    'Seeds split the same judgments anew, so intervals tell the spread over splits of this data, not over other data.';
  return [...sentences, caution].join(' ');
}

function finding(data: string, claim: string, differences: readonly number[]): E9Finding {
  const { n, mean, low, high } = meanInterval(differences);
  const bound = (value: number): number | null => (Number.isFinite(value) ? rounded(value) : null);
  const outcome = n < SEEDS_FOR_A_CLAIM ? 'preliminary' : low > 0 ? 'supported' : high < 0 ? 'refuted' : 'undecided';
  return { data, claim, n, mean: rounded(mean), low: bound(low), high: bound(high), outcome };
}

/** Four decimals: more is noise. */
export function rounded(value: number): number {
  return Number(value.toFixed(4));
}
