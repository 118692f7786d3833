/** Vectors of texts that were encoded before: the same after a file as before it, and of no other encoder. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { KeptVectors } from '../../../src/vectors/kept-vectors.ts';

const EXPECTED = { encoder: 'a'.repeat(64), width: 3 };
const read = (bytes: Uint8Array, expected = EXPECTED): KeptVectors =>
  KeptVectors.read(bytes, 'kept.safetensors', expected);

describe('kept vectors', () => {
  it('are those of before, bit for bit, and hold no text', () => {
    const number = fc.float({ min: -1, max: 1, noNaN: true });
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.tuple(number, number, number)), (byText) => {
        const kept = new KeptVectors(EXPECTED.encoder, 3);
        for (const [text, vector] of Object.entries(byText)) kept.add(text, Float32Array.from(vector));
        const again = read(kept.write());
        expect(again.size).toBe(kept.size);
        for (const [text, vector] of Object.entries(byText)) {
          expect(again.get(text)).toEqual(kept.get(text));
          for (const [d, value] of vector.entries()) expect(kept.get(text)?.[d]).toBeCloseTo(value, 3);
        }
      }),
    );
    const kept = new KeptVectors(EXPECTED.encoder, 3);
    kept.add('a secret title', Float32Array.of(1, 0, 0));
    expect(new TextDecoder('latin1').decode(kept.write())).not.toContain('secret');
  });

  it('know no text that was never added, and take a newer vector', () => {
    const kept = new KeptVectors(EXPECTED.encoder, 3);
    expect(kept.get('x')).toBeUndefined();
    kept.add('x', Float32Array.of(1, 0, 0));
    expect(kept.get('x')).toEqual(Float32Array.of(1, 0, 0));
    kept.add('x', Float32Array.of(0, 1, 0));
    expect(kept.get('x')).toEqual(Float32Array.of(0, 1, 0));
    expect(kept.size).toBe(1);
  });

  it('are refused where they are those of another encoder, cut, or something else', () => {
    const kept = new KeptVectors(EXPECTED.encoder, 3);
    kept.add('x', Float32Array.of(1, 0, 0));
    const bytes = kept.write();
    expect(() => read(bytes, { encoder: 'b'.repeat(64), width: 3 })).toThrow('those of the encoder aaaaaaaaaaaa');
    expect(() => read(bytes, { ...EXPECTED, width: 4 })).toThrow('do not fit together');
    expect(() => read(bytes.slice(0, -1))).toThrow('kept.safetensors');
    expect(() => read(new TextEncoder().encode('no safetensors'))).toThrow('kept.safetensors');
  });
});
