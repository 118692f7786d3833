/** Pairs while they are edited: a draft becomes a pair again. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { makeDocument, type Pair } from '../../../../src/relevance/pair/pair.ts';
import { draftOf, editedValue, EMPTY_DRAFT, isAnswerable, pairOf } from '../../../../src/ui/score/pair-draft.ts';

const PAIR: Pair = {
  query: 'steel kettle',
  document: makeDocument({
    title: 'Kettle',
    attributes: { material: 'steel', cordless: true, colours: ['red', 'blue'] },
  }),
};

describe('a draft', () => {
  it('returns the pair it was made from', () => {
    expect(pairOf(draftOf(PAIR))).toEqual(PAIR);
  });

  it('drops rows without a name, and uses the last of a repeated name', () => {
    const attributes = [
      { name: ' size ', value: '1 l' },
      { name: '', value: 'lost' },
      { name: 'size', value: '2 l' },
    ];
    expect(pairOf({ ...EMPTY_DRAFT, attributes }).document.attributes).toEqual({ size: '2 l' });
  });

  it('is answerable with a query and any text of a document', () => {
    expect(isAnswerable(EMPTY_DRAFT)).toBe(false);
    expect(isAnswerable({ ...EMPTY_DRAFT, query: 'kettle' })).toBe(false);
    expect(isAnswerable({ ...EMPTY_DRAFT, query: '  ', title: 'Kettle' })).toBe(false);
    expect(isAnswerable({ ...EMPTY_DRAFT, query: 'kettle', attributes: [{ name: 'a', value: ' ' }] })).toBe(false);
    expect(isAnswerable({ ...EMPTY_DRAFT, query: 'kettle', attributes: [{ name: 'a', value: 0 }] })).toBe(true);
  });
});

describe('an edited value', () => {
  it.each([
    [['a'], 'red, blue', ['red', 'blue']],
    [true, 'no', false],
    [true, 'nope', 'nope'],
    [3, '4.5', 4.5],
    [3, '', ''],
    [3, '4.', '4.'],
    ['3', '4', '4'],
  ])('of %j edited to %j is %j', (previous, text, expected) => {
    expect(editedValue(previous, text)).toEqual(expected);
  });

  it('never loses typed text, so that typing can continue', () => {
    fc.assert(
      fc.property(fc.constantFrom('text', 3, true), fc.string(), (previous, text) => {
        const value = editedValue(previous, text);
        expect(typeof value === 'boolean' ? (value ? 'yes' : 'no') : String(value)).toBe(text);
      }),
    );
  });
});
