/**
 * The scores of a file so far and the corrections of its grades, from which measures and exports are computed.
 */
import { yieldToMessages } from '../../common/yield.ts';
import type { KeptCorrection, KeptScores } from '../../checkpoint/judged-parts.ts';
import type { FileMeasures, FileScoring } from '../../protocol/files.ts';
import { argMaxLabel, expectedLabel, makeScale } from '../../relevance/pair/labels.ts';
import { describeJudges, type Judgment, reportJudges } from '../../relevance/metrics/judges.ts';
import { describeQueries } from '../../relevance/metrics/label-report.ts';
import { placesByQuery, rankedPlaces } from '../../relevance/metrics/ranked-places.ts';
import { ScoreTally, type TallyReport } from '../../runs/score/score-tally.ts';
import { unitOf } from '../../runs/score/score-rows.ts';
import { scoreRecord, type ScoreRecord } from '../../runs/score/score-record.ts';
import type { JudgedRows } from './judged-rows.ts';

export class FileScores {
  readonly #rows: JudgedRows;
  readonly #scoring: FileScoring;
  /** [N,R] zero for pairs without a score. */
  readonly #probabilities: Float64Array;
  /** [N] NaN without a score. */
  readonly scores: Float64Array<ArrayBuffer>;
  readonly #cut: Uint8Array;
  readonly golds: Int8Array<ArrayBuffer>;
  /** As they are stored, oldest first. */
  corrections: readonly KeptCorrection[] = [];
  /** All batches that were added. */
  readonly chunks: KeptScores[] = [];

  constructor(rows: JudgedRows, scoring: FileScoring) {
    const N = rows.rows.length;
    this.#rows = rows;
    this.#scoring = scoring;
    this.#probabilities = new Float64Array(N * scoring.labelNames.length);
    this.scores = new Float64Array(N).fill(NaN);
    this.#cut = new Uint8Array(N);
    this.golds = rows.golds(makeScale(scoring.gradeNames));
  }

  get scored(): number {
    return this.chunks.reduce((sum, { places }) => sum + places.length, 0);
  }

  add(chunk: KeptScores): void {
    const R = this.#scoring.labelNames.length;
    this.chunks.push(chunk);
    for (const [i, place] of chunk.places.entries()) {
      const probabilities = chunk.probabilities.subarray(i * R, (i + 1) * R);
      this.#probabilities.set(probabilities, place * R);
      this.scores[place] = expectedLabel([...probabilities]);
      this.#cut[place] = chunk.cut[i] ?? 0;
    }
  }

  /** The last correction of each row. */
  lastCorrections(): ReadonlyMap<number, KeptCorrection> {
    return new Map(this.corrections.map((correction) => [correction.row, correction]));
  }

  /** What each judge last said of a row, such as `Ada: exact`. */
  judgmentsByRow(): ReadonlyMap<number, readonly string[]> {
    const byRow = new Map<number, Map<string, string>>();
    for (const { row, author, label } of this.corrections) {
      const judges = byRow.get(row) ?? new Map<string, string>();
      byRow.set(row, judges);
      judges.set(author, label === null ? 'no grade' : (this.#scoring.gradeNames[label] ?? String(label)));
    }
    return new Map([...byRow].map(([row, judges]) => [row, [...judges].map(([name, said]) => `${name}: ${said}`)]));
  }

  /** [N] the grades of the file with corrections applied; -1 for none. */
  grades(): Int8Array {
    const last = this.lastCorrections();
    const size = this.#scoring.gradeNames.length;
    return Int8Array.from(this.#rows.rows, ({ row }, place) => {
      const correction = last.get(row);
      const grade = correction === undefined ? (this.golds[place] ?? -1) : (correction.label ?? -1);
      return grade < size ? grade : -1;
    });
  }

  /** What is written about the score of a pair; undefined without one. */
  recordOf(place: number): ScoreRecord | undefined {
    if (Number.isNaN(this.scores[place] ?? NaN)) return undefined;
    const probabilities = this.#distribution(place);
    const score = { label: argMaxLabel(probabilities), score: this.scores[place] ?? NaN, probabilities };
    return scoreRecord(score, this.#scoring.labelNames);
  }

  /** The judgments of all judges; grades whose judge the file does not say are its own. */
  *judgments(): Generator<Judgment> {
    const placeOf = new Map(this.#rows.rows.map(({ row }, place) => [row, place]));
    const said = (place: number, judge: string, label: number): Judgment[] => {
      const { pair } = this.#rows.rows[place] ?? {};
      if (pair === undefined || label < 0 || label >= this.#scoring.gradeNames.length) return [];
      return [{ queryId: pair.queryId, unit: unitOf(pair), judge, label }];
    };
    for (const [place, { judge }] of this.#rows.rows.entries()) {
      yield* said(place, judge === '' ? 'the file' : judge, this.golds[place] ?? -1);
    }
    for (const { row, author, label } of this.corrections) yield* said(placeOf.get(row) ?? -1, author, label ?? -1);
  }

  /** The scored places of each query, the best first. */
  ranked(): number[][] {
    const { queries, queryOf } = this.#rows.queries();
    const docIds = this.#rows.rows.map(({ pair }) => pair.document.docId);
    return placesByQuery(queryOf, queries.length).map((places) =>
      rankedPlaces(places, { scores: this.scores, docIds }),
    );
  }

  /** The scored pairs in the order of their windows. */
  *inOrder({
    rows,
  }: Pick<JudgedRows, 'rows'>): Generator<{ readonly row: number; readonly probabilities: readonly number[] }> {
    for (const { places } of this.chunks) {
      for (const place of places) yield { row: rows[place]?.row ?? 0, probabilities: this.#distribution(place) };
    }
  }

  /** How the graded pairs were answered; null where there is no grade. @param placed - all pairs with their standing */
  async report(placed: ReturnType<JudgedRows['placed']>): Promise<TallyReport | null> {
    const tally = new ScoreTally({
      scale: makeScale(this.#scoring.labelNames),
      card: { name: this.#scoring.modelName, data: {} },
    });
    const grades = this.grades();
    for (const [place, { row, pair }] of placed.entries()) {
      if (Number.isNaN(this.scores[place] ?? NaN)) continue;
      const gold = grades[place] ?? -1;
      const { label: _label, ...bare } = pair;
      const judged = gold < 0 ? bare : { ...bare, label: gold };
      tally.add({ row, pair: judged }, { probabilities: this.#distribution(place) }, this.#cut[place] === 1);
    }
    await yieldToMessages();
    return tally.report(makeScale(this.#scoring.gradeNames));
  }

  /** The same for the page. */
  async measure(placed: ReturnType<JudgedRows['placed']>): Promise<FileMeasures | null> {
    const report = await this.report(placed);
    if (report === null) return null;
    const { repeated, conflicting, cut, labels, ranking, bm25 } = report;
    const none = { value: null };
    const judges = reportJudges(this.judgments(), this.#scoring.gradeNames.length);
    return {
      graded: report.graded,
      repeated,
      conflicting,
      cut,
      accuracy: { ...labels.accuracy },
      majorityAccuracy: { ...labels.majorityAccuracy },
      kappa: { ...report.kappa },
      ndcg10: { ...ranking.ndcg10 },
      pairAccuracy: { ...ranking.pairAccuracy },
      bm25Ndcg10: { ...(bm25?.ndcg10 ?? none) },
      bm25PairAccuracy: { ...(bm25?.pairAccuracy ?? none) },
      reliability: report.reliability.map((bin) => ({ ...bin })),
      abstention: report.abstention.map((point) => ({ ...point })),
      judges: judges === null ? [] : describeJudges(judges),
      notes: describeQueries(ranking.queries),
    };
  }

  #distribution(place: number): number[] {
    const R = this.#scoring.labelNames.length;
    return [...this.#probabilities.subarray(place * R, (place + 1) * R)];
  }
}
