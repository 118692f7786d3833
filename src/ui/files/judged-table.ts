/**
 * The scores and corrections of a file in the page, in typed arrays by the place of a pair, with the orders of pairs
 * and queries that the view shows. It draws nothing.
 */
import type { Correction, FileScores, FileTable } from '../../protocol/files.ts';
import { largest } from '../../common/largest.ts';
import { onGoldScale } from '../../relevance/metrics/label-report.ts';
import { argMaxLabel, expectedLabel } from '../../relevance/pair/labels.ts';
import { ndcg } from '../../relevance/metrics/metrics-ranking.ts';
import { placesByQuery, rankedPlaces } from '../../relevance/metrics/ranked-places.ts';

/** A summary of the scored pairs of a query. */
export interface QuerySummary {
  readonly pairs: number;
  readonly scored: number;
  /** Null without a relevant document. */
  readonly ndcg: number | null;
  /** Pairs whose label differs from their grade. */
  readonly disagreements: number;
  /** Mean of 1 - the probability of the label. */
  readonly doubt: number;
}

/** The orders that queries can be listed in: as in the file, worst NDCG, most disagreements, most doubt. */
export const QUERY_ORDERS = ['file', 'ndcg', 'disagreement', 'doubt'] as const;
export type QueryOrder = (typeof QUERY_ORDERS)[number];

export class JudgedTable {
  readonly file: FileTable;
  /** [N] -1 without a score. */
  readonly labels: Int8Array;
  /** [N] NaN without a score. */
  readonly scores: Float64Array;
  readonly unfit: { readonly row: number; readonly message: string }[] = [];
  scored = 0;
  /** [N] by BM25 among the documents of a query, from 1; undefined until they are known. */
  bm25Ranks: Int32Array | undefined;
  /** The sentence of the rule that leads to the label of a pair, by place; null where none does, absent until asked. */
  readonly reasons = new Map<number, string | null>();
  readonly #R: number;
  readonly #probabilities: Float64Array;
  /** [N] the label on the scale of the grades, -1 without a score; and its probability there. */
  readonly #gradeLabels: Int8Array;
  readonly #confidences: Float64Array;
  readonly #cut: Uint8Array;
  readonly #placesOf: readonly number[][];
  #corrections: Correction[] = [];
  /** Keys of the corrections that were given in other tabs meanwhile. */
  readonly #elsewhere = new Set<string>();
  /** By place. */
  readonly #lastCorrection = new Map<number, Correction>();
  readonly #placeOf: ReadonlyMap<number, number>;
  readonly #ranked = new Map<number, readonly number[]>();
  readonly #summaries = new Map<number, QuerySummary>();
  readonly #ranks: Int32Array;

  constructor(file: FileTable) {
    const N = file.rows.length;
    this.file = file;
    this.#R = file.scoring.labelNames.length;
    this.labels = new Int8Array(N).fill(-1);
    this.scores = new Float64Array(N).fill(NaN);
    this.#probabilities = new Float64Array(N * this.#R);
    this.#gradeLabels = new Int8Array(N).fill(-1);
    this.#confidences = new Float64Array(N);
    this.#cut = new Uint8Array(N);
    this.#ranks = new Int32Array(N);
    this.#placeOf = new Map(Array.from(file.rows, (row, place) => [row, place]));
    this.#placesOf = placesByQuery(file.queryOf, file.queries.length);
    for (const chunk of file.scores) this.add(chunk);
    for (const correction of file.corrections) this.correct(correction);
  }

  get size(): number {
    return this.labels.length;
  }

  get queryCount(): number {
    return this.#placesOf.length;
  }

  get corrections(): readonly Correction[] {
    return this.#corrections;
  }

  /** Whether any pair has a grade, from the file or from a person. */
  get hasGrades(): boolean {
    return this.#lastCorrection.size > 0 || this.file.golds.some((gold) => gold >= 0);
  }

  add({ places, probabilities, cut, unfit }: FileScores): void {
    for (const [i, place] of places.entries()) {
      const distribution = [...probabilities.subarray(i * this.#R, (i + 1) * this.#R)];
      this.#probabilities.set(distribution, place * this.#R);
      this.labels[place] = argMaxLabel(distribution);
      this.scores[place] = expectedLabel(distribution);
      const { gradeNames, mapping } = this.file.scoring;
      const masses = onGoldScale(distribution, gradeNames.length, mapping);
      this.#gradeLabels[place] = argMaxLabel(masses);
      this.#confidences[place] = largest(masses);
      this.#cut[place] = cut[i] ?? 0;
      this.#invalidate(place);
    }
    this.scored += places.length;
    this.unfit.push(...unfit);
  }

  correct(correction: Correction): void {
    this.#corrections.push(correction);
    const place = this.#placeOf.get(correction.row);
    if (place === undefined) return; // with the present columns, this row is not a pair
    this.#lastCorrection.set(place, correction);
    this.#invalidate(place);
  }

  /** The correction that would be undone: the last one that was not given in another tab meanwhile. */
  get lastOwn(): Correction | undefined {
    return this.#corrections.findLast((correction) => !this.#elsewhere.has(keyOf(correction)));
  }

  /** Removes the {@link lastOwn} correction. @returns the place of its pair; undefined if there is none */
  undoCorrection(): number | undefined {
    const undone = this.lastOwn;
    if (undone === undefined) return undefined;
    this.#replace(this.#corrections.filter((one) => one !== undone));
    return this.#placeOf.get(undone.row);
  }

  /**
   * Takes corrections as they are stored; those not known here were given in other tabs.
   *
   * @returns whether there is any difference
   */
  takeStored(corrections: readonly Correction[]): boolean {
    const known = new Set(this.#corrections.map(keyOf));
    const stored = corrections.map(keyOf);
    if (stored.join() === this.#corrections.map(keyOf).join()) return false;
    for (const key of stored) if (!known.has(key)) this.#elsewhere.add(key);
    this.#replace([...corrections]);
    return true;
  }

  #replace(corrections: Correction[]): void {
    const changed = new Set(this.#lastCorrection.keys());
    this.#corrections = corrections;
    this.#lastCorrection.clear();
    for (const correction of corrections) {
      const place = this.#placeOf.get(correction.row);
      if (place === undefined) continue; // with the present columns, this row is not a pair
      this.#lastCorrection.set(place, correction);
      changed.add(place);
    }
    for (const place of changed) this.#invalidate(place);
  }

  /** What a person last said of a pair. */
  judgmentOf(place: number): Correction | undefined {
    return this.#lastCorrection.get(place);
  }

  /** Whether a person has given another grade than the file. */
  isCorrected(place: number): boolean {
    const judgment = this.#lastCorrection.get(place);
    return judgment !== undefined && (judgment.label ?? -1) !== (this.file.golds[place] ?? -1);
  }

  /** How many pairs have another grade than in the file, and how many have been confirmed. */
  countJudgments(): { readonly corrected: number; readonly confirmed: number } {
    const corrected = [...this.#lastCorrection.keys()].filter((place) => this.isCorrected(place)).length;
    return { corrected, confirmed: this.#lastCorrection.size - corrected };
  }

  /** The grade of a pair: the last correction, else that of the file; -1 for none. */
  gradeOf(place: number): number {
    const correction = this.#lastCorrection.get(place);
    const grade = correction === undefined ? (this.file.golds[place] ?? -1) : (correction.label ?? -1);
    return grade < this.file.scoring.gradeNames.length ? grade : -1;
  }

  /** The label of the model on the scale of the grades; -1 without a score. */
  labelAsGrade(place: number): number {
    return this.#gradeLabels[place] ?? -1;
  }

  disagrees(place: number): boolean {
    const [grade, label] = [this.gradeOf(place), this.labelAsGrade(place)];
    return grade >= 0 && label >= 0 && grade !== label;
  }

  probabilitiesOf(place: number): number[] {
    return [...this.#probabilities.subarray(place * this.#R, (place + 1) * this.#R)];
  }

  isCut(place: number): boolean {
    return this.#cut[place] === 1;
  }

  /** The probability of the label on the scale of the grades; 0 without a score. */
  confidenceOf(place: number): number {
    return this.#confidences[place] ?? 0;
  }

  /** 1 - the confidence; 0 without a score. */
  doubtOf(place: number): number {
    return (this.labels[place] ?? -1) < 0 ? 0 : 1 - this.confidenceOf(place);
  }

  queryOf(place: number): number {
    return this.file.queryOf[place] ?? 0;
  }

  /** The places of a query: the scored ones, best first, then the others in the order of the file. */
  rankedOf(query: number): readonly number[] {
    const known = this.#ranked.get(query);
    if (known !== undefined) return known;
    const places = this.#placesOf[query] ?? [];
    const ranked = rankedPlaces(places, { scores: this.scores, docIds: this.file.docIds });
    for (const [i, place] of ranked.entries()) this.#ranks[place] = i + 1;
    const all = [...ranked, ...places.filter((place) => Number.isNaN(this.scores[place] ?? NaN))];
    this.#ranked.set(query, all);
    return all;
  }

  /** The rank of a pair within its query, from 1; 0 without a score. */
  rankOf(place: number): number {
    if ((this.labels[place] ?? -1) < 0) return 0;
    this.rankedOf(this.queryOf(place));
    return this.#ranks[place] ?? 0;
  }

  summaryOf(query: number): QuerySummary {
    const known = this.#summaries.get(query);
    if (known !== undefined) return known;
    const places = this.#placesOf[query] ?? [];
    const scored = places.filter((place) => (this.labels[place] ?? -1) >= 0);
    const graded = scored
      .filter((place) => this.gradeOf(place) >= 0)
      .map((place) => ({
        docId: this.file.docIds[place] ?? '',
        score: this.scores[place] ?? 0,
        label: this.gradeOf(place),
      }));
    const summary: QuerySummary = {
      pairs: places.length,
      scored: scored.length,
      ndcg: graded.length === 0 ? null : ndcg([graded], 10).value,
      disagreements: scored.filter((place) => this.disagrees(place)).length,
      doubt: scored.length === 0 ? 0 : scored.reduce((sum, place) => sum + this.doubtOf(place), 0) / scored.length,
    };
    this.#summaries.set(query, summary);
    return summary;
  }

  /** The queries by number, in an order. */
  queriesBy(order: QueryOrder): number[] {
    const all = this.#placesOf.map((_, query) => query);
    const worst = (query: number): number => {
      const { ndcg: gain, disagreements, doubt } = this.summaryOf(query);
      switch (order) {
        case 'file':
          return 0;
        case 'ndcg':
          return gain ?? Infinity;
        case 'disagreement':
          return -disagreements;
        case 'doubt':
          return -doubt;
        default:
          return order satisfies never;
      }
    };
    const keys = all.map(worst);
    // Compared, because Infinity - Infinity is NaN.
    return all.sort((a, b) => (keys[a] === keys[b] ? a - b : (keys[a] ?? 0) < (keys[b] ?? 0) ? -1 : 1));
  }

  /** [grades, labels on the scale of the grades] counts of pairs. */
  confusion(): number[][] {
    const size = this.file.scoring.gradeNames.length;
    const counts = Array.from({ length: size }, () => Array<number>(size).fill(0));
    for (let place = 0; place < this.size; place++) {
      const row = counts[this.gradeOf(place)];
      const label = this.labelAsGrade(place);
      if (row !== undefined && label >= 0) row[label] = (row[label] ?? 0) + 1;
    }
    return counts;
  }

  /** The places of the pairs with the least probable labels. */
  mostDoubtful(count: number): number[] {
    const scored = Array.from(this.labels.keys()).filter((place) => (this.labels[place] ?? -1) >= 0);
    return scored.sort((a, b) => this.doubtOf(b) - this.doubtOf(a) || a - b).slice(0, count);
  }

  #invalidate(place: number): void {
    const query = this.queryOf(place);
    this.#ranked.delete(query);
    this.#summaries.delete(query);
  }
}

function keyOf({ row, label, author, at }: Correction): string {
  return JSON.stringify([row, label, author, at]);
}
