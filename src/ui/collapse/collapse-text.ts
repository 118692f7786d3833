/**
 * A branch's progress towards collapse in words: the conditions of the definition, how far each is met, and since when.
 */
import type { GrpoEventOf, MeasuredPoint } from '../../protocol/grpo.ts';
import type { BranchState } from './collapse-state.ts';
import { wholePercent } from '../parts/format.ts';

type Bounds = GrpoEventOf<'prepared'>['bounds'];

/** One of the three conditions that together make a collapse. */
export interface Condition {
  readonly name: string;
  /** The present value, with its sign: "+0.03". */
  readonly now: string;
  /** The bound from which it holds: "+0.05". */
  readonly bound: string;
  /** 1 where it holds, 0 where nothing has changed or the opposite has happened. */
  readonly share: number;
  readonly isMet: boolean;
}

/** The three conditions at a point. */
export function conditionsAt({ collapse }: MeasuredPoint, bounds: Bounds): Condition[] {
  const { rewardGain, tailRecallLoss, distinctRulesLoss } = collapse;
  return [
    condition('Reward', rewardGain, bounds.rewardGain, signed),
    condition('Recall of rare rules', tailRecallLoss, bounds.tailRecallLoss, (value) => signed(-value)),
    condition('Different rules cited', distinctRulesLoss, bounds.distinctRulesLoss, (value) => signedPercent(-value)),
  ];
}

/** The verdict on a branch at its last measurement. */
export interface Alarm {
  /** `collapsed` now; `left` if it had collapsed and no longer does. */
  readonly kind: 'none' | 'collapsed' | 'left';
  readonly text: string;
}

/** Whether a branch has collapsed, since when, and in what sense. */
export function alarmOf({ points }: BranchState): Alarm {
  const last = points.at(-1);
  const first = points.find(({ collapse }) => collapse.isCollapsed);
  if (last === undefined) return { kind: 'none', text: 'Nothing measured yet.' };
  if (first === undefined) return { kind: 'none', text: `No collapse up to step ${last.step}.` };
  if (!last.collapse.isCollapsed) {
    return {
      kind: 'left',
      text: `It met the definition of collapse at step ${first.step}, and no longer does at step ${last.step}.`,
    };
  }
  const { rewardGain, tailRecallLoss, distinctRulesLoss } = last.collapse;
  return {
    kind: 'collapsed',
    text:
      `The model earns ${rewardGain.toFixed(2)} more reward than at the start, and has forgotten: recall of rare rules fell ` +
      `by ${(tailRecallLoss ?? 0).toFixed(2)}, and ${wholePercent(distinctRulesLoss)} of the rules it cited are gone. ` +
      `First seen at step ${first.step}.`,
  };
}

function condition(name: string, value: number | null, bound: number, format: (value: number) => string): Condition {
  const share = value === null ? 0 : Math.max(0, Math.min(1, value / bound));
  // As in the definition, a difference such as 0.75 - 0.55 is slightly below 0.2 in floating point.
  const isMet = value !== null && value >= bound - 1e-9;
  return { name, now: value === null ? '\u2013' : format(value), bound: format(bound), share, isMet };
}

function signed(value: number): string {
  return `${sign(value)}${Math.abs(value).toFixed(2)}`;
}

function signedPercent(value: number): string {
  return `${sign(value)}${wholePercent(Math.abs(value))}`;
}

function sign(value: number): string {
  if (value === 0) return '\u00b1';
  return value > 0 ? '+' : '\u2212';
}
