/**
 * The controller's guarantees: one run at a time, a few updates per second however much is logged, commands that are
 * pending until they take effect, and an end for every run.
 */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { TrainingCommand, TrainingEvent } from '../../../../src/protocol/training.ts';
import type { TrainingClient } from '../../../../src/ui/parts/sessions/training-client.ts';
import { type TrainingController, trainingController } from '../../../../src/ui/parts/sessions/training-controller.ts';
import { logEvent, preparedEvent } from './run-events.ts';

const FINISHED: TrainingEvent = { kind: 'finished', step: 100, tokens: 1, weightsHash: 'abc', checkpointId: 'c' };
const FROM = { kind: 'experiment', experiment: {} } as const;

/** A controller on a worker that the test plays. */
function setUp(): {
  controller: TrainingController;
  draws: () => number;
  /** How often a worker was closed. */
  closings: () => number;
  seen: TrainingEvent[];
  sent: TrainingCommand[];
  start: () => Promise<{
    emit: (event: TrainingEvent) => void;
    end: () => void;
    fail: (error: Error) => void;
    over: Promise<void>;
  }>;
} {
  let drawn = 0;
  let closed = 0;
  const seen: TrainingEvent[] = [];
  const sent: TrainingCommand[] = [];
  const host = {
    addController: () => undefined,
    removeController: () => undefined,
    requestUpdate: () => void (drawn += 1),
    updateComplete: Promise.resolve(true),
  };
  let client: TrainingClient | undefined;
  const opened = (): Promise<TrainingClient> =>
    client === undefined ? Promise.reject(new Error('no thread')) : Promise.resolve(client);
  const controller = trainingController(host, opened, (event) => seen.push(event));
  controller.hostConnected();
  const start = async () => {
    let emit: (event: TrainingEvent) => void = () => undefined;
    let end: () => void = () => undefined;
    let fail: (error: Error) => void = () => undefined;
    client = {
      readColumns: () => Promise.reject(new Error('not used')),
      readData: () => Promise.reject(new Error('not used')),
      readRules: () => Promise.reject(new Error('not used')),
      plan: () => Promise.reject(new Error('not used')),
      run: (_request, onEvent) => {
        emit = onEvent;
        return new Promise((resolve, reject) => {
          end = resolve;
          fail = reject;
        });
      },
      command: async (command) => {
        sent.push(command);
        await Promise.resolve();
      },
      close: () => void (closed += 1),
    };
    const over = controller.run({ from: FROM, backend: 'auto' });
    await vi.advanceTimersByTimeAsync(0);
    return { emit: (event: TrainingEvent) => emit(event), end: () => end(), fail: (error: Error) => fail(error), over };
  };
  return { controller, draws: () => drawn, closings: () => closed, seen, sent, start };
}

let page = Object.assign(new EventTarget(), { visibilityState: 'visible' });
/** The granted locks, and whether each was revoked or released. */
let locks: { released: boolean; release: () => Promise<void> }[] = [];
const requestLock = async (): Promise<unknown> => {
  const lock = {
    released: false,
    release: async (): Promise<void> => {
      lock.released = true;
      await Promise.resolve();
    },
  };
  locks.push(lock);
  return Promise.resolve(lock);
};

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  page = Object.assign(new EventTarget(), { visibilityState: 'visible' });
  locks = [];
  vi.stubGlobal('document', page);
  vi.stubGlobal('navigator', { wakeLock: { request: requestLock } });
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe('the training controller', () => {
  it('draws at most four times a second, and the last state', async () => {
    const { controller, draws, start } = setUp();
    const { emit } = await start();
    emit(preparedEvent());
    const before = draws();
    for (let step = 1; step <= 100; step++) {
      emit(logEvent(step));
      await vi.advanceTimersByTimeAsync(10);
    }
    expect(draws() - before).toBeLessThanOrEqual(4);
    expect(draws() - before).toBeGreaterThanOrEqual(3);
    await vi.advanceTimersByTimeAsync(250);
    expect(controller.state.step).toBe(100);
    expect(draws() - before).toBeLessThanOrEqual(5);
  });

  it('draws events other than logs at once', async () => {
    const { draws, start } = setUp();
    const { emit } = await start();
    emit(preparedEvent());
    const before = draws();
    emit({ kind: 'paused', step: 3 });
    expect(draws()).toBe(before + 1);
  });

  it('keeps a command pending until it takes effect', async () => {
    const { controller, sent, start } = setUp();
    const { emit } = await start();
    emit(preparedEvent());
    controller.command({ kind: 'pause' });
    expect(controller.pending).toBe('pause');
    emit(logEvent(1));
    expect(controller.pending).toBe('pause');
    emit({ kind: 'paused', step: 1 });
    expect(controller.pending).toBeUndefined();
    controller.command({ kind: 'step' });
    emit(logEvent(2));
    expect(controller.pending).toBe('step');
    emit({ kind: 'paused', step: 2 });
    expect(controller.pending).toBeUndefined();
    expect(sent).toEqual([{ kind: 'pause' }, { kind: 'step' }]);
  });

  it('starts no second run while one is under way, and sends no command without one', async () => {
    const { controller, sent, start } = setUp();
    controller.command({ kind: 'pause' });
    const first = await start();
    const second = await start();
    await second.over;
    first.emit(preparedEvent());
    expect(controller.state.phase).toBe('running');
    expect(sent).toEqual([]);
  });

  it('reports events after the state includes them', async () => {
    const { controller, seen, start } = setUp();
    const { emit, end, over } = await start();
    emit(preparedEvent());
    emit(FINISHED);
    end();
    await over;
    expect(seen.map(({ kind }) => kind)).toEqual(['prepared', 'finished']);
    expect(controller.state.weightsHash).toBe('abc');
    controller.dismiss();
    expect(controller.state.phase).toBe('idle');
  });

  it('ends a run as failed if its worker broke, or ended without an outcome', async () => {
    const broken = setUp();
    const run = await broken.start();
    run.fail(Object.assign(new Error('The training worker failed.'), { name: 'internal' }));
    await run.over;
    expect(broken.closings()).toBe(1);
    expect(broken.controller.state).toMatchObject({
      phase: 'failed',
      failure: { message: 'The training worker failed.' },
    });

    const silent = setUp();
    const other = await silent.start();
    other.end();
    await other.over;
    expect(silent.closings()).toBe(0);
    expect(silent.controller.state).toMatchObject({ phase: 'failed', failure: { code: 'internal' } });
  });

  it('holds one wake lock while it trains, and releases it in pauses and at the end', async () => {
    const { start } = setUp();
    const { emit } = await start();
    const held = async (): Promise<boolean[]> => {
      await vi.advanceTimersByTimeAsync(0);
      return locks.map(({ released }) => !released);
    };
    emit(preparedEvent());
    expect(await held()).toEqual([true]);
    page.dispatchEvent(new Event('visibilitychange'));
    expect(await held()).toEqual([true]);
    emit({ kind: 'paused', step: 1 });
    expect(await held()).toEqual([false]);
    emit({ kind: 'resumed', step: 1 });
    expect(await held()).toEqual([false, true]);
    emit(FINISHED);
    expect(await held()).toEqual([false, false]);
  });

  it('requests the wake lock again after the browser revoked it on a hidden page', async () => {
    const { start } = setUp();
    const { emit } = await start();
    emit(preparedEvent());
    await vi.advanceTimersByTimeAsync(0);
    await locks[0]?.release();
    page.dispatchEvent(new Event('visibilitychange'));
    await vi.advanceTimersByTimeAsync(0);
    expect(locks.map(({ released }) => released)).toEqual([true, false]);
  });

  it('tells the run whether the page is visible', async () => {
    const { sent, start } = setUp();
    await start();
    page.visibilityState = 'hidden';
    page.dispatchEvent(new Event('visibilitychange'));
    expect(sent).toEqual([{ kind: 'visibility', isVisible: false }]);
  });
});
