/**
 * Advantages: how much better than its group a completion did, assigned to its tokens.
 *
 * **outcome** (arXiv 2402.03300): A = (r - mean r) / std r of the total reward, the same for every token.
 *
 * **stepwise** (our definition): each segment is compared with the same segment of the other completions of its prompt.
 *
 * - The label token gets the advantage of r_label, because it is right or wrong whatever reasoning follows.
 * - Every reasoning token gets the advantage of the whole reasoning. The reward of the reasoning is the total reward
 *   assuming a right label: 0 for a broken form, less for each omitted gold rule.
 * - The tokens of a step also get the advantage of that step's reward among all citations of the same rule in the
 *   group: did citing this rule go better here than elsewhere? A rule cited once has no peers and gets 0.
 *
 * The advantage is 0 where rewards do not differ (fewer than two, or a spread below {@link LEAST_SPREAD}).
 */
import type { AdvantageConfig } from '../config/grpo-config.ts';
import type { TokenSpan } from './completion-reader.ts';

/** A standard deviation below this counts as 0, because dividing by it would amplify rounding errors. */
export const LEAST_SPREAD = 1e-4;

/** The rewards of one completion, in [0, 1] before a KL penalty is subtracted. */
export interface SegmentRewards {
  readonly total: number;
  readonly label: number;
  readonly reasoning: number;
  readonly steps: readonly { readonly rule: number; readonly value: number }[];
}

/** The advantages of one completion's segments; those of steps are added to `reasoning`. */
export interface SegmentAdvantages {
  readonly label: number;
  readonly reasoning: number;
  readonly steps: readonly number[];
}

/**
 * The advantages of groups of completions, in the shape of the groups.
 *
 * @param groups - one list per prompt
 */
export function segmentAdvantages(
  groups: readonly (readonly SegmentRewards[])[],
  { kind, scaling, stepWeight }: AdvantageConfig,
): SegmentAdvantages[][] {
  switch (kind) {
    case 'outcome':
      return normalise(totalsOf(groups), scaling).map((group, p) =>
        group.map((advantage, g) => {
          const steps = groups[p]?.[g]?.steps.map(() => 0) ?? [];
          return { label: advantage, reasoning: advantage, steps };
        }),
      );
    case 'stepwise': {
      const labels = normalise(
        groups.map((group) => group.map(({ label }) => label)),
        scaling,
      );
      const reasonings = normalise(
        groups.map((group) => group.map(({ reasoning }) => reasoning)),
        scaling,
      );
      const steps = stepAdvantages(groups, scaling);
      return groups.map((group, p) =>
        group.map((_, g) => ({
          label: labels[p]?.[g] ?? 0,
          reasoning: reasonings[p]?.[g] ?? 0,
          steps: (steps[p]?.[g] ?? []).map((advantage) => stepWeight * advantage),
        })),
      );
    }
    default:
      return kind satisfies never;
  }
}

/**
 * Differences from the mean of each list, divided by the list's standard deviation (population), by that of all
 * differences, or not at all. Lists without spread give zeros.
 */
export function normalise(lists: readonly (readonly number[])[], scaling: AdvantageConfig['scaling']): number[][] {
  const spreads = lists.map(spreadOf);
  const centred = lists.map((values, i) => {
    const mean = meanOf(values);
    return values.map((value) => ((spreads[i] ?? 0) < LEAST_SPREAD ? 0 : value - mean));
  });
  const batchSpread = Math.sqrt(meanOf(centred.flat().map((value) => value * value)));
  return centred.map((values, i) => {
    const divisor = { group: spreads[i] ?? 0, batch: batchSpread, none: 1 }[scaling];
    return values.map((value) => (value === 0 ? 0 : value / divisor));
  });
}

/** One advantage per token of a completion: the first has the label's, the others the reasoning's plus their step's. */
export function spreadOverTokens(
  length: number,
  spans: readonly TokenSpan[],
  { label, reasoning, steps }: SegmentAdvantages,
): number[] {
  const tokens = Array<number>(length).fill(reasoning);
  if (length > 0) tokens[0] = label;
  for (const [i, { start, end }] of spans.entries()) tokens.fill(reasoning + (steps[i] ?? 0), start, end);
  return tokens;
}

/** Whether no token of a group has an advantage, so that nothing can be learned from it. */
export function isSilent(group: readonly SegmentAdvantages[]): boolean {
  return group.every(
    ({ label, reasoning, steps }) => label === 0 && reasoning === 0 && steps.every((advantage) => advantage === 0),
  );
}

/** The share of groups whose total rewards do not differ. */
export function zeroVarianceShare(groups: readonly (readonly SegmentRewards[])[]): number {
  return meanOf(totalsOf(groups).map((totals) => (spreadOf(totals) < LEAST_SPREAD ? 1 : 0)));
}

/** Step advantages, normalised over the citations of one rule in one group. */
function stepAdvantages(
  groups: readonly (readonly SegmentRewards[])[],
  scaling: AdvantageConfig['scaling'],
): number[][][] {
  const citations = new Map<string, { values: number[]; places: { p: number; g: number; step: number }[] }>();
  for (const [p, group] of groups.entries()) {
    for (const [g, { steps }] of group.entries()) {
      for (const [step, { rule, value }] of steps.entries()) {
        const key = `${p}/${rule}`;
        const cited = citations.get(key) ?? { values: [], places: [] };
        cited.values.push(value);
        cited.places.push({ p, g, step });
        citations.set(key, cited);
      }
    }
  }
  const advantages = groups.map((group) => group.map(({ steps }) => steps.map(() => 0)));
  const lists = [...citations.values()];
  const normalised = normalise(
    lists.map(({ values }) => values),
    scaling,
  );
  for (const [i, { places }] of lists.entries()) {
    for (const [j, { p, g, step }] of places.entries()) {
      const row = advantages[p]?.[g];
      if (row !== undefined) row[step] = normalised[i]?.[j] ?? 0;
    }
  }
  return advantages;
}

function totalsOf(groups: readonly (readonly SegmentRewards[])[]): number[][] {
  return groups.map((group) => group.map(({ total }) => total));
}

function spreadOf(values: readonly number[]): number {
  const mean = meanOf(values);
  return Math.sqrt(meanOf(values.map((value) => (value - mean) ** 2)));
}

function meanOf(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
}
