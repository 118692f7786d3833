import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseIntent } from '../../../../src/relevance/rules/intent.ts';
import { currentFolding } from '../../../../src/relevance/pair/text-folding.ts';
import { makeLexicon } from '../../../../src/relevance/pair/lexicon.ts';
import { makeDocument } from '../../../../src/relevance/pair/pair.ts';

const LEXICON = makeLexicon(
  {
    brands: ['Zorvex', 'Old Mill'],
    types: { kettle: 'kitchen', 'rice cooker': 'kitchen', cooker: 'kitchen', lid: 'kitchen', pot: 'kitchen' },
    attributes: {
      colour: { values: ['red', 'dark blue', 'blue'], exclusive: true },
      feature: { values: ['timer'], exclusive: false },
    },
    audiences: ['kids'],
  },
  currentFolding(),
);

describe('parseIntent', () => {
  it('reads brand, attribute, type and quantity, whatever the case', () => {
    const intent = parseIntent('ZORVEX Red kettle 500ml', LEXICON);
    expect(intent).toMatchObject({ brand: 'zorvex', type: 'kettle', wishes: [{ name: 'colour', value: 'red' }] });
    expect(intent.quantity).toMatchObject({ value: 500, unit: 'ml' });
    expect(intent.unknown).toEqual([]);
  });

  it('prefers the longest phrase', () => {
    const intent = parseIntent('old mill dark blue rice cooker', LEXICON);
    expect(intent).toMatchObject({ brand: 'old mill', type: 'rice cooker' });
    expect(intent.wishes).toEqual([{ name: 'colour', value: 'dark blue' }]);
  });

  it.each(['kettle without timer', 'kettle no timer', 'kettle without a timer'])(
    'reads the negation in "%s"',
    (query) => {
      expect(parseIntent(query, LEXICON)).toMatchObject({ type: 'kettle', without: ['timer'], wishes: [] });
    },
  );

  it.each(['lid for pot', 'lid for a pot', 'pot lid'])('reads the accessory in "%s"', (query) => {
    expect(parseIntent(query, LEXICON)).toMatchObject({ type: 'lid', target: 'pot' });
  });

  it('distinguishes an audience from the target of an accessory', () => {
    expect(parseIntent('kettle for kids', LEXICON)).toMatchObject({
      type: 'kettle',
      audience: 'kids',
      target: undefined,
    });
  });

  it('reads "at least"', () => {
    expect(parseIntent('kettle at least 2 l', LEXICON)).toMatchObject({ atLeast: true, unknown: [] });
    expect(parseIntent('kettle 2 l', LEXICON).atLeast).toBe(false);
  });

  it('knows the brand and type of the document, but no other unseen words', () => {
    const document = makeDocument({ title: 'Quxil fondue', brand: 'Quxil', type: 'Fondue' });
    expect(parseIntent('quxil fondue', LEXICON, document)).toMatchObject({
      brand: 'quxil',
      type: 'fondue',
      unknown: [],
    });
    expect(parseIntent('quxil fondue', LEXICON).unknown).toEqual(['quxil', 'fondue']);
  });

  it('never throws', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (query) => {
        expect(() => parseIntent(query, LEXICON)).not.toThrow();
      }),
    );
    expect(parseIntent('', LEXICON).unknown).toEqual([]);
  });

  it('accounts for every word that carries a wish', () => {
    const known = ['zorvex', 'kettle', 'red', 'timer', 'kids', 'quxil'];
    fc.assert(
      fc.property(fc.uniqueArray(fc.constantFrom(...known)), (words) => {
        const { brand, type, wishes, audience, unknown } = parseIntent(words.join(' '), LEXICON);
        const read = [brand, type, audience, ...wishes.map(({ value }) => value), ...unknown];
        expect(read.filter((word) => word !== undefined).toSorted()).toEqual(words.toSorted());
      }),
    );
  });
});
