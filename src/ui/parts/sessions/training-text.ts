/**
 * A run in words: its activity, its progress, and the few sentences announced to screen readers, which change seldom
 * because nobody wants to hear every step.
 */
import type { TrainingCommand, TrainingEventOf } from '../../../protocol/training.ts';
import { formatCount, formatPercent, formatSpan } from '../format.ts';
import type { TrainingState } from './training-state.ts';

/** The activity before the first step. */
export function stageText(stage: TrainingEventOf<'preparing'>['stage'] | undefined): string {
  switch (stage) {
    case undefined:
      return 'Opening the backend';
    case 'world':
      return 'Building the rule world';
    case 'file':
      return 'Sorting the judged pairs';
    case 'start':
      return 'Fetching the model to continue';
    case 'teacher':
      return 'Fetching the teacher';
    case 'tokenizer':
      return 'Learning the vocabulary';
    case 'examples':
      return 'Writing the training pairs';
    case 'speed':
      return 'Fitting the work to the GPU';
    default:
      return stage satisfies never;
  }
}

/** The progress, shown beside the step: "of 500, 2 min left". */
export function progressText(
  { phase, step, steps, log }: TrainingState,
  pending: TrainingCommand['kind'] | undefined,
): string {
  const total = `of ${formatCount(steps)}`;
  if (phase === 'stopped') return `${total}, stopped`;
  if (phase === 'failed') return `${total}, failed`;
  if (phase === 'finished' || step === steps) return total;
  const asked = pending === undefined ? undefined : PENDING_TEXTS[pending];
  if (asked !== undefined) return `${total}, ${asked}`;
  if (phase === 'paused') return `${total}, paused`;
  const left = log?.secondsLeft ?? null;
  return left === null ? total : `${total}, ${formatSpan(left)} left`;
}

const PENDING_TEXTS: Readonly<Partial<Record<TrainingCommand['kind'], string>>> = {
  pause: 'pausing',
  step: 'making one step',
  stop: 'saving and stopping',
  evaluate: 'evaluating',
  save: 'saving',
};

/** The announcement for screen readers. */
export function announcement({ phase, step, evaluation, failure, prepared }: TrainingState): string {
  switch (phase) {
    case 'idle':
      return '';
    case 'preparing':
      return 'Preparing the run.';
    case 'running':
      if (evaluation === undefined || evaluation.accuracy === null) return prepared === undefined ? '' : 'Training.';
      return `Step ${evaluation.step}: ${formatPercent(evaluation.accuracy)} of held-out labels right.`;
    case 'paused':
      return `Paused at step ${step}.`;
    case 'recovering':
      return 'The GPU was lost. The run restarts from its last checkpoint.';
    case 'finished':
      return `Training has finished after ${step} steps.`;
    case 'stopped':
      return `Stopped at step ${step}.`;
    case 'failed':
      // The notice with the failure is announced by itself.
      return failure === undefined ? 'Training failed.' : '';
    default:
      return phase satisfies never;
  }
}
