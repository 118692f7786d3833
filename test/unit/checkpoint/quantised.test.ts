/**
 * Quantisation in groups: the loss is bounded by the step of each group, and the stored bytes follow the format.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Rng } from '../../../src/common/rng.ts';
import { dequantise, groupSizeOf, quantise, type QuantisedBits } from '../../../src/checkpoint/quantised.ts';

const BITS: readonly QuantisedBits[] = [4, 8];
const LARGEST = { 4: 7, 8: 127 } as const;

function randomMatrix(rows: number, width: number, seed: number): Float32Array {
  const rng = new Rng(`matrix ${seed}`);
  return Float32Array.from({ length: rows * width }, () => rng.normal());
}

describe('groupSizeOf', () => {
  it('takes the largest size that divides a row', () => {
    expect([64, 176, 40, 12].map(groupSizeOf)).toEqual([32, 16, 8, undefined]);
  });
});

describe.each(BITS)('quantise with %i bits', (bits) => {
  it('stores hand-computed bytes', () => {
    // The largest weight is the largest integer times 0.5, a scale that half precision represents exactly.
    const largest = LARGEST[bits] / 2;
    const stored = quantise(Float32Array.of(largest, -largest, 0.5, -0.5, 1, 0, 0, -1), [1, 8], bits);
    expect(stored.scales).toEqual(Uint16Array.of(0x3800));
    expect(stored.values).toEqual(
      bits === 8 ? Uint8Array.of(127, 129, 1, 255, 2, 0, 0, 254) : Uint8Array.of(0x97, 0xf1, 0x02, 0xe0),
    );
  });

  it('is exact for integer multiples of a scale', () => {
    const property = fc.property(
      fc.array(fc.integer({ min: -LARGEST[bits], max: LARGEST[bits] }), { minLength: 31, maxLength: 31 }),
      fc.integer({ min: -8, max: 4 }),
      (numbers, exponent) => {
        const scale = 2 ** exponent;
        const weights = Float32Array.from([LARGEST[bits], ...numbers], (number) => number * scale);
        expect(dequantise(quantise(weights, [1, 32], bits))).toEqual(weights);
      },
    );
    fc.assert(property);
  });

  it('has errors of at most half a step without clipping, and a smaller squared error than without clipping', () => {
    const [rows, width] = [5, 96];
    const weights = randomMatrix(rows, width, bits);
    const found = dequantise(quantise(weights, [rows, width], bits));
    for (let start = 0; start < weights.length; start += 32) {
      const group = weights.subarray(start, start + 32);
      const step = Math.max(...group.map(Math.abs)) / LARGEST[bits];
      const errors = Array.from(group, (weight, i) => Math.abs(weight - (found[start + i] ?? NaN)));
      const plain = group.reduce((sum, weight) => sum + (weight - Math.round(weight / step) * step) ** 2, 0);
      const squared = errors.reduce((sum, error) => sum + error ** 2, 0);
      expect(squared).toBeLessThanOrEqual(plain * 1.02); // the scale is rounded to half precision
      if (bits === 8) expect(Math.max(...errors)).toBeLessThanOrEqual(step * 0.57); // 127 roundings of the scale
    }
  });

  it('keeps a group of zeros', () => {
    expect(dequantise(quantise(new Float32Array(16), [2, 8], bits))).toEqual(new Float32Array(16));
  });

  it('rejects rows that no group size divides', () => {
    expect(() => quantise(new Float32Array(12), [1, 12], bits)).toThrow(/\[1, 12\] cannot be quantised/);
  });
});
