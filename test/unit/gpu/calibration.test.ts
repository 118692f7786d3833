/** Speeds are measured with a fake clock, so that nothing depends on the machine. */
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { type BackendRates, measureRates, predictStepMs } from '../../../src/gpu/calibration.ts';
import type { StepCost } from '../../../src/gpu/step-work.ts';
import { TIMED_OPS } from '../../../src/ops/timed-ops.ts';
import { useBackend } from '../../reference/backends.ts';

const RATES: BackendRates = {
  by: 'composites',
  flopsPerSec: 2e9,
  batchedFlopsPerSec: 5e8,
  bytesPerSec: 1e9,
  launchMs: 0.01,
};
const COST: StepCost = {
  matmulFlops: 4e6,
  attentionFlops: 1e6,
  trafficBytes: 3e6,
  launches: 200,
  memoryBytes: 1,
  largestTensorBytes: 1,
};

describe('a prediction', () => {
  it('adds up products, traffic and kernels', () => {
    expect(predictStepMs(COST, RATES)).toBeCloseTo(2 + 2 + 3 + 2, 10);
  });

  it.each(['flopsPerSec', 'batchedFlopsPerSec', 'bytesPerSec'] as const)('falls as %s rises', (rate) => {
    expect(predictStepMs(COST, { ...RATES, [rate]: 2 * RATES[rate] })).toBeLessThan(predictStepMs(COST, RATES));
  });
});

function expectRates({ by, ...rates }: BackendRates): void {
  expect(by).toBe(tf.getBackend() === 'wasm' ? 'wasm-kernels' : 'composites');
  expect(Object.values(rates).every((rate) => rate > 0 && Number.isFinite(rate))).toBe(true);
}

describe.each(['cpu', 'wasm'] as const)('the speed of %s', (backend) => {
  beforeAll(() => useBackend(backend));

  it('is measured in finite numbers, and leaks no tensor', async () => {
    const before = tf.memory().numTensors;
    expectRates(await measureRates(TIMED_OPS));
    expect(tf.memory().numTensors).toBe(before);
  });

  it('is finite even if the clock hardly advances', async () => {
    // A clock with ticks so rare that most measurements see no time pass.
    let calls = 0;
    expectRates(await measureRates(TIMED_OPS, () => 10 * Math.floor(calls++ / 3)));
  });
});
