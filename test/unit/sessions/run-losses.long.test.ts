/**
 * Single runs of every kind whose GPU is lost or rejects a command. The GPU is WebAssembly under another name, as in
 * grpo-losses.test.ts.
 */
import * as tf from '@tensorflow/tfjs-core';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { LabError } from '../../../src/common/errors.ts';
import type * as CurrentBackend from '../../../src/gpu/current-backend.ts';
import { openBackend } from '../../../src/gpu/device.ts';
import type { TrainRequest } from '../../../src/protocol/training.ts';
import type * as RunBackend from '../../../src/sessions/run-backend.ts';
import { smallModelFiles } from '../../reference/small-lab-model.ts';
import { TrainingHarness, tinyExperiment } from './training-harness.ts';

const gpu = vi.hoisted(() => ({
  health: { fault: undefined as CurrentBackend.BackendFault | undefined },
  /** The faults of the next ones, which occur as soon as they are opened, in order. */
  faults: [] as CurrentBackend.BackendFault[],
  /** Whether the next ones are lost while they are opened, in order. */
  early: [] as boolean[],
}));

vi.mock('../../../src/gpu/current-backend.ts', async (original) => ({
  ...(await original<typeof CurrentBackend>()),
  isCurrentBackend: () => tf.getBackend() === 'wasm',
  watchBackend: () => (gpu.health = { fault: gpu.faults.shift() }),
}));
vi.mock('../../../src/sessions/run-backend.ts', async (original) => ({
  ...(await original<typeof RunBackend>()),
  // Neither checked nor timed, because that takes longer than these tests.
  openTrainingBackend: async (_choice: string, wasmPaths: string) => ({
    ...(await openBackend({
      backend: 'wasm',
      wasmPaths,
      findFault: () => Promise.resolve(gpu.early.shift() === true ? 'it was lost' : undefined),
    })),
    rates: { by: 'composites', flopsPerSec: 1e10, batchedFlopsPerSec: 1e10, bytesPerSec: 1e10, launchMs: 0.01 },
  }),
}));

const LOST: CurrentBackend.BackendFault = { kind: 'lost', message: 'the driver was updated' };
const FILES = smallModelFiles();
const EVERY = { logEvery: 1, evaluateEvery: 100, checkpointEvery: 2 };
const world = { trainQueries: 8, devQueries: 2, testQueries: 1 };
const RUNS: readonly [string, TrainRequest][] = [
  ['supervised', { from: { kind: 'experiment', experiment: tinyExperiment({ steps: 4, batchSize: 2, ...EVERY }) } }],
  [
    'taught',
    {
      from: {
        kind: 'student',
        experiment: { world, queries: 4, devPairs: 2, distill: { steps: 4, batchSize: 4, warmupSteps: 1, ...EVERY } },
        teacherUrl: 'http://localhost/models/small/',
      },
    },
  ],
];

function harnessOf(): TrainingHarness {
  return new TrainingHarness(undefined, () => Promise.resolve(FILES));
}

beforeEach(() => {
  gpu.health = { fault: undefined };
  gpu.faults = [];
  gpu.early = [];
});

describe.each(RUNS)('a %s run', (_, request) => {
  it('resumes from its last checkpoint on the next GPU, to the same bits, and frees what it allocates', async () => {
    const calm = harnessOf();
    const whole = await calm.train(request);
    const harness = harnessOf();
    harness.onEvent((event) => {
      if (event.kind === 'log' && event.step === 3 && harness.of('recovering').length === 0) gpu.health.fault = LOST;
    });
    const end = await harness.train(request);
    if (whole.kind !== 'finished' || end.kind !== 'finished') throw new Error('A run did not finish.');
    expect(end.weightsHash).toBe(whole.weightsHash);
    expect(harness.of('recovering')).toEqual([{ kind: 'recovering', step: 2, reason: LOST.message }]);
    expect(harness.of('log').map(({ step }) => step)).toEqual([1, 2, 3, 3, 4]);
    expect(harness.of('prepared').map(({ step }) => step)).toEqual([0, 2]);
    expect(tf.memory().numTensors).toBe(0);
  });

  it('opens one more GPU if the next one is lost while it is opened', async () => {
    const whole = await harnessOf().train(request);
    const harness = harnessOf();
    harness.onEvent((event) => {
      if (event.kind !== 'log' || event.step !== 3 || harness.of('recovering').length > 0) return;
      gpu.health.fault = LOST;
      gpu.early = [true, true];
    });
    const end = await harness.train(request);
    if (whole.kind !== 'finished' || end.kind !== 'finished') throw new Error('A run did not finish.');
    expect(end.weightsHash).toBe(whole.weightsHash);
    expect(gpu.early).toEqual([]);
    expect(tf.memory().numTensors).toBe(0);
  });

  it('gives up if none can be opened any more, and can be resumed', async () => {
    const harness = harnessOf();
    harness.onEvent((event) => {
      if (event.kind === 'log' && event.step === 3) [gpu.health.fault, gpu.early] = [LOST, [true, true, true, true]];
    });
    expect(await harness.train(request)).toMatchObject({ kind: 'failed', code: 'no-backend' });
    expect(gpu.early).toEqual([true]);
    expect(harness.store.saved.size).toBeGreaterThan(0);
  });

  it('repeats steps that could not be stored from the last state in memory', async () => {
    const harness = harnessOf();
    harness.store.failure = new LabError('storage-full', { message: 'There is no room.' });
    harness.onEvent((event) => {
      if (event.kind === 'log' && event.step === 3 && harness.of('recovering').length === 0) gpu.health.fault = LOST;
    });
    expect((await harness.train(request)).kind).toBe('finished');
    expect(harness.of('log').map(({ step }) => step)).toEqual([1, 2, 3, 3, 4]);
  });

  it('that finishes in a full store names no checkpoint as its model, not even an earlier one', async () => {
    const harness = harnessOf();
    harness.onEvent((event) => {
      if (event.kind === 'log' && event.step === 3) {
        harness.store.failure = new LabError('storage-full', { message: 'There is no room.' });
      }
    });
    expect(await harness.train(request)).toMatchObject({ kind: 'finished', step: 4, checkpointId: null });
    expect(harness.of('unsaved')).toMatchObject([{ step: 4, code: 'storage-full' }]);
    const roomy = harnessOf();
    expect(await roomy.train(request)).toMatchObject({ kind: 'finished', checkpointId: expect.any(String) as string });
  });

  it('gives up when GPUs are lost repeatedly without a step in between, and can be resumed', async () => {
    const harness = harnessOf();
    gpu.faults = Array.from({ length: 9 }, () => LOST);
    expect(await harness.train(request)).toMatchObject({ kind: 'failed', code: 'no-backend', checkpointId: null });
    expect(harness.of('recovering')).toHaveLength(3);
    expect(harness.store.runRecords).toEqual(['start 4', 'release']);
  });

  it('ends where a GPU rejects a command, and stores none of its results', async () => {
    const harness = harnessOf();
    harness.onEvent((event) => {
      if (event.kind === 'log' && event.step === 2) gpu.health.fault = { kind: 'invalid', message: 'no' };
    });
    expect(await harness.train(request)).toMatchObject({ kind: 'failed', code: 'internal', checkpointId: null });
    expect(harness.store.saved.size).toBe(0);
  });
});
