/**
 * A driver that compiles subgroups and gets them wrong: it shuffles by another rule than it is told. The variants that
 * use subgroups are then wrong, are never chosen, and everything else computes as before.
 */
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, it } from 'vitest';
import { selfChecks } from '../../src/device/self-checks.ts';
import { measureVariants, subgroupLanes, variantChoices } from '../../src/gpu/dispatch.ts';
import { findDisagreement } from '../../src/gpu/self-check.ts';
import { matmulBy, matmulKernel, matmulVariants } from '../../src/kernels/matmul.ts';
import type { MatmulVariant } from '../../src/kernels/matmul-shader.ts';
import { DECODER_CHECK } from '../../src/runs/decoder-check.ts';
import { useWebGpu } from '../reference/backends.ts';
import { randomTensor64 } from '../reference/random-tensor64.ts';
import { describeGpu, openGpu } from '../setup/dawn.ts';

describeGpu('a driver that gets subgroups wrong', () => {
  let broken = 0;
  beforeAll(async () => {
    const device = await useWebGpu(openGpu(), 'full');
    const compile = device.createShaderModule.bind(device);
    device.createShaderModule = (descriptor) => {
      const code = descriptor.code.replaceAll('subgroupShuffle(', 'subgroupShuffleXor(');
      if (code !== descriptor.code) broken += 1;
      return compile({ ...descriptor, code });
    };
  });

  const upload = (shape: [number, number], seed: number): tf.Tensor2D => {
    return tf.tensor2d(Float32Array.from(randomTensor64(shape, seed).data), shape);
  };
  const valuesBy = async (variant: MatmulVariant, a: tf.Tensor2D, b: tf.Tensor2D): Promise<number[]> => {
    const { product } = matmulBy(variant, a, b, 'nt');
    const values = [...(await product.data())];
    product.dispose();
    return values;
  };

  it('is never asked for them', async ({ skip }) => {
    skip(subgroupLanes() === undefined, 'subgroups of this device have no known size');
    const [a, b] = [upload([128, 96], 1), upload([80, 96], 2)];
    const variants = matmulVariants('nt');
    const lanes = variants.find(({ name }) => name === 'lanes');
    if (lanes === undefined) throw new Error('There is no variant with subgroups.');
    const right = await valuesBy(variants[0], a, b);
    expect(await valuesBy(lanes, a, b), 'the driver is broken').not.toEqual(right);
    expect(broken).toBeGreaterThan(0);

    // A person who checks the device is told which kernels it gets wrong.
    const wrong = (await selfChecks()).filter(({ isRight }) => !isRight).map(({ name }) => name);
    expect(wrong.length).toBeGreaterThan(0);
    expect(wrong.filter((name) => !name.includes('lanes'))).toEqual([]);
    expect(await findDisagreement(DECODER_CHECK)).toBeUndefined();
    matmulKernel(a, b, 'nt').dispose();
    await measureVariants();
    const chosen = [...variantChoices().chosen.values()];
    expect(chosen.length).toBeGreaterThan(0);
    expect(chosen.filter((name) => name.includes('lanes'))).toEqual([]);
    expect(await findDisagreement(DECODER_CHECK)).toBeUndefined();
    const after = matmulKernel(a, b, 'nt');
    expect([...(await after.data())]).toEqual(right);
    tf.dispose([a, b, after]);
  });
});
