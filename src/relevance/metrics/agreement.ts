/**
 * How far the answers of one model agree with those of another, such as a compressed copy with its original.
 */
import { ratioOverQueries, type Measured } from './label-report.ts';
import { groupByQuery } from './metrics-ranking.ts';

/** The answers of two models to one pair. */
export interface AnsweredTwice {
  readonly queryId: string;
  readonly gold: number;
  readonly original: Answered;
  readonly copy: Answered;
}

/** An answer: the label, and the serving score `s` in [0, R-1]. */
interface Answered {
  readonly label: number;
  readonly score: number;
}

/** Agreement of a copy with its original. */
export interface Agreement {
  readonly pairs: number;
  readonly queries: number;
  /** The share of pairs with the same label. */
  readonly sameLabel: Measured;
  /** Mean of |s of the copy - s of the original|, in labels. */
  readonly meanScoreShift: number;
  readonly maxScoreShift: number;
  /** Label accuracy of the copy minus that of the original. */
  readonly accuracyChange: Measured;
}

/** Compares a copy with its original. @param pairs - at least one */
export function agreementOf(pairs: readonly AnsweredTwice[]): Agreement {
  const groups = groupByQuery(pairs);
  const shareOf = (part: (pair: AnsweredTwice) => number): Measured =>
    ratioOverQueries(
      groups.map((group) => ({ part: group.reduce((sum, pair) => sum + part(pair), 0), whole: group.length })),
    );
  const shifts = pairs.map(({ original, copy }) => Math.abs(copy.score - original.score));
  const isRight = (gold: number, { label }: Answered): number => (label === gold ? 1 : 0);
  return {
    pairs: pairs.length,
    queries: groups.length,
    sameLabel: shareOf(({ original, copy }) => (copy.label === original.label ? 1 : 0)),
    meanScoreShift: shifts.reduce((sum, shift) => sum + shift, 0) / shifts.length,
    maxScoreShift: shifts.reduce((most, shift) => Math.max(most, shift), 0),
    accuracyChange: shareOf(({ gold, original, copy }) => isRight(gold, copy) - isRight(gold, original)),
  };
}
