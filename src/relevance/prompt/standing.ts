/**
 * How a pair stands among all documents found for its query: what a search engine knows before anyone has judged, and a
 * model that sees one pair at a time cannot. It is there wherever a whole list is to be judged; a pair by itself has no
 * standing, and its prompt says so.
 */
import type { Bm25, Bm25Match } from './bm25.ts';
import { documentTexts } from '../pair/document-text.ts';
import type { TextFolding } from '../pair/folding.ts';
import type { Pair, Standing } from '../pair/pair.ts';
import { contentWords, currentFolding } from '../pair/text-folding.ts';
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

/**
 * Pairs with their standing among all of their query. Documents of the same texts count once, so that repeating a row changes
 * nothing; a query is its id and its text.
 *
 * @param index - of the documents at hand, judged or not
 * @param found - all pairs of the queries, which places are counted among; default the pairs themselves
 */
export function withStanding<P extends QueryPair>(
  pairs: readonly P[],
  index: Bm25,
  found: readonly QueryPair[] = pairs,
): (P & { readonly standing: Standing })[] {
  const lists = new Map<string, QueryList>();
  const place = ({ queryId, query, document }: QueryPair): { list: QueryList; match: Bm25Match } => {
    const key = JSON.stringify([queryId, currentFolding().fold(query)]);
    const list = lists.get(key) ?? new QueryList();
    lists.set(key, list);
    return { list, match: list.add(documentTexts(document), () => index.match(query, document)) };
  };
  const placed = pairs.map((pair) => ({ pair, ...place(pair) }));
  if (found !== pairs) {
    const queries = new Set(pairs.map(({ queryId }) => queryId));
    for (const pair of found) if (queries.has(pair.queryId)) place(pair);
  }
  return placed.map(({ pair, list, match }) => ({ ...pair, standing: list.standingOf(match) }));
}

type QueryPair = Pair & { readonly queryId: string };

/** The documents of one query. */
class QueryList {
  readonly #matches = new Map<string, Bm25Match>();
  #ranks: ReadonlyMap<number, number> | undefined;

  /** The match of a document, found when the document comes for the first time. */
  add(key: string, find: () => Bm25Match): Bm25Match {
    const match = this.#matches.get(key) ?? find();
    this.#matches.set(key, match);
    return match;
  }

  /** Where a document is among all that have come. */
  standingOf({ score, coverage }: Bm25Match): Standing {
    this.#ranks ??= ranksOf([...this.#matches.values()].map((match) => match.score));
    const [best = 0] = this.#ranks.keys();
    return { coverage, score, relative: best === 0 ? 0 : score / best, rank: this.#ranks.get(score) ?? 1 };
  }
}

/** The rank of each distinct score, the best first: 1 plus how many are higher. */
function ranksOf(scores: readonly number[]): ReadonlyMap<number, number> {
  const ranks = new Map<number, number>();
  for (const [higher, score] of scores.toSorted((a, b) => b - a).entries()) {
    if (!ranks.has(score)) ranks.set(score, higher + 1);
  }
  return ranks;
}

/** What a prompt tells of a standing. */
export function standingHints(
  folding: TextFolding,
  { query, document: { title } }: Pair,
  standing: Standing,
): StandingHints {
  const [asked, named] = [contentWords(folding, query), contentWords(folding, title)];
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
