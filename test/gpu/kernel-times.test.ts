/**
 * Timing kernels on the GPU: each call is recorded, results do not change, and devices without timestamps are reported.
 */
import * as tf from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { profileKernels } from '../../src/gpu/dispatch.ts';
import { linear } from '../../src/ops/linear.ts';
import { rmsNorm } from '../../src/ops/rms-norm.ts';
import { useWebGpu } from '../reference/backends.ts';
import { describeGpu, openGpu } from '../setup/dawn.ts';

async function compute(): Promise<number[]> {
  const y = tf.tidy(() => {
    const x = tf.tensor2d([1, 2, 3, 4, 5, 6, 7, 8], [2, 4]);
    const weight = tf.tensor2d([1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1], [4, 4]);
    return linear(rmsNorm(linear(x, weight), tf.ones([4]), 1e-6), weight);
  });
  const values = [...(await y.data())];
  y.dispose();
  return values;
}

describeGpu('profileKernels', () => {
  it('returns the calls and the time of every kernel and changes no result', async () => {
    await useWebGpu(openGpu(), 'full');
    const plain = await compute();
    let profiled: number[] = [];
    const times = await profileKernels(async () => {
      profiled = await compute();
    });
    expect(profiled).toEqual(plain);
    expect(times?.map(({ kernel, calls }) => [kernel.split(' ')[0], calls]).toSorted()).toEqual([
      ['matmul', 2],
      ['rms-norm', 1],
    ]);
    // A kernel may be shorter than one tick of the clock, so 0 is a valid time.
    expect(times?.every(({ ms }) => ms >= 0 && ms < Infinity)).toBe(true);
    expect(await compute()).toEqual(plain);
  });

  it('returns undefined on devices without timestamps, without running the work', async () => {
    await useWebGpu(openGpu(), 'least');
    let isDone = false;
    const times = await profileKernels(() => {
      isDone = true;
      return Promise.resolve();
    });
    expect([times, isDone]).toEqual([undefined, false]);
  });
});
