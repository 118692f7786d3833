import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Rng } from '../../../src/common/rng.ts';
import { kFoldByQuery, normaliseQuery, splitByQuery } from '../../../src/data/splits.ts';

interface Item {
  readonly query: string;
  readonly id: number;
}

// Queries that differ, and the same ones in other spellings.
const anyItems = fc
  .array(
    fc.tuple(
      fc.integer({ min: 0, max: 30 }),
      fc.constantFrom('kettle', ' Kettle', 'KETTLE  ', 'ｋettle', 'größe', 'GRÖSSE'),
    ),
    { maxLength: 80 },
  )
  .map((pairs) => pairs.map(([number, word], id): Item => ({ query: `${word} ${number}`, id })));
const seeds = fc.integer({ min: 0, max: 1000 });

function queriesOf(items: readonly Item[]): Set<string> {
  return new Set(items.map(({ query }) => normaliseQuery(query)));
}

function overlap(a: Set<string>, b: Set<string>): string[] {
  return [...a].filter((query) => b.has(query));
}

describe('splitByQuery', () => {
  it('never puts a query into two parts, and loses nothing', () => {
    fc.assert(
      fc.property(anyItems, seeds, (items, seed) => {
        fc.pre(queriesOf(items).size >= 3);
        const { train, dev, test } = splitByQuery(items, seed);
        expect(overlap(queriesOf(train), queriesOf(dev))).toEqual([]);
        expect(overlap(queriesOf(train), queriesOf(test))).toEqual([]);
        expect(overlap(queriesOf(dev), queriesOf(test))).toEqual([]);
        expect([...train, ...dev, ...test].map(({ id }) => id).toSorted((a, b) => a - b)).toEqual(
          items.map(({ id }) => id),
        );
        for (const part of [train, dev, test]) {
          expect(part.length).toBeGreaterThan(0);
          expect(part.map(({ id }) => id)).toEqual(part.map(({ id }) => id).toSorted((a, b) => a - b));
        }
      }),
    );
  });

  it('does not depend on the order of the pairs', () => {
    fc.assert(
      fc.property(anyItems, seeds, (items, seed) => {
        fc.pre(queriesOf(items).size >= 3);
        const one = splitByQuery(items, seed);
        const other = splitByQuery(new Rng(seed).shuffle(items), seed);
        expect(queriesOf(other.test)).toEqual(queriesOf(one.test));
        expect(queriesOf(other.dev)).toEqual(queriesOf(one.dev));
      }),
    );
  });

  it('gives each part its share of the queries', () => {
    const items = Array.from({ length: 97 }, (_, id) => ({ query: `query ${id}`, id }));
    const counts = (fractions?: { train: number; dev: number; test: number }): number[] => {
      const { train, dev, test } = splitByQuery(items, 1, fractions);
      return [train.length, dev.length, test.length];
    };
    expect(counts()).toEqual([77, 10, 10]);
    expect(counts({ train: 0, dev: 0.5, test: 0.5 })).toEqual([0, 49, 48]);
    expect(counts({ train: 0.999, dev: 0.0005, test: 0.0005 })).toEqual([95, 1, 1]);
    expect(counts({ train: 1, dev: 0, test: 0 })).toEqual([97, 0, 0]);
  });

  it('differs from seed to seed', () => {
    const items = Array.from({ length: 50 }, (_, id) => ({ query: `query ${id}`, id }));
    const tests = [1, 2, 3].map((seed) => [...queriesOf(splitByQuery(items, seed).test)].join());
    expect(new Set(tests).size).toBe(3);
  });

  it('rejects bad fractions and too few queries', () => {
    const items = [{ query: 'a' }, { query: 'b' }, { query: 'A' }];
    expect(() => splitByQuery(items, 1)).toThrow(/at least 3 different queries. Got 2/);
    expect(() => splitByQuery(items, 1, { train: 0.5, dev: 0.5, test: 0.5 })).toThrow(
      /sum to 1. Got 0.5 \+ 0.5 \+ 0.5/,
    );
    expect(() => splitByQuery(items, 1, { train: 1.5, dev: -0.5, test: 0 })).toThrow(/fractions/);
    expect(() => splitByQuery(items, 1, { train: NaN, dev: 0.5, test: 0.5 })).toThrow(/fractions/);
  });
});

describe('kFoldByQuery', () => {
  it('tests every pair once, never beside its query in training', () => {
    fc.assert(
      fc.property(anyItems, seeds, fc.integer({ min: 2, max: 5 }), (items, seed, folds) => {
        fc.pre(queriesOf(items).size >= folds);
        const rounds = kFoldByQuery(items, seed, folds);
        expect(rounds).toHaveLength(folds);
        for (const { train, test } of rounds) {
          expect(overlap(queriesOf(train), queriesOf(test))).toEqual([]);
          expect(train.length + test.length).toBe(items.length);
          expect(test.length).toBeGreaterThan(0);
        }
        const tested = rounds.flatMap(({ test }) => test.map(({ id }) => id));
        expect(tested.toSorted((a, b) => a - b)).toEqual(items.map(({ id }) => id));
      }),
    );
  });

  it('rejects too few folds and too few queries', () => {
    expect(() => kFoldByQuery([{ query: 'a' }, { query: 'b' }], 1, 1)).toThrow(/at least 2. Got 1/);
    expect(() => kFoldByQuery([{ query: 'a' }, { query: 'b' }], 1, 3)).toThrow(/at least 3 different queries/);
  });
});
