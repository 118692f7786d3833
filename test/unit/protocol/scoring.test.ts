/** The thread boundary: well-formed messages pass unchanged, others are rejected. */
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { LabError } from '../../../src/common/errors.ts';
import { failureOf } from '../../../src/protocol/failure.ts';
import { LoadRequestSchema, type ScoringEvent, ScoringEventSchema } from '../../../src/protocol/scoring.ts';

const EVENTS: ScoringEvent[] = [
  {
    kind: 'label',
    label: 2,
    probabilities: [0.1, 0.2, 0.6, 0.1],
    score: 1.7,
    labelMass: 0.999,
    prefillMs: 4.2,
    promptTokens: 31,
    cutFields: ['title'],
  },
  { kind: 'text', text: '<|rule:3|>' },
  {
    kind: 'step',
    index: 0,
    step: { rule: 3, criterion: 'type', evidence: [{ source: 'query', text: 'kettle' }], verdict: 'match' },
    check: 'verified',
    reason: 'the rule fires',
    ruleText: 'The type is the one asked for.',
    spans: [{ field: 'attributes', attribute: 'for', start: 0, end: 6 }],
  },
  { kind: 'done', restated: 2, complete: true, agreement: 'agrees', tokens: 7, passes: 6, decodeMs: 30 },
  { kind: 'failed', code: 'out-of-memory', message: 'no room' },
];

describe('scoring events', () => {
  it.each(EVENTS)('$kind is unchanged by a structured clone', (event) => {
    expect(v.parse(ScoringEventSchema, structuredClone(event))).toEqual(event);
  });

  it.each([
    ['an unknown kind', { kind: 'nothing' }],
    ['an unknown key', { kind: 'text', text: '', extra: 1 }],
    ['a probability above one', { ...EVENTS[0], probabilities: [1.5] }],
    ['a label that is not whole', { ...EVENTS[0], label: 1.5 }],
    ['an unknown failure code', { kind: 'failed', code: 'toString', message: '' }],
  ])('%s is rejected', (_, event) => {
    expect(v.safeParse(ScoringEventSchema, event).success).toBe(false);
  });
});

describe('load request', () => {
  const from = (modelUrl: string): unknown => ({ source: { kind: 'url', modelUrl } });

  it('defaults to the best backend, and requires a folder', () => {
    expect(v.parse(LoadRequestSchema, from('http://localhost/m/')).backend).toBe('auto');
    expect(v.safeParse(LoadRequestSchema, from('http://localhost/m')).success).toBe(false);
    expect(v.safeParse(LoadRequestSchema, from('m/')).success).toBe(false);
  });

  it('accepts files as bytes only', () => {
    const given = (file: unknown): unknown => ({ source: { kind: 'files', files: { 'config.json': file } } });
    expect(v.safeParse(LoadRequestSchema, given(new Uint8Array(3))).success).toBe(true);
    expect(v.safeParse(LoadRequestSchema, given('{}')).success).toBe(false);
    expect(v.safeParse(LoadRequestSchema, { source: { kind: 'checkpoint', id: 'x' } }).success).toBe(false);
  });
});

describe('failures', () => {
  it('keep the code of a LabError of which only name and message crossed threads', () => {
    const sent = new LabError('no-backend', { message: 'None works.' });
    const arrived = Object.assign(new Error(sent.message), { name: sent.name });
    expect(failureOf(arrived)).toEqual({ code: 'no-backend', message: 'None works.' });
  });

  it('are a want of memory where the message says so, with what to do', () => {
    const { code, message } = failureOf(new RangeError('Array buffer allocation failed'));
    expect(code).toBe('out-of-memory');
    expect(message).toBe(
      'Memory ran out: Array buffer allocation failed. Close other tabs and programs, and try again. What was saved is still there.',
    );
    expect(failureOf(new RangeError('Invalid typed array length: -1')).code).toBe('internal');
  });

  it('are internal for anything else', () => {
    expect(failureOf(new TypeError('x is not a function')).code).toBe('internal');
    expect(failureOf('text')).toEqual({ code: 'internal', message: 'text' });
  });
});
