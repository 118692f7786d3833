/**
 * How far a demonstration is, in words and numbers.
 */
import type { GrpoCommand } from '../../protocol/grpo.ts';
import { formatCount, formatSpan } from '../parts/format.ts';
import type { BranchState, CollapseState } from './collapse-state.ts';

/** What a demonstration is at, in two words. */
export function demonstrationFigure({ phase, branches }: CollapseState): string {
  if (branches.length === 0) return phase === 'failed' ? 'It did not begin' : 'Getting ready';
  return `Step ${formatCount(Math.min(...branches.map(({ step }) => step)))}`;
}

/** How far it is, to stand beside its step. @param pending - what was asked for and has not happened yet */
export function demonstrationProgress(
  { phase, stage, branches }: CollapseState,
  pending: GrpoCommand['kind'] | undefined,
): string {
  if (pending === 'stop') return 'stopping';
  switch (phase) {
    case 'preparing':
      if (stage === 'model') return 'fetching the start';
      if (stage === 'data') return 'making its pairs ready';
      return stage === 'pass-rates' ? 'measuring what the start finds hard' : 'measuring how fast this machine is';
    case 'running': {
      if (pending === 'pause') return 'pausing after this step';
      const seconds = secondsLeft(branches);
      if (stage === 'pass-rates') return 'measuring what the start finds hard';
      return seconds === null
        ? 'measuring the start, for each branch'
        : `of ${formatCount(lastStep(branches))}, ${formatSpan(seconds)} left`;
    }
    case 'paused':
      return `of ${formatCount(lastStep(branches))}, paused`;
    case 'finished':
      return 'all branches are at their ends; fork one to go on from an earlier step';
    case 'failed':
      return branches.length === 0 ? '' : 'it could not go on';
    case 'past':
      return 'all branches are at their ends';
    case 'idle':
      return '';
    default:
      return phase satisfies never;
  }
}

/** The last step of the branch that goes furthest. */
export function lastStep(branches: readonly BranchState[]): number {
  return Math.max(1, ...branches.map(({ steps }) => steps));
}

/** The steps made, of those that the branches can still come to. */
export function doneShare(branches: readonly BranchState[]): number {
  const aims = branches.map(({ ended, step, steps }) => (ended === undefined ? steps : step));
  const sum = aims.reduce((total, aim) => total + aim, 0);
  return sum === 0 ? 0 : branches.reduce((total, { step }) => total + step, 0) / sum;
}

/** Until all branches are at their ends, at their recent speed, measurements included; null before the first step. */
function secondsLeft(branches: readonly BranchState[]): number | null {
  let ms = 0;
  let hasStep = false;
  for (const { history, steps, step, measureMs, ended } of branches) {
    const last = history.at(-1);
    if (last === undefined || ended !== undefined) continue;
    hasStep = true;
    const { rolloutMs, scoreMs, updateMs } = last.times;
    ms += (steps - step) * (rolloutMs + scoreMs + updateMs + measureMs / step);
  }
  return hasStep ? ms / 1000 : null;
}
