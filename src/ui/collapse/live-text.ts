/**
 * The live view in words: what has happened to each branch so far, and the collapses that stay on the page once they
 * were seen.
 */
import { wholePercent } from '../parts/format.ts';
import type { BranchState } from './collapse-state.ts';

/** One branch in a sentence, as far as it was measured. */
export function storyOf({ points }: BranchState): string {
  const [first, last] = [points[0], points.at(-1)];
  if (first === undefined || last === undefined) return 'Not measured yet.';
  const { reward } = last.measures.probe;
  const { tailRecall, distinctRules } = last.measures.heldOut;
  const start = first.measures.heldOut;
  if (last === first) return `At the start: paid ${reward.toFixed(2)}, ${distinctRules} different reasons.`;
  const rare =
    tailRecall === null || start.tailRecall === null
      ? ''
      : `, rare rules ${wholePercent(start.tailRecall)} \u2192 ${wholePercent(tailRecall)}`;
  return (
    `Paid ${first.measures.probe.reward.toFixed(2)} \u2192 ${reward.toFixed(2)}, reasons ${start.distinctRules} \u2192 ` +
    `${distinctRules}${rare}.`
  );
}

/** A collapse that was seen. */
export interface CollapseSeen {
  readonly branch: number;
  readonly name: string;
  /** The step of the first measurement that was one. */
  readonly step: number;
  readonly text: string;
}

/** The collapses of all branches, each at its first measurement; one that has passed stays and says so. */
export function collapsesSeen(branches: readonly BranchState[]): CollapseSeen[] {
  return branches.flatMap((branch) => {
    const step = branch.points.find(({ collapse }) => collapse.isCollapsed)?.step;
    return step === undefined ? [] : [{ branch: branch.id, name: branch.name, step, text: seenText(branch) }];
  });
}

function seenText(branch: BranchState): string {
  const { points } = branch;
  const [first, last] = [points.find(({ collapse }) => collapse.isCollapsed), points.at(-1)];
  if (first === undefined || last === undefined) return '';
  if (!last.collapse.isCollapsed) return `At step ${last.step} it no longer meets the definition.`;
  const { rewardGain, tailRecallLoss, distinctRulesLoss } = first.collapse;
  return (
    `Paid ${rewardGain.toFixed(2)} more than at the start; rare rules cited fell by ${wholePercent(tailRecallLoss ?? 0)} of all, ` +
    `different reasons by ${wholePercent(distinctRulesLoss)}.`
  );
}

/** The step to fork a branch from: its last checkpoint before the collapse, or the last one. */
export function forkStepOf({ points, checkpoints }: BranchState): number | undefined {
  const seen = points.find(({ collapse }) => collapse.isCollapsed)?.step ?? Infinity;
  return checkpoints.findLast((step) => step < seen) ?? checkpoints.at(-1);
}
