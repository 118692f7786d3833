/** Rankings and judgments as TREC's tools split them: at spaces. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { trecQrels, trecRun } from '../../../../src/data/files/trec-lines.ts';

const id = fc.constantFrom('a', 'red kettle', '0012', 'x%20y', 'ü', 'a\tb');
const anyEntries = fc.array(
  fc.record({
    queryId: id,
    docId: id,
    score: fc.double({ min: 0, max: 3, noNaN: true }),
    grade: fc.option(fc.integer({ min: 0, max: 3 }), { nil: undefined }),
  }),
);

describe('TREC files', () => {
  it('have lines of their fields, each document once in a list, ranked from 1 without a gap', () => {
    fc.assert(
      fc.property(anyEntries, (entries) => {
        const run = [...trecRun(entries, 'the model')].map((line) => line.trimEnd().split(/\s/u));
        const distinct = new Set(entries.map(({ queryId, docId }) => JSON.stringify([queryId, docId])));
        expect(run).toHaveLength(distinct.size);
        for (const query of new Set(run.map(([first]) => first))) {
          const ranks = run.filter(([first]) => first === query).map((fields) => Number(fields[3]));
          expect(ranks).toEqual(ranks.map((_, i) => i + 1));
        }
        expect(run.every((fields) => fields.length === 6)).toBe(true);
      }),
    );
  });

  it('judge what has a grade, wherever it comes first', () => {
    const entry = { queryId: 'q 1', docId: '007', score: 1 };
    expect([...trecQrels([entry, { ...entry, grade: 2 }, { ...entry, grade: 0 }])]).toEqual(['q%201 0 007 2\n']);
  });
});
