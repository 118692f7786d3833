/**
 * Splits by query. All pairs of a query go to one part, and queries that differ only in case, character width or spaces
 * count as one, so that a score on held-out pairs measures unseen queries. (Documents may be shared: the same product
 * can be judged for a training query and a test query.)
 *
 * Queries are sorted by a seeded hash of their text and cut at the wanted fractions. Neither the order of the file nor
 * the number of pairs of a query affects its part.
 */
import { LabError } from '../common/errors.ts';
import { hash32 } from '../common/rng.ts';

/** The parts of an experiment: for training, for model selection, and for the final report. */
export interface Split<T> {
  readonly train: readonly T[];
  readonly dev: readonly T[];
  readonly test: readonly T[];
}

const PARTS = ['train', 'dev', 'test'] as const;

/** The share of queries in each part; they sum to 1. */
export type SplitFractions = Readonly<Record<keyof Split<unknown>, number>>;

/** Eight in ten queries for training, one for selection, one for the report. */
export const DEFAULT_FRACTIONS: SplitFractions = { train: 0.8, dev: 0.1, test: 0.1 };

/** One round of cross-validation. */
export interface Fold<T> {
  readonly train: readonly T[];
  readonly test: readonly T[];
}

/** A query normalised for splits: compatibility forms unified (NFKC), lower case, single spaces. */
export function normaliseQuery(query: string): string {
  return query.normalize('NFKC').toLowerCase().replaceAll(/\s+/g, ' ').trim();
}

/**
 * Splits pairs by query, keeping their order within each part. A part with a fraction above 0 gets at least one query.
 *
 * @throws {LabError} `bad-config` if the fractions do not sum to 1, or there are fewer queries than parts.
 */
export function splitByQuery<T extends { readonly query: string }>(
  pairs: readonly T[],
  seed: number,
  fractions: SplitFractions = DEFAULT_FRACTIONS,
): Split<T> {
  const parts = PARTS.map((part) => fractions[part]);
  const sum = parts.reduce((total, part) => total + part, 0);
  if (!parts.every((part) => part >= 0) || Math.abs(sum - 1) > 1e-9) {
    throw new LabError('bad-config', {
      message: 'The fractions of a split are not valid.',
      expected: 'numbers of at least 0 that sum to 1',
      got: parts.join(' + '),
    });
  }
  const queries = shuffledQueries(pairs, seed);
  requireQueries(queries.length, parts.filter((part) => part > 0).length);
  const partOf = new Map<string, keyof Split<T>>();
  let from = 0;
  for (const [index, count] of shareOut(queries.length, parts).entries()) {
    for (const query of queries.slice(from, from + count)) partOf.set(query, PARTS[index] ?? 'train');
    from += count;
  }
  const inPart = (part: keyof Split<T>): T[] => pairs.filter(({ query }) => partOf.get(normaliseQuery(query)) === part);
  return { train: inPart('train'), dev: inPart('dev'), test: inPart('test') };
}

/**
 * `folds` rounds of cross-validation: every query is in the test part of one round and in the train part of all others.
 *
 * @throws {LabError} `bad-config` if there are fewer than 2 folds, or fewer queries than folds.
 */
export function kFoldByQuery<T extends { readonly query: string }>(
  pairs: readonly T[],
  seed: number,
  folds: number,
): Fold<T>[] {
  if (!Number.isInteger(folds) || folds < 2) {
    throw new LabError('bad-config', {
      message: 'The number of folds is not valid.',
      expected: 'a whole number of at least 2',
      got: String(folds),
    });
  }
  const queries = shuffledQueries(pairs, seed);
  requireQueries(queries.length, folds);
  const foldOf = new Map(queries.map((query, rank) => [query, rank % folds]));
  return Array.from({ length: folds }, (_, fold) => ({
    train: pairs.filter(({ query }) => foldOf.get(normaliseQuery(query)) !== fold),
    test: pairs.filter(({ query }) => foldOf.get(normaliseQuery(query)) === fold),
  }));
}

/** All pairs of at most `queries` queries, chosen only by the seed and the texts of the queries. */
export function sampleQueries<T extends { readonly query: string }>(
  pairs: readonly T[],
  queries: number,
  seed: number,
): readonly T[] {
  const drawn = new Set(shuffledQueries(pairs, `${seed}/sample`).slice(0, queries));
  return pairs.filter(({ query }) => drawn.has(normaliseQuery(query)));
}

// The distinct queries in an order that depends only on the seed and their texts.
function shuffledQueries(pairs: readonly { readonly query: string }[], seed: number | string): string[] {
  const hashes = new Map<string, number>();
  for (const { query } of pairs) {
    const text = normaliseQuery(query);
    if (!hashes.has(text)) hashes.set(text, hash32(`${seed}/${text}`));
  }
  return [...hashes].toSorted(([a, hashA], [b, hashB]) => hashA - hashB || (a < b ? -1 : 1)).map(([query]) => query);
}

// Integers that sum to `total`, nearest to the fractions (largest remainder); none is 0 unless its fraction is.
function shareOut(total: number, fractions: readonly number[]): number[] {
  const counts = fractions.map((fraction) => Math.floor(fraction * total + 1e-9));
  const byRemainder = [...fractions.keys()].toSorted((a, b) => remainder(b) - remainder(a) || a - b);
  let rest = total - counts.reduce((sum, count) => sum + count, 0);
  for (const index of byRemainder) {
    if (rest === 0) break;
    counts[index] = (counts[index] ?? 0) + 1;
    rest -= 1;
  }
  for (const [index, fraction] of fractions.entries()) {
    if (fraction === 0 || counts[index] !== 0) continue;
    const largest = counts.indexOf(Math.max(...counts));
    counts[largest] = (counts[largest] ?? 0) - 1;
    counts[index] = 1;
  }
  return counts;

  function remainder(index: number): number {
    return (fractions[index] ?? 0) * total - (counts[index] ?? 0);
  }
}

function requireQueries(queries: number, parts: number): void {
  if (queries >= parts) return;
  throw new LabError('bad-config', {
    message: 'There are too few queries to split.',
    expected: `at least ${parts} different queries`,
    got: String(queries),
    fix: 'Add queries, or use fewer parts.',
  });
}
