/**
 * Weights that go from files to the GPU one by one: stored integers stay the same integers, floats are rounded as
 * asked, and everything is on the GPU, not in JavaScript, once it is loaded.
 */
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, it } from 'vitest';
import { bytesNeeded, loadStreamed } from '../../src/model/load-streamed.ts';
import { useWebGpu } from '../reference/backends.ts';
import {
  disposeModel,
  expectedOf,
  fileSource,
  fixturePath,
  GGUF_FIXTURES,
  largestDifference,
  logitsOf,
  openGguf,
} from '../reference/model-fixture.ts';
import { describeGpu, openGpu } from '../setup/dawn.ts';

interface Stored {
  readonly tensorMap: { get(dataId: object): { readonly values: unknown; readonly resource?: unknown } };
}

describeGpu('loading to WebGPU', () => {
  beforeAll(() => useWebGpu(openGpu(), 'full'));

  it.each(GGUF_FIXTURES)('computes the logits of transformers from %s/%s', async (folder, file) => {
    const { config, source } = await openGguf(await fileSource(fixturePath(folder, file)));
    const model = await loadStreamed(config, source);
    const { tokens, logits } = expectedOf(folder, file);
    expect(largestDifference(await logitsOf(model, tokens), logits)).toBeLessThan(1e-4);
    const kept = [...source.tensors].filter(([, { bits }]) => bits !== undefined).map(([name]) => name);
    expect(new Set(model.compressed?.keys())).toEqual(new Set(kept));
    disposeModel(model);
  });

  it.each(['f32', 'f16', 'int8', 'int4'] as const)(
    'rounds to %s, holds the bytes that were told, on the GPU alone',
    async (precision) => {
      const { config, source } = await openGguf(await fileSource(fixturePath('qwen2', 'f32.gguf')));
      const before = tf.memory().numBytes;
      const model = await loadStreamed(config, source, precision);
      expect(tf.memory().numBytes - before).toBe(bytesNeeded(config, source, precision).weights);
      const { tensorMap } = tf.backend() as unknown as Stored;
      const shards = [...(model.compressed?.values() ?? [])].flatMap((matrix) => matrix.shards);
      const tensors = [
        ...model.weights.values(),
        ...shards.flatMap(({ values, scales }) => [values, scales ?? values]),
      ];
      for (const { dataId } of tensors) {
        const { values, resource } = tensorMap.get(dataId);
        expect(resource).toBeDefined();
        expect(values).toBeNull();
      }
      const { tokens, logits } = expectedOf('qwen2', 'f32.gguf');
      const most = { f32: 1e-4, f16: 0.02, int8: 0.3, int4: 6 }[precision];
      expect(largestDifference(await logitsOf(model, tokens), logits)).toBeLessThan(most);
      disposeModel(model);
      expect(tf.memory().numBytes).toBe(before);
    },
  );
});
