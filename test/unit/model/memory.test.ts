/**
 * Predicted memory: counted by hand for one shape, and compared with stored weights for the presets.
 */
import { describe, expect, it } from 'vitest';
import { Rng } from '../../../src/common/rng.ts';
import { MODEL_PRESETS } from '../../../src/config/presets.ts';
import { countAnswering, describeMemory } from '../../../src/model/memory.ts';
import { bytesOf, loadForAnswering, quantiseWeights } from '../../../src/model/stored-weights.ts';
import { disposeWeights, initialWeights } from '../../../src/model/weights.ts';
import { useBackend } from '../../reference/backends.ts';

describe('countAnswering', () => {
  const shape = { sequences: 2, tokens: 3, positions: 5 };

  it('counts the cache as by hand: two tensors per layer, over kv-heads, positions and dimensions', () => {
    // 2 layers x 2 x 2 sequences x 5 positions x 2 kv-heads x 16 dimensions, 4 bytes each
    expect(countAnswering(MODEL_PRESETS['lab-nano'], 'f32', shape).cache).toBe(2 * 2 * 2 * 5 * 2 * 16 * 4);
  });

  it.each(['lab-nano', 'nano', 'micro'] as const)('predicts the bytes of the weights of %s', (preset) => {
    const weights = initialWeights(MODEL_PRESETS[preset], new Rng(1));
    const predicted = (precision: 'f32' | 'f16' | 'int8' | 'int4'): number =>
      countAnswering(MODEL_PRESETS[preset], precision, shape).weights;
    expect(predicted('f32')).toBe(bytesOf(weights, 'f32'));
    expect(predicted('f16')).toBe(bytesOf(weights, 'f16'));
    for (const [precision, bits] of [
      ['int8', 8],
      ['int4', 4],
    ] as const) {
      const stored = quantiseWeights(weights, bits);
      const scales = [...stored.values()].reduce(
        (sum, tensor) => sum + ('bits' in tensor ? tensor.scales.length : 0),
        0,
      );
      // Scales are half-precision in a file and floats on the backend.
      expect(predicted(precision)).toBe(bytesOf(stored) + 2 * scales);
    }
  });

  it('predicts the matrix that may need shards', () => {
    const { vocabSize, width } = MODEL_PRESETS.base;
    expect(countAnswering(MODEL_PRESETS.base, 'f16', shape).largestMatrix).toBe(2 * vocabSize * width);
  });

  it('counts plain floats and attention scores where there are no kernels', () => {
    const withKernels = countAnswering(MODEL_PRESETS.nano, 'int4', shape, true);
    const without = countAnswering(MODEL_PRESETS.nano, 'int4', shape, false);
    expect(without.weights).toBe(countAnswering(MODEL_PRESETS.nano, 'f32', shape).weights);
    expect(without.pass).toBeGreaterThan(withKernels.pass);
  });
});

describe('describeMemory', () => {
  it('tells of a model with room for more than fits into memory what an answer of 2,048 tokens takes', async () => {
    await useBackend('cpu');
    const config = MODEL_PRESETS['lab-nano'];
    const weights = initialWeights(config, new Rng(1));
    const model = loadForAnswering(config, weights);
    const own = describeMemory(model);
    expect(own).toMatch(/^[\d.]+ MB of weights, stored as f32; an answer takes at most [\d.]+ MB more$/u);
    const weightsTold = `${(bytesOf(weights) / 1e6).toFixed(1)} MB of weights`;
    expect(own).toContain(weightsTold);
    const told = (maxPositions: number): string => describeMemory({ ...model, config: { ...config, maxPositions } });
    expect(told(2049)).toMatch(/an answer of 2,048 tokens takes [\d.]+ MB more$/u);
    expect(told(131_072)).toBe(told(2049));
    disposeWeights(model.weights);
  });
});
