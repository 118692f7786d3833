/**
 * Agreement of an instruction with human labels on a set of pairs, and its errors. A pair on which no rule fires is not
 * covered: it counts as wrong and is reported separately.
 */
import { deciders, type FiringTable, NO_LABEL, predict } from '../rules/firing-table.ts';
import type { Instruction } from '../rules/instruction.ts';
import { groupByQuery, ndcg, pairAccuracy } from '../metrics/metrics-ranking.ts';
import { confusionMatrix, macroF1, quadraticWeightedKappa } from '../metrics/metrics.ts';

/** The measures of one instruction on one split; null where there is nothing to measure. */
export interface SplitMeasure {
  readonly pairs: number;
  readonly queries: number;
  /** The share of pairs on which some rule fires. */
  readonly coverage: number;
  /** Correct labels as a share of all pairs, covered or not. */
  readonly accuracy: number;
  /** On covered pairs, like the next two. */
  readonly macroF1: number | null;
  readonly quadraticWeightedKappa: number | null;
  /** Counts [R,R]: row gold, column the instruction's label. */
  readonly confusion: readonly (readonly number[])[];
  /** Pairs that are not covered, by gold label [R]. */
  readonly uncovered: readonly number[];
  /** With the instruction's label as the score; pairs that are not covered rank last. */
  readonly pairAccuracy: number | null;
  readonly ndcg10: number | null;
}

/** Pairs that one rule gets wrong in one way. */
export interface ErrorGroup {
  readonly gold: number;
  /** -1 where no rule fires. */
  readonly predicted: number;
  /** The deciding rule: the first winner whose cap is the label; undefined where none fires. */
  readonly rule: string | undefined;
  readonly pairs: number;
  readonly queries: number;
  /** Indices of the pairs in the table. */
  readonly members: readonly number[];
}

/** The number of pairs of a table that an instruction labels correctly. */
export function countRight(instruction: Instruction, table: FiringTable): number {
  const labels = predict(instruction, table);
  let right = 0;
  for (let i = 0; i < labels.length; i++) if (labels[i] === table.gold[i]) right++;
  return right;
}

/** Measures an instruction on the pairs of a table. */
export function measureInstruction(instruction: Instruction, table: FiringTable): SplitMeasure {
  return measureLabels(predict(instruction, table), instruction.scaleSize, table);
}

/** Measures labels [N] of any source, with {@link NO_LABEL} for none. */
export function measureLabels(labels: ArrayLike<number>, scaleSize: number, table: FiringTable): SplitMeasure {
  const places = [...table.pairs.keys()];
  const covered = places.filter((i) => labels[i] !== NO_LABEL);
  const gold = covered.map((i) => table.gold[i] ?? 0);
  const predicted = covered.map((i) => labels[i] ?? 0);
  const uncovered = Array<number>(scaleSize).fill(0);
  for (const i of places) {
    if (labels[i] === NO_LABEL) uncovered[table.gold[i] ?? 0] = (uncovered[table.gold[i] ?? 0] ?? 0) + 1;
  }
  const right = gold.filter((label, i) => label === predicted[i]).length;
  const isSome = covered.length > 0;
  const queries = groupByQuery(
    table.pairs.map(({ queryId, label, document }, i) => ({
      queryId,
      label,
      docId: document.docId,
      score: labels[i] ?? NO_LABEL,
    })),
  );
  return {
    pairs: table.size,
    queries: table.queryCount,
    coverage: covered.length / table.size,
    accuracy: right / table.size,
    macroF1: isSome ? macroF1(gold, predicted, scaleSize) : null,
    quadraticWeightedKappa: isSome ? quadraticWeightedKappa(gold, predicted, scaleSize) : null,
    confusion: isSome
      ? confusionMatrix(gold, predicted, scaleSize)
      : Array.from({ length: scaleSize }, () => Array<number>(scaleSize).fill(0)),
    uncovered,
    pairAccuracy: pairAccuracy(queries).value,
    ndcg10: ndcg(queries, 10).value,
  };
}

/** The errors of an instruction in groups, largest first. */
export function groupErrors(instruction: Instruction, table: FiringTable): ErrorGroup[] {
  const labels = predict(instruction, table);
  const deciding = deciders(instruction, labels, table);
  const groups = new Map<string, number[]>();
  for (let i = 0; i < table.size; i++) {
    if (labels[i] === table.gold[i]) continue;
    const key = `${table.gold[i] ?? 0},${labels[i] ?? NO_LABEL},${deciding[i] ?? -1}`;
    const members = groups.get(key);
    if (members === undefined) groups.set(key, [i]);
    else members.push(i);
  }
  return [...groups]
    .map(([key, members]): ErrorGroup => {
      const [gold = 0, predicted = NO_LABEL, rule = -1] = key.split(',').map(Number);
      const queries = new Set(members.map((i) => table.queryOf[i])).size;
      return { gold, predicted, rule: instruction.rules[rule]?.id, pairs: members.length, queries, members };
    })
    .toSorted((a, b) => b.pairs - a.pairs || a.gold - b.gold || a.predicted - b.predicted);
}
