/** Whether answers are as often right as they are sure, and what is left where unsure ones go to a person. */

/** An answer: the probability of its label, and whether the label is that of the grade. */
export interface SureAnswer {
  readonly confidence: number;
  readonly isRight: boolean;
}

/** Answers whose confidence is in (low, high]; the first bin has 0 too. */
export interface ReliabilityBin {
  readonly low: number;
  readonly high: number;
  readonly answers: number;
  readonly right: number;
  /** The mean; 0 without answers. */
  readonly confidence: number;
}

/** What is left of answers if those below a confidence go to a person. */
export interface AbstentionPoint {
  readonly threshold: number;
  /** Answers at least as sure. */
  readonly answered: number;
  readonly right: number;
}

/** The bins of a reliability diagram (Guo et al. 2017, arXiv 1706.04599), of equal width. */
export function reliabilityBins(answers: readonly SureAnswer[], bins = 10): ReliabilityBin[] {
  const sums = Array.from({ length: bins }, () => ({ answers: 0, right: 0, confidence: 0 }));
  for (const { confidence, isRight } of answers) {
    const bin = sums[Math.min(bins - 1, Math.max(0, Math.ceil(confidence * bins) - 1))];
    if (bin === undefined) continue;
    bin.answers += 1;
    bin.right += isRight ? 1 : 0;
    bin.confidence += confidence;
  }
  return sums.map((bin, i) => ({
    low: i / bins,
    high: (i + 1) / bins,
    ...bin,
    confidence: bin.answers === 0 ? 0 : bin.confidence / bin.answers,
  }));
}

/** Abstention at thresholds from 0 in steps of 1 / `steps`, less than 1. */
export function abstentionCurve(answers: readonly SureAnswer[], steps = 100): AbstentionPoint[] {
  const sure = answers.toSorted((a, b) => b.confidence - a.confidence);
  const points: AbstentionPoint[] = [];
  let [answered, right] = [0, 0];
  for (let step = steps - 1; step >= 0; step--) {
    const threshold = step / steps;
    for (; (sure[answered]?.confidence ?? -1) >= threshold; answered++)
      right += sure[answered]?.isRight === true ? 1 : 0;
    points.push({ threshold, answered, right });
  }
  return points.toReversed();
}

/** Abstention at one threshold. */
export function abstentionAt(answers: readonly SureAnswer[], threshold: number): AbstentionPoint {
  const sure = answers.filter(({ confidence }) => confidence >= threshold);
  return { threshold, answered: sure.length, right: sure.filter(({ isRight }) => isRight).length };
}

/** A point in a sentence, beside the numbers of graded and of right answers without abstention. */
export function describeAbstention(
  { threshold, answered, right }: AbstentionPoint,
  { graded, right: all }: { readonly graded: number; readonly right: number },
): string {
  const percent = (part: number, whole: number): string => `${((100 * part) / Math.max(1, whole)).toFixed(0)} %`;
  const count = (value: number): string => value.toLocaleString('en');
  const asked = graded - answered;
  const kept = answered === 0 ? 'No label is left.' : `Of the other labels ${percent(right, answered)} are right`;
  const rest =
    answered === 0 ? '' : ` (of all: ${percent(all, graded)}); wrong labels that stay: ${count(answered - right)}.`;
  return `Below ${percent(threshold, 1)} a person decides: ${count(asked)} of ${count(graded)} graded pairs (${percent(asked, graded)}). ${kept}${rest}`;
}
