/**
 * A demonstration whose GPU is lost, rejects a command or is shared with a desktop. The GPU is WebAssembly under
 * another name: its reports and the time to wait for it are simulated, while a lost one is really dropped with
 * everything that it held.
 */
import * as tf from '@tensorflow/tfjs-core';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import type * as CurrentBackend from '../../../src/gpu/current-backend.ts';
import { openBackend } from '../../../src/gpu/device.ts';
import { GrpoHarness, tinyBranch } from './grpo-harness.ts';
import { MemoryStore } from './memory-store.ts';

/** The reports of the GPU that was opened last, and how often it has been waited for. */
const gpu = vi.hoisted(() => ({
  health: { fault: undefined as CurrentBackend.BackendFault | undefined },
  /** The faults of the next ones, which occur as soon as they are opened, in order. */
  faults: [] as CurrentBackend.BackendFault[],
  waits: 0,
}));

vi.mock('../../../src/gpu/current-backend.ts', async (original) => ({
  ...(await original<typeof CurrentBackend>()),
  isCurrentBackend: () => tf.getBackend() === 'wasm',
  watchBackend: () => (gpu.health = { fault: gpu.faults.shift() }),
  waitForBackend: async () => {
    gpu.waits += 1;
    await Promise.resolve();
  },
}));
vi.mock('../../../src/sessions/run-backend.ts', () => ({
  // Neither checked nor timed, because that takes longer than these tests.
  openTrainingBackend: async (choice: string, wasmPaths: string) => {
    const opened = await openBackend({ backend: 'wasm', wasmPaths });
    return choice === 'wasm' ? { ...opened, backend: 'webgpu' } : opened;
  },
}));

const LOST: CurrentBackend.BackendFault = { kind: 'lost', message: 'the driver was updated' };
const BRANCHES = { MBO: tinyBranch(), GRPO: tinyBranch({ balance: { kind: 'additive', lambda: 0 } }) };

beforeEach(() => {
  gpu.health = { fault: undefined };
  gpu.faults = [];
  gpu.waits = 0;
});

describe('a GPU that is lost', () => {
  it('is replaced, and every branch repeats the steps since its last checkpoint to the same bits', async () => {
    const calm = new GrpoHarness();
    await calm.runToEnd(BRANCHES);

    const harness = new GrpoHarness(new MemoryStore());
    harness.onEvent((event) => {
      const isDue = event.kind === 'step' && event.branch === 0 && event.step === 3;
      if (isDue && harness.of('recovering').length === 0) gpu.health.fault = LOST;
    });
    await harness.runToEnd(BRANCHES);
    expect(harness.of('recovering')).toEqual([{ kind: 'recovering', step: 2, reason: LOST.message }]);
    expect(harness.of('backend')).toHaveLength(2);
    const rewound = harness.of('rewound').toSorted((a, b) => a.branch - b.branch);
    expect(rewound).toEqual([0, 1].map((branch) => ({ kind: 'rewound', branch, step: 2 })));
    expect(harness.of('step').filter(({ branch }) => branch === 0).map(({ step }) => step)).toEqual([1, 2, 3, 3, 4]); // prettier-ignore
    expect([0, 1].map((branch) => harness.hashOf(branch))).toEqual([0, 1].map((branch) => calm.hashOf(branch)));
  });

  it('before the first step restarts from the beginning', async () => {
    const harness = new GrpoHarness();
    gpu.faults = [LOST];
    await harness.runToEnd({ only: tinyBranch({ steps: 2 }) });
    expect(harness.of('rewound')).toMatchObject([{ branch: 0, step: 0 }]);
    expect(harness.of('step').map(({ step }) => step)).toEqual([1, 2]);
  });

  it('during a pause is noticed at the next step, and the pause continues after that', async () => {
    const harness = new GrpoHarness();
    const over = harness.run(BRANCHES);
    let paused = harness.next('paused');
    await harness.next('step', ({ branch }) => branch === 1);
    await harness.command({ kind: 'pause' });
    await paused;
    const before = harness.of('step').length;
    gpu.health.fault = LOST;
    paused = harness.next('paused');
    await harness.command({ kind: 'step' });
    await paused;
    expect(harness.of('rewound')).toHaveLength(2);
    expect(harness.of('finished')).toEqual([]);
    expect(harness.of('step').length).toBeLessThan(before + 4);
    const finished = harness.next('finished');
    await harness.command({ kind: 'resume' });
    await finished;
    await harness.command({ kind: 'stop' });
    expect(await over).toEqual({ kind: 'stopped' });
  });

  it('repeatedly without a step in between ends the demonstration, whose branches can be resumed', async () => {
    const store = new MemoryStore();
    const harness = new GrpoHarness(store);
    gpu.faults = Array.from({ length: 9 }, () => LOST);
    const last = await harness.run({ only: tinyBranch() });
    expect(last).toMatchObject({ kind: 'failed', code: 'no-backend' });
    expect(last).toHaveProperty('message', expect.stringContaining(LOST.message));
    expect(harness.of('recovering')).toHaveLength(3);
    expect(store.runRecords).toEqual(['start 4', 'release']);
    // The next demonstration finds a GPU that works.
    gpu.faults = [];
    await harness.runToEnd({ only: tinyBranch({ steps: 1 }) });
    expect(harness.of('finished')).toHaveLength(1);
  });
});

describe('a GPU that rejects a command', () => {
  it.each([
    ['invalid', 'internal'],
    ['out-of-memory', 'out-of-memory'],
  ] as const)('(%s) ends all branches, because its results are invalid', async (kind, code) => {
    const harness = new GrpoHarness();
    harness.onEvent((event) => {
      if (event.kind === 'step' && event.branch === 1 && event.step === 2) gpu.health.fault = { kind, message: 'no' };
    });
    expect(await harness.run(BRANCHES)).toMatchObject({ kind: 'failed', code });
    expect(harness.of('recovering')).toEqual([]);
    expect(harness.of('checkpoint').filter(({ branch, step }) => branch === 1 && step === 2)).toEqual([]);
  });
});

describe('a GPU that also draws the desktop', () => {
  /** A clock by which every pass takes long. */
  function slowClock(): () => number {
    let nowMs = 0;
    return () => (nowMs += 100);
  }
  const branch = { only: tinyBranch({ sequencesPerPass: 2 }) };

  it('is waited for after every pass while the page is visible, and not while it is hidden', async () => {
    const seen = new GrpoHarness(undefined, slowClock());
    await seen.runToEnd(branch);
    const whileSeen = gpu.waits;
    gpu.waits = 0;
    const hidden = new GrpoHarness(undefined, slowClock());
    const over = hidden.run(branch, { isVisible: false });
    await hidden.next('finished');
    await hidden.command({ kind: 'stop' });
    await over;
    expect(whileSeen).toBeGreaterThanOrEqual(4 * 2); // two passes at least in each of four steps
    expect(gpu.waits).toBeLessThan(whileSeen / 4);
    expect(hidden.hashOf(0)).toBe(seen.hashOf(0));
  });

  it('is waited for again once the page is visible', async () => {
    const harness = new GrpoHarness(undefined, slowClock());
    const over = harness.run(branch, { isVisible: false });
    await harness.next('step', ({ step }) => step === 2);
    const unseen = gpu.waits;
    await harness.command({ kind: 'visibility', isVisible: true });
    await harness.next('finished');
    await harness.command({ kind: 'stop' });
    await over;
    expect(gpu.waits - unseen).toBeGreaterThanOrEqual(2);
  });

  it('is the only backend that is waited for', async () => {
    const harness = new GrpoHarness(undefined, slowClock());
    const over = harness.run({ only: tinyBranch({ steps: 1 }) }, { backend: 'auto' });
    await harness.next('finished');
    await harness.command({ kind: 'stop' });
    await over;
    expect(gpu.waits).toBe(0);
  });
});
