/**
 * Ranking metrics. Each takes one list of scored documents per query, so that a query resampled twice by a bootstrap
 * counts as two queries. A hash of the document id breaks ties in score, because the input order must not help.
 */
import { LabError } from '../../common/errors.ts';
import { hash32 } from '../../common/rng.ts';

/** A document of one query with its score and gold label (grade). Higher scores rank first. */
export interface ScoredDocument {
  readonly docId: string;
  readonly score: number;
  readonly label: number;
}

/** A metric over queries, null where no query could be measured. */
export interface RankingMetric {
  readonly value: number | null;
  /** The number of items averaged: pairs for pair accuracy, queries for NDCG. */
  readonly measured: number;
  /** Queries with nothing to measure. */
  readonly skippedQueries: number;
}

/** Items by query, in order of first appearance. */
export function groupByQuery<T extends { readonly queryId: string }>(items: readonly T[]): T[][] {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const group = groups.get(item.queryId);
    if (group === undefined) groups.set(item.queryId, [item]);
    else group.push(item);
  }
  return [...groups.values()];
}

/**
 * Documents from best to worst score; ties by hash of the document id, then by the id itself.
 *
 * @throws {LabError} `not-finite` if a score is not a number.
 */
export function rankByScore<T extends { readonly docId: string; readonly score: number }>(
  documents: readonly T[],
): T[] {
  for (const { docId, score } of documents) {
    if (Number.isNaN(score)) {
      const message = `rankByScore: the score of document "${docId}" is not a number.`;
      throw new LabError('not-finite', { message, fix: 'Look for NaN in the model weights or the input.' });
    }
  }
  return documents
    .map((document) => ({ document, tie: hash32(document.docId) }))
    .sort(
      (a, b) =>
        Math.sign(b.document.score - a.document.score) ||
        a.tie - b.tie ||
        (a.document.docId < b.document.docId ? -1 : a.document.docId > b.document.docId ? 1 : 0),
    )
    .map(({ document }) => document);
}

/**
 * The mean over all same-query pairs with label a > label b of 1[score a > score b] + 1/2 1[scores tie]. All pairs have
 * equal weight. Queries without such a pair are skipped.
 *
 * @throws {LabError} `bad-shape` without queries; `not-finite` if a score is not a number.
 */
export function pairAccuracy(queries: readonly (readonly ScoredDocument[])[]): RankingMetric {
  assertQueries('pairAccuracy', queries);
  let right = 0;
  let pairs = 0;
  let skippedQueries = 0;
  for (const documents of queries) {
    const ordered = orderedPairs(rankByScore(documents));
    right += ordered.right;
    pairs += ordered.all;
    if (ordered.all === 0) skippedQueries++;
  }
  return { value: pairs === 0 ? null : right / pairs, measured: pairs, skippedQueries };
}

/**
 * Counts the pairs of documents with different labels and those in the right order; a tie counts half. Takes O(n k) for
 * n documents and k different labels.
 *
 * @param ranked - best score first
 */
function orderedPairs(ranked: readonly ScoredDocument[]): { readonly right: number; readonly all: number } {
  // Label counts of the documents with a score above the current one, and of all documents.
  const above = new Map<number, number>();
  const all = countLabels(ranked);
  let right = 0;
  for (let start = 0; start < ranked.length;) {
    let end = start + 1;
    while (end < ranked.length && ranked[end]?.score === ranked[start]?.score) end++;
    const tied = countLabels(ranked.slice(start, end));
    for (const [label, count] of tied) {
      right += count * sumWhere(above, (other) => other > label);
      right += (count * sumWhere(tied, (other) => other > label)) / 2;
    }
    for (const [label, count] of tied) above.set(label, (above.get(label) ?? 0) + count);
    start = end;
  }
  let pairs = 0;
  for (const [label, count] of all) pairs += count * sumWhere(all, (other) => other > label);
  return { right, all: pairs };
}

function countLabels(documents: readonly ScoredDocument[]): Map<number, number> {
  const counts = new Map<number, number>();
  for (const { label } of documents) counts.set(label, (counts.get(label) ?? 0) + 1);
  return counts;
}

function sumWhere(counts: ReadonlyMap<number, number>, isCounted: (label: number) => boolean): number {
  let sum = 0;
  for (const [label, count] of counts) if (isCounted(label)) sum += count;
  return sum;
}

/**
 * NDCG@k with gain 2^g - 1 and discount log2(rank + 1) (Burges et al. 2005), the mean over queries. Queries without a
 * positive grade have no ideal order, so they are skipped and counted.
 *
 * @throws {LabError} `bad-shape` without queries or if k is not a whole number above 0; `not-finite` as
 *   {@link rankByScore}.
 */
export function ndcg(queries: readonly (readonly ScoredDocument[])[], k = 10): RankingMetric {
  assertQueries('ndcg', queries);
  if (!Number.isInteger(k) || k < 1) {
    throw new LabError('bad-shape', {
      message: 'ndcg: the cut-off is not valid.',
      expected: 'a whole k above 0',
      got: `${k}`,
    });
  }
  let total = 0;
  let measured = 0;
  for (const documents of queries) {
    const ideal = discountedGain([...documents].sort((a, b) => b.label - a.label).slice(0, k));
    if (ideal === 0) continue;
    total += discountedGain(rankByScore(documents).slice(0, k)) / ideal;
    measured++;
  }
  return { value: measured === 0 ? null : total / measured, measured, skippedQueries: queries.length - measured };
}

function discountedGain(ranked: readonly ScoredDocument[]): number {
  return ranked.reduce((gain, { label }, i) => gain + (2 ** label - 1) / Math.log2(i + 2), 0);
}

function assertQueries(metric: string, queries: readonly unknown[]): void {
  if (queries.length > 0) return;
  throw new LabError('bad-shape', {
    message: `${metric}: nothing to measure.`,
    expected: 'at least one query',
    got: '0',
  });
}
