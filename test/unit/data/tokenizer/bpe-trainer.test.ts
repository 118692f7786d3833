import { describe, expect, it } from 'vitest';
import { Rng } from '../../../../src/common/rng.ts';
import { trainBpe } from '../../../../src/data/tokenizer/bpe-trainer.ts';
import { BYTE_ALPHABET, preTokens, toByteCharacters } from '../../../../src/data/tokenizer/byte-level.ts';
import fixture from '../../../fixtures/bpe-reference.json' with { type: 'json' };

const SPECIAL = ['<|pad|>', '<|eos|>'];
const FIXED = SPECIAL.length + 256;

function mergesOf(texts: Iterable<string>, extra: number, minFrequency = 1): unknown[] {
  return trainBpe(texts, { vocabSize: FIXED + extra, specialTokens: SPECIAL, minFrequency }).model.merges;
}

describe('trainBpe', () => {
  it('finds the merges computed by hand', () => {
    // Words: " low" x5, " lower" x2, " newest" x6, " widest" x3 (the example of 1508.07909, with a leading space).
    const corpus = [
      ' low low low low low',
      ' lower lower',
      ' newest newest newest newest newest newest',
      ' widest widest widest',
    ];
    // Pair counts at first: es 9, st 9, we 8, lo 7, ow 7, Ġl 7, ... The tie es/st goes to the smaller ids: e < s. After
    // es: est 9. Then, all with 7: (l,o), (o,w), (Ġ,l); of them l has the smallest id (Ġ comes after all letters).
    // After lo: lo+w 7 has a new, larger left id than Ġ; so (Ġ,lo) 7 is compared with (lo,w) 7: Ġ is a byte, so it is
    // first.
    expect(mergesOf(corpus, 5)).toEqual(['e s', 'es t', 'l o', 'Ġ lo', 'Ġlo w']);
  });

  it("agrees with Hugging Face's trainer", () => {
    const { model } = trainBpe(fixture.texts, { vocabSize: fixture.vocabSize, specialTokens: fixture.specialTokens });
    expect(model.merges).toEqual(fixture.merges);
    expect(model.vocab).toEqual(fixture.vocab);
  });

  it('agrees with recounting everything before each merge', () => {
    const rng = new Rng('bpe');
    for (let round = 0; round < 20; round++) {
      const texts = Array.from({ length: 12 }, () =>
        Array.from({ length: 8 }, () => rng.pick(['ab', 'aab', 'baa', 'abab', 'aaaa', 'c', ' '])).join(''),
      );
      expect(mergesOf(texts, 25)).toEqual(slowMerges(texts, 25));
    }
  });

  it('does not depend on the order of the texts', () => {
    const { texts, vocabSize } = fixture;
    const options = { vocabSize, specialTokens: SPECIAL };
    expect(JSON.stringify(trainBpe(new Rng(7).shuffle(texts), options))).toBe(JSON.stringify(trainBpe(texts, options)));
  });

  it('puts special tokens first, then the 256 bytes, then merges', () => {
    const { model } = trainBpe(['aa aa'], { vocabSize: 300, specialTokens: SPECIAL });
    const tokens = tokensOf(model);
    expect(tokens.slice(0, 2)).toEqual(SPECIAL);
    expect(tokens.slice(2, FIXED)).toEqual(BYTE_ALPHABET);
    expect(tokens.slice(FIXED)).toEqual(['aa']);
  });

  it('stops at the wanted size, and at the minimum frequency', () => {
    expect(mergesOf(['abcdef'], 3)).toHaveLength(3);
    expect(mergesOf(['abcdef'], 99)).toHaveLength(5);
    expect(mergesOf(['abcdef ab'], 99, 2)).toEqual(['a b']);
  });

  it('never merges across pre-tokens', () => {
    const { model } = trainBpe(Array(20).fill('red kettle, 1.5l; red kettle'), {
      vocabSize: 600,
      specialTokens: SPECIAL,
    });
    const words = new Set(['red', ' red', ' kettle', ',', ' ', '1', ' 1', '.', '5', 'l', ';'].map(toByteCharacters));
    const merged = tokensOf(model).slice(FIXED);
    expect(merged.length).toBeGreaterThan(5);
    for (const token of merged) expect([...words].some((word) => word.includes(token))).toBe(true);
  });

  it('never forms a special token, however often the corpus has its text', () => {
    // "||" is one pre-token, so that its merge would spell the special token.
    const { model } = trainBpe(Array(50).fill('|| a'), { vocabSize: 300, specialTokens: ['||'] });
    expect(model.vocab['||']).toBe(0);
    expect(model.merges).not.toContain('| |');
  });

  it('keeps words that are property names of objects', () => {
    const { model } = trainBpe(['constructor constructor', '__proto__ __proto__'], {
      vocabSize: 320,
      specialTokens: SPECIAL,
    });
    const again = JSON.parse(JSON.stringify(model.vocab)) as Record<string, number>;
    expect(Object.keys(again)).toEqual(Object.keys(model.vocab));
  });

  it('rejects a vocabulary without room for the bytes', () => {
    expect(() => trainBpe([], { vocabSize: FIXED - 1, specialTokens: SPECIAL })).toThrow(/at least 258 .* Got 257/);
  });
});

// The tokens by id (an object lists keys such as "7" first, whatever their value).
function tokensOf({ vocab }: { vocab: Readonly<Record<string, number>> }): string[] {
  return Object.entries(vocab)
    .toSorted(([, a], [, b]) => a - b)
    .map(([token]) => token);
}

// The algorithm by definition: count all pairs, merge the most frequent (smaller ids on a tie), start over.
function slowMerges(texts: readonly string[], merges: number): string[] {
  const ids = new Map([...SPECIAL, ...BYTE_ALPHABET].map((token, id) => [token, id]));
  let words = texts.flatMap((text) => preTokens(text).map((word) => Array.from(toByteCharacters(word))));
  const idOf = (token: string): number => ids.get(token) ?? Infinity;
  const out: string[] = [];
  while (ids.size < FIXED + merges) {
    const counts = new Map<string, number>();
    for (const word of words) {
      for (let i = 1; i < word.length; i++) {
        counts.set(`${word[i - 1]} ${word[i]}`, (counts.get(`${word[i - 1]} ${word[i]}`) ?? 0) + 1);
      }
    }
    const [best] = Array.from(counts).toSorted(([a, countA], [b, countB]) => {
      const [a0 = '', a1 = ''] = a.split(' ');
      const [b0 = '', b1 = ''] = b.split(' ');
      return countB - countA || idOf(a0) - idOf(b0) || idOf(a1) - idOf(b1);
    });
    if (best === undefined) break;
    const [left = '', right = ''] = best[0].split(' ');
    out.push(best[0]);
    if (!ids.has(left + right)) ids.set(left + right, ids.size);
    words = words.map((word) => {
      const merged: string[] = [];
      for (let i = 0; i < word.length; i++) {
        const together = word[i] === left && word[i + 1] === right;
        merged.push(together ? left + right : (word[i] ?? ''));
        if (together) i += 1;
      }
      return merged;
    });
  }
  return out;
}
