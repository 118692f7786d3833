/**
 * The summary of `lab score`: counts and, where the file has grades, how well the scores agree with them.
 */
import type { PairRow } from '../data/files/pairs-file.ts';
import { TrainedQueries } from '../data/trained-queries.ts';
import type { LabModel } from '../infer/lab-model.ts';
import type { LabelScore } from '../infer/score.ts';
import {
  describeQueries,
  mapLabel,
  type RankedQueries,
  reportLabels,
  reportRanking,
  type ScoredPair,
} from '../relevance/metrics/label-report.ts';
import { groupByQuery, ndcg, pairAccuracy } from '../relevance/metrics/metrics-ranking.ts';
import { documentTexts } from '../relevance/pair/document-text.ts';
import type { LabelScale } from '../relevance/pair/labels.ts';
import { print } from './terminal.ts';

/** Queries of a file that the model was trained on. */
export interface TrainedOn {
  readonly queries: number;
  /** Queries of the file that can be checked: all, unless the model was trained on a very large number. */
  readonly known: number;
}

/** The last line of `--json`; null where there is nothing to measure. */
export interface Summary {
  readonly file: string;
  readonly model: string;
  readonly pairs: number;
  /** Rows that could not be read or scored. */
  readonly skipped: number;
  /** Distinct graded pairs, over which the metrics are computed. */
  readonly graded: number;
  /** Rows that repeat a graded pair with the same grade, and pairs left out because their grades differ. */
  readonly repeated: number;
  readonly conflicting: number;
  readonly cut: number;
  readonly queries: number;
  /** The number of labels of the model, and of the grades. */
  readonly labels: number;
  readonly gradeScale: number;
  readonly accuracy: number | null;
  readonly majorityAccuracy: number | null;
  readonly macroF1: number | null;
  readonly quadraticWeightedKappa: number | null;
  readonly ndcg10: number | null;
  readonly pairAccuracy: number | null;
  readonly expectedCalibrationError: number | null;
  /** The queries with grades, and which of them the ranking metrics leave out. */
  readonly rankedQueries: RankedQueries | null;
  /** Metrics of BM25 on the same pairs, where prompts have its scores. */
  readonly bm25: { readonly ndcg10: number | null; readonly pairAccuracy: number | null } | null;
  /** The label of the file that each label of the model is mapped to. */
  readonly labelMapping: readonly number[];
  /** Null where the model does not record its training queries. */
  readonly trainedOn: TrainedOn | null;
  readonly pairsPerSec: number;
}

/** A graded pair with the scores of the model and of BM25. */
interface ComparedPair extends ScoredPair {
  readonly bm25: number | undefined;
}

/** Collects the scores of a file and compares them with its grades. Each distinct pair counts once. */
export class ScoreTally {
  readonly #model: LabModel;
  readonly #trained: TrainedQueries | undefined;
  readonly #queries = new Map<string, boolean | null | undefined>();
  readonly #compared = new Map<string, ComparedPair>();
  readonly #conflicting = new Set<string>();
  #pairs = 0;
  #cut = 0;
  #repeated = 0;

  constructor(model: LabModel) {
    this.#model = model;
    const { queries } = model.card.data;
    this.#trained = queries === undefined ? undefined : new TrainedQueries(queries);
  }

  /** Scored pairs so far. */
  get pairs(): number {
    return this.#pairs;
  }

  /** Whether the model was trained on a query: null where it cannot tell, undefined where it records no queries. */
  trainedOn(query: string): boolean | null | undefined {
    return this.#trained === undefined ? undefined : (this.#trained.has(query) ?? null);
  }

  /** @param isCut - whether the document was truncated to fit the model */
  add({ pair }: PairRow, { probabilities }: LabelScore, isCut: boolean): void {
    const { query, queryId, document, label, standing } = pair;
    this.#pairs += 1;
    if (isCut) this.#cut += 1;
    if (!this.#queries.has(queryId)) this.#queries.set(queryId, this.trainedOn(query));
    if (label === undefined) return;
    const key = JSON.stringify([queryId, query, document.docId, documentTexts(document)]);
    const before = this.#compared.get(key);
    if (before === undefined) {
      // Ties are broken by document text, so that the spelling of ids in a file does not affect a metric.
      const docId = documentTexts(document);
      this.#compared.set(key, { queryId, docId, label, probabilities, bm25: standing?.score });
    } else if (before.label === label) this.#repeated += 1;
    else this.#conflicting.add(key);
  }

  /** @param counts - facts that the tally does not collect */
  summary(scale: LabelScale, counts: Pick<Summary, 'file' | 'skipped' | 'pairsPerSec'>): Summary {
    const { scale: own, card } = this.#model;
    const mapping = own.names.map((_, label) => mapLabel(label, own.size, scale.size));
    const graded = [...this.#compared].flatMap(([key, pair]) => (this.#conflicting.has(key) ? [] : [pair]));
    const labels = graded.length === 0 ? undefined : reportLabels(graded, scale.size, mapping);
    const ranking = graded.length === 0 ? undefined : reportRanking(graded);
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
      bm25: bm25Of(graded),
      labelMapping: mapping,
      trainedOn: this.#trainedOn(),
      pairsPerSec: counts.pairsPerSec,
    };
  }

  #trainedOn(): TrainedOn | null {
    if (this.#trained === undefined) return null;
    const known = [...this.#queries.values()].filter((isTrained) => typeof isTrained === 'boolean');
    return { queries: known.filter(Boolean).length, known: known.length };
  }
}

/** The metrics of the order by BM25 alone. */
function bm25Of(pairs: readonly ComparedPair[]): Summary['bm25'] {
  const scored = pairs.flatMap(({ bm25, ...pair }) => (bm25 === undefined ? [] : [{ ...pair, score: bm25 }]));
  if (scored.length === 0) return null;
  const queries = groupByQuery(scored);
  return { ndcg10: ndcg(queries, 10).value, pairAccuracy: pairAccuracy(queries).value };
}

/** Prints a summary for people. */
export function printSummary(summary: Summary): void {
  const { pairs, skipped, graded, repeated, conflicting, cut, queries, labelMapping, rankedQueries } = summary;
  const count = (value: number): string => value.toLocaleString('en');
  print(`${count(pairs)} pairs of ${count(queries)} queries scored, ${count(skipped)} rows left out.`);
  if (cut > 0) print(`${count(cut)} documents were cut to fit the model.`);
  print(describeTrainedOn(summary));
  if (repeated > 0) print(`${count(repeated)} rows repeat a graded pair, which counts once.`);
  if (conflicting > 0) print(`${count(conflicting)} pairs have several different grades and are not compared.`);
  if (graded === 0) return;
  print(`Against ${count(graded)} grades:`);
  const rows: [string, number | null][] = [
    ['accuracy', summary.accuracy],
    ['  always the most frequent label', summary.majorityAccuracy],
    ['macro-F1', summary.macroF1],
    ['quadratic weighted kappa', summary.quadraticWeightedKappa],
    ['NDCG@10', summary.ndcg10],
    ['pair accuracy', summary.pairAccuracy],
    ['expected calibration error', summary.expectedCalibrationError],
    ...(summary.bm25 === null
      ? []
      : ([
          ['NDCG@10 of BM25 by itself', summary.bm25.ndcg10],
          ['pair accuracy of BM25 by itself', summary.bm25.pairAccuracy],
        ] satisfies [string, number | null][])),
  ];
  for (const [name, value] of rows)
    print(`  ${name.padEnd(36)}${value === null ? 'nothing to measure' : value.toFixed(3)}`);
  if (rankedQueries !== null) for (const line of describeQueries(rankedQueries)) print(`  ${line}`);
  if (labelMapping.some((to, from) => to !== from)) {
    print(`  Labels of the model count as: ${labelMapping.map((to, from) => `${from} -> ${to}`).join(', ')}.`);
  }
}

function describeTrainedOn({ model, trainedOn, queries }: Summary): string {
  if (trainedOn === null) return `${model} does not record which queries it was trained on.`;
  const { queries: seen, known } = trainedOn;
  if (seen === 0) return `${model} was trained on none of these queries.`;
  const share = ((100 * seen) / known).toFixed(0);
  const sample = known < queries ? ` (of ${known.toLocaleString('en')} that can be checked)` : '';
  return `${model} was trained on ${share} % of these queries${sample}: on others it may do worse.`;
}
