/**
 * Metrics of labels and probabilities: pure functions of plain arrays. Ranking metrics are in metrics-ranking.ts,
 * metrics of reasoning in metrics-reasoning.ts, intervals in bootstrap.ts.
 *
 * A metric is null where the data leave it undefined, never a number that looks like a result. Invalid inputs (unequal
 * lengths, no items, labels off the scale) throw.
 *
 * This room holds all measures of results and their intervals; it depends on neither models nor files.
 */
import { LabError } from '../../common/errors.ts';

/** The share of labels that are right. @throws {LabError} `bad-shape` if lengths differ or are 0. */
export function accuracy(gold: readonly number[], predicted: readonly number[]): number {
  assertPaired('accuracy', gold, predicted);
  return mean(gold.map((label, i) => (label === predicted[i] ? 1 : 0)));
}

/**
 * Counts [R,R]: rows are gold labels, columns predicted labels.
 *
 * @throws {LabError} `bad-shape` if lengths differ or are 0, or a label is not a whole number in [0, R).
 */
export function confusionMatrix(gold: readonly number[], predicted: readonly number[], scaleSize: number): number[][] {
  assertPaired('confusionMatrix', gold, predicted);
  const counts = Array.from({ length: scaleSize }, () => Array<number>(scaleSize).fill(0));
  for (const [i, label] of gold.entries()) {
    const row = counts[label];
    const column = predicted[i] ?? -1;
    if (row?.[column] === undefined) {
      throw new LabError('bad-shape', {
        message: `confusionMatrix: item ${i} is off the scale.`,
        expected: `whole labels from 0 to ${scaleSize - 1}`,
        got: `gold ${label}, predicted ${column}`,
        fix: 'Map both to one scale first.',
      });
    }
    row[column] = (row[column] ?? 0) + 1;
  }
  return counts;
}

/**
 * The unweighted mean of F1 over the labels that occur in gold or among the predictions (scikit-learn's `f1_score`
 * with `average='macro', zero_division=0`).
 *
 * @throws {LabError} `bad-shape` as {@link confusionMatrix}.
 */
export function macroF1(gold: readonly number[], predicted: readonly number[], scaleSize: number): number {
  return macroF1Of(confusionMatrix(gold, predicted, scaleSize));
}

/** {@link macroF1} of a confusion matrix [R,R]. */
export function macroF1Of(counts: readonly (readonly number[])[]): number {
  const scores: number[] = [];
  for (const [label, row] of counts.entries()) {
    const support = sum(row);
    const claimed = sum(counts.map((other) => other[label] ?? 0));
    if (support + claimed > 0) scores.push((2 * (row[label] ?? 0)) / (support + claimed));
  }
  return mean(scores);
}

/**
 * Cohen's kappa with quadratic weights: 1 - observed / expected squared disagreement (Cohen 1968). Null where gold and
 * predictions consist of one and the same label, because the expected disagreement is then zero.
 *
 * @throws {LabError} `bad-shape` as {@link confusionMatrix}.
 */
export function quadraticWeightedKappa(
  gold: readonly number[],
  predicted: readonly number[],
  scaleSize: number,
): number | null {
  return quadraticWeightedKappaOf(confusionMatrix(gold, predicted, scaleSize));
}

/** {@link quadraticWeightedKappa} of a confusion matrix [R,R]. */
export function quadraticWeightedKappaOf(counts: readonly (readonly number[])[]): number | null {
  const rows = counts.map(sum);
  const total = sum(rows);
  const columns = counts.map((_, label) => sum(counts.map((row) => row[label] ?? 0)));
  let observed = 0;
  let expected = 0;
  for (const [a, row] of counts.entries()) {
    for (const [b, count] of row.entries()) {
      const weight = (a - b) ** 2;
      observed += weight * count;
      expected += (weight * (rows[a] ?? 0) * (columns[b] ?? 0)) / total;
    }
  }
  return expected === 0 ? null : 1 - observed / expected;
}

/**
 * Expected calibration error: the mean over equal-width bins of |accuracy - mean confidence|, weighted by bin size
 * (Guo et al. 2017, arXiv 1706.04599). A confidence on a bin edge belongs to the lower bin.
 *
 * @param confidences - the probability of the predicted label, in [0, 1].
 * @param isRight - whether that label is the gold label.
 * @throws {LabError} `bad-shape` if lengths differ or are 0; `not-finite` if a confidence is not a probability.
 */
export function expectedCalibrationError(
  confidences: readonly number[],
  isRight: readonly boolean[],
  bins = 15,
): number {
  assertPaired('expectedCalibrationError', confidences, isRight);
  const gaps = Array<number>(bins).fill(0);
  for (const [i, confidence] of confidences.entries()) {
    assertProbability('expectedCalibrationError', confidence);
    const bin = Math.max(Math.ceil(confidence * bins) - 1, 0);
    gaps[bin] = (gaps[bin] ?? 0) + (isRight[i] === true ? 1 : 0) - confidence;
  }
  // Within a bin, size * |accuracy - mean confidence| is |sum of (right - confidence)|.
  return sum(gaps.map(Math.abs)) / confidences.length;
}

/**
 * The entropy of a distribution in nats, with 0 log 0 = 0.
 *
 * @throws {LabError} `not-finite` if an entry is not a probability or the sum is not 1 within 1e-3.
 */
export function entropyNats(probabilities: readonly number[]): number {
  for (const probability of probabilities) assertProbability('entropyNats', probability);
  const total = sum(probabilities);
  if (Math.abs(total - 1) > 1e-3) {
    const message = 'entropyNats: not a distribution.';
    throw new LabError('not-finite', { message, expected: 'probabilities that add up to 1', got: `a sum of ${total}` });
  }
  // Adding 0 turns the -0 of a one-point distribution into 0.
  return 0 - sum(probabilities.map((p) => (p > 0 ? p * Math.log(p) : 0)));
}

function assertPaired(metric: string, a: readonly unknown[], b: readonly unknown[]): void {
  if (a.length > 0 && a.length === b.length) return;
  throw new LabError('bad-shape', {
    message: `${metric}: the inputs differ in length or are empty.`,
    expected: 'two lists of equal length, at least 1',
    got: `${a.length} and ${b.length} entries`,
  });
}

function assertProbability(metric: string, value: number): void {
  if (value >= 0 && value <= 1 + 1e-6) return;
  throw new LabError('not-finite', { message: `${metric}: not a probability.`, expected: '0 to 1', got: `${value}` });
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function mean(values: readonly number[]): number {
  return sum(values) / values.length;
}
