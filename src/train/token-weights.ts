/**
 * Token weights: how the loss terms of tokens are averaged. Each variant of GRPO is one set of weights w, so that every
 * policy loss has the form L = -sum_t w_t l_t and the variants differ in plain numbers that can be checked by hand:
 *
 * - **grpo**, **gspo**: w = 1 / (n |o_i|), the mean over a completion's tokens, then over the n completions;
 * - **dapo**: w = 1 / sum_i |o_i|, the mean over all tokens, so that long completions count for more;
 * - **dr_grpo**: w = 1 / (n * maximum length), which does not favour short wrong completions.
 *
 * With separate averaging the rule is applied to the label (one token, length 1) and to the reasoning independently,
 * and each part has its own weight.
 */
import type { AveragingConfig, PolicyLossConfig } from '../config/grpo-config.ts';

/** The properties of a completion that its weights depend on. */
export interface WeighedCompletion {
  /** |o_i|, in tokens. */
  readonly length: number;
  /** A masked completion has weight 0 and is not counted. */
  readonly isMasked: boolean;
}

/**
 * The weight of every token of every completion.
 *
 * @param maxTokens - the maximum number of tokens of a completion; read by dr_grpo
 */
export function tokenWeights(
  kind: PolicyLossConfig['kind'],
  averaging: AveragingConfig,
  completions: readonly WeighedCompletion[],
  maxTokens: number,
): number[][] {
  switch (averaging.kind) {
    case 'joint': {
      const weights = partWeights(kind, lengthsOf(completions, 0), maxTokens);
      return completions.map(({ length }, i) => Array<number>(length).fill(weights[i] ?? 0));
    }
    case 'separate': {
      const label = partWeights(
        kind,
        lengthsOf(completions, 0).map((length) => Math.min(length, 1)),
        1,
      );
      const reasoning = partWeights(kind, lengthsOf(completions, 1), maxTokens - 1);
      return completions.map(({ length }, i) =>
        Array.from({ length }, (_, t) =>
          t === 0 ? averaging.label * (label[i] ?? 0) : averaging.reasoning * (reasoning[i] ?? 0),
        ),
      );
    }
    default:
      return averaging satisfies never;
  }
}

/** The number of tokens after the first `skipped` in each completion; 0 for a masked one. */
function lengthsOf(completions: readonly WeighedCompletion[], skipped: number): number[] {
  return completions.map(({ length, isMasked }) => (isMasked ? 0 : Math.max(0, length - skipped)));
}

/** The weight of each token of a part, by completion; 0 where a completion has no such token. */
function partWeights(kind: PolicyLossConfig['kind'], lengths: readonly number[], maxLength: number): number[] {
  const n = lengths.filter((length) => length > 0).length;
  const total = lengths.reduce((sum, length) => sum + length, 0);
  return lengths.map((length) => {
    if (length === 0) return 0;
    switch (kind) {
      case 'grpo':
      case 'gspo':
        return 1 / (n * length);
      case 'dapo':
        return 1 / total;
      case 'dr_grpo':
        return 1 / (n * maxLength);
      default:
        return kind satisfies never;
    }
  });
}
