/**
 * A second load makes no trials: the same work on a new device, which stands for a reloaded page or another run, with
 * the choices of the first. Trials are counted as dispatches.
 */
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type ChoiceKeeper, keepVariantChoices } from '../../src/gpu/kept-choices.ts';
import { measureVariants, variantChoices } from '../../src/gpu/dispatch.ts';
import { attentionForward } from '../../src/kernels/attention.ts';
import { matmulKernel } from '../../src/kernels/matmul.ts';
import { GpuTally } from '../bench/gpu-tally.ts';
import { useWebGpu } from '../reference/backends.ts';
import { randomTensor64 } from '../reference/random-tensor64.ts';
import { describeGpu, openGpu } from '../setup/dawn.ts';

describeGpu('choices that are kept', () => {
  let value: unknown;
  const keeper: ChoiceKeeper = {
    engine: 'a test',
    read: () => Promise.resolve(value),
    change: (changed) => {
      value = changed(value);
      return Promise.resolve();
    },
  };
  beforeAll(() => keepVariantChoices(keeper));
  afterAll(() => keepVariantChoices(undefined));

  const upload = <R extends tf.Rank>(shape: tf.ShapeMap[R], seed: number): tf.Tensor<R> =>
    tf.tensor(Float32Array.from(randomTensor64(shape, seed).data), shape);

  /** Opens a device, computes a product and attention, and measures. Gives trial dispatches, choices and results. */
  async function load(): Promise<{ trials: number; chosen: Map<string, string>; values: number[][] }> {
    if (tf.findBackend('webgpu-full') !== null) tf.removeBackend('webgpu-full');
    await useWebGpu(openGpu(), 'full');
    expect(variantChoices().chosen.size, 'a new device knows nothing').toBe(0);
    const [a, b] = [upload<tf.Rank.R2>([128, 96], 1), upload<tf.Rank.R2>([80, 96], 2)];
    const q = upload<tf.Rank.R4>([2, 64, 2, 16], 3);
    const compute = async (): Promise<number[][]> => {
      const { y, stats } = attentionForward({ q, k: q, v: q });
      const results = [matmulKernel(a, b, 'nt'), y, stats];
      const values = await Promise.all(results.map(async (result) => [...(await result.data())]));
      tf.dispose(results);
      return values;
    };
    const before = await compute();
    const tally = new GpuTally();
    await measureVariants();
    const trials = tally.dispatches;
    tally.stop();
    const values = await compute();
    expect(values, 'a choice changes no bits').toEqual(before);
    tf.dispose([a, b, q]);
    return { trials, chosen: new Map(variantChoices().chosen), values };
  }

  it('spare the second load all trials', async () => {
    const first = await load();
    const second = await load();
    expect(first.chosen.size).toBe(2);
    expect(second.chosen).toEqual(first.chosen);
    expect(second.values).toEqual(first.values);
    // Each kept variant and the first run once; a variant may need a transposition, which is a dispatch too.
    expect(second.trials).toBeLessThanOrEqual(2 * 3);
    // Each variant is run to compile, timed, and timed again in rounds; how often depends on how fast it is.
    expect(first.trials).toBeGreaterThan(2 * second.trials);
  });
});
