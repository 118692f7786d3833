/** The controller's guarantee: at any speed of the model, a frame with only the label precedes any reasoning. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ScoringEvent } from '../../../../src/protocol/scoring.ts';
import { makeDocument } from '../../../../src/relevance/pair/pair.ts';
import { AnswerController } from '../../../../src/ui/score/answer-controller.ts';
import type { AnswerState } from '../../../../src/ui/score/answer-state.ts';
import type { ScoringClient } from '../../../../src/ui/score/scoring-client.ts';

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
const TEXT: ScoringEvent = { kind: 'text', text: 'because' };
const DONE: ScoringEvent = {
  kind: 'done',
  restated: 1,
  complete: true,
  agreement: 'agrees',
  tokens: 4,
  passes: 4,
  decodeMs: 9,
};

/** A host that records every state it would draw, and a client whose events the test sends. */
function setUp(): {
  controller: AnswerController;
  drawn: AnswerState[];
  send: ((event: ScoringEvent) => void)[];
  client: ScoringClient;
} {
  const drawn: AnswerState[] = [];
  const controller = new AnswerController({
    addController: () => undefined,
    removeController: () => undefined,
    requestUpdate: () => drawn.push(controller.state),
    updateComplete: Promise.resolve(true),
  });
  const send: ((event: ScoringEvent) => void)[] = [];
  const client: ScoringClient = {
    inside: () => Promise.reject(new Error('not asked')),
    load: () => Promise.reject(new Error('not used')),
    answer: (_request, onEvent) => {
      send.push(onEvent);
      return new Promise(() => undefined);
    },
    close: () => undefined,
  };
  return { controller, drawn, send, client };
}

let frames: (() => void)[] = [];
const paintFrame = async (): Promise<void> => {
  for (const frame of frames.splice(0)) frame();
  await vi.advanceTimersByTimeAsync(1);
};

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  frames = [];
  vi.stubGlobal('requestAnimationFrame', (callback: () => void) => frames.push(callback));
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe('the answer controller', () => {
  it('draws the label, waits for its frame, then draws the reasoning that came with it', async () => {
    const { controller, drawn, send, client } = setUp();
    controller.ask(client, PAIR);
    for (const event of [LABEL, TEXT, DONE]) send[0]?.(event);
    await vi.advanceTimersByTimeAsync(1);
    expect(controller.state).toMatchObject({ phase: 'reasoning', label: LABEL, text: '' });

    await paintFrame();
    expect(controller.state).toMatchObject({ phase: 'done', text: 'because' });
    const withLabelAlone = drawn.findIndex((state) => state.phase === 'reasoning' && state.text === '');
    const withReasoning = drawn.findIndex((state) => state.text !== '');
    expect(withLabelAlone).toBeGreaterThanOrEqual(0);
    expect(withReasoning).toBeGreaterThan(withLabelAlone);
    expect(controller.state.shownMs).toBeGreaterThan(0);
  });

  it('does not wait forever on a page that paints no frames', async () => {
    const { controller, send, client } = setUp();
    controller.ask(client, PAIR);
    for (const event of [LABEL, TEXT, DONE]) send[0]?.(event);
    await vi.advanceTimersByTimeAsync(1000);
    expect(controller.state.phase).toBe('done');
  });

  it('draws later events once per frame', async () => {
    const { controller, drawn, send, client } = setUp();
    controller.ask(client, PAIR);
    send[0]?.(LABEL);
    await vi.advanceTimersByTimeAsync(1);
    await paintFrame();
    const before = drawn.length;
    for (const event of [TEXT, TEXT, TEXT]) send[0]?.(event);
    await paintFrame();
    expect(drawn.length).toBe(before + 1);
    expect(controller.state.text).toBe('becausebecausebecause');
  });

  it('drops late events of an earlier question', async () => {
    const { controller, send, client } = setUp();
    controller.ask(client, PAIR);
    controller.ask(client, PAIR);
    send[0]?.(LABEL);
    await vi.advanceTimersByTimeAsync(1);
    expect(controller.state.phase).toBe('reading');
  });

  it('shows a failure in place of a label at once', () => {
    const { controller, send, client } = setUp();
    controller.ask(client, PAIR);
    send[0]?.({ kind: 'failed', code: 'out-of-memory', message: 'no room' });
    expect(controller.state).toMatchObject({ phase: 'failed', failure: { code: 'out-of-memory' } });
  });

  it('stops at once, keeps the label, and ignores later events', async () => {
    const { controller, send, client } = setUp();
    controller.ask(client, PAIR);
    send[0]?.(LABEL);
    await vi.advanceTimersByTimeAsync(1);
    await paintFrame();
    controller.stop();
    send[0]?.(TEXT);
    await paintFrame();
    expect(controller.state).toMatchObject({ phase: 'stopped', label: LABEL, text: '' });
  });

  it('turns a rejected answer into a failure', async () => {
    const { controller, client } = setUp();
    controller.ask({ ...client, answer: () => Promise.reject(new Error('gone')) }, PAIR);
    await vi.advanceTimersByTimeAsync(1);
    expect(controller.state).toMatchObject({ phase: 'failed', failure: { code: 'internal', message: 'gone' } });
  });
});
