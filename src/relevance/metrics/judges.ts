/** How far people who judged the same pairs agree with each other. */
import { Rng } from '../../common/rng.ts';
import { bootstrapInterval } from './bootstrap.ts';
import type { Measured } from './label-report.ts';
import { quadraticWeightedKappa } from './metrics.ts';
import { groupByQuery } from './metrics-ranking.ts';

/** What a person said of a pair; of several judgments of one pair by one person the last counts. */
export interface Judgment {
  readonly queryId: string;
  /** The pair. */
  readonly unit: string;
  readonly judge: string;
  readonly label: number;
}

/** The agreement of two judges on the pairs that both have judged. */
export interface JudgePair {
  readonly judges: readonly [string, string];
  readonly pairs: number;
  /** The share with the same label. */
  readonly same: number;
  /** Quadratic weighted (Cohen 1968); null where one of both always says the same. */
  readonly kappa: number | null;
}

export interface JudgesReport {
  /** Pairs with two judges or more. */
  readonly pairs: number;
  readonly judges: readonly { readonly name: string; readonly judged: number }[];
  /** Krippendorff's alpha of all judges, for differences of labels (interval metric). */
  readonly alpha: Measured;
  /** Those with the most common pairs first. */
  readonly between: readonly JudgePair[];
}

/** Further combinations of judges are not listed. */
const LISTED = 10;

/** The agreement of judges; null unless some pair has two. */
export function reportJudges(judgments: Iterable<Judgment>, scaleSize: number): JudgesReport | null {
  const units = new Map<string, { readonly queryId: string; readonly labels: Map<string, number> }>();
  for (const { queryId, unit, judge, label } of judgments) {
    const known = units.get(unit) ?? { queryId, labels: new Map<string, number>() };
    units.set(unit, known);
    known.labels.set(judge, label);
  }
  const common = [...units.values()].filter(({ labels }) => labels.size > 1);
  if (common.length === 0) return null;
  const judged = new Map<string, number>();
  for (const { labels } of units.values())
    for (const name of labels.keys()) judged.set(name, (judged.get(name) ?? 0) + 1);
  const judges = [...judged].map(([name, count]) => ({ name, judged: count })).toSorted((a, b) => b.judged - a.judged);
  return {
    pairs: common.length,
    judges,
    alpha: alphaOf(
      groupByQuery(common).map((group) => group.map(({ labels }) => [...labels.values()])),
      scaleSize,
    ),
    between: pairsOfJudges(common, scaleSize),
  };
}

/**
 * Krippendorff's alpha from units of labels, with its interval over queries.
 *
 * @param queries - the units of each query; each has at least two labels
 */
function alphaOf(queries: readonly (readonly (readonly number[])[])[], scaleSize: number): Measured {
  const matrices = queries.map((units) => coincidences(units, scaleSize));
  const value = krippendorffAlpha(summed(matrices, scaleSize));
  if (value === null || matrices.length < 2) return { value };
  const { low, high } = bootstrapInterval(
    matrices.map((matrix) => [matrix]),
    (sample) => krippendorffAlpha(summed(sample.flat(), scaleSize)),
    new Rng('bootstrap'),
  );
  return { value, low, high };
}

/** [R,R] how often two labels were given to the same unit, each unit as often as it has labels (Krippendorff 2011). */
function coincidences(units: readonly (readonly number[])[], scaleSize: number): number[][] {
  const counts = Array.from({ length: scaleSize }, () => Array<number>(scaleSize).fill(0));
  for (const labels of units) {
    const weight = 1 / (labels.length - 1);
    for (const [i, a] of labels.entries()) {
      for (const [j, b] of labels.entries()) {
        const row = counts[a];
        if (i !== j && row !== undefined) row[b] = (row[b] ?? 0) + weight;
      }
    }
  }
  return counts;
}

/** Alpha of coincidences; null where all labels are the same. */
function krippendorffAlpha(counts: readonly (readonly number[])[]): number | null {
  const sums = counts.map((row) => row.reduce((sum, count) => sum + count, 0));
  const all = sums.reduce((sum, count) => sum + count, 0);
  let [observed, expected] = [0, 0];
  for (const [a, row] of counts.entries()) {
    for (const [b, count] of row.entries()) {
      observed += count * (a - b) ** 2;
      expected += ((sums[a] ?? 0) * (sums[b] ?? 0) * (a - b) ** 2) / (all - 1);
    }
  }
  return expected === 0 ? null : 1 - observed / expected;
}

function summed(matrices: readonly (readonly (readonly number[])[])[], scaleSize: number): number[][] {
  return Array.from({ length: scaleSize }, (_, a) =>
    Array.from({ length: scaleSize }, (__, b) => matrices.reduce((sum, matrix) => sum + (matrix[a]?.[b] ?? 0), 0)),
  );
}

function pairsOfJudges(
  units: readonly { readonly labels: ReadonlyMap<string, number> }[],
  scaleSize: number,
): JudgePair[] {
  const found = new Map<string, { readonly judges: [string, string]; readonly a: number[]; readonly b: number[] }>();
  for (const { labels } of units) {
    const names = [...labels.keys()].toSorted();
    for (const [i, one] of names.entries()) {
      for (const other of names.slice(i + 1)) {
        const key = JSON.stringify([one, other]);
        const known = found.get(key) ?? { judges: [one, other], a: [], b: [] };
        found.set(key, known);
        known.a.push(labels.get(one) ?? 0);
        known.b.push(labels.get(other) ?? 0);
      }
    }
  }
  return [...found.values()]
    .toSorted((x, y) => y.a.length - x.a.length)
    .slice(0, LISTED)
    .map(({ judges, a, b }) => ({
      judges,
      pairs: a.length,
      same: a.filter((label, i) => label === b[i]).length / a.length,
      kappa: quadraticWeightedKappa(a, b, scaleSize),
    }));
}

/** In sentences. */
export function describeJudges({ pairs, judges, alpha, between }: JudgesReport): string[] {
  const fixed = (value: number | null): string => (value === null ? 'nothing to measure' : value.toFixed(3));
  const interval =
    alpha.low === undefined || alpha.high === undefined ? '' : ` (${alpha.low.toFixed(3)} to ${alpha.high.toFixed(3)})`;
  const names = judges.map(({ name, judged }) => `${name} ${judged.toLocaleString('en')}`);
  const shown = names.length > LISTED ? [...names.slice(0, LISTED), `${names.length - LISTED} more`] : names;
  return [
    `${judges.length} judges, ${pairs.toLocaleString('en')} pairs with two or more: ${shown.join(', ')}.`,
    `Krippendorff's alpha (interval) ${fixed(alpha.value)}${interval}.`,
    ...between.map(
      ({ judges: [a, b], pairs: common, same, kappa }) =>
        `${a} and ${b}: ${(100 * same).toFixed(0)} % the same on ${common.toLocaleString('en')}, ` +
        `quadratic weighted kappa ${fixed(kappa)}.`,
    ),
  ];
}
