/**
 * Runs one demonstration at a time for one element.
 */
import type { ReactiveControllerHost } from 'lit';
import type { GrpoCommand, GrpoEvent, GrpoRequest } from '../../protocol/grpo.ts';
import { SessionController, type SessionView } from '../parts/sessions/session-controller.ts';
import {
  applyGrpoEvent,
  type CollapseState,
  isOpen,
  NO_DEMONSTRATION,
  STARTED_DEMONSTRATION,
} from './collapse-state.ts';
import type { GrpoClient, OpenGrpo } from '../parts/sessions/grpo-client.ts';

export type CollapseController = SessionController<CollapseState, GrpoEvent, GrpoCommand, GrpoRequest, GrpoClient>;

const DEMONSTRATION: SessionView<CollapseState, GrpoEvent, GrpoCommand> = {
  name: 'demonstration',
  idle: NO_DEMONSTRATION,
  started: STARTED_DEMONSTRATION,
  apply: applyGrpoEvent,
  isOpen,
  isBusy: ({ phase }) => phase === 'preparing' || phase === 'running',
  awaited: new Set(['pause', 'resume', 'step', 'stop']),
  // A pause that was withdrawn before it took effect is not reported.
  settles: ({ kind }, pending) => kind === 'paused' || kind === 'resumed' || (kind === 'step' && pending === 'resume'),
  canWait: () => false,
  failed: (failure) => ({ kind: 'failed', ...failure }),
  refused: (failure) => ({ kind: 'refused', ...failure }),
};

/** @param onEvent - called after the state includes the event */
export function collapseController(
  host: ReactiveControllerHost,
  open: OpenGrpo,
  onEvent: (event: GrpoEvent) => void,
): CollapseController {
  return new SessionController(host, DEMONSTRATION, open, onEvent);
}
