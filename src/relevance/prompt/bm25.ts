/**
 * BM25 (Robertson et al. 1994, in Lucene's form with k1 1.2 and b 0.75) over all words of a document: the baseline of a
 * search engine that has seen no judgments.
 */
import { documentTexts, documentValues } from '../pair/document-text.ts';
import type { TextFolding } from '../pair/folding.ts';
import type { LabDocument } from '../pair/pair.ts';
import { contentSequence, contentWords } from '../pair/text-folding.ts';

const K1 = 1.2;
const B = 0.75;

interface DocumentTerms {
  readonly counts: ReadonlyMap<string, number>;
  readonly length: number;
}

/** The stems of a query with their inverse document frequencies, and the sum of these weights. */
interface QueryTerms {
  readonly query: string;
  readonly weights: readonly (readonly [stem: string, weight: number])[];
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
 * Scores documents of one collection. Documents with equal texts count once, whatever their ids, so that neither a
 * repeated document nor a different spelling of its id changes a score.
 */
export class Bm25 {
  /** The folding of the model whose prompts show the scores. */
  readonly folding: TextFolding;
  readonly #terms = new Map<LabDocument, DocumentTerms>();
  readonly #documentsWith = new Map<string, number>();
  readonly #size: number;
  readonly #meanLength: number;
  // Cached because the documents of a query are scored one after another.
  #lastQuery: QueryTerms | undefined;

  constructor(documents: Iterable<LabDocument>, folding: TextFolding) {
    this.folding = folding;
    const distinct = new Map<string, DocumentTerms>();
    let total = 0;
    for (const document of documents) {
      if (this.#terms.has(document)) continue;
      const key = documentTexts(document);
      let terms = distinct.get(key);
      if (terms === undefined) {
        terms = this.#termsOf(document);
        distinct.set(key, terms);
        total += terms.length;
        for (const stem of terms.counts.keys()) this.#documentsWith.set(stem, (this.#documentsWith.get(stem) ?? 0) + 1);
      }
      this.#terms.set(document, terms);
    }
    this.#size = distinct.size;
    this.#meanLength = total / Math.max(distinct.size, 1);
  }

  /** The score of a document divided by the largest that any document could have for the query, in [0, 1]. */
  score(query: string, document: LabDocument): number {
    return this.match(query, document).score;
  }

  /** The match of any document, in the collection or not, with a query. */
  match(query: string, document: LabDocument): Bm25Match {
    const { counts, length } = this.#terms.get(document) ?? this.#termsOf(document);
    const norm = K1 * (1 - B + (B * length) / Math.max(this.#meanLength, 1));
    const { weights, most } = this.#queryTerms(query);
    let score = 0;
    let found = 0;
    for (const [stem, weight] of weights) {
      const count = counts.get(stem) ?? 0;
      if (count === 0) continue;
      score += (weight * count) / (count + norm);
      found += weight;
    }
    return most === 0 ? { score: 0, coverage: 0 } : { score: score / most, coverage: found / most };
  }

  #queryTerms(query: string): QueryTerms {
    if (this.#lastQuery?.query === query) return this.#lastQuery;
    const weights = [...contentWords(this.folding, query)].map((stem) => [stem, this.#idf(stem)] as const);
    const most = weights.reduce((sum, [, weight]) => sum + weight, 0);
    this.#lastQuery = { query, weights, most };
    return this.#lastQuery;
  }

  #idf(stem: string): number {
    const having = this.#documentsWith.get(stem) ?? 0;
    return Math.log(1 + (this.#size - having + 0.5) / (having + 0.5));
  }

  #termsOf(document: LabDocument): DocumentTerms {
    const counts = new Map<string, number>();
    let length = 0;
    for (const value of documentValues(document)) {
      for (const { stem } of contentSequence(this.folding.words(value))) {
        counts.set(stem, (counts.get(stem) ?? 0) + 1);
        length += 1;
      }
    }
    return { counts, length };
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
