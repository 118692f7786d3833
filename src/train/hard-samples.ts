/**
 * Hard samples: judged pairs that a trained model finds difficult, by several sampled completions (attempts.ts) and by
 * its distribution over labels. A pair is hard if every completion has a wrong label, if the gold label barely leads,
 * if the completions disagree on the label, or if the rules they cite imply another label than they state.
 *
 * Hard negatives depend on scores alone: documents that people graded lower than another document of the same query,
 * and that the model scores above it or close to it.
 */
import { groupByQuery } from '../relevance/metrics/metrics-ranking.ts';
import type { JudgedPair } from '../relevance/pair/pair.ts';
import type { Attempt } from './attempts.ts';

/** What makes a pair hard. */
export const HARD_REASONS = ['all wrong', 'low margin', 'answers disagree', 'label against trace'] as const;
export type HardReason = (typeof HARD_REASONS)[number];

/** A judged pair with a model's attempts at it. */
export interface Tried {
  readonly pair: JudgedPair;
  readonly attempts: readonly Attempt[];
  /** Over the labels, from the prompt alone. */
  readonly probabilities: readonly number[];
}

/** How hard a pair is. Shares are of its attempts. */
export interface Difficulty {
  readonly passRate: number;
  /** With the full strict reward; null where no gold trace is known. */
  readonly fullRate: number | null;
  /** The probability of the gold label less that of the likeliest other, in [-1, 1]. */
  readonly margin: number;
  /** The share of attempts that differ from the most frequent answer; an attempt without an answer differs from all. */
  readonly labelSpread: number;
  /** Of the attempts whose rules imply a label, those that state another; null where none implies one. */
  readonly traceConflicts: number | null;
}

/** The thresholds from which a pair counts as hard. */
export interface HardThresholds {
  /** A margin below this is low. */
  readonly margin: number;
  /** Answers disagree from this label spread upwards. */
  readonly spread: number;
  /** Label and trace disagree from this share of conflicts upwards. */
  readonly conflicts: number;
}

export const HARD_THRESHOLDS: HardThresholds = { margin: 0.1, spread: 0.5, conflicts: 0.5 };

/** A hard pair. */
export interface HardSample extends Tried {
  readonly difficulty: Difficulty;
  /** At least one, in the order of {@link HARD_REASONS}. */
  readonly reasons: readonly HardReason[];
}

/** A document scored close to or above one of the same query with a higher grade. */
export interface HardNegative {
  readonly negative: JudgedPair;
  /** The higher-graded document that it is furthest ahead of. */
  readonly positive: JudgedPair;
  /** Relevance of the negative less that of the positive, in [-1, 1]. */
  readonly lead: number;
  /** The number of documents with a higher grade that it comes close to or exceeds. */
  readonly count: number;
}

/**
 * How hard a pair is.
 *
 * @param impliedLabel - the label that a rule leads to when it decides (its cap)
 */
export function difficultyOf(
  { pair, attempts, probabilities }: Tried,
  impliedLabel: (rule: number) => number | undefined,
): Difficulty {
  const known = attempts.flatMap(({ isFull }) => isFull ?? []);
  const gold = probabilities[pair.label] ?? 0;
  const others = probabilities.filter((_, label) => label !== pair.label);
  const agreements = attempts.flatMap(({ parsed }) => {
    if (!parsed.ok) return [];
    const caps = parsed.trace.steps.flatMap(({ rule }) => impliedLabel(rule) ?? []);
    return caps.length === 0 ? [] : [Math.min(...caps) === parsed.trace.label];
  });
  return {
    passRate: shareOf(attempts.map(({ isRight }) => isRight)) ?? 0,
    fullRate: shareOf(known),
    margin: gold - Math.max(0, ...others),
    labelSpread: 1 - commonest(attempts.map(({ parsed }) => parsed.answer)) / attempts.length,
    traceConflicts: shareOf(agreements.map((agrees) => !agrees)),
  };
}

/** Why a pair is hard; empty if it is not. */
export function hardReasons(difficulty: Difficulty, thresholds: HardThresholds = HARD_THRESHOLDS): HardReason[] {
  const { passRate, margin, labelSpread, traceConflicts } = difficulty;
  const holds: Readonly<Record<HardReason, boolean>> = {
    'all wrong': passRate === 0,
    'low margin': margin < thresholds.margin,
    'answers disagree': labelSpread >= thresholds.spread,
    'label against trace': traceConflicts !== null && traceConflicts >= thresholds.conflicts,
  };
  return HARD_REASONS.filter((reason) => holds[reason]);
}

/** The hard pairs among many, hardest first: by pass rate, then by margin, then in the order given. */
export function hardSamples(
  tried: readonly Tried[],
  impliedLabel: (rule: number) => number | undefined,
  thresholds: HardThresholds = HARD_THRESHOLDS,
): HardSample[] {
  return tried
    .map((each): HardSample => {
      const difficulty = difficultyOf(each, impliedLabel);
      return { ...each, difficulty, reasons: hardReasons(difficulty, thresholds) };
    })
    .filter(({ reasons }) => reasons.length > 0)
    .toSorted(({ difficulty: a }, { difficulty: b }) => a.passRate - b.passRate || a.margin - b.margin);
}

/**
 * The hard negatives among scored pairs, those with the largest lead first.
 *
 * @param relevance - of each pair, in [0, 1]
 * @param near - the distance below a higher-graded document that counts as close, default 0.05
 */
export function hardNegatives(pairs: readonly JudgedPair[], relevance: readonly number[], near = 0.05): HardNegative[] {
  const scored = pairs.map((pair, i) => ({ queryId: pair.queryId, pair, score: relevance[i] ?? 0 }));
  return groupByQuery(scored)
    .flatMap((group) =>
      group.flatMap((negative): HardNegative[] => {
        const beaten = group.filter(
          ({ pair, score }) => pair.label > negative.pair.label && negative.score >= score - near,
        );
        const [first, ...rest] = beaten;
        if (first === undefined) return [];
        const positive = rest.reduce((lowest, each) => (each.score < lowest.score ? each : lowest), first);
        const lead = negative.score - positive.score;
        return [{ negative: negative.pair, positive: positive.pair, lead, count: beaten.length }];
      }),
    )
    .toSorted((a, b) => b.lead - a.lead);
}

/** The frequency of the most frequent answer; completions without an answer agree with nothing. */
function commonest(answers: readonly (number | undefined)[]): number {
  const counts = new Map<number, number>();
  for (const answer of answers) {
    if (answer !== undefined) counts.set(answer, (counts.get(answer) ?? 0) + 1);
  }
  return Math.max(0, ...counts.values());
}

function shareOf(flags: readonly boolean[]): number | null {
  return flags.length === 0 ? null : flags.filter(Boolean).length / flags.length;
}
