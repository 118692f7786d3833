import { describe, expect, it } from 'vitest';
import { pairHints } from '../../../../src/relevance/prompt/hints.ts';
import { type LabDocument, makeDocument } from '../../../../src/relevance/pair/pair.ts';
import { currentFolding } from '../../../../src/relevance/pair/text-folding.ts';

const hints = (query: string, document: Partial<LabDocument>) =>
  pairHints(currentFolding(), { query, document: makeDocument({ title: '', ...document }) });

describe('pairHints', () => {
  it('buckets the share of query words in title, attributes and text', () => {
    const document = {
      title: 'Red steel kettle',
      attributes: { colour: 'red' },
      text: 'A red kettle of steel for travel',
    };
    const { overlap, query } = hints('red steel travel kettle', document);
    expect(overlap.title).toBe(2); // 3 of 4
    expect(overlap.attributes).toBe(1); // 1 of 4
    expect(overlap.text).toBe(3); // 4 of 4
    expect(query).toBe(3);
  });

  it('counts exactly half as "most" and less as "some"', () => {
    expect(hints('red kettle', { title: 'kettle' }).overlap.title).toBe(2);
    expect(hints('red steel kettle', { title: 'kettle' }).overlap.title).toBe(1);
  });

  it('measures the share of the field in the query for brand and type', () => {
    expect(hints('zorvex kettle with lid', { brand: 'Zorvex', type: 'kettle' }).overlap).toMatchObject({
      brand: 3,
      type: 3,
    });
    expect(hints('electric kettle', { brand: 'Zorvex', type: 'travel kettle' }).overlap).toMatchObject({
      brand: 0,
      type: 2,
    });
    expect(hints('kettle', {}).overlap).toMatchObject({ brand: 0, type: 0 });
  });

  it('ignores stop words, case and plurals', () => {
    expect(hints('Kettles with lids', { title: 'kettle lid without handle' }).overlap.title).toBe(3);
    expect(hints('with for the', { title: 'with for the' }).query).toBe(0);
  });

  it('finds query words across fields', () => {
    expect(hints('zorvex red kettle', { title: 'kettle', brand: 'zorvex', attributes: { colour: 'red' } }).query).toBe(
      3,
    );
  });

  it.each([
    ['kettle', '2 l kettle', 'none'],
    ['0.5 l bottle', 'bottle 500ml', 'same'],
    ['500ml bottle', 'bottle 0.55 l', 'near'],
    ['500ml bottle', 'bottle 2 l', 'far'],
    ['500ml bottle', 'bottle 500 g', 'absent'],
    ['size 42 shoes', 'shoes 42', 'same'],
    ['2 kg or 500 g', '500 g bag', 'same'],
  ])('compares the numbers in %j and %j: %s', (query, title, expected) => {
    expect(hints(query, { title }).number).toBe(expected);
  });

  it('reads quantities in attribute values too', () => {
    expect(
      hints('1.5 l kettle', { attributes: { capacity: '1500 ml', cordless: true, sizes: ['s', 'm'] } }).number,
    ).toBe('same');
  });
});
