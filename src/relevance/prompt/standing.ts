/**
 * The BM25 standing of a pair among all documents retrieved for its query: information that a search engine has before
 * any judgment, and that a model reading one pair at a time lacks. A pair without its query's list has no standing, and
 * its prompt states that.
 */
import type { Bm25, Bm25Match } from './bm25.ts';
import { documentKey } from '../pair/document-text.ts';
import type { TextFolding } from '../pair/folding.ts';
import type { Pair, Standing } from '../pair/pair.ts';
import { contentWords, currentFolding } from '../pair/text-folding.ts';
import { RANK_BUCKETS, SHARE_BUCKETS } from '../pair/vocabulary.ts';

/**
 * The versions of standing hints, oldest first. In version 1, documents without a word of the query share the rank
 * after the last match, which is a good one where few documents match; since version 2 they have the last one.
 */
export const STANDING_VERSIONS = [1, 2] as const;
export type StandingVersion = (typeof STANDING_VERSIONS)[number];

/** The version of newly trained models, because a model's weights know only the hints that it was trained with. */
export const CURRENT_STANDING: StandingVersion = 2;

/** The standing of a pair in buckets, as shown in a prompt. */
export interface StandingHints {
  /** IDF coverage, BM25 score and BM25 score relative to the best: 0 is none, the last bucket is all. */
  readonly coverage: number;
  readonly score: number;
  readonly relative: number;
  /** 0 is the first rank. */
  readonly rank: number;
  /** The share of the title's words that the query has. */
  readonly named: number;
}

/**
 * Adds to each pair its standing among the pairs of its query. Documents with equal texts count once, so that repeating
 * a row changes nothing. A query is identified by its id and its text.
 *
 * @param index - over all available documents, judged or not
 * @param found - all pairs of the queries, among which places are counted; default: the pairs themselves
 */
export function withStanding<P extends QueryPair>(
  pairs: readonly P[],
  index: Bm25,
  found: readonly QueryPair[] = pairs,
): (P & { readonly standing: Standing })[] {
  const lists = new Map<string, QueryList>();
  const place = (pair: QueryPair): { list: QueryList; match: Bm25Match } => {
    const { query, document } = pair;
    const key = listKeyOf(pair);
    const list = lists.get(key) ?? new QueryList();
    lists.set(key, list);
    return { list, match: list.add(documentKey(document), () => index.match(query, document)) };
  };
  const placed = pairs.map((pair) => ({ pair, ...place(pair) }));
  if (found !== pairs) {
    const queries = new Set(pairs.map(({ queryId }) => queryId));
    for (const pair of found) if (queries.has(pair.queryId)) place(pair);
  }
  return placed.map(({ pair, list, match }) => ({ ...pair, standing: list.standingOf(match) }));
}

/** A pair of a list. */
export type QueryPair = Pair & { readonly queryId: string };

/** What the pairs of one list have in common: the id of their query and its text. */
export function listKeyOf({ queryId, query }: QueryPair): string {
  return JSON.stringify([queryId, currentFolding().fold(query)]);
}

/** The documents of one query. */
class QueryList {
  readonly #matches = new Map<string, Bm25Match>();
  #ranks: ReadonlyMap<number, number> | undefined;

  /** The match of a document, computed when it is added first. */
  add(key: string, find: () => Bm25Match): Bm25Match {
    const match = this.#matches.get(key) ?? find();
    this.#matches.set(key, match);
    return match;
  }

  /** The standing of a match among all documents added. */
  standingOf({ score, coverage }: Bm25Match): Standing {
    this.#ranks ??= ranksOf([...this.#matches.values()].map((match) => match.score));
    const [best = 0] = this.#ranks.keys();
    return { coverage, score, relative: best === 0 ? 0 : score / best, rank: this.#ranks.get(score) ?? 1 };
  }
}

/** The rank of each distinct score, best first: 1 plus the number of higher scores. */
function ranksOf(scores: readonly number[]): ReadonlyMap<number, number> {
  const ranks = new Map<number, number>();
  for (const [higher, score] of scores.toSorted((a, b) => b - a).entries()) {
    if (!ranks.has(score)) ranks.set(score, higher + 1);
  }
  return ranks;
}

/** The hints that a prompt shows for a standing. @param version - default 1, as in models that name none */
export function standingHints(
  folding: TextFolding,
  { query, document: { title } }: Pair,
  standing: Standing,
  version: StandingVersion = 1,
): StandingHints {
  const [asked, named] = [contentWords(folding, query), contentWords(folding, title)];
  const shared = [...named].filter((word) => asked.has(word)).length;
  return {
    coverage: shareBucket(standing.coverage),
    score: shareBucket(standing.score),
    relative: shareBucket(standing.relative),
    rank: version > 1 && standing.score === 0 ? RANK_BUCKETS - 1 : rankBucket(standing.rank),
    named: named.size === 0 ? 0 : shareBucket(shared / named.size),
  };
}

/** 0 for none, the last for all, the others evenly between. */
function shareBucket(share: number): number {
  if (share <= 0) return 0;
  return share >= 1 ? SHARE_BUCKETS - 1 : 1 + Math.floor(share * (SHARE_BUCKETS - 2));
}

/** 1, 2, 3-4, 5-8, ...: the top ranks are resolved most finely. */
function rankBucket(rank: number): number {
  return Math.min(Math.ceil(Math.log2(rank)), RANK_BUCKETS - 1);
}
