/** A run on WebGPU that loses its device recovers, and ends with the same bits as an undisturbed run. */
import * as tf from '@tensorflow/tfjs-core';
import type { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';
import { beforeAll, expect, it } from 'vitest';
import type { TrainingEvent } from '../../src/protocol/training.ts';
import { describeGpu, openGpu } from '../setup/dawn.ts';
import { TrainingHarness, tinyExperiment } from '../unit/sessions/training-harness.ts';

// One sequence at a time, because a larger batch is split by measured times, which may change the bits.
const SFT = { steps: 4, batchSize: 1, checkpointEvery: 2, logEvery: 1 };
const EXPERIMENT = { ...tinyExperiment(SFT), devPairs: 1 };
const REQUEST = { from: { kind: 'experiment', experiment: EXPERIMENT }, backend: 'webgpu' } as const;

function hashOf(event: TrainingEvent): string {
  if (event.kind !== 'finished') expect.fail(`expected a finished run, got ${JSON.stringify(event)}`);
  return event.weightsHash;
}

describeGpu('training on WebGPU', () => {
  beforeAll(() => {
    openGpu();
  });

  it('survives the loss of its device', async () => {
    const calm = new TrainingHarness();
    const expected = hashOf(await calm.train(REQUEST));
    expect(calm.of('backend')).toMatchObject([{ backend: 'webgpu', problems: [] }]);
    expect(calm.of('preparing').at(-1)?.stage).toBe('speed');

    const harness = new TrainingHarness();
    harness.onEvent((event) => {
      const isDue = event.kind === 'log' && event.step === 3 && harness.of('recovering').length === 0;
      if (isDue) (tf.backend() as WebGPUBackend).device.destroy();
    });
    const got = hashOf(await harness.train(REQUEST));
    expect(harness.of('recovering')).toMatchObject([{ step: 2 }]);
    expect(harness.of('backend')).toHaveLength(2);
    expect(harness.of('prepared').map(({ step }) => step)).toEqual([0, 2]);
    expect(got).toBe(expected);
  });
});
