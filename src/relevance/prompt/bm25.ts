/**
 * BM25 (Robertson et al. 1994, in the form of Lucene with k1 1.2 and b 0.75) over all words of a document: what a search
 * engine knows without having seen a judgment, as a baseline beside anything that has.
 */
import { documentValues } from '../pair/document-text.ts';
import type { LabDocument } from '../pair/pair.ts';
import { contentSequence, contentWords, wordsOf } from '../pair/text-folding.ts';

const K1 = 1.2;
const B = 0.75;

interface DocumentTerms {
  readonly counts: ReadonlyMap<string, number>;
  readonly length: number;
}

/** Scores documents of one collection; documents are known by their id, or by their texts where they have none. */
export class Bm25 {
  readonly #terms = new Map<string, DocumentTerms>();
  readonly #documentsWith = new Map<string, number>();
  readonly #meanLength: number;

  constructor(documents: Iterable<LabDocument>) {
    let total = 0;
    for (const document of documents) {
      const key = keyOf(document);
      if (this.#terms.has(key)) continue;
      const terms = termsOf(document);
      this.#terms.set(key, terms);
      total += terms.length;
      for (const stem of terms.counts.keys()) this.#documentsWith.set(stem, (this.#documentsWith.get(stem) ?? 0) + 1);
    }
    this.#meanLength = total / Math.max(this.#terms.size, 1);
  }

  /** The score of a document for a query as a share of the most any document could have for it, in [0, 1]. */
  score(query: string, document: LabDocument): number {
    const { counts, length } = this.#terms.get(keyOf(document)) ?? termsOf(document);
    const norm = K1 * (1 - B + (B * length) / Math.max(this.#meanLength, 1));
    let score = 0;
    let most = 0;
    for (const stem of contentWords(query)) {
      const weight = this.#idf(stem);
      const count = counts.get(stem) ?? 0;
      score += (weight * count) / (count + norm);
      most += weight;
    }
    return most === 0 ? 0 : score / most;
  }

  /** The share of a query's words that a document has, each weighed by its inverse document frequency, in [0, 1]. */
  coverage(query: string, document: LabDocument): number {
    const { counts } = this.#terms.get(keyOf(document)) ?? termsOf(document);
    let found = 0;
    let all = 0;
    for (const stem of contentWords(query)) {
      const weight = this.#idf(stem);
      all += weight;
      if (counts.has(stem)) found += weight;
    }
    return all === 0 ? 0 : found / all;
  }

  #idf(stem: string): number {
    const having = this.#documentsWith.get(stem) ?? 0;
    return Math.log(1 + (this.#terms.size - having + 0.5) / (having + 0.5));
  }
}

/**
 * The R - 1 bounds on a score that put most labels right: the label of a score is the number of bounds it reaches.
 * Bounds are chosen together, by dynamic programming over at most 200 places between the scores.
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
  // right[j]: the most items below place j that labels 0..label can put right; from[label][j]: where `label` then begins.
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

/** The label of a score: how many bounds it reaches. */
export function labelOfScore(score: number, bounds: readonly number[]): number {
  return bounds.filter((bound) => score >= bound).length;
}

function keyOf({ docId, title, brand, text }: LabDocument): string {
  return docId === '' ? JSON.stringify([title, brand, text]) : docId;
}

function termsOf(document: LabDocument): DocumentTerms {
  const counts = new Map<string, number>();
  let length = 0;
  for (const value of documentValues(document)) {
    for (const { stem } of contentSequence(wordsOf(value))) {
      counts.set(stem, (counts.get(stem) ?? 0) + 1);
      length += 1;
    }
  }
  return { counts, length };
}
