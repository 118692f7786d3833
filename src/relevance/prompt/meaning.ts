/**
 * Similarity of meaning between query and document, as hints of a prompt: of the title, of the passage that is nearest
 * to the query, and how far the title is behind the best title of the query's list. Any source of vectors serves; a
 * pair without one says so.
 */
import { attributeValueText, documentKey } from '../pair/document-text.ts';
import type { LabDocument, Meaning, Pair } from '../pair/pair.ts';
import { meaningBucketsOf } from '../pair/vocabulary.ts';
import { listKeyOf, type QueryPair } from './standing.ts';

/** Gives texts their vectors; similarities are cosines of vectors of one source. */
export interface VectorSource {
  /** A vector of length 1; undefined for a text without a known word. */
  vectorOf(text: string): Float32Array | undefined;
  /** The similarity of query and title by a better witness, on the scale of these vectors; undefined for one unread. */
  titleSimilarity?(pair: Pair): number | undefined;
}

/** The hints as buckets; for similarities 0 is none, for the gap 0 is the best title. */
export interface MeaningHints {
  readonly like: number;
  readonly passage: number;
  /** `absent` for a pair by itself. */
  readonly gap: number | 'absent';
}

/** The upper end of the buckets; beyond it all similarities are in the last one. */
const MOST_SIMILARITY = 0.9;
const MOST_GAP = 0.6;
/** Sentences end at these signs before a space. */
const SENTENCE_END = /(?<=[.!?。！？])\s+/u;

/** A pair whose similarities are known; its place in a list is not. */
export function withOwnMeaning<P extends Pair>(pair: P, source: VectorSource): P & { readonly meaning: Meaning } {
  return { ...pair, meaning: new Similarities(source).of(pair) };
}

/**
 * Adds to each pair its similarities, and its gap to the best title among the pairs of its query.
 *
 * @param source - of vectors, or similarities that remember the documents of earlier calls
 * @param found - all pairs of the queries, among which the best title is found; default: the pairs themselves
 */
export function withMeaning<P extends QueryPair>(
  pairs: readonly P[],
  source: VectorSource | Similarities,
  found: readonly QueryPair[] = pairs,
): (P & { readonly meaning: Meaning })[] {
  const similarities = source instanceof Similarities ? source : new Similarities(source);
  const own = pairs.map((pair) => similarities.of(pair));
  const best = new Map<string, number>();
  const see = (pair: QueryPair, title: number): void => {
    const key = listKeyOf(pair);
    best.set(key, Math.max(best.get(key) ?? -1, title));
  };
  for (const [i, pair] of pairs.entries()) see(pair, own[i]?.title ?? 0);
  if (found !== pairs) {
    const queries = new Set(pairs.map(({ queryId }) => queryId));
    for (const pair of found) if (queries.has(pair.queryId)) see(pair, similarities.of(pair).title);
  }
  return pairs.map((pair, i) => {
    const { title, passage } = own[i] ?? { title: 0, passage: 0 };
    return { ...pair, meaning: { title, passage, gap: (best.get(listKeyOf(pair)) ?? title) - title } };
  });
}

/** The similarities of pairs, whose documents and queries repeat. */
export class Similarities {
  readonly #source: VectorSource;
  readonly #most: number;
  readonly #documents = new Map<string, readonly (Float32Array | undefined)[]>();
  #last: { readonly query: string; readonly vector: Float32Array | undefined } | undefined;

  /** @param most - documents whose vectors are held at a time */
  constructor(source: VectorSource, most = Infinity) {
    this.#source = source;
    this.#most = most;
  }

  of(pair: Pair): { readonly title: number; readonly passage: number } {
    const { query, document } = pair;
    if (this.#last?.query !== query) this.#last = { query, vector: this.#source.vectorOf(query) };
    const { vector } = this.#last;
    const key = documentKey(document);
    const vectors = this.#documents.get(key) ?? passagesOf(document).map((text) => this.#source.vectorOf(text));
    if (this.#documents.size >= this.#most) this.#documents.clear();
    this.#documents.set(key, vectors);
    const cosines = vectors.map((each) => cosine(vector, each));
    const title = this.#source.titleSimilarity?.(pair) ?? cosines[0] ?? 0;
    return { title, passage: Math.max(0, ...cosines) };
  }
}

/** The title, then the attributes and each sentence of the text. */
export function passagesOf({ title, type, attributes, text }: LabDocument): string[] {
  const named = [type, ...Object.values(attributes).map(attributeValueText)].filter((value) => value !== '').join(' ');
  return [title, ...[named, ...text.split(SENTENCE_END)].filter((passage) => passage !== '')];
}

/** The cosine of two vectors of length 1; 0 where one is missing. */
export function cosine(a: Float32Array | undefined, b: Float32Array | undefined): number {
  if (a === undefined || b === undefined) return 0;
  let sum = 0;
  for (let d = 0; d < a.length; d++) sum += (a[d] ?? 0) * (b[d] ?? 0);
  return sum;
}

/** The hints that a prompt shows. */
export function meaningHints({ title, passage, gap }: Meaning): MeaningHints {
  return {
    like: bucketOf(title, MOST_SIMILARITY, meaningBucketsOf('like')),
    passage: bucketOf(passage, MOST_SIMILARITY, meaningBucketsOf('passage')),
    gap: gap === undefined ? 'absent' : bucketOf(gap, MOST_GAP, meaningBucketsOf('gap')),
  };
}

function bucketOf(value: number, most: number, buckets: number): number {
  return Math.min(Math.max(Math.floor((value / most) * buckets), 0), buckets - 1);
}
