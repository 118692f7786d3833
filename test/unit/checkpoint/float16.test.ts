import { describe, expect, it } from 'vitest';
import { bfloatsToFloats, floatsToBfloats, floatsToHalves, halvesToFloats } from '../../../src/checkpoint/float16.ts';

const ALL = Uint16Array.from({ length: 65536 }, (_, bits) => bits);

// The same properties are checked over all bit patterns of both formats; only the position of infinity differs.
describe.each([
  { name: 'F16', infinity: 0x7c00, toFloats: halvesToFloats, fromFloats: floatsToHalves },
  { name: 'BF16', infinity: 0x7f80, toFloats: bfloatsToFloats, fromFloats: floatsToBfloats },
])('$name', ({ infinity, toFloats, fromFloats }) => {
  const values = toFloats(ALL);

  it('round-trips all 65,536 bit patterns; a NaN stays a NaN of the same sign', () => {
    const again = fromFloats(values);
    const wrong = [...ALL].filter((bits) => {
      const isNaN = (bits & 0x7fff) > infinity;
      if (!isNaN) return again[bits] !== bits;
      return !Number.isNaN(values[bits]) || ((again[bits] ?? 0) & 0x7fff) <= infinity;
    });
    expect(wrong).toEqual([]);
  });

  it('rounds to nearest between any two neighbours, with ties to even', () => {
    const wrong: number[] = [];
    for (let lower = 0; lower < infinity - 1; lower++) {
      for (const sign of [1, -1]) {
        const low = sign * (values[lower] ?? 0);
        const high = sign * (values[lower + 1] ?? 0);
        const middle = low + (high - low) / 2; // exact in float32 unless it is below the subnormals
        if (Math.fround(middle) !== middle) continue;
        const even = lower % 2 === 0 ? lower : lower + 1;
        const [atMiddle = -1, below = -1, above = -1] = fromFloats(
          Float32Array.of(middle, nextFloat(middle, -1), nextFloat(middle, 1)),
        );
        const signBit = sign === 1 ? 0 : 0x8000;
        if (atMiddle !== (even | signBit) || below !== (lower | signBit) || above !== ((lower + 1) | signBit))
          wrong.push(lower);
      }
    }
    expect(wrong).toEqual([]);
  });

  it('overflows to infinity from half a step beyond the largest value', () => {
    const largest = values[infinity - 1] ?? 0;
    const step = largest - (values[infinity - 2] ?? 0);
    const limit = largest + step / 2;
    const big = Float32Array.of(nextFloat(limit, -1), limit, -limit, Infinity, -Infinity);
    expect([...fromFloats(big)]).toEqual([infinity - 1, infinity, infinity | 0x8000, infinity, infinity | 0x8000]);
  });
});

describe('F16 values', () => {
  it('equal IEEE 754', () => {
    const known: readonly [bits: number, value: number][] = [
      [0x0000, 0],
      [0x8000, -0],
      [0x0001, 2 ** -24],
      [0x03ff, 1023 * 2 ** -24],
      [0x0400, 2 ** -14],
      [0x3555, 0.333251953125],
      [0x3c00, 1],
      [0xc000, -2],
      [0x7bff, 65504],
      [0x7c00, Infinity],
    ];
    for (const [bits, value] of known) expect(halvesToFloats(Uint16Array.of(bits))[0]).toBe(value);
  });

  it('round to zero below half the smallest value, and keep the sign', () => {
    expect([...floatsToHalves(Float32Array.of(2 ** -25, -(2 ** -26), 1e-45, nextFloat(2 ** -25, 1)))]).toEqual([
      0, 0x8000, 0, 1,
    ]);
  });

  it('are read from a part of a larger buffer', () => {
    const floats = Float32Array.of(9, 1, 2, 9).subarray(1, 3);
    expect([...halvesToFloats(floatsToHalves(floats))]).toEqual([1, 2]);
    expect([...bfloatsToFloats(floatsToBfloats(floats))]).toEqual([1, 2]);
  });
});

// The neighbouring float32, away from zero (+1) or towards it (-1).
function nextFloat(value: number, direction: 1 | -1): number {
  const floats = Float32Array.of(value);
  const bits = new Uint32Array(floats.buffer);
  bits[0] = (bits[0] ?? 0) + direction;
  return floats[0] ?? 0;
}
