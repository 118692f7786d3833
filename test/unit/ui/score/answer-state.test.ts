/** How an answer's state follows the events of the worker, in and out of order. */
import { describe, expect, it } from 'vitest';
import type { ScoringEvent } from '../../../../src/protocol/scoring.ts';
import { makeDocument } from '../../../../src/relevance/pair/pair.ts';
import {
  type AnswerState,
  applyEvent,
  failAnswer,
  NO_ANSWER,
  startAnswer,
} from '../../../../src/ui/score/answer-state.ts';

const PAIR = { query: 'kettle', document: makeDocument({ title: 'Kettle' }) };
const LABEL: ScoringEvent = {
  kind: 'label',
  label: 1,
  probabilities: [0.2, 0.8],
  score: 0.8,
  labelMass: 1,
  prefillMs: 3,
  promptTokens: 9,
  cutFields: [],
};
const STEP: ScoringEvent = {
  kind: 'step',
  index: 0,
  step: { rule: 0, criterion: 'type', evidence: [], verdict: 'match' },
  check: 'verified',
  reason: '',
  ruleText: 'Same type.',
  spans: [],
};
const DONE: ScoringEvent = {
  kind: 'done',
  restated: 1,
  complete: true,
  agreement: 'agrees',
  tokens: 4,
  passes: 4,
  decodeMs: 9,
};
const ABORTED: ScoringEvent = { kind: 'failed', code: 'aborted', message: 'Stopped on request.' };

const after = (...events: ScoringEvent[]): AnswerState => events.reduce(applyEvent, startAnswer(NO_ANSWER, PAIR));

describe('an answer', () => {
  it('goes from reading to reasoning to done', () => {
    expect(after().phase).toBe('reading');
    expect(after(LABEL).phase).toBe('reasoning');
    const done = after(LABEL, { kind: 'text', text: 'a' }, STEP, { kind: 'text', text: 'b' }, DONE);
    expect(done).toMatchObject({ phase: 'done', text: 'ab', label: LABEL, steps: [STEP], done: DONE });
  });

  it('shows the previous label until the new one arrives, and nothing else of the previous answer', () => {
    const next = startAnswer(after(LABEL, STEP, DONE), PAIR);
    expect(next).toMatchObject({ phase: 'reading', label: LABEL, steps: [], text: '', done: undefined });
  });

  it('ignores events after its end', () => {
    const done = after(LABEL, DONE);
    expect([STEP, LABEL, DONE, ABORTED].reduce(applyEvent, done)).toBe(done);
    expect(applyEvent(NO_ANSWER, LABEL)).toBe(NO_ANSWER);
  });

  it('keeps its label when it fails or is stopped', () => {
    const failed = after(LABEL, { kind: 'failed', code: 'not-finite', message: 'NaN' });
    expect(failed).toMatchObject({ phase: 'failed', label: LABEL, failure: { code: 'not-finite', message: 'NaN' } });
    expect(after(LABEL, STEP, ABORTED)).toMatchObject({ phase: 'stopped', label: LABEL, failure: undefined });
  });

  it('drops the previous label when it fails without its own', () => {
    const next = startAnswer(after(LABEL, DONE), PAIR);
    expect(failAnswer(next, { code: 'internal', message: 'x' }).label).toBeUndefined();
    expect(applyEvent(next, ABORTED)).toMatchObject({ phase: 'stopped', label: undefined });
  });

  it.each([
    ['a step before the label', [STEP]],
    ['an end before the label', [DONE]],
    ['a second label', [LABEL, LABEL]],
  ])('treats %s as a failure of the worker', (_, events) => {
    expect(after(...events)).toMatchObject({ phase: 'failed', failure: { code: 'internal' } });
  });
});
