import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { currentFolding } from '../../../../src/relevance/pair/text-folding.ts';
import { Bm25, CollectionCounts, fitThresholds, labelOfScore } from '../../../../src/relevance/prompt/bm25.ts';
import { makeDocument } from '../../../../src/relevance/pair/pair.ts';

const documents = ['red kettle', 'red red lamp', 'blue lamp with a very long title of many words', 'toaster'].map(
  (title) => makeDocument({ docId: title, title }),
);
const [kettle, lamp, long, toaster] = documents as [
  (typeof documents)[0],
  (typeof documents)[0],
  (typeof documents)[0],
  (typeof documents)[0],
];

describe('documents without ids', () => {
  it('are identified by their texts', () => {
    const [kettle, lamp] = ['kettle', 'lamp'].map((title) => makeDocument({ title }));
    if (kettle === undefined || lamp === undefined) throw new Error('two documents');
    const index = Bm25.of([kettle, lamp], currentFolding());
    expect(index.score('lamp', lamp)).toBeGreaterThan(index.score('lamp', kettle));
  });
});

describe('Bm25', () => {
  const bm25 = Bm25.of(documents, currentFolding());

  it('equals the formula', () => {
    // Content words per document: 2, 3, 6 (blue lamp very long title many word is 7), 1.
    const lengths = [2, 3, 7, 1];
    const mean = lengths.reduce((a, b) => a + b, 0) / 4;
    const idf = (having: number): number => Math.log(1 + (4 - having + 0.5) / (having + 0.5));
    const part = (count: number, length: number): number => count / (count + 1.2 * (0.25 + (0.75 * length) / mean));
    const [red, kettles] = [idf(2), idf(1)];
    expect(bm25.score('red kettles', kettle)).toBeCloseTo(((red + kettles) * part(1, 2)) / (red + kettles), 12);
    expect(bm25.score('red kettle', lamp)).toBeCloseTo((red * part(2, 3)) / (red + kettles), 12);
    expect(bm25.score('red kettle', toaster)).toBe(0);
  });

  it('prefers rare words, more matches and shorter documents, within [0, 1]', () => {
    expect(bm25.score('lamp', lamp)).toBeGreaterThan(bm25.score('lamp', long));
    expect(bm25.score('red kettle', kettle)).toBeGreaterThan(bm25.score('red kettle', lamp));
    expect(bm25.score('the of', kettle)).toBe(0);
    for (const document of documents) expect(bm25.score('red blue lamp toaster', document)).toBeLessThanOrEqual(1);
  });
});

describe('the terms of documents', () => {
  const text = fc.array(fc.constantFrom('red', 'blue', 'kettle', 'lamp', 'mug', 'oak'), { maxLength: 12 });
  const titles = fc.array(text.map((words) => words.join(' ')), { minLength: 1, maxLength: 20 }); // prettier-ignore

  it('give the same scores whether they are held or read again', () => {
    fc.assert(
      fc.property(titles, fc.nat(40), (given, heldStems) => {
        const all = given.map((title) => makeDocument({ title }));
        const collection = new CollectionCounts(currentFolding(), heldStems);
        for (const document of all) collection.add(document);
        const [held, some] = [Bm25.of(all, currentFolding()), new Bm25(collection)];
        for (const document of all)
          expect(some.match('red lamp of oak', document)).toEqual(held.match('red lamp of oak', document));
      }),
    );
  });

  it('outside the collection match words that no document of it has, whatever was asked before', () => {
    const outside = makeDocument({ title: 'violin' });
    const bm25 = Bm25.of(documents, currentFolding());
    const [kettleFirst] = documents;
    if (kettleFirst !== undefined) expect(bm25.score('violin', kettleFirst)).toBe(0);
    const score = bm25.score('violin', outside);
    expect(score).toBeGreaterThan(0);
    expect(Bm25.of(documents, currentFolding()).score('violin', outside)).toBe(score);
  });
});

describe('fitThresholds', () => {
  const scored = fc.array(fc.record({ score: fc.integer({ min: 0, max: 9 }), gold: fc.nat(2) }), {
    minLength: 1,
    maxLength: 12,
  });
  const right = (items: readonly { score: number; gold: number }[], bounds: readonly number[]): number =>
    items.filter(({ score, gold }) => labelOfScore(score, bounds) === gold).length;

  it('equals the best of all pairs of bounds', () => {
    fc.assert(
      fc.property(scored, (items) => {
        const bounds = fitThresholds(
          items.map(({ score }) => score),
          items.map(({ gold }) => gold),
          3,
        );
        expect(bounds).toHaveLength(2);
        expect(bounds).toEqual(bounds.toSorted((a, b) => a - b));
        const all = Array.from({ length: 11 }, (_, i) => i).flatMap((low) =>
          Array.from({ length: 11 - low }, (_, i) => [low, low + i] as const),
        );
        expect(right(items, bounds)).toBe(Math.max(...all.map((pair) => right(items, pair))));
      }),
    );
  });
});
