/** Exact resuming on WebGPU: no float atomics and a fixed order of summation. */
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, it } from 'vitest';
import { useWebGpu } from '../reference/backends.ts';
import { judgeOverflow, judgeResume, runSteps } from '../reference/sft-runs.ts';
import { describeGpu, openGpu } from '../setup/dawn.ts';

describeGpu('SFT on WebGPU', () => {
  beforeAll(async () => {
    await useWebGpu(openGpu(), 'full');
  });

  it('resumes bit for bit from a saved checkpoint', () => judgeResume(1));

  it('resumes bit for bit in mixed precision', () => judgeResume(2, 'mixed'));

  it('frees all its allocations in mixed precision', async () => {
    await runSteps(2, 2, 1, undefined, 'mixed');
    const before = tf.memory().numTensors;
    await runSteps(6, 6, 2, undefined, 'mixed');
    expect(tf.memory().numTensors).toBe(before);
  });

  it('skips updates that overflow in mixed precision and resumes bit for bit', judgeOverflow);
});
