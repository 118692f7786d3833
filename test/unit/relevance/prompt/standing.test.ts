/** The standing of a pair among those of its query against hand-computed numbers, and its hints in prompts. */
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { currentFolding } from '../../../../src/relevance/pair/text-folding.ts';
import { Bm25 } from '../../../../src/relevance/prompt/bm25.ts';
import { makeDocument, type Standing } from '../../../../src/relevance/pair/pair.ts';
import { buildPrompt, promptConfigSchema } from '../../../../src/relevance/prompt/prompt.ts';
import { describeSegments } from '../../../../src/relevance/trace/segments.ts';
import { standingHints, type StandingVersion, withStanding } from '../../../../src/relevance/prompt/standing.ts';

const documents = ['red kettle', 'blue kettle', 'green lamp', 'old lamp'].map((title) =>
  makeDocument({ title, docId: title }),
);
const pairsOf = (query: string) => documents.map((document) => ({ query, queryId: query, document }));

describe('withStanding', () => {
  // One of the four documents has "red" and two have "kettle".
  const [red, kettle] = [Math.log(1 + 3.5 / 1.5), Math.log(1 + 2.5 / 2.5)];

  it('weights the words of a query by inverse document frequency', () => {
    const [first, second, third] = withStanding(pairsOf('red kettle'), Bm25.of(documents, currentFolding()));
    expect(first?.standing?.coverage).toBeCloseTo(1, 10);
    expect(second?.standing?.coverage).toBeCloseTo(kettle / (red + kettle), 10);
    expect(third?.standing?.coverage).toBe(0);
  });

  it('ranks documents within their query, equal scores on the same rank', () => {
    const both = withStanding([...pairsOf('red kettle'), ...pairsOf('lamp')], Bm25.of(documents, currentFolding()));
    expect(both.map(({ standing }) => standing?.rank)).toEqual([1, 2, 3, 3, 3, 3, 1, 1]);
    // All documents have the mean length, so each word found counts a fixed part of its weight.
    expect(both[1]?.standing?.relative).toBeCloseTo(kettle / (red + kettle), 10);
    expect(both.map(({ query }) => query).slice(3, 5)).toEqual(['red kettle', 'lamp']);
  });

  it('counts places among all pairs found for the query, even if only some are requested', () => {
    const index = Bm25.of(documents, currentFolding());
    const all = [...pairsOf('red kettle'), ...pairsOf('lamp')];
    const placed = withStanding(all, index);
    for (const [i, pair] of all.entries()) expect(withStanding([pair], index, all)).toEqual([placed[i]]);
  });

  it('has no best document if no word is found', () => {
    const none = withStanding(pairsOf('toaster'), Bm25.of(documents, currentFolding()));
    expect(none.map(({ standing }) => standing)).toEqual(
      documents.map(() => ({ coverage: 0, score: 0, relative: 0, rank: 1 })),
    );
  });
});

describe('standingHints', () => {
  const pair = { query: 'red kettle', document: makeDocument({ title: 'red kettle with green lid' }) };
  const hints = (standing: Partial<Standing>, version?: StandingVersion) =>
    standingHints(currentFolding(), pair, { coverage: 0, score: 0, relative: 0, rank: 1, ...standing }, version);

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
  ])('puts rank %i into bucket %i', (rank, bucket) => {
    expect(hints({ rank }).rank).toBe(bucket);
  });

  it('have the last rank for a document that matches no word, but in models of version 1', () => {
    const unmatched = { coverage: 0, score: 0, relative: 0, rank: 3 };
    expect(hints(unmatched).rank).toBe(2);
    expect(hints(unmatched, 2).rank).toBe(6);
    expect(hints({ score: 0.1, rank: 3 }, 2).rank).toBe(2);
  });

  it('give the share of title words in the query', () => {
    expect(hints({}).named).toBe(4); // 2 of 4: red, kettle, green, lid
  });
});

describe('the prompt', () => {
  const config = v.parse(promptConfigSchema, { standing: true, hints: false });
  const pair = { query: 'lamp', document: makeDocument({ title: 'lamp' }) };

  it('has the standing right before the answer, or a token for its absence', () => {
    const standing = { coverage: 1, score: 0.5, relative: 1, rank: 2 };
    expect(describeSegments(buildPrompt({ ...pair, standing }, config).segments)).toMatch(
      /lamp<\|hint:coverage:7\|><\|hint:score:4\|><\|hint:relative:7\|><\|hint:rank:1\|><\|hint:named:7\|><\|answer\|>$/u,
    );
    expect(describeSegments(buildPrompt(pair, config).segments)).toMatch(
      /lamp<\|hint:standing:absent\|><\|answer\|>$/u,
    );
  });
});
