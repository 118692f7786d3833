/**
 * A model whose backend fails is loaded again: on the same backend, then on any, finally on one that cannot be lost.
 */
import { describe, expect, it } from 'vitest';
import { LabError, type LabErrorCode } from '../../../../src/common/errors.ts';
import type { LoadRequest, ModelSummary, ScoringEvent } from '../../../../src/protocol/scoring.ts';
import { makeDocument } from '../../../../src/relevance/pair/pair.ts';
import { ModelController, type ModelState } from '../../../../src/ui/score/model-controller.ts';
import type { ScoringClient } from '../../../../src/ui/score/scoring-client.ts';

const PAIR = { query: 'kettle', document: makeDocument({ title: 'Kettle' }) };
const ORIGIN = { kind: 'folder', url: 'http://localhost/models/default/' } as const;
const SUMMARY: ModelSummary = {
  name: 'scripted',
  backend: 'webgpu',
  backendReason: 'for the test',
  parameters: 1,
  scale: { names: ['no', 'yes'], rubric: ['', ''] },
  givesReasons: true,
  card: [],
  examples: [],
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
const LOST: ScoringEvent = { kind: 'failed', code: 'backend-lost', message: 'The GPU was lost: unplugged.' };

/** Workers that load as `loads` says, in turn, and answer with the event that was set last. */
function setUp(loads: readonly (LabErrorCode | 'loads')[]): {
  readonly controller: ModelController;
  readonly asked: LoadRequest['backend'][];
  readonly openClient: () => ScoringClient;
  readonly answerWith: (event: ScoringEvent) => Promise<void>;
} {
  let event = DONE;
  let opened = 0;
  const asked: LoadRequest['backend'][] = [];
  const controller = new ModelController({
    addController: () => undefined,
    removeController: () => undefined,
    requestUpdate: () => undefined,
    updateComplete: Promise.resolve(true),
  });
  const openClient = (): ScoringClient => {
    const outcome = loads[opened] ?? 'loads';
    opened += 1;
    return {
      load: ({ backend }) => {
        asked.push(backend);
        if (outcome === 'loads') return Promise.resolve(SUMMARY);
        return Promise.reject(new LabError(outcome, { message: `It is ${outcome}.` }));
      },
      answer: (_request, onEvent) => Promise.resolve(onEvent(event)),
      inside: () => Promise.reject(new LabError('backend-lost', { message: 'The GPU was lost: unplugged.' })),
      close: () => undefined,
    };
  };
  const settled = (): Promise<void> => new Promise((resolve) => void setTimeout(resolve));
  const answerWith = async (next: ScoringEvent): Promise<void> => {
    event = next;
    if (controller.state.kind !== 'ready') throw new Error(`no model is ready: ${controller.state.kind}`);
    await controller.state.client.answer({ pair: PAIR, reason: true }, () => undefined, new AbortController().signal);
    await settled();
  };
  return { controller, asked, openClient, answerWith };
}

const lostOf = (state: ModelState): string | undefined => (state.kind === 'failed' ? undefined : state.lost?.message);

describe('ModelController', () => {
  it('loads the model again when its backend is lost during an answer, and reports why', async () => {
    const { controller, asked, openClient, answerWith } = setUp([]);
    await controller.load(openClient, ORIGIN, 'webgpu');
    expect(lostOf(controller.state)).toBeUndefined();
    await answerWith(LOST);
    expect(controller.state.kind).toBe('ready');
    expect(lostOf(controller.state)).toBe('The GPU was lost: unplugged.');
    expect(asked).toEqual(['webgpu', 'webgpu']);
  });

  it('loads the model again when its backend is lost while it is looked into', async () => {
    const { controller, asked, openClient } = setUp([]);
    await controller.load(openClient, ORIGIN, 'webgpu');
    if (controller.state.kind !== 'ready') throw new Error('no model is ready');
    const looked = controller.state.client.inside({ pair: PAIR, reason: true }, new AbortController().signal);
    await expect(looked).rejects.toMatchObject({ code: 'backend-lost' });
    await expect.poll(() => controller.state.kind).toBe('ready');
    expect(lostOf(controller.state)).toBe('The GPU was lost: unplugged.');
    expect(asked).toEqual(['webgpu', 'webgpu']);
  });

  it('uses any backend if the lost one does not return', async () => {
    const { controller, asked, openClient, answerWith } = setUp(['loads', 'no-backend']);
    await controller.load(openClient, ORIGIN, 'webgpu');
    await answerWith(LOST);
    expect(controller.state.kind).toBe('ready');
    expect(lostOf(controller.state)).toBe('The GPU was lost: unplugged.');
    expect(asked).toEqual(['webgpu', 'webgpu', 'auto']);
  });

  it('ends on the backend that cannot be lost, and starts over after a complete answer', async () => {
    const { controller, asked, openClient, answerWith } = setUp([]);
    await controller.load(openClient, ORIGIN, 'auto');
    for (let loss = 0; loss < 3; loss++) await answerWith(LOST);
    expect(asked).toEqual(['auto', 'auto', 'auto', 'wasm']);
    await answerWith(DONE);
    await answerWith(LOST);
    expect(asked.at(-1)).toBe('auto');
  });

  it('gives up with the last failure instead of loading forever', async () => {
    const { controller, asked, openClient } = setUp(['backend-lost', 'backend-lost', 'backend-lost', 'backend-lost']);
    await controller.load(openClient, ORIGIN, 'auto');
    expect(controller.state).toMatchObject({ kind: 'failed', failure: { code: 'backend-lost' } });
    expect(asked).toHaveLength(4);
  });

  it('does not load again for a failure of another kind', async () => {
    const { controller, asked, openClient, answerWith } = setUp([]);
    await controller.load(openClient, ORIGIN, 'auto');
    await answerWith({ kind: 'failed', code: 'not-finite', message: 'A score is no number.' });
    expect(controller.state.kind).toBe('ready');
    expect(asked).toHaveLength(1);
    const missing = setUp(['no-backend']);
    await missing.controller.load(missing.openClient, ORIGIN, 'webgpu');
    expect(missing.controller.state).toMatchObject({ kind: 'failed', failure: { code: 'no-backend' } });
  });
});
