/**
 * What a recording shows, as numbers: every figure and every sentence of the lesson takes its numbers from here, so
 * that none of them can say what was not recorded.
 */
import type { SampledGroup } from '../../protocol/grpo.ts';
import type { Recording } from '../../protocol/recording.ts';

/** A part of a whole, with both counts. */
export interface Share {
  readonly part: number;
  readonly whole: number;
}

/** What became of one rule between the first measurement and another. */
export interface RuleFate {
  readonly rule: number;
  readonly isTail: boolean;
  /** Of the pairs that the rule should decide: those that cite it, and those with the right label, then and now. */
  readonly citedBefore: Share;
  readonly citedNow: Share;
  readonly rightBefore: Share;
  readonly rightNow: Share;
  /** The rule that most of its pairs cite now in its place; -1 if none does. */
  readonly replacedBy: number;
  /** A pair that left it: one that has a wrong label now, where there is one. */
  readonly example: number | undefined;
}

export function shareOf({ part, whole }: Share): number {
  return whole === 0 ? 0 : part / whole;
}

/** How many pairs cite each rule at a frame. */
export function citations({ rules, frames }: Recording, frame: number): number[] {
  const counts = rules.map(() => 0);
  for (const rule of frames[frame]?.answers.rules ?? []) if (rule >= 0) counts[rule] = (counts[rule] ?? 0) + 1;
  return counts;
}

/** The rules that decide at least one answer at the first frame and none at this one. */
export function deadRules(recording: Recording, frame: number): number[] {
  const [before, now] = [citations(recording, 0), citations(recording, frame)];
  return recording.rules.flatMap((_, rule) => ((before[rule] ?? 0) > 0 && now[rule] === 0 ? [rule] : []));
}

/** What became of one rule. */
export function ruleFate({ rules, pairs, frames }: Recording, rule: number, frame: number): RuleFate {
  const own = pairs.flatMap((pair, index) => (pair.rule === rule ? [index] : []));
  const [before, now] = [frames[0]?.answers, frames[frame]?.answers];
  const share = (holds: (pair: number) => boolean): Share => ({ part: own.filter(holds).length, whole: own.length });
  const isRight = (answers: typeof now, pair: number): boolean => answers?.labels[pair] === pairs[pair]?.label;
  const left = own.filter((pair) => now?.rules[pair] !== rule);
  return {
    rule,
    isTail: rules[rule]?.isTail === true,
    citedBefore: share((pair) => before?.rules[pair] === rule),
    citedNow: share((pair) => now?.rules[pair] === rule),
    rightBefore: share((pair) => isRight(before, pair)),
    rightNow: share((pair) => isRight(now, pair)),
    replacedBy: mostFrequent(left.map((pair) => now?.rules[pair] ?? -1).filter((cited) => cited >= 0)),
    example: left.find((pair) => before?.rules[pair] === rule && !isRight(now, pair)) ?? left[0],
  };
}

/** Rules that most pairs of theirs have left, the greatest loss of citations first. */
function losses(recording: Recording, frame: number): RuleFate[] {
  const lost = ({ citedBefore, citedNow }: RuleFate): number => citedBefore.part - citedNow.part;
  return recording.rules
    .map((_, rule) => ruleFate(recording, rule, frame))
    .filter((fate) => lost(fate) > 0 && shareOf(fate.citedNow) <= shareOf(fate.citedBefore) / 2)
    .toSorted((a, b) => lost(b) - lost(a));
}

/**
 * The common rule that lost most citations while the labels of its pairs got no worse: it merged with rules that pay as
 * well. Undefined if there is none.
 */
export function mergedRule(recording: Recording, frame: number): RuleFate | undefined {
  return losses(recording, frame).find((fate) => !fate.isTail && shareOf(fate.rightNow) >= shareOf(fate.rightBefore));
}

/** The rare rule that lost most right labels with its citations: it vanished. Undefined if there is none. */
export function vanishedRule(recording: Recording, frame: number): RuleFate | undefined {
  const cost = ({ rightBefore, rightNow }: RuleFate): number => rightBefore.part - rightNow.part;
  return losses(recording, frame)
    .filter((fate) => fate.isTail && cost(fate) > 0)
    .toSorted((a, b) => cost(b) - cost(a))[0];
}

/**
 * A pair that a rare rule should decide, answered rightly at first and wrongly in the end, and more surely so: the one
 * whose last answer is surest. Undefined if there is none.
 */
export function surerAndWrong({ pairs, frames, rules }: Recording): number | undefined {
  const [first, last] = [frames[0]?.answers, frames.at(-1)?.answers];
  if (first === undefined || last === undefined) return undefined;
  const gain = (pair: number): number => (last.sure[pair] ?? 0) - (first.sure[pair] ?? 0);
  const found = pairs.flatMap(({ label, rule }, pair) => {
    const turned = first.labels[pair] === label && last.labels[pair] !== label;
    const named = first.rules[pair] === rule && rules[rule]?.isTail === true;
    const shown = [first, last].every(({ completions }) => completions.some((each) => each.pair === pair));
    return turned && named && shown && gain(pair) > 0 ? [pair] : [];
  });
  return found.toSorted((a, b) => (last.sure[b] ?? 0) - (last.sure[a] ?? 0))[0];
}

/** The share of all pairs with the right label at a frame. */
export function rightLabels({ pairs, frames }: Recording, frame: number): Share {
  const labels = frames[frame]?.answers.labels ?? [];
  return { part: pairs.filter(({ label }, pair) => labels[pair] === label).length, whole: pairs.length };
}

/** The index of the last frame. */
export function lastFrame({ frames }: Recording): number {
  return frames.length - 1;
}

function meanTotal(completions: SampledGroup['completions']): number {
  return completions.reduce((sum, { reward }) => sum + reward.total, 0) / completions.length;
}

/** -1 of none. */
function mostFrequent(values: readonly number[]): number {
  const counts = new Map<number, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts].toSorted((a, b) => b[1] - a[1])[0]?.[0] ?? -1;
}

/**
 * The recorded group that shows most: one that pushes some completions up and others down, of a rare rule if there is
 * one; then one with most different rules cited, and most different rewards. Undefined where none was recorded.
 */
export function chosenGroup({
  groups,
}: Recording): { readonly step: number; readonly group: SampledGroup } | undefined {
  const all = groups.flatMap(({ step, groups: each }) => each.map((group) => ({ step, group })));
  const kinds = ({ group: { completions } }: (typeof all)[number]): [rules: number, rewards: number] => [
    new Set(completions.map(({ reward }) => reward.steps.map(({ rule }) => rule).join(' '))).size,
    new Set(completions.map(({ reward }) => reward.total)).size,
  ];
  const paid = all.filter((each) => kinds(each)[1] > 1);
  // Where all but one are pushed alike a reader sees no difference.
  const even = ({ group: { completions, isTail } }: (typeof all)[number]): number => {
    const up = completions.filter(({ reward }) => reward.total > meanTotal(completions)).length;
    return Math.min(up, completions.length - up) >= completions.length / 4 ? 1 + Number(isTail) : 0;
  };
  return paid.toSorted((a, b) => even(b) - even(a) || kinds(b)[0] - kinds(a)[0] || kinds(b)[1] - kinds(a)[1])[0];
}
