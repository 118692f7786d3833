/** The standing of a pair among those of its query, by hand-computed numbers, and what prompts say of it. */
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { currentFolding } from '../../../../src/relevance/pair/text-folding.ts';
import { Bm25 } from '../../../../src/relevance/prompt/bm25.ts';
import { makeDocument, type Standing } from '../../../../src/relevance/pair/pair.ts';
import { buildPrompt, promptConfigSchema } from '../../../../src/relevance/prompt/prompt.ts';
import { describeSegments } from '../../../../src/relevance/trace/segments.ts';
import { standingHints, withStanding } from '../../../../src/relevance/prompt/standing.ts';

const documents = ['red kettle', 'blue kettle', 'green lamp', 'old lamp'].map((title) =>
  makeDocument({ title, docId: title }),
);
const pairsOf = (query: string) => documents.map((document) => ({ query, queryId: query, document }));

describe('withStanding', () => {
  // Of four documents one has "red" and two have "kettle".
  const [red, kettle] = [Math.log(1 + 3.5 / 1.5), Math.log(1 + 2.5 / 2.5)];

  it('weighs the words of a query by how few documents have them', () => {
    const [first, second, third] = withStanding(pairsOf('red kettle'), new Bm25(documents, currentFolding()));
    expect(first?.standing?.coverage).toBeCloseTo(1, 10);
    expect(second?.standing?.coverage).toBeCloseTo(kettle / (red + kettle), 10);
    expect(third?.standing?.coverage).toBe(0);
  });

  it('places documents among those of their own query, equal ones on one place', () => {
    const both = withStanding([...pairsOf('red kettle'), ...pairsOf('lamp')], new Bm25(documents, currentFolding()));
    expect(both.map(({ standing }) => standing?.rank)).toEqual([1, 2, 3, 3, 3, 3, 1, 1]);
    // All documents are of mean length, so of each word found a fixed part of its weight counts.
    expect(both[1]?.standing?.relative).toBeCloseTo(kettle / (red + kettle), 10);
    expect(both.map(({ query }) => query).slice(3, 5)).toEqual(['red kettle', 'lamp']);
  });

  it('counts places among all pairs found for the query, however few are asked for', () => {
    const index = new Bm25(documents, currentFolding());
    const all = [...pairsOf('red kettle'), ...pairsOf('lamp')];
    const placed = withStanding(all, index);
    for (const [i, pair] of all.entries()) expect(withStanding([pair], index, all)).toEqual([placed[i]]);
  });

  it('has no best document where no word is found', () => {
    const none = withStanding(pairsOf('toaster'), new Bm25(documents, currentFolding()));
    expect(none.map(({ standing }) => standing)).toEqual(
      documents.map(() => ({ coverage: 0, score: 0, relative: 0, rank: 1 })),
    );
  });
});

describe('standingHints', () => {
  const pair = { query: 'red kettle', document: makeDocument({ title: 'red kettle with green lid' }) };
  const hints = (standing: Partial<Standing>) =>
    standingHints(currentFolding(), pair, { coverage: 0, score: 0, relative: 0, rank: 1, ...standing });

  it.each([
    [0, 0],
    [0.001, 1],
    [0.5, 4],
    [0.999, 6],
    [1, 7],
  ])('puts the share %f into bucket %i', (coverage, bucket) => {
    expect(hints({ coverage }).coverage).toBe(bucket);
  });

  it.each([
    [1, 0],
    [2, 1],
    [3, 2],
    [4, 2],
    [5, 3],
    [9, 4],
    [4000, 6],
  ])('puts place %i into bucket %i', (rank, bucket) => {
    expect(hints({ rank }).rank).toBe(bucket);
  });

  it('tells how much of the title the query spells out', () => {
    expect(hints({}).named).toBe(4); // 2 of 4: red, kettle, green, lid
  });
});

describe('the prompt', () => {
  const config = v.parse(promptConfigSchema, { standing: true, hints: false });
  const pair = { query: 'lamp', document: makeDocument({ title: 'lamp' }) };

  it('tells a standing right before the answer, and says where there is none', () => {
    const standing = { coverage: 1, score: 0.5, relative: 1, rank: 2 };
    expect(describeSegments(buildPrompt({ ...pair, standing }, config).segments)).toMatch(
      /lamp<\|hint:coverage:7\|><\|hint:score:4\|><\|hint:relative:7\|><\|hint:rank:1\|><\|hint:named:7\|><\|answer\|>$/u,
    );
    expect(describeSegments(buildPrompt(pair, config).segments)).toMatch(
      /lamp<\|hint:standing:absent\|><\|answer\|>$/u,
    );
  });
});
