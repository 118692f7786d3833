/**
 * The state of one answer, and how each event of the worker changes it. The functions are pure, so that every order of
 * events can be tested; the elements only draw the state.
 */
import type { DoneEvent, LabelEvent, ScoringEvent, StepEvent } from '../../protocol/scoring.ts';
import type { Failure } from '../../protocol/failure.ts';
import type { Pair } from '../../relevance/pair/pair.ts';

/** `reading` until the label arrives, then `reasoning` until the end; `stopped` when a person stopped it. */
export type AnswerPhase = 'idle' | 'reading' | 'reasoning' | 'done' | 'stopped' | 'failed';

/** One answer. While `phase` is `reading`, `label` is still that of the previous answer. */
export interface AnswerState {
  readonly phase: AnswerPhase;
  /** The pair of the question. */
  readonly pair: Pair | undefined;
  readonly label: LabelEvent | undefined;
  /** Milliseconds from the question to the label on the screen. */
  readonly shownMs: number | undefined;
  readonly steps: readonly StepEvent[];
  /** The raw completion so far. */
  readonly text: string;
  readonly done: DoneEvent | undefined;
  readonly failure: Failure | undefined;
}

export const NO_ANSWER: AnswerState = {
  phase: 'idle',
  pair: undefined,
  label: undefined,
  shownMs: undefined,
  steps: [],
  text: '',
  done: undefined,
  failure: undefined,
};

/** A new question; the previous label stays until the new one replaces it, so that the page does not flicker. */
export function startAnswer(previous: AnswerState, pair: Pair): AnswerState {
  return { ...NO_ANSWER, phase: 'reading', pair, label: previous.label };
}

/** The state after one event. Events after the end are ignored; reasoning before a label is a fault of the worker. */
export function applyEvent(state: AnswerState, event: ScoringEvent): AnswerState {
  if (state.phase !== 'reading' && state.phase !== 'reasoning') return state;
  if (event.kind === 'failed') return failAnswer(state, event);
  if (state.phase === 'reading') {
    if (event.kind === 'label') return { ...state, phase: 'reasoning', label: event };
    return failAnswer(state, { code: 'internal', message: `The worker sent "${event.kind}" before the label.` });
  }
  switch (event.kind) {
    case 'label':
      return failAnswer(state, { code: 'internal', message: 'The worker sent a second label.' });
    case 'text':
      return { ...state, text: state.text + event.text };
    case 'step':
      return { ...state, steps: [...state.steps, event] };
    case 'done':
      return { ...state, phase: 'done', done: event };
    default:
      return event satisfies never;
  }
}

/** Ends the answer with a failure. A label of this answer stays, because it was complete; a stale one is removed. */
export function failAnswer(state: AnswerState, { code, message }: Failure): AnswerState {
  const label = state.phase === 'reading' ? undefined : state.label;
  if (code === 'aborted') return { ...state, label, phase: 'stopped' };
  return { ...state, label, phase: 'failed', failure: { code, message } };
}
