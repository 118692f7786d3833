/**
 * BM25 (Robertson et al. 1994, in Lucene's form with k1 1.2 and b 0.75) over all words of a document: the baseline of a
 * search engine that has seen no judgments.
 */
import { documentKey, documentValues } from '../pair/document-text.ts';
import type { TextFolding } from '../pair/folding.ts';
import type { LabDocument } from '../pair/pair.ts';
import { contentSequence, contentWords } from '../pair/text-folding.ts';

const K1 = 1.2;
const B = 0.75;

/** The stems of a document by their numbers in a collection, each with how often it occurs. */
interface DocumentTerms {
  readonly stems: Uint32Array;
  readonly counts: Uint32Array;
  /** In words. */
  readonly length: number;
}

/** The stems of a query, by their numbers, with their inverse document frequencies, and the sum of these weights. */
interface QueryTerms {
  readonly query: string;
  readonly weights: readonly (readonly [stem: number, weight: number])[];
  readonly most: number;
}

/** The match of a document with a query; both numbers are in [0, 1]. */
export interface Bm25Match {
  /** The score divided by the largest that any document could have for the query. */
  readonly score: number;
  /** The share of the query's words that the document has, weighted by inverse document frequency. */
  readonly coverage: number;
}

/**
 * How often the words of a collection occur, counted document by document. Documents with equal texts count once,
 * whatever their ids, so that neither a repeated document nor a different spelling of its id changes a score.
 */
export class CollectionCounts {
  /** The folding of the model whose prompts show the scores. */
  readonly folding: TextFolding;
  /** The number of each stem, in the order in which they were first read. */
  readonly #stems = new Map<string, number>();
  /** By the number of a stem; empty for one that no document of the collection has. */
  readonly #documentsWith: number[] = [];
  /** By the key of a document: where its terms begin in {@link #held}; -1 for one whose terms are not held. */
  readonly #places = new Map<string, number>();
  /** For each held document its number of stems and its length, then its stems, then their counts. */
  #held = new Uint32Array(1024);
  #end = 0;
  readonly #heldStems: number;
  #words = 0;

  /** @param heldStems - how many stems of documents are held at most, beyond which their texts are read again */
  constructor(folding: TextFolding, heldStems = Infinity) {
    this.folding = folding;
    this.#heldStems = heldStems;
  }

  /** Counts a document, unless one with the same texts is counted. */
  add(document: LabDocument): void {
    const key = documentKey(document);
    if (this.#places.has(key)) return;
    const terms = this.#read(document);
    const isHeld = this.#end + 2 * terms.stems.length <= 2 * this.#heldStems;
    this.#places.set(key, isHeld ? this.#hold(terms) : -1);
    this.#words += terms.length;
    for (const stem of terms.stems) this.#documentsWith[stem] = (this.#documentsWith[stem] ?? 0) + 1;
  }

  /** The terms of any document, in the collection or not. */
  termsOf(document: LabDocument): DocumentTerms {
    const place = this.#places.get(documentKey(document)) ?? -1;
    if (place < 0) return this.#read(document);
    const [count = 0, length = 0] = this.#held.subarray(place, place + 2);
    const from = place + 2;
    return {
      stems: this.#held.subarray(from, from + count),
      counts: this.#held.subarray(from + count, from + 2 * count),
      length,
    };
  }

  /** The number of a stem; one that no document has gets one too, because documents outside may have it. */
  numberOf(stem: string): number {
    const known = this.#stems.get(stem);
    if (known !== undefined) return known;
    this.#stems.set(stem, this.#stems.size);
    return this.#stems.size - 1;
  }

  /** Words of a document. */
  get meanLength(): number {
    return this.#words / Math.max(this.#places.size, 1);
  }

  /** The inverse document frequency of a stem, by its number. */
  idf(stem: number): number {
    const having = this.#documentsWith[stem] ?? 0;
    return Math.log(1 + (this.#places.size - having + 0.5) / (having + 0.5));
  }

  #hold({ stems, counts, length }: DocumentTerms): number {
    const place = this.#end;
    this.#end += 2 + 2 * stems.length;
    if (this.#end > this.#held.length) {
      const larger = new Uint32Array(Math.max(this.#end, 2 * this.#held.length));
      larger.set(this.#held);
      this.#held = larger;
    }
    this.#held[place] = stems.length;
    this.#held[place + 1] = length;
    this.#held.set(stems, place + 2);
    this.#held.set(counts, place + 2 + stems.length);
    return place;
  }

  #read(document: LabDocument): DocumentTerms {
    const counts = new Map<number, number>();
    let length = 0;
    for (const value of documentValues(document)) {
      for (const { stem } of contentSequence(this.folding.words(value))) {
        const number = this.numberOf(stem);
        counts.set(number, (counts.get(number) ?? 0) + 1);
        length += 1;
      }
    }
    return { stems: Uint32Array.from(counts.keys()), counts: Uint32Array.from(counts.values()), length };
  }
}

/** Scores documents against one collection. */
export class Bm25 {
  readonly #collection: CollectionCounts;
  // Cached because the documents of a query are scored one after another.
  #lastQuery: QueryTerms | undefined;

  /** @param collection - counted by now, or later */
  constructor(collection: CollectionCounts) {
    this.#collection = collection;
  }

  /** Over some documents. */
  static of(documents: Iterable<LabDocument>, folding: TextFolding): Bm25 {
    const collection = new CollectionCounts(folding);
    for (const document of documents) collection.add(document);
    return new Bm25(collection);
  }

  get folding(): TextFolding {
    return this.#collection.folding;
  }

  /** The score of a document divided by the largest that any document could have for the query, in [0, 1]. */
  score(query: string, document: LabDocument): number {
    return this.match(query, document).score;
  }

  /** The match of any document, in the collection or not, with a query. */
  match(query: string, document: LabDocument): Bm25Match {
    const { stems, counts, length } = this.#collection.termsOf(document);
    const norm = K1 * (1 - B + (B * length) / Math.max(this.#collection.meanLength, 1));
    const { weights, most } = this.#queryTerms(query);
    let score = 0;
    let found = 0;
    for (const [stem, weight] of weights) {
      const place = stems.indexOf(stem);
      if (place < 0) continue;
      const count = counts[place] ?? 0;
      score += (weight * count) / (count + norm);
      found += weight;
    }
    return most === 0 ? { score: 0, coverage: 0 } : { score: score / most, coverage: found / most };
  }

  #queryTerms(query: string): QueryTerms {
    if (this.#lastQuery?.query === query) return this.#lastQuery;
    const { folding } = this;
    const weights = [...contentWords(folding, query)].map((word) => {
      const stem = this.#collection.numberOf(word);
      return [stem, this.#collection.idf(stem)] as const;
    });
    const most = weights.reduce((sum, [, weight]) => sum + weight, 0);
    this.#lastQuery = { query, weights, most };
    return this.#lastQuery;
  }
}

/**
 * The R - 1 score thresholds that maximise label accuracy. The label of a score is the number of thresholds it reaches.
 * Thresholds are chosen jointly, by dynamic programming over at most 200 cut points between the scores.
 *
 * @param scores - [N], with their gold labels.
 */
export function fitThresholds(scores: readonly number[], gold: readonly number[], scaleSize: number): number[] {
  const sorted = [...new Set(scores)].toSorted((a, b) => a - b);
  const step = Math.max(1, Math.floor(sorted.length / 200));
  const places = [...sorted.filter((_, i) => i % step === 0), Infinity];
  // below[label][j]: items with that gold label and a score below place j.
  const below = Array.from({ length: scaleSize }, (_, label) =>
    places.map((place) => scores.filter((score, i) => gold[i] === label && score < place).length),
  );
  const countBelow = (label: number, j: number): number => below[label]?.[j] ?? 0;
  // right[j]: the most items below place j that labels 0..label can get right; from[label][j]: where `label` then
  // starts.
  let right = places.map((_, j) => countBelow(0, j));
  const from: number[][] = [];
  for (let label = 1; label < scaleSize; label++) {
    const starts: number[] = [];
    right = places.map((_, j) => {
      let best = -1;
      for (let start = 0; start <= j; start++) {
        const value = (right[start] ?? 0) + countBelow(label, j) - countBelow(label, start);
        if (value <= best) continue;
        best = value;
        starts[j] = start;
      }
      return best;
    });
    from.push(starts);
  }
  const bounds: number[] = [];
  let end = places.length - 1;
  for (const starts of from.toReversed()) {
    end = starts[end] ?? 0;
    bounds.unshift(places[end] ?? Infinity);
  }
  return bounds;
}

/** The label of a score: the number of bounds it reaches. */
export function labelOfScore(score: number, bounds: readonly number[]): number {
  return bounds.filter((bound) => score >= bound).length;
}
