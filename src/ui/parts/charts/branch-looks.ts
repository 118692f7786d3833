/**
 * The colour and dash of each branch, the same in every chart, strip and heading, so that a reader learns them once.
 */
import { css } from 'lit';

export const BRANCH_LOOKS = ['branch-0', 'branch-1', 'branch-2', 'branch-3', 'branch-4', 'branch-5'] as const;
export type BranchLook = (typeof BRANCH_LOOKS)[number];

/** Pixels drawn and skipped in turn; empty for a solid line. */
export const BRANCH_DASHES: Readonly<Record<BranchLook, readonly number[]>> = {
  'branch-0': [],
  'branch-1': [9, 4],
  'branch-2': [2, 3],
  'branch-3': [9, 3, 2, 3],
  'branch-4': [4, 4],
  'branch-5': [14, 4],
};

/** The look of a branch by its index. */
export function branchLook(id: number): BranchLook {
  return BRANCH_LOOKS[id % BRANCH_LOOKS.length] ?? 'branch-0';
}

export function isBranchLook(look: string): look is BranchLook {
  return look.startsWith('branch-');
}

/** The colour of each look as `color`, and on a `.key` a border in its dash. */
export const branchLineStyles = css`
  .branch-0 {
    color: var(--branch-0);
  }
  .branch-1 {
    color: var(--branch-1);
  }
  .branch-2 {
    color: var(--branch-2);
  }
  .branch-3 {
    color: var(--branch-3);
  }
  .branch-4 {
    color: var(--branch-4);
  }
  .branch-5 {
    color: var(--branch-5);
  }
  .key.branch-1 {
    border-top-style: dashed;
  }
  .key.branch-2 {
    border-top-style: dotted;
  }
  .key.branch-3 {
    border-top-style: double;
  }
  .key.branch-4 {
    border-top-style: dashed;
  }
`;
