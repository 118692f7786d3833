/**
 * The words of a query by whether a title has them: each content word once.
 */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { makeDocument } from '../../../../src/relevance/pair/pair.ts';
import { contentWords, currentFolding } from '../../../../src/relevance/pair/text-folding.ts';
import { wordPlaces, WORD_PLACES } from '../../../../src/relevance/prompt/word-places.ts';

const words = fc.array(fc.constantFrom('red', 'kettle', 'kettles', 'the', 'Zorvex', 'steel', '2', 'für', 'İstanbul'), {
  maxLength: 8,
});
const text = words.map((each) => each.join(' '));
const folding = currentFolding();

describe('wordPlaces', () => {
  it('has every content word of the query once, in its place', () => {
    fc.assert(
      fc.property(text, text, (query, title) => {
        const places = wordPlaces(folding, { query, document: makeDocument({ title }) }, 99);
        const asked = contentWords(folding, query);
        const named = contentWords(folding, title);
        for (const place of WORD_PLACES) {
          const found = [...contentWords(folding, places?.[place] ?? '')];
          expect(found).toEqual([...asked].filter((stem) => named.has(stem) === (place === 'match')));
        }
        expect(places === null).toBe(asked.size === 0);
      }),
    );
  });

  it('shows the first words of a long query', () => {
    const document = makeDocument({ title: 'steel knife' });
    expect(wordPlaces(folding, { query: 'bread knife of steel', document }, 2)).toEqual({
      match: 'knife',
      absent: 'bread',
    });
    expect(wordPlaces(folding, { query: 'bread knife', document }, 0)).toBeNull();
  });
});
