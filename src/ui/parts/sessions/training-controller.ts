/**
 * Runs one training at a time for one element.
 */
import type { ReactiveControllerHost } from 'lit';
import type { TrainingCommand, TrainingEvent, TrainRequest } from '../../../protocol/training.ts';
import { SessionController, type SessionView } from './session-controller.ts';
import type { OpenTraining, TrainingClient } from './training-client.ts';
import { applyTrainingEvent, isUnderWay, NO_RUN, STARTED_RUN, type TrainingState } from './training-state.ts';

/** The run to start. */
export type RunSource = TrainRequest['from'];

/** Commands for a run from the reader. */
export type RunCommand = Exclude<TrainingCommand, { kind: 'visibility' }>;

export type TrainingController = SessionController<
  TrainingState,
  TrainingEvent,
  RunCommand,
  TrainRequest,
  TrainingClient
>;

const TRAINING: SessionView<TrainingState, TrainingEvent, RunCommand> = {
  name: 'training',
  idle: NO_RUN,
  started: STARTED_RUN,
  apply: applyTrainingEvent,
  isOpen: isUnderWay,
  isBusy: (state) => isUnderWay(state) && state.phase !== 'paused',
  awaited: new Set(['pause', 'resume', 'step', 'stop', 'evaluate', 'save']),
  settles,
  canWait: ({ kind }, { phase }) => kind === 'log' && phase === 'running',
  failed: (failure) => ({ kind: 'failed', ...failure, checkpointId: null }),
  refused: (failure) => ({ kind: 'refused', ...failure }),
};

/** @param onEvent - called after the state includes the event */
export function trainingController(
  host: ReactiveControllerHost,
  open: OpenTraining,
  onEvent: (event: TrainingEvent) => void,
): TrainingController {
  return new SessionController(host, TRAINING, open, onEvent);
}

function settles({ kind }: TrainingEvent, pending: RunCommand['kind']): boolean {
  switch (kind) {
    case 'paused':
      return pending === 'pause' || pending === 'step';
    case 'evaluation':
      return pending === 'evaluate';
    case 'checkpoint':
    case 'unsaved':
      return pending === 'save';
    // A pause that was withdrawn before it took effect is not reported.
    case 'log':
    case 'resumed':
      return pending === 'resume';
    default:
      return kind === 'refused';
  }
}
