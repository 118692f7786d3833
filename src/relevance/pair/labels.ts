/**
 * The ordinal scale of relevance: labels `0..R-1`, 2 <= R <= 6, with names and a rubric that users can replace.
 */
import { LabError } from '../../common/errors.ts';

/** The smallest and largest scale the tokenizer has label tokens for. */
export const MIN_SCALE = 2;
export const MAX_SCALE = 6;

/** A scale of R labels; `names[k]` is displayed, `rubric[k]` says when label k applies. */
export interface LabelScale {
  readonly size: number;
  readonly names: readonly string[];
  readonly rubric: readonly string[];
}

/** The default scale of four. */
export const DEFAULT_SCALE: LabelScale = makeScale(
  ['irrelevant', 'partial', 'substantial', 'exact'],
  [
    'does not serve the need behind the query',
    'touches the need, but few would accept it',
    'serves the need with a shortcoming most would accept',
    'is what the query asks for',
  ],
);

/** The two-label scale of binary judgments. */
export const BINARY_SCALE: LabelScale = makeScale(
  ['irrelevant', 'relevant'],
  ['does not serve the need', 'serves the need'],
);

/**
 * A scale from the names of its labels, worst first.
 *
 * @throws {LabError} `bad-config` unless there are 2 to 6 names and as many rubric lines.
 */
export function makeScale(names: readonly string[], rubric: readonly string[] = names): LabelScale {
  if (names.length < MIN_SCALE || names.length > MAX_SCALE || rubric.length !== names.length) {
    throw new LabError('bad-config', {
      message: 'A label scale is not usable.',
      expected: `${MIN_SCALE} to ${MAX_SCALE} names with one rubric line each`,
      got: `${names.length} names and ${rubric.length} rubric lines`,
    });
  }
  return { size: names.length, names, rubric };
}

/** A scale known by its size alone: the built-in scale of that size if there is one, else one with numbers as names. */
export function scaleOfSize(size: number): LabelScale {
  if (size === BINARY_SCALE.size) return BINARY_SCALE;
  if (size === DEFAULT_SCALE.size) return DEFAULT_SCALE;
  return makeScale(Array.from({ length: size }, (_, label) => `label ${label}`));
}

/** Expected relevance on [0, 1]: `s / (R - 1)` with `s = sum_k k p_k`. Ranks across scales. */
export function normalisedRelevance(probabilities: readonly number[]): number {
  return expectedLabel(probabilities) / (probabilities.length - 1);
}

/** The serving score `s = sum_k k p_k`, in [0, R-1]. */
export function expectedLabel(probabilities: readonly number[]): number {
  return probabilities.reduce((sum, probability, label) => sum + label * probability, 0);
}

/** The most likely label; the lower one on a tie. */
export function argMaxLabel(probabilities: readonly number[]): number {
  let best = 0;
  for (const [label, probability] of probabilities.entries()) {
    if (probability > (probabilities[best] ?? 0)) best = label;
  }
  return best;
}
