/**
 * The words of a query that a title lacks: each content word once, and those that it has only where it lacks none.
 */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { makeDocument } from '../../../../src/relevance/pair/pair.ts';
import { contentWords, currentFolding } from '../../../../src/relevance/pair/text-folding.ts';
import { missingWords } from '../../../../src/relevance/prompt/missing-words.ts';

const words = fc.array(fc.constantFrom('red', 'kettle', 'kettles', 'the', 'Zorvex', 'steel', '2', 'für', 'İstanbul'), {
  maxLength: 8,
});
const text = words.map((each) => each.join(' '));
const folding = currentFolding();

describe('missingWords', () => {
  it('has every missing content word of the query once, or all of them if the title has all', () => {
    fc.assert(
      fc.property(text, text, (query, title) => {
        const { shown, isCut } = missingWords(folding, { query, document: makeDocument({ title }) }, 99);
        const [asked, named] = [contentWords(folding, query), contentWords(folding, title)];
        const missing = [...asked].filter((stem) => !named.has(stem));
        expect(isCut).toBe(false);
        expect(shown === null).toBe(asked.size === 0);
        expect([...contentWords(folding, shown?.words ?? '')]).toEqual(missing.length > 0 ? missing : [...asked]);
        if (shown !== null) expect(shown.as).toBe(missing.length > 0 ? 'absent' : 'match');
      }),
    );
  });

  it('shows the first of many, as the query writes them, and reports the cut', () => {
    const document = makeDocument({ title: 'steel lamp' });
    const mugs = { as: 'absent', words: 'mugs' };
    const query = 'mugs and knives of steel';
    expect(missingWords(folding, { query, document }, 1)).toEqual({ shown: mugs, isCut: true });
    expect(missingWords(folding, { query: 'mugs of steel', document }, 1)).toEqual({ shown: mugs, isCut: false });
    expect(missingWords(folding, { query: 'mugs', document }, 0)).toEqual({ shown: null, isCut: false });
  });
});
