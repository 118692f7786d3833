import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { keepQueries, mergeQueries, TrainedQueries } from '../../../src/data/trained-queries.ts';

const queries = fc.uniqueArray(fc.string({ minLength: 1 }), { maxLength: 50 });

describe('the queries that a model was trained on', () => {
  it('are known, and others are not, in any spelling', () => {
    const kept = new TrainedQueries(keepQueries(['Red  Kettle', 'usb cable']));
    expect([kept.has('red kettle'), kept.has('ＲＥＤ kettle'), kept.has('usb cable')]).toEqual([true, true, true]);
    expect(kept.has('garden hose')).toBe(false);
  });

  it('of any set are all known, at once and merged', () => {
    fc.assert(
      fc.property(queries, queries, (first, second) => {
        const both = mergeQueries(keepQueries(first), keepQueries(second));
        expect(both).toEqual(keepQueries([...first, ...second]));
        const known = new TrainedQueries(both);
        for (const query of [...first, ...second]) expect(known.has(query)).toBe(true);
      }),
    );
    expect(mergeQueries(undefined, keepQueries(['a']))).toEqual(keepQueries(['a']));
  });

  it('of a very large set are known in part, and never wrongly', () => {
    const many = Array.from({ length: 40_000 }, (_, i) => `query ${i}`);
    const kept = keepQueries(many);
    expect(kept.count).toBeGreaterThan(39_990); // two may share a hash
    const known = new TrainedQueries(kept);
    const said = many.map((query) => known.has(query));
    expect(said.filter((answer) => answer === true)).toHaveLength(16_384);
    expect(said).not.toContain(false);
    expect(known.has('query 0')).not.toBe(false);
    expect(Array.from({ length: 200 }, (_, i) => known.has(`other ${i}`))).not.toContain(true);
  });
});
