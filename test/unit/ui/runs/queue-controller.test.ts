/**
 * The queue of the Runs view: which failures end one run and which end the queue, where a run starts from, and that a
 * stop is never lost.
 */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { LabErrorCode } from '../../../../src/common/errors.ts';
import type { GrpoEvent } from '../../../../src/protocol/grpo.ts';
import type { QueuedRun } from '../../../../src/protocol/runs.ts';
import type { TrainingEvent } from '../../../../src/protocol/training.ts';
import type { GrpoClient } from '../../../../src/ui/parts/sessions/grpo-client.ts';
import type { TrainingClient } from '../../../../src/ui/parts/sessions/training-client.ts';
import { QueueController } from '../../../../src/ui/runs/queue-controller.ts';
import { type RunsClient } from '../../../../src/ui/runs/runs-client.ts';
import { RunsController } from '../../../../src/ui/runs/runs-controller.ts';

const HOST = {
  addController: () => undefined,
  removeController: () => undefined,
  requestUpdate: () => undefined,
  updateComplete: Promise.resolve(true),
};
const RUN: QueuedRun = {
  id: 'a', kind: 'sft', name: 'first', seed: 1, experiment: {}, startUrl: null, startHash: null, checkpointId: null,
}; // prettier-ignore
const FINISHED: TrainingEvent = { kind: 'finished', step: 1, tokens: 1, weightsHash: 'abc', checkpointId: 'c' };

beforeEach(() => {
  vi.stubGlobal('document', {
    baseURI: 'https://lab.test/page/',
    visibilityState: 'visible',
    addEventListener: () => undefined,
    removeEventListener: () => undefined,
  });
  vi.stubGlobal('location', { origin: 'https://lab.test' });
  vi.stubGlobal('navigator', {});
});
afterEach(() => vi.unstubAllGlobals());

/** A queue of runs on workers that the test plays; a run that ends has left the queue, as its worker writes. */
class Played {
  waiting: QueuedRun[];
  readonly failed: string[] = [];
  readonly requests: unknown[] = [];
  /** What the worker does with its n-th run. */
  play: (emit: (event: TrainingEvent & GrpoEvent) => void, n: number) => void = (emit) => emit(FINISHED as never);
  beforeOpening: () => Promise<void> = () => Promise.resolve();
  readonly controller: QueueController;

  constructor(runs: readonly QueuedRun[]) {
    this.waiting = [...runs];
    const client = {
      nextQueued: () => Promise.resolve(this.waiting[0] ?? null),
      fail: async (id: string) => {
        this.failed.push(id);
        this.waiting = this.waiting.filter((run) => run.id !== id);
        await Promise.resolve();
      },
    } as unknown as RunsClient;
    const worker = {
      run: async (request: unknown, emit: (event: never) => void) => {
        this.requests.push(request);
        let isOver = false;
        this.play((event) => {
          isOver ||= event.kind === 'finished';
          emit(event as never);
        }, this.requests.length);
        if (isOver) this.waiting.shift();
        await Promise.resolve();
      },
      command: () => Promise.resolve(),
      close: () => undefined,
    };
    const open = async (): Promise<never> => {
      await this.beforeOpening();
      return worker as unknown as TrainingClient & GrpoClient as never;
    };
    const workers = () => ({ runs: () => Promise.resolve(client), openTraining: open, openGrpo: open, backend: 'auto' as const }); // prettier-ignore
    this.controller = new QueueController(HOST, workers, () => undefined);
  }
}

const OF_THE_RUN: readonly LabErrorCode[] = [
  'bad-checkpoint', 'bad-config', 'bad-file', 'bad-instruction', 'bad-shape', 'bad-tokenizer', 'bad-trace', 'not-finite',
  'not-found',
]; // prettier-ignore
const OF_THE_PLACE: readonly LabErrorCode[] = [
  'backend-lost', 'internal', 'no-backend', 'out-of-memory', 'storage-full', 'storage-unavailable',
]; // prettier-ignore

describe('a failure', () => {
  it.each([...OF_THE_RUN, ...OF_THE_PLACE])(
    '%s ends the run if it is the run’s own, and else the queue with all runs in it',
    async (code) => {
      const queue = new Played([RUN, { ...RUN, id: 'b', name: 'second' }]);
      queue.play = (emit, n) =>
        emit((n === 1 ? { kind: 'failed', code, message: 'no', checkpointId: null } : FINISHED) as never);
      await queue.controller.start();
      const { phase, failure } = queue.controller.state;
      expect([phase, failure]).toEqual(['idle', { code, message: 'first: no' }]);
      expect([queue.failed, queue.waiting.map(({ id }) => id)]).toEqual(
        OF_THE_RUN.includes(code) ? [['a'], []] : [[], ['a', 'b']],
      );
    },
  );

  it('of a branch is shown, because a demonstration does not fail with it', async () => {
    const queue = new Played([{ ...RUN, kind: 'grpo' }]);
    const failure = { code: 'not-finite' as const, message: 'loss is NaN' };
    queue.play = (emit) => emit({ kind: 'branch-ended', branch: 0, step: 1, weightsHash: null, failure } as never);
    await queue.controller.start();
    expect(queue.controller.state.failure).toEqual({ code: 'not-finite', message: 'first: loss is NaN' });
    expect(queue.failed).toEqual(['a']);
  });

  it('is reported of a run that ends without a word, once', async () => {
    const queue = new Played([RUN]);
    queue.play = () => undefined;
    await queue.controller.start();
    expect([queue.failed, queue.controller.state.failure?.message]).toEqual([
      ['a'],
      'first: It ended without a result.',
    ]);
  });
});

describe('a stop', () => {
  it('while the worker opens begins nothing', async () => {
    const queue = new Played([RUN]);
    queue.beforeOpening = async () => {
      queue.controller.stop();
      await Promise.resolve();
    };
    await queue.controller.start();
    expect([queue.requests, queue.failed, queue.waiting.length, queue.controller.state.phase]).toEqual([
      [],
      [],
      1,
      'idle',
    ]);
  });
});

describe('the model of a run', () => {
  it.each([
    [{ kind: 'grpo', startUrl: null }, 'https://lab.test/page/models/lab-nano-start/'],
    [{ kind: 'distill', startUrl: null }, 'https://lab.test/page/models/default/'],
    [{ kind: 'grpo', startUrl: 'https://lab.test/other/' }, 'https://lab.test/other/'],
    [{ kind: 'grpo', startUrl: 'https://else.test/lab/models/general/' }, 'https://lab.test/page/models/general/'],
    [{ kind: 'distill', startUrl: 'checkpoint:abc/' }, 'checkpoint:abc/'],
    [{ kind: 'distill', startUrl: 'https://else.test/own/' }, undefined],
  ] as const)('%j is at %s, with the hash that its record has', async (run, url) => {
    const queue = new Played([{ ...RUN, ...run, startHash: 'hash' }]);
    await queue.controller.start();
    const hash = 'hash';
    const wanted =
      run.kind === 'grpo' ? { modelUrl: url, startHash: hash } : { from: { teacherUrl: url, teacherHash: hash } };
    if (url === undefined) expect(queue.failed).toEqual(['a']);
    else expect(queue.requests).toMatchObject([wanted]);
  });
});

describe('the list of runs', () => {
  it('is read once for all that asked before it is read', async () => {
    let reads = 0;
    let release: () => void = () => undefined;
    const first = new Promise<void>((resolve) => (release = resolve));
    const client = {
      overview: async () => {
        reads += 1;
        if (reads === 1) await first;
        return { runs: [], damaged: [] };
      },
    } as unknown as RunsClient;
    const controller = new RunsController(HOST, () => Promise.resolve(client));
    const all = [controller.refresh()];
    await vi.waitFor(() => expect(reads).toBe(1));
    for (let i = 0; i < 20; i++) all.push(controller.refresh());
    release();
    await Promise.all(all);
    expect(reads).toBe(2);
  });

  it('may be unreadable after a sweep was queued, which is queued all the same', async () => {
    const client = { queueSweep: () => Promise.resolve(), overview: () => Promise.reject(new Error('no list')) };
    const controller = new RunsController(HOST, () => Promise.resolve(client as unknown as RunsClient));
    expect(await controller.queueSweep({ baseId: 'a', set: [], seeds: '1' })).toBe(true);
    expect(controller.state.failure?.message).toBe('no list');
  });
});
