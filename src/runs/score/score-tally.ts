/**
 * How far the scores of a file agree with its grades: the same numbers in `lab score` and in the Files view.
 */
import { textKey } from '../../common/rng.ts';
import { yieldToMessages } from '../../common/yield.ts';
import type { PairRow } from '../../data/files/pairs-file.ts';
import { normaliseQuery } from '../../data/splits.ts';
import { type KeptQueries, TrainedQueries } from '../../data/trained-queries.ts';
import type { LabelScore } from '../../infer/score.ts';
import {
  type LabelReport,
  labelMapping,
  type Measured,
  type RankedQueries,
  type RankingReport,
  reportKappa,
  reportLabels,
  reportOrder,
  reportRanking,
  type ScoredPair,
  sureAnswers,
} from '../../relevance/metrics/label-report.ts';
import type { JudgesReport } from '../../relevance/metrics/judges.ts';
import {
  abstentionAt,
  abstentionCurve,
  type AbstentionPoint,
  type ReliabilityBin,
  reliabilityBins,
} from '../../relevance/metrics/calibration.ts';
import { documentKey } from '../../relevance/pair/document-text.ts';
import type { LabelScale } from '../../relevance/pair/labels.ts';

/** Queries of a file that the model was trained on. */
export interface TrainedOn {
  readonly queries: number;
  /** Queries of the file that can be looked up: all, unless the model was trained on very many. */
  readonly known: number;
}

/** The last line of `--json`; null where there is nothing to measure. */
export interface Summary {
  readonly file: string;
  readonly model: string;
  readonly pairs: number;
  /** Rows that could not be read or scored. */
  readonly skipped: number;
  /** Different pairs with a grade, which the metrics are of. */
  readonly graded: number;
  /** Rows that repeat a graded pair with the same grade, and pairs that are left out because their grades differ. */
  readonly repeated: number;
  readonly conflicting: number;
  readonly cut: number;
  readonly queries: number;
  /** How many labels the model answered with, and how many the grades have. */
  readonly labels: number;
  readonly gradeScale: number;
  readonly accuracy: number | null;
  readonly majorityAccuracy: number | null;
  readonly macroF1: number | null;
  readonly quadraticWeightedKappa: number | null;
  readonly ndcg10: number | null;
  readonly pairAccuracy: number | null;
  readonly expectedCalibrationError: number | null;
  /** The queries with grades, and which of them the metrics of order leave out. */
  readonly rankedQueries: RankedQueries | null;
  /** Of BM25 on the same pairs, where prompts have its scores. */
  readonly bm25: RankingValues | null;
  /** Of the similarity of titles alone, where the model has vectors. */
  readonly vectors: RankingValues | null;
  /** What is left if labels below a confidence go to a person; null unless one is asked for. */
  readonly abstention: AbstentionPoint | null;
  /** How far the judges of the file agree; null where no pair has two. */
  readonly judges: JudgesReport | null;
  /** Which label of the file each label of the model counts as. */
  readonly labelMapping: readonly number[];
  /** null where the model does not say what it was trained on. */
  readonly trainedOn: TrainedOn | null;
  readonly pairsPerSec: number;
}

interface RankingValues {
  readonly ndcg10: number | null;
  readonly pairAccuracy: number | null;
}

/** A graded pair with what the model, BM25 and vectors say of it. */
interface ComparedPair extends ScoredPair {
  readonly bm25: number | undefined;
  readonly likeness: number | undefined;
}

/** What of a model a tally goes by. */
export interface TalliedModel {
  readonly scale: LabelScale;
  readonly card: { readonly name: string; readonly data: { readonly queries?: KeptQueries | undefined } };
}

/** How the graded pairs were answered, with intervals; nothing where there are none. */
export interface TallyReport {
  /** Different pairs with one grade, which is all that is measured. */
  readonly graded: number;
  readonly repeated: number;
  readonly conflicting: number;
  readonly cut: number;
  readonly labels: LabelReport;
  readonly kappa: Measured;
  readonly ranking: RankingReport;
  /** Metrics of the order by BM25 alone; null where its scores are unknown. */
  readonly bm25: RankingReport | null;
  readonly reliability: readonly ReliabilityBin[];
  readonly abstention: readonly AbstentionPoint[];
}

/**
 * Collects the scores of a file, to be compared with its grades. Each different pair counts once, however often it
 * comes.
 */
export class ScoreTally {
  readonly #model: TalliedModel;
  readonly #trained: TrainedQueries | undefined;
  readonly #queries = new Map<string, boolean | null | undefined>();
  readonly #compared = new Map<string, ComparedPair>();
  readonly #conflicting = new Set<string>();
  #pairs = 0;
  #cut = 0;
  #repeated = 0;

  constructor(model: TalliedModel) {
    this.#model = model;
    const { queries } = model.card.data;
    this.#trained = queries === undefined ? undefined : new TrainedQueries(queries);
  }

  /** Scored pairs so far. */
  get pairs(): number {
    return this.#pairs;
  }

  /**
   * Whether the model was trained on a query: null where it did not keep enough to tell, undefined where it kept
   * nothing.
   */
  trainedOn(query: string): boolean | null | undefined {
    return this.#trained === undefined ? undefined : (this.#trained.has(query) ?? null);
  }

  /** @param isCut - whether the document lost words to fit the model */
  add({ pair }: PairRow, { probabilities }: Pick<LabelScore, 'probabilities'>, isCut: boolean): void {
    const { query, queryId, document, label, standing, meaning } = pair;
    this.#pairs += 1;
    if (isCut) this.#cut += 1;
    if (!this.#queries.has(queryId)) this.#queries.set(queryId, this.trainedOn(query));
    if (label === undefined) return;
    const texts = documentKey(document);
    const key = textKey(queryId, normaliseQuery(query), document.docId, texts);
    const before = this.#compared.get(key);
    if (before === undefined) {
      // Ties are broken by the texts of documents: how a file spells its ids must not change a metric.
      const others = { bm25: standing?.score, likeness: meaning?.title };
      this.#compared.set(key, { queryId, docId: texts, label, probabilities, ...others });
    } else if (before.label === label) this.#repeated += 1;
    else this.#conflicting.add(key);
  }

  /**
   * @param counts - what the tally has not seen
   * @param abstainBelow - the confidence below which labels go to a person
   */
  summary(
    scale: LabelScale,
    counts: Pick<Summary, 'file' | 'skipped' | 'pairsPerSec' | 'judges'>,
    abstainBelow?: number,
  ): Summary {
    const { scale: own, card } = this.#model;
    const mapping = labelMapping(own, scale);
    const graded = this.#graded();
    const labels = graded.length === 0 ? undefined : reportLabels(graded, scale.size, mapping, false);
    const ranking = graded.length === 0 ? undefined : reportRanking(graded, false);
    return {
      file: counts.file,
      model: card.name,
      pairs: this.#pairs,
      skipped: counts.skipped,
      graded: graded.length,
      repeated: this.#repeated,
      conflicting: this.#conflicting.size,
      cut: this.#cut,
      queries: this.#queries.size,
      labels: own.size,
      gradeScale: scale.size,
      accuracy: labels?.accuracy.value ?? null,
      majorityAccuracy: labels?.majorityAccuracy.value ?? null,
      macroF1: labels?.macroF1.value ?? null,
      quadraticWeightedKappa: labels?.quadraticWeightedKappa.value ?? null,
      ndcg10: ranking?.ndcg10.value ?? null,
      pairAccuracy: ranking?.pairAccuracy.value ?? null,
      expectedCalibrationError: labels?.expectedCalibrationError.value ?? null,
      rankedQueries: ranking?.queries ?? null,
      bm25: valuesOf(orderBy(graded, ({ bm25 }) => bm25, false)),
      vectors: valuesOf(orderBy(graded, ({ likeness }) => likeness, false)),
      abstention:
        abstainBelow === undefined ? null : abstentionAt(sureAnswers(graded, scale.size, mapping), abstainBelow),
      judges: counts.judges,
      labelMapping: mapping,
      trainedOn: this.#trainedOn(),
      pairsPerSec: counts.pairsPerSec,
    };
  }

  /** The same measures with intervals; lets messages in between. @param scale - of the grades */
  async report(scale: LabelScale): Promise<TallyReport | null> {
    const { scale: own } = this.#model;
    const mapping = labelMapping(own, scale);
    const graded = this.#graded();
    if (graded.length === 0) return null;
    const labels = reportLabels(graded, scale.size, mapping);
    await yieldToMessages();
    const kappa = reportKappa(graded, scale.size, mapping);
    await yieldToMessages();
    const ranking = reportRanking(graded);
    await yieldToMessages();
    const bm25 = orderBy(graded, ({ bm25: score }) => score);
    const counts = { repeated: this.#repeated, conflicting: this.#conflicting.size, cut: this.#cut };
    const answers = sureAnswers(graded, scale.size, mapping);
    const trust = { reliability: reliabilityBins(answers), abstention: abstentionCurve(answers) };
    return { graded: graded.length, ...counts, labels, kappa, ranking, bm25, ...trust };
  }

  #graded(): ComparedPair[] {
    return [...this.#compared].flatMap(([key, pair]) => (this.#conflicting.has(key) ? [] : [pair]));
  }

  #trainedOn(): TrainedOn | null {
    if (this.#trained === undefined) return null;
    const known = [...this.#queries.values()].filter((isTrained) => typeof isTrained === 'boolean');
    return { queries: known.filter(Boolean).length, known: known.length };
  }
}

/** How well the order by another score alone does. */
function orderBy(
  pairs: readonly ComparedPair[],
  scoreOf: (pair: ComparedPair) => number | undefined,
  hasIntervals = true,
): RankingReport | null {
  const scored = pairs.flatMap((pair) => {
    const score = scoreOf(pair);
    return score === undefined ? [] : [{ ...pair, score }];
  });
  return scored.length === 0 ? null : reportOrder(scored, hasIntervals);
}

function valuesOf(report: RankingReport | null): RankingValues | null {
  return report === null ? null : { ndcg10: report.ndcg10.value, pairAccuracy: report.pairAccuracy.value };
}
