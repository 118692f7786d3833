/** Variants of the attention kernels: each gives the same bits as the first, which the tests of the ops check. */
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { packRows } from '../../src/data/packed-rows.ts';
import { subgroupLanes } from '../../src/gpu/dispatch.ts';
import { lanesVariant } from '../../src/kernels/attention-lanes.ts';
import { attentionBackward, attentionForward, attentionVariants } from '../../src/kernels/attention.ts';
import type { PassVariant } from '../../src/kernels/attention-shader.ts';
import { useWebGpu } from '../reference/backends.ts';
import { randomTensor64 } from '../reference/random-tensor64.ts';
import { describeGpu, openGpu } from '../setup/dawn.ts';

/** B, T, H, K, D: less than a block, odd, more than the lanes of a subgroup, as in training. */
const SHAPES = [
  [1, 1, 1, 1, 4],
  [3, 7, 6, 2, 12],
  [2, 71, 3, 3, 8],
  [1, 33, 4, 1, 36],
  [2, 128, 4, 2, 64],
] as const;

describeGpu('attention by subgroups', () => {
  const gpuErrors: string[] = [];
  beforeAll(async () => {
    const device = await useWebGpu(openGpu(), 'full');
    device.addEventListener('uncapturederror', ({ error }) => gpuErrors.push(error.message));
  });

  it('exists where subgroups have one known size', () => {
    const { features, adapterInfo } = (tf.backend() as unknown as { device: GPUDevice }).device;
    const { subgroupMinSize, subgroupMaxSize } = adapterInfo;
    const isKnown = features.has('subgroups') && subgroupMinSize === subgroupMaxSize && (subgroupMinSize ?? 0) >= 4;
    expect(attentionVariants().map(({ name }) => name)).toEqual(
      isKnown ? ['blocks', `${subgroupMinSize} lanes`] : ['blocks'],
    );
  });

  describe.each(SHAPES)('B %i, T %i, H %i, K %i, D %i', (B, T, H, K, D) => {
    it.for(['whole', 'packed'] as const)('gives the same bits as blocks in %s rows', async (rows, { skip }) => {
      skip(
        attentionVariants().length === 1,
        'subgroups of this device have no known size, so that there is one variant',
      );
      const random = (heads: number, name: string): tf.Tensor4D =>
        tf.tensor4d(Float32Array.from(randomTensor64([B, T, heads, D], `${name} ${T}`).data), [B, T, heads, D]);
      const heads = { q: random(H, 'q'), k: random(K, 'k'), v: random(K, 'v') };
      const dY = random(H, 'dY');
      const spans = rows === 'whole' ? undefined : spansFor(B, T);

      const bits = async (variant: PassVariant): Promise<Uint32Array[]> => {
        const attended = attentionForward(heads, spans, variant);
        const forward = tf.clone(attended.stats); // the backward pass writes into it
        const logs = await forward.data<'float32'>();
        const { q, k, v } = attentionBackward(dY, heads, attended, spans, variant);
        const read = await Promise.all([attended.y, q, k, v].map((tensor) => tensor.data<'float32'>()));
        tf.dispose([attended.y, attended.stats, forward, q, k, v]);
        return [logs, ...read].map((values) => new Uint32Array(values.slice().buffer));
      };
      const [first, ...others] = attentionVariants();
      const expected = await bits(first);
      // Half of a subgroup behaves like a subgroup of four lanes, which is SwiftShader's size.
      if (subgroupLanes() === 8) others.push(lanesVariant(4));
      for (const other of others) expect(await bits(other), other.name).toEqual(expected);
      tf.dispose([heads, dY, spans ?? []]);
      expect(gpuErrors).toEqual([]);
    });
  });
});

/** Packed rows: a shared prefix of up to a third, then parts of different lengths and padding. */
function spansFor(B: number, T: number): tf.Tensor3D {
  const plans = Array.from({ length: B }, (_, b) => {
    const shared = new Int32Array(Math.floor(T / (3 + b)));
    const room = T - shared.length;
    const parts = [Math.ceil(room / 2), Math.floor(room / 4), Math.floor(room / 8)];
    return { shared, parts: parts.map((length) => new Int32Array(length)).filter(({ length }) => length > 0) };
  });
  return tf.tensor3d(packRows(plans, T).layout.spans, [B, T, 2], 'int32');
}
