/**
 * Mode collapse, defined so that it can be refuted (our definition): compared with the SFT start, the mean training
 * reward has risen while the model has stopped citing rare rules and cites far fewer distinct rules. Reward alone would
 * call this progress.
 */

import { COLLAPSE_BOUNDS } from '../protocol/collapse-bounds.ts';

/** The inputs of the definition. Recall and rules are measured on the same held-out pairs at the start and now. */
export interface CollapseMeasures {
  /** Mean reward of the rollouts, in [0, 1]. */
  readonly meanReward: number;
  /** Gold tail rules cited, of all gold tail rules; null where there were none. */
  readonly tailRecall: number | null;
  /** Different rules cited. */
  readonly distinctRules: number;
}

/** How far a model has moved by each measure, and whether that is a collapse. */
export interface CollapseReport {
  readonly isCollapsed: boolean;
  readonly rewardGain: number;
  readonly tailRecallLoss: number | null;
  /** As a share of the rules cited at the start. */
  readonly distinctRulesLoss: number;
}

/** Compares a model with its SFT start. */
export function detectCollapse(start: CollapseMeasures, now: CollapseMeasures): CollapseReport {
  const rewardGain = now.meanReward - start.meanReward;
  const tailRecallLoss =
    start.tailRecall === null || now.tailRecall === null ? null : start.tailRecall - now.tailRecall;
  const distinctRulesLoss = start.distinctRules === 0 ? 0 : 1 - now.distinctRules / start.distinctRules;
  const isCollapsed =
    reaches(rewardGain, COLLAPSE_BOUNDS.rewardGain) &&
    reaches(tailRecallLoss ?? 0, COLLAPSE_BOUNDS.tailRecallLoss) &&
    reaches(distinctRulesLoss, COLLAPSE_BOUNDS.distinctRulesLoss);
  return { isCollapsed, rewardGain, tailRecallLoss, distinctRulesLoss };
}

// "0.20 or more": a difference such as 0.75 - 0.55 is a hair below 0.2 in floating point.
function reaches(value: number, bound: number): boolean {
  return value >= bound - 1e-9;
}
