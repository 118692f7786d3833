/**
 * The progress of a demonstration, in words and numbers.
 */
import { REMEMBERED_STRETCHES, withoutSleep } from '../../common/work-time.ts';
import type { GrpoCommand, GrpoEventOf } from '../../protocol/grpo.ts';
import { formatCount, formatSpan } from '../parts/format.ts';
import type { BranchState, CollapseState } from './collapse-state.ts';

/** The state of a demonstration in two words. */
export function demonstrationFigure({ phase, branches }: CollapseState): string {
  if (branches.length === 0) return phase === 'failed' ? 'It did not start' : 'Getting ready';
  return `Step ${formatCount(Math.min(...branches.map(({ step }) => step)))}`;
}

/** The progress, shown beside the step. @param pending - the command that has not taken effect yet */
export function demonstrationProgress(
  { phase, stage, branches }: CollapseState,
  pending: GrpoCommand['kind'] | undefined,
): string {
  if (pending === 'stop') return 'stopping';
  switch (phase) {
    case 'preparing':
      if (stage === 'model') return 'fetching the start';
      if (stage === 'data') return 'preparing its pairs';
      return stage === 'pass-rates' ? 'measuring what the start finds hard' : 'measuring the speed of this machine';
    case 'running': {
      if (pending === 'pause') return 'pausing after this step';
      const seconds = secondsLeft(branches);
      if (stage === 'pass-rates') return 'measuring what the start finds hard';
      if (branches.every(({ history }) => history.length === 0)) return 'measuring the start, for each branch';
      return `of ${formatCount(lastStep(branches))}${seconds === null ? '' : `, about ${formatSpan(seconds)} left`}`;
    }
    case 'paused':
      return `of ${formatCount(lastStep(branches))}, paused`;
    case 'finished':
      return 'all branches have ended; fork one to continue from an earlier step';
    case 'failed':
      return branches.length === 0 ? '' : 'it could not continue';
    case 'past':
      return 'all branches have ended';
    case 'idle':
      return '';
    default:
      return phase satisfies never;
  }
}

/** The last step of the longest branch. */
export function lastStep(branches: readonly BranchState[]): number {
  return Math.max(1, ...branches.map(({ steps }) => steps));
}

/** The share of steps made, among those that the branches can still reach. */
export function doneShare(branches: readonly BranchState[]): number {
  const aims = branches.map(({ ended, step, steps }) => (ended === undefined ? steps : step));
  const sum = aims.reduce((total, aim) => total + aim, 0);
  return sum === 0 ? 0 : branches.reduce((total, { step }) => total + step, 0) / sum;
}

/** Steps over which the speed of a branch is averaged, and those that say too little of it. */
const RECENT_STEPS = 10;
const TOO_FEW_STEPS = 3;

/** The last steps of a branch over which times and speeds are averaged: those in which the machine did not sleep. */
export function recentSteps(history: readonly GrpoEventOf<'step'>[]): readonly GrpoEventOf<'step'>[] {
  const known = history.slice(-RECENT_STEPS - REMEMBERED_STRETCHES);
  const lengths = known.map(stepMs);
  const isAwake = (i: number): boolean => withoutSleep(lengths[i] ?? 0, lengths.slice(0, i)) === lengths[i];
  return known.filter((_, i) => i >= known.length - RECENT_STEPS && isAwake(i));
}

function stepMs({ times }: GrpoEventOf<'step'>): number {
  return times.rolloutMs + times.scoreMs + times.updateMs;
}

/**
 * The time until all branches end, at their recent speed and with measurements; null as long as one of them has made
 * too few steps for that to mean anything.
 */
function secondsLeft(branches: readonly BranchState[]): number | null {
  let ms = 0;
  const open = branches.filter(({ ended }) => ended === undefined);
  for (const { history, steps, step, measureMs } of open) {
    const recent = recentSteps(history);
    if (recent.length < TOO_FEW_STEPS) return null;
    const spent = recent.reduce((sum, step) => sum + stepMs(step), 0);
    ms += (steps - step) * (spent / recent.length + measureMs / step);
  }
  return open.length === 0 ? null : ms / 1000;
}
