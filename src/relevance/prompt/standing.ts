/**
 * How a pair stands among all documents found for its query: what a search engine knows before anyone has judged, and a
 * model that sees one pair at a time cannot. It is there wherever a whole list is to be judged; a pair by itself has no
 * standing, and its prompt says so.
 */
import type { Bm25 } from './bm25.ts';
import { groupByQuery } from '../metrics/metrics-ranking.ts';
import type { Pair, Standing } from '../pair/pair.ts';
import { contentWords } from '../pair/text-folding.ts';
import { RANK_BUCKETS, SHARE_BUCKETS } from '../pair/vocabulary.ts';

/** The standing of a pair in buckets, as a prompt tells it. */
export interface StandingHints {
  /** IDF coverage, BM25 score and BM25 score against the best: 0 is none, the last bucket is all. */
  readonly coverage: number;
  readonly score: number;
  readonly relative: number;
  /** 0 is the first place. */
  readonly rank: number;
  /** How much of the title the query spells out. */
  readonly named: number;
}

/** Pairs with their standing among all of their query. @param index - of the documents at hand, judged or not */
export function withStanding<P extends Pair & { readonly queryId: string }>(
  pairs: readonly P[],
  index: Bm25,
): (P & { readonly standing: Standing })[] {
  const standings = new Map<P, Standing>();
  for (const group of groupByQuery(pairs)) {
    const scores = group.map(({ query, document }) => index.score(query, document));
    const best = Math.max(...scores);
    for (const [i, pair] of group.entries()) {
      const score = scores[i] ?? 0;
      standings.set(pair, {
        coverage: index.coverage(pair.query, pair.document),
        score,
        relative: best === 0 ? 0 : score / best,
        rank: 1 + scores.filter((other) => other > score).length,
      });
    }
  }
  return pairs.flatMap((pair) => {
    const standing = standings.get(pair);
    return standing === undefined ? [] : [{ ...pair, standing }];
  });
}

/** What a prompt tells of a standing. */
export function standingHints({ query, document: { title } }: Pair, standing: Standing): StandingHints {
  const [asked, named] = [contentWords(query), contentWords(title)];
  const shared = [...named].filter((word) => asked.has(word)).length;
  return {
    coverage: shareBucket(standing.coverage),
    score: shareBucket(standing.score),
    relative: shareBucket(standing.relative),
    rank: rankBucket(standing.rank),
    named: named.size === 0 ? 0 : shareBucket(shared / named.size),
  };
}

/** 0 for none, the last for all, the others evenly between. */
function shareBucket(share: number): number {
  if (share <= 0) return 0;
  return share >= 1 ? SHARE_BUCKETS - 1 : 1 + Math.floor(share * (SHARE_BUCKETS - 2));
}

/** 1, 2, 3-4, 5-8, ...: differences at the top count most. */
function rankBucket(rank: number): number {
  return Math.min(Math.ceil(Math.log2(rank)), RANK_BUCKETS - 1);
}
