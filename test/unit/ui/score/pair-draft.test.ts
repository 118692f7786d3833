/** Pairs while they are edited: a draft becomes a pair again. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { makeDocument, type Pair } from '../../../../src/relevance/pair/pair.ts';
import { pairIn, scoreAddress } from '../../../../src/ui/parts/routes.ts';
import {
  draftOf,
  editedValue,
  EMPTY_DRAFT,
  isAnswerable,
  linkedPairOf,
  linkOf,
  MAX_LINKED_LENGTH,
  pairOf,
} from '../../../../src/ui/score/pair-draft.ts';

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

describe('the address of a pair', () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.nat(2 * MAX_LINKED_LENGTH).map((length) => '\u00fc'.repeat(length)),
  );
  const value = fc.oneof(text, fc.boolean(), fc.integer(), fc.array(text, { maxLength: 3 }));
  const pair = fc.record({
    query: text,
    title: text,
    brand: fc.string(),
    attributes: fc.dictionary(fc.string(), value),
  });

  it('is read as the same pair, or is none because it would be too long to be read', () => {
    fc.assert(
      fc.property(pair, ({ query, ...document }) => {
        const whole = { query, document: makeDocument(document) };
        const link = linkOf(whole);
        const read = linkedPairOf(pairIn(scoreAddress(undefined, [], undefined, link)) ?? '');
        expect(read === undefined).toBe(JSON.stringify(whole).length > MAX_LINKED_LENGTH);
        if (read !== undefined) expect(read).toEqual(whole);
      }),
    );
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
