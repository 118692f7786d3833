/**
 * What is written about the score of a pair, by `lab score` and by the Files view alike.
 */
import type { LabelScore } from '../../infer/score.ts';
import { normalisedRelevance } from '../../relevance/pair/labels.ts';

/** The values of a score, by the names of their columns. `p0` to `p5` come one for each label of the scale. */
export type ScoreRecord = Readonly<Record<string, string | number>> & {
  readonly label: number;
  readonly labelName: string;
  readonly score: number;
};

/** @param names - of the labels that the model answered with, worst first */
export function scoreRecord(
  { label, score, probabilities }: Pick<LabelScore, 'label' | 'score' | 'probabilities'>,
  names: readonly string[],
): ScoreRecord {
  return {
    label,
    labelName: names[label] ?? '',
    score: rounded(score),
    relevance: rounded(normalisedRelevance(probabilities)),
    confidence: rounded(Math.max(...probabilities)),
    ...Object.fromEntries(probabilities.map((p, k) => [`p${k}`, rounded(p)])),
  };
}

/** Six decimals: more are noise of 32-bit floats. */
export function rounded(value: number): number {
  return Number(value.toFixed(6));
}
