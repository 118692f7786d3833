/**
 * Metrics of scored pairs against gold labels: one table for trainers, the command line and model cards.
 */
import { counted } from '../../common/counted.ts';
import { Rng } from '../../common/rng.ts';
import { largest } from '../../common/largest.ts';
import type { SureAnswer } from './calibration.ts';
import { bootstrapInterval, bootstrapPlaces } from './bootstrap.ts';
import { argMaxLabel, expectedLabel } from '../pair/labels.ts';
import {
  confusionMatrix,
  entropyNats,
  expectedCalibrationError,
  macroF1,
  quadraticWeightedKappa,
  quadraticWeightedKappaOf,
} from './metrics.ts';
import { groupByQuery, ndcg, pairAccuracy, type ScoredDocument } from './metrics-ranking.ts';

/** A pair with its gold label and the label distribution a model gave it. */
export interface ScoredPair {
  readonly queryId: string;
  readonly docId: string;
  readonly label: number;
  /** Over the R labels of the model's scale. */
  readonly probabilities: readonly number[];
}

/**
 * A measured value; null where nothing could be measured. The interval, where one is asked for, is a 95 % bootstrap
 * over queries.
 */
export interface Measured {
  readonly value: number | null;
  readonly low?: number;
  readonly high?: number;
}

/** Metrics that compare labels. Gold must be on the model's scale. */
export interface LabelReport {
  readonly accuracy: Measured;
  /** The accuracy of always answering the most frequent gold label. */
  readonly majorityAccuracy: Measured;
  readonly macroF1: Measured;
  readonly quadraticWeightedKappa: Measured;
  readonly expectedCalibrationError: Measured;
  /** Mean entropy of the label distribution, in nats. */
  readonly labelEntropyNats: Measured;
}

/** Metrics that compare rankings. Gold may be on any scale. */
export interface RankingReport {
  readonly pairAccuracy: Measured;
  readonly ndcg10: Measured;
  readonly queries: RankedQueries;
}

/** How many queries the ranking metrics cover, and which they leave out. */
export interface RankedQueries {
  readonly all: number;
  /** Without a relevant document, so left out of NDCG. */
  readonly withoutRelevant: number;
  /** Without two documents of different labels, so left out of pair accuracy. */
  readonly withoutPreference: number;
  /** With a single document, which every order ranks correctly. */
  readonly ofOneDocument: number;
}

/** Sentences about the queries that contribute little or nothing to the metrics; empty if all contribute. */
export function describeQueries({ all, withoutRelevant, withoutPreference, ofOneDocument }: RankedQueries): string[] {
  const of = (count: number): string => `${count.toLocaleString('en')} of ${all.toLocaleString('en')} queries`;
  return [
    ...(withoutRelevant === 0 ? [] : [`NDCG leaves out ${of(withoutRelevant)}, which have no relevant document.`]),
    ...(withoutPreference === 0
      ? []
      : [`Pair accuracy leaves out ${of(withoutPreference)}, where all labels are the same.`]),
    ...(ofOneDocument === 0
      ? []
      : [
          `${of(ofOneDocument)} ${ofOneDocument === 1 ? 'has' : 'have'} one document alone, which any order has in its place.`,
        ]),
  ];
}

/** The label on another scale of each label of a scale. */
export function labelMapping(own: { readonly size: number }, other: { readonly size: number }): number[] {
  return Array.from({ length: own.size }, (_, label) => mapLabel(label, own.size, other.size));
}

/**
 * Maps a label of a scale of `fromSize` to a scale of `toSize`: the nearest by relative height, halves rounded up. From
 * four labels to two, 2 and 3 are relevant.
 */
export function mapLabel(label: number, fromSize: number, toSize: number): number {
  return Math.round((label / (fromSize - 1)) * (toSize - 1));
}

/**
 * Label metrics of pairs whose gold labels are on the scale of R = `scaleSize`.
 *
 * @param mapping - the gold label for each of the model's labels, where the model's scale differs
 * @param hasIntervals - default true; of a large file they cost more than all else here
 */
export function reportLabels(
  pairs: readonly ScoredPair[],
  scaleSize: number,
  mapping?: readonly number[],
  hasIntervals = true,
): LabelReport {
  const gold = pairs.map(({ label }) => label);
  const masses = pairs.map(({ probabilities }) => onGoldScale(probabilities, scaleSize, mapping));
  const predicted = masses.map(argMaxLabel);
  const counts = Array.from({ length: scaleSize }, (_, k) => gold.filter((label) => label === k).length);
  const confidences = masses.map(largest);
  const isRight = gold.map((label, i) => label === predicted[i]);
  const entropies = pairs.map(({ probabilities }) => entropyNats(probabilities));
  return {
    accuracy: ratioOverQueries(
      groupByQuery(pairs.map(({ queryId }, i) => ({ queryId, isRight: isRight[i] === true }))).map((group) => ({
        part: group.filter((pair) => pair.isRight).length,
        whole: group.length,
      })),
      hasIntervals,
    ),
    majorityAccuracy: { value: largest(counts) / gold.length },
    macroF1: { value: macroF1(gold, predicted, scaleSize) },
    quadraticWeightedKappa: { value: quadraticWeightedKappa(gold, predicted, scaleSize) },
    expectedCalibrationError: { value: expectedCalibrationError(confidences, isRight) },
    labelEntropyNats: { value: entropies.reduce((sum, entropy) => sum + entropy, 0) / entropies.length },
  };
}

/** Quadratic weighted kappa with its interval; arguments as {@link reportLabels}. */
export function reportKappa(pairs: readonly ScoredPair[], scaleSize: number, mapping?: readonly number[]): Measured {
  const counts = groupByQuery(pairs).map((group) =>
    confusionMatrix(
      group.map(({ label }) => label),
      group.map(({ probabilities }) => argMaxLabel(onGoldScale(probabilities, scaleSize, mapping))),
      scaleSize,
    ),
  );
  const kappaOf = (matrices: readonly number[][][]): number | null => {
    const sums = Array.from({ length: scaleSize }, () => Array<number>(scaleSize).fill(0));
    for (const matrix of matrices) {
      for (const [i, row] of matrix.entries()) {
        const sum = sums[i] ?? [];
        for (let j = 0; j < scaleSize; j++) sum[j] = (sum[j] ?? 0) + (row[j] ?? 0);
      }
    }
    return quadraticWeightedKappaOf(sums);
  };
  const value = kappaOf(counts);
  if (value === null || counts.length < 2) return { value };
  const rng = new Rng('bootstrap');
  const { low, high } = bootstrapInterval(
    counts.map((matrix) => [matrix]),
    (sample) => kappaOf(sample.flat()),
    rng,
  );
  return { value, low, high };
}

/** How sure the answers to pairs are, and whether they are right; arguments as {@link reportLabels}. */
export function sureAnswers(
  pairs: readonly ScoredPair[],
  scaleSize: number,
  mapping?: readonly number[],
): SureAnswer[] {
  return pairs.map(({ label, probabilities }) => {
    const masses = onGoldScale(probabilities, scaleSize, mapping);
    return { confidence: largest(masses), isRight: argMaxLabel(masses) === label };
  });
}

/**
 * A distribution over the model's labels as a distribution over gold labels. Labels that map to the same gold label add
 * up, so that the arg max and the confidence are taken on the scale that is compared.
 */
export function onGoldScale(
  probabilities: readonly number[],
  scaleSize: number,
  mapping?: readonly number[],
): number[] {
  if (mapping === undefined) return [...probabilities];
  const masses = Array<number>(scaleSize).fill(0);
  for (const [label, probability] of probabilities.entries()) {
    const gold = mapping[label] ?? label;
    masses[gold] = (masses[gold] ?? 0) + probability;
  }
  return masses;
}

/** Ranking metrics by the serving score `s`; arguments as {@link reportLabels}. */
export function reportRanking(pairs: readonly ScoredPair[], hasIntervals = true): RankingReport {
  return reportOrder(
    pairs.map(({ queryId, docId, label, probabilities }) => ({
      queryId,
      docId,
      label,
      score: expectedLabel(probabilities),
    })),
    hasIntervals,
  );
}

/** Ranking metrics by any score; arguments as {@link reportLabels}. */
export function reportOrder(
  pairs: readonly (ScoredDocument & { readonly queryId: string })[],
  hasIntervals = true,
): RankingReport {
  const queries = groupByQuery(pairs);
  const preferences = queries.map((query) => pairAccuracy([query]));
  const gains = queries.map((query) => ndcg([query], 10));
  return {
    queries: {
      all: queries.length,
      withoutRelevant: gains.filter(({ measured }) => measured === 0).length,
      withoutPreference: preferences.filter(({ measured }) => measured === 0).length,
      ofOneDocument: queries.filter(({ length }) => length === 1).length,
    },
    pairAccuracy: ratioOverQueries(
      preferences.map(({ value, measured }) => ({ part: (value ?? 0) * measured, whole: measured })),
      hasIntervals,
    ),
    ndcg10: ratioOverQueries(
      gains.map(({ value, measured }) => ({ part: value ?? 0, whole: measured })),
      hasIntervals,
    ),
  };
}

/** A query's contribution to a metric that is a ratio of two sums over queries. */
interface QueryShare {
  readonly part: number;
  readonly whole: number;
}

/** A ratio of two sums over queries, with its interval where there are several queries. */
export function ratioOverQueries(shares: readonly QueryShare[], hasInterval = true): Measured {
  const parts = Float64Array.from(shares, ({ part }) => part);
  const wholes = Float64Array.from(shares, ({ whole }) => whole);
  const ratio = (places: Int32Array): number | null => {
    let part = 0;
    let whole = 0;
    for (const place of places) {
      part += parts[place] ?? 0;
      whole += wholes[place] ?? 0;
    }
    return whole === 0 ? null : part / whole;
  };
  const value = ratio(Int32Array.from(shares.keys()));
  // One query has no spread to estimate; a metric without a value has no interval.
  if (!hasInterval || value === null || shares.length < 2) return { value };
  const { low, high } = bootstrapPlaces(shares.length, ratio, new Rng('bootstrap'));
  return { value, low, high };
}

/** What of a file does not count in its measures, a sentence each. */
export function describeUncounted({
  repeated,
  conflicting,
  cut,
}: Readonly<Record<'repeated' | 'conflicting' | 'cut', number>>): string[] {
  return [
    ...(repeated === 0 ? [] : [`${counted(repeated, 'row repeats', 'rows repeat')} a graded pair, which counts once.`]),
    ...(conflicting === 0
      ? []
      : [
          `${counted(conflicting, 'pair has', 'pairs have')} several different grades and ${conflicting === 1 ? 'is' : 'are'} not compared.`,
        ]),
    ...(cut === 0 ? [] : [`${counted(cut, 'pair was', 'pairs were')} cut to fit the model.`]),
  ];
}
