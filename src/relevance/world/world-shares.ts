/**
 * How often each rule is targeted, and how often it is then cited.
 *
 * Labels are equally frequent; within a label the rules follow Zipf's law. A rule can only be targeted where the query
 * has room for it (its vertical, its kind of wish). So one weight per rule is fitted until the expected share over all
 * query shapes equals the wanted share, as far as there is room.
 */
import type { QueryShape } from './world-query.ts';

/** The outcome of targeting a rule in a few trials of one query shape: the rules cited in each. */
export interface Trial {
  readonly rule: number;
  readonly label: number;
  readonly cited: readonly (readonly number[])[];
}

/** The rules that can be targeted within one shape, and the share of queries with that shape (sums to 1). */
export interface ShapeTrials {
  readonly shape: QueryShape;
  readonly share: number;
  readonly trials: readonly Trial[];
}

/** Wanted shares of all pairs by rule index, from the ranks of each label: proportional to rank^-exponent. */
export function zipfShares(ranks: readonly (readonly number[])[], exponent: number): Map<number, number> {
  const shares = new Map<number, number>();
  for (const rules of ranks) {
    const total = rules.reduce((sum, _, i) => sum + (i + 1) ** -exponent, 0);
    rules.forEach((rule, i) => shares.set(rule, (i + 1) ** -exponent / total / ranks.length));
  }
  return shares;
}

/** Rule weights under which targeting by weight, label by label and shape by shape, gives the wanted shares. */
export function fitWeights(shapes: readonly ShapeTrials[], wanted: ReadonlyMap<number, number>): Map<number, number> {
  const weights = new Map(wanted);
  for (let round = 0; round < FIT_ROUNDS; round++) {
    const reached = aimedShares(shapes, weights);
    for (const [rule, share] of wanted) {
      const got = reached.get(rule) ?? 0;
      // The square root damps the fit, because rules of one label compete for the same shapes.
      if (got > 0) weights.set(rule, (weights.get(rule) ?? 0) * Math.sqrt(share / got));
    }
  }
  return weights;
}

const FIT_ROUNDS = 40;

/** Expected share of pairs that target each rule. */
export function aimedShares(shapes: readonly ShapeTrials[], weights: ReadonlyMap<number, number>): Map<number, number> {
  const shares = new Map<number, number>();
  for (const { trial, share } of expectedTrials(shapes, weights)) add(shares, trial.rule, share);
  return shares;
}

/** Expected share of pairs whose gold trace cites each rule, whatever rule was targeted. */
export function citedShares(shapes: readonly ShapeTrials[], weights: ReadonlyMap<number, number>): Map<number, number> {
  const shares = new Map<number, number>();
  for (const { trial, share } of expectedTrials(shapes, weights)) {
    for (const rule of trial.cited.flat()) add(shares, rule, share / trial.cited.length);
  }
  return shares;
}

/** Every trial with the share of pairs it represents: that of its shape, split evenly over labels, then by weight. */
function expectedTrials(
  shapes: readonly ShapeTrials[],
  weights: ReadonlyMap<number, number>,
): { readonly trial: Trial; readonly share: number }[] {
  return shapes.flatMap(({ share, trials }) => {
    const byLabel = new Map<number, number>();
    for (const { rule, label } of trials) add(byLabel, label, weights.get(rule) ?? 0);
    return trials.map((trial) => ({
      trial,
      share: (share / byLabel.size) * ((weights.get(trial.rule) ?? 0) / (byLabel.get(trial.label) ?? 1)),
    }));
  });
}

function add(sums: Map<number, number>, key: number, value: number): void {
  sums.set(key, (sums.get(key) ?? 0) + value);
}
