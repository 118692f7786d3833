/**
 * Rules over the steps of a branch: their order on the page, and the history of one of them.
 */
import type { GrpoEventOf, RuleInfo } from '../../protocol/grpo.ts';
import { addPoint, type Curve, EMPTY_CURVE } from '../parts/charts/curve.ts';

type History = readonly GrpoEventOf<'step'>[];

/** The indices of the rules: common ones first, each group in the order of the instruction. */
export function orderedRules(rules: readonly RuleInfo[]): number[] {
  const indices = rules.map((_, index) => index);
  const isTail = (index: number): boolean => rules[index]?.isTail === true;
  return [...indices.filter((index) => !isTail(index)), ...indices.filter(isTail)];
}

/** Totals of a rule over some steps. */
export interface RuleSums {
  readonly cited: number;
  /** Drawn prompts whose gold cites it. */
  readonly gold: number;
  /** Over all its citations; null without any. */
  readonly meanAdvantage: number | null;
}

/** Sums over steps. */
export function ruleSums(history: History, rule: number): RuleSums {
  let [cited, gold, advantage] = [0, 0, 0];
  for (const { rules } of history) {
    const count = rules.cited[rule] ?? 0;
    cited += count;
    gold += rules.gold[rule] ?? 0;
    advantage += count * (rules.meanAdvantage[rule] ?? 0);
  }
  return { cited, gold, meanAdvantage: cited === 0 ? null : advantage / cited };
}

/** Points of a curve on the screen; single steps would be too noisy, because a rare rule is mostly at 0. */
const POINTS = 20;

/** Citations per 100 completions, in windows of equal width. */
export function citationCurve(history: History, rule: number, steps: number): Curve {
  return windows(history, steps).reduce((curve, part) => {
    const rollouts = part.reduce((sum, each) => sum + each.rollouts, 0);
    return addPoint(curve, part.at(-1)?.step ?? 0, (100 * ruleSums(part, rule).cited) / Math.max(1, rollouts));
  }, EMPTY_CURVE);
}

/** The mean advantage of a rule's citations, in the same windows; without a point where nothing cites it. */
export function advantageCurve(history: History, rule: number, steps: number): Curve {
  return windows(history, steps).reduce((curve, part) => {
    const { meanAdvantage } = ruleSums(part, rule);
    return meanAdvantage === null ? curve : addPoint(curve, part.at(-1)?.step ?? 0, meanAdvantage);
  }, EMPTY_CURVE);
}

function windows(history: History, steps: number): History[] {
  const width = Math.max(1, Math.round(steps / POINTS));
  const parts: GrpoEventOf<'step'>[][] = [];
  for (const each of history) {
    const index = Math.floor((each.step - 1) / width);
    (parts[index] ??= []).push(each);
  }
  return parts.filter((part) => part.length > 0);
}
