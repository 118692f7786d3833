/**
 * Measures of systems on the same test pairs: each with a bootstrap over queries, and differences from a reference
 * system with a paired bootstrap, in which both systems have the same drawn queries.
 */
import { Rng } from '../../common/rng.ts';
import { bootstrapInterval } from './bootstrap.ts';
import type { Measured } from './label-report.ts';
import { confusionMatrix, macroF1Of, quadraticWeightedKappaOf } from './metrics.ts';
import { groupByQuery, ndcg, pairAccuracy } from './metrics-ranking.ts';

/** A system's prediction for a test pair. */
export interface Prediction {
  readonly queryId: string;
  readonly docId: string;
  readonly gold: number;
  readonly label: number;
  /** The score that orders the documents of a query. */
  readonly score: number;
  /** The probability of the label. */
  readonly confidence?: number | undefined;
}

/** The measures of a report, in its order. */
export const REAL_MEASURES = ['accuracy', 'macroF1', 'qwk', 'pairAccuracy', 'ndcg10'] as const;
export type RealMeasure = (typeof REAL_MEASURES)[number];

/** The name of each measure. */
export const MEASURE_NAMES: Readonly<Record<RealMeasure, string>> = {
  accuracy: 'accuracy',
  macroF1: 'macro-F1',
  qwk: 'QWK',
  pairAccuracy: 'pair accuracy',
  ndcg10: 'NDCG@10',
};

/** The measures of one system. */
export type RealMeasures = Readonly<Record<RealMeasure, Measured>>;

const RESAMPLES = 1000;

/** A query with its documents' contributions to each measure. */
interface Judged {
  /** Documents by gold label and predicted label, [R,R]: the basis of label measures, quick to sum. */
  readonly counts: readonly (readonly number[])[];
  /** Sums that ratios over queries are computed from. */
  readonly pairs: { readonly right: number; readonly all: number };
  readonly gain: { readonly sum: number; readonly all: number };
}

/** The measures of a system, with intervals. */
export function measureSystem(predictions: readonly Prediction[], scaleSize: number): RealMeasures {
  const queries = groupByQuery(predictions).map((group) => judge(group, scaleSize));
  return eachMeasure(queries, (name, sample) => valueOf(name, sample, scaleSize));
}

/** The advantage of one system over another on the same pairs: `better - other`, paired by query. */
export function compareSystems(
  better: readonly Prediction[],
  other: readonly Prediction[],
  scaleSize: number,
): RealMeasures {
  const others = new Map(groupByQuery(other).map((group) => [group[0]?.queryId, judge(group, scaleSize)]));
  const both = groupByQuery(better).flatMap((group) => {
    const counterpart = others.get(group[0]?.queryId);
    return counterpart === undefined ? [] : [[judge(group, scaleSize), counterpart] as const];
  });
  return eachMeasure(both, (name, sample) => {
    const first = valueOf(name, sample.map((pair) => pair[0]), scaleSize); // prettier-ignore
    const second = valueOf(name, sample.map((pair) => pair[1]), scaleSize); // prettier-ignore
    return first === null || second === null ? null : first - second;
  });
}

/** Every measure of some queries, with its interval if there are several. */
function eachMeasure<Query>(
  queries: readonly Query[],
  of: (name: RealMeasure, sample: readonly Query[]) => number | null,
): RealMeasures {
  const drawn = queries.map((query) => [query]);
  const measure = (name: RealMeasure): Measured => {
    const value = of(name, queries);
    if (value === null || queries.length < 2) return { value };
    const metric = (sample: readonly (readonly Query[])[]): number | null => of(name, sample.flat());
    const { low, high } = bootstrapInterval(drawn, metric, new Rng('bootstrap'), { resamples: RESAMPLES });
    return { value, low, high };
  };
  return {
    accuracy: measure('accuracy'),
    macroF1: measure('macroF1'),
    qwk: measure('qwk'),
    pairAccuracy: measure('pairAccuracy'),
    ndcg10: measure('ndcg10'),
  };
}

function valueOf(name: RealMeasure, queries: readonly Judged[], scaleSize: number): number | null {
  switch (name) {
    case 'accuracy':
      return ratio(queries.flatMap(({ counts }) => counts.map((row, label) => [row[label] ?? 0, sumOf(row)] as const)));
    case 'macroF1':
      return macroF1Of(addUp(queries, scaleSize));
    case 'qwk':
      return quadraticWeightedKappaOf(addUp(queries, scaleSize));
    case 'pairAccuracy':
      return ratio(queries.map(({ pairs }) => [pairs.right, pairs.all]));
    case 'ndcg10':
      return ratio(queries.map(({ gain }) => [gain.sum, gain.all]));
    default:
      return name satisfies never;
  }
}

function addUp(queries: readonly Judged[], scaleSize: number): number[][] {
  const total = Array.from({ length: scaleSize }, () => Array<number>(scaleSize).fill(0));
  for (const [gold, row] of total.entries()) {
    for (const label of row.keys()) row[label] = sumOf(queries.map(({ counts }) => counts[gold]?.[label] ?? 0));
  }
  return total;
}

function sumOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}

function ratio(parts: readonly (readonly [part: number, whole: number])[]): number | null {
  const whole = parts.reduce((sum, part) => sum + part[1], 0);
  return whole === 0 ? null : parts.reduce((sum, part) => sum + part[0], 0) / whole;
}

function judge(group: readonly Prediction[], scaleSize: number): Judged {
  const documents = group.map(({ docId, gold, score }) => ({ docId, label: gold, score }));
  const [order, gains] = [pairAccuracy([documents]), ndcg([documents], 10)];
  return {
    counts: confusionMatrix(
      group.map(({ gold }) => gold),
      group.map(({ label }) => label),
      scaleSize,
    ),
    pairs: { right: (order.value ?? 0) * order.measured, all: order.measured },
    gain: { sum: (gains.value ?? 0) * gains.measured, all: gains.measured },
  };
}
