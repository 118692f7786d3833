/** Similarities of meaning: of a pair by itself, in a list, and as hints of a prompt. */
import * as fc from 'fast-check';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { makeDocument, type Meaning } from '../../../../src/relevance/pair/pair.ts';
import { meaningHints, passagesOf, type VectorSource, withMeaning, withOwnMeaning } from '../../../../src/relevance/prompt/meaning.ts'; // prettier-ignore
import { buildPrompt, promptConfigSchema } from '../../../../src/relevance/prompt/prompt.ts';
import { describeSegments } from '../../../../src/relevance/trace/segments.ts';

/** A plane: words turn by their number of letters, and a text without letters is unknown. */
const SOURCE: VectorSource = {
  vectorOf: (text) => {
    const angle = (text.replaceAll(/\P{L}/gu, '').length * Math.PI) / 40;
    return angle === 0 ? undefined : Float32Array.of(Math.cos(angle), Math.sin(angle));
  },
};
const pairOf = (query: string, title: string, text = '') => {
  return { query, queryId: query, document: makeDocument({ title, text }) };
};

describe('similarity of meaning', () => {
  it('is that of the title, and of the nearest passage', () => {
    const { meaning } = withOwnMeaning(pairOf('abc', 'abcde', 'abcd. abc!'), SOURCE);
    expect(meaning.title).toBeCloseTo(Math.cos((2 * Math.PI) / 40), 6);
    expect(meaning.passage).toBeCloseTo(1, 6);
    expect(meaning.gap).toBeUndefined();
    expect(withOwnMeaning(pairOf('1', 'abc'), SOURCE).meaning).toEqual({ title: 0, passage: 0 });
  });

  it('is behind that of the best title among all pairs of the query, requested or not', () => {
    const all = [pairOf('abc', 'abc'), pairOf('abc', 'abcdef'), pairOf('ab', 'abcdef')];
    const placed = withMeaning(all, SOURCE);
    expect(placed.map(({ meaning }) => meaning.gap)).toEqual([
      0,
      expect.closeTo(1 - Math.cos((3 * Math.PI) / 40), 6),
      0,
    ]);
    for (const [i, pair] of all.entries()) expect(withMeaning([pair], SOURCE, all)).toEqual([placed[i]]);
  });

  it('reads title, attributes and sentences as passages', () => {
    const document = makeDocument({
      title: 'T',
      type: 'kettle',
      attributes: { a: 1, b: ['x', 'y'] },
      text: 'One. Two!',
    });
    expect(passagesOf(document)).toEqual(['T', 'kettle 1 x, y', 'One.', 'Two!']);
  });
});

describe('its hints', () => {
  it('never fall with a similarity, nor rise with a gap', () => {
    const number = fc.double({ min: -1, max: 1, noNaN: true });
    fc.assert(
      fc.property(number, number, (a, b) => {
        const [low, high] = [Math.min(a, b), Math.max(a, b)];
        const [worse, better] = [low, high].map((value) => meaningHints({ title: value, passage: value, gap: 1 - value })); // prettier-ignore
        expect(worse?.like).toBeLessThanOrEqual(better?.like ?? -1);
        expect(worse?.passage).toBeLessThanOrEqual(better?.passage ?? -1);
        expect(Number(worse?.gap)).toBeGreaterThanOrEqual(Number(better?.gap));
      }),
    );
  });

  it.each<[Meaning | undefined, string]>([
    [undefined, '<|hint:meaning:absent|>'],
    [{ title: 0.5, passage: 1 }, '<|hint:like:8|><|hint:passage:15|><|hint:gap:absent|>'],
    [{ title: -1, passage: 0, gap: 0.06 }, '<|hint:like:0|><|hint:passage:0|><|hint:gap:1|>'],
  ])('stand in the prompt: %j', (meaning, shown) => {
    const config = v.parse(promptConfigSchema, { meaning: true, standing: true });
    const { segments } = buildPrompt({ ...pairOf('abc', 'abc'), ...(meaning && { meaning }) }, config);
    expect(describeSegments(segments).endsWith(`<|hint:standing:absent|>${shown}<|answer|>`)).toBe(true);
  });
});
