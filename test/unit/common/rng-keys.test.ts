/** Keys that stand for texts: equal for equal lists alone. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { textKey } from '../../../src/common/rng.ts';

describe('the key of texts', () => {
  it('is that of no other list', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b', ' ', '\u{1f375}', ''), maxLength: 12 });
    const list = fc.array(text, { maxLength: 4 });
    fc.assert(
      fc.property(list, list, (one, other) => {
        expect(textKey(...one) === textKey(...other)).toBe(JSON.stringify(one) === JSON.stringify(other));
      }),
    );
  });

  it('differs among a hundred thousand texts that differ in a digit', () => {
    const texts = Array.from({ length: 100_000 }, (_, i) => `the kettle of row ${i}, with a lid`);
    expect(new Set(texts.map((text) => textKey(text))).size).toBe(texts.length);
  });
});
