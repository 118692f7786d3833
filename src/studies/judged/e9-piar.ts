/**
 * E9: does refining an instruction by its errors generalise to queries it never saw? For every data set and split seed,
 * the first and the last instruction are measured on the test queries, which are read once, and compared with always
 * answering the most frequent label and with BM25 using thresholds fitted on train. Where several people judged a pair,
 * their agreement with each other is compared with the instruction's agreement with them.
 *
 * Test accuracy that falls, or stays while train accuracy rises, would refute it.
 */
import type { Prediction } from '../../relevance/metrics/compared-systems.ts';
import { throwIfAborted } from '../../common/errors.ts';
import { sampleQueries } from '../../data/splits.ts';
import { FiringTable, NO_LABEL, predict } from '../../relevance/rules/firing-table.ts';
import { groupByQuery, ndcg, pairAccuracy } from '../../relevance/metrics/metrics-ranking.ts';
import { greedyRefiner } from '../../relevance/piar/piar-greedy.ts';
import { measureInstruction, measureLabels, type SplitMeasure } from '../../relevance/piar/piar-measure.ts';
import { runPiar } from '../../relevance/piar/piar.ts';
import { noRules } from '../../relevance/rules/rules.ts';
import { startInstruction } from '../../relevance/rules/start-instruction.ts';
import { synthesiseTraces } from '../../relevance/rules/trace-synthesis.ts';
import { fourDecimals, rounded } from '../findings.ts';
import { splitForPiar } from '../../runs/piar-split.ts';
import type { E9Data, E9Metrics, E9Settings, E9SplitResult } from './e9-results.ts';
import { agreementOfPairs, annotatorPairs, baselinesOf } from './real-baselines.ts';

/**
 * Runs one split of one data set. The same data, seed and settings give the same results.
 *
 * @throws {LabError} `aborted`
 */
export async function runE9Split(
  set: E9Data,
  seed: number,
  { queries, rounds }: E9Settings,
  signal?: AbortSignal,
): Promise<E9SplitResult> {
  throwIfAborted(signal);
  const { scaleSize } = set;
  const split = splitForPiar(sampleQueries(set.pairs, queries, seed), seed);
  const start = startInstruction(scaleSize);
  const data = { ...split, test: () => split.test };
  const history = await runPiar(data, start, greedyRefiner(), { rounds, signal });
  const last = history.last.instruction;
  const test = new FiringTable(split.lexicon, split.test);
  const train = new FiringTable(split.lexicon, split.train);
  const { counts } = synthesiseTraces(last, split.lexicon, split.train);
  const people = agreement(predict(last, test), set, test);
  const documents = [...split.train, ...split.dev, ...split.test].map(({ document }) => document);
  const { majority, bm25 } = baselinesOf(split.train, split.test, documents, noRules(scaleSize, split.lexicon.folding));
  const measured = (found: readonly Prediction[]): E9Metrics =>
    metricsOf(measureLabels(Int8Array.from(found, ({ label }) => label), scaleSize, test)); // prettier-ignore
  const ranked = groupByQuery(bm25.map(({ queryId, docId, gold, score }) => ({ queryId, docId, label: gold, score })));
  const curve = [
    ...history.rounds,
    { round: history.rounds.length, rules: last.rules.length, train: history.train, dev: history.dev },
  ];
  return {
    first: { seed, metrics: metricsOf(history.test.first), curve: [] },
    last: {
      seed,
      metrics: {
        ...metricsOf(history.test.last),
        trainAccuracy: rounded(history.train.accuracy),
        firstTrainAccuracy: rounded(measureInstruction(start, train).accuracy),
        devAccuracy: rounded(history.dev.accuracy),
        rules: last.rules.length,
        rounds: history.rounds.length,
        tracedTrainShare: rounded(counts.traced / counts.pairs),
        contradictingTrainShare: rounded(counts.contradicting / counts.pairs),
        ...people?.instruction,
      },
      curve: curve.map((point) => ({
        round: point.round,
        rules: point.rules,
        train: fourDecimals(point.train.accuracy),
        dev: fourDecimals(point.dev.accuracy),
      })),
    },
    majority: { seed, metrics: measured(majority), curve: [] },
    bm25: {
      seed,
      // Ordered by the score itself, because most documents have the same label.
      metrics: {
        ...measured(bm25),
        pairAccuracy: rounded(pairAccuracy(ranked).value ?? 0),
        ndcg10: rounded(ndcg(ranked, 10).value ?? 0),
      },
      curve: [],
    },
    ...(people === undefined ? {} : { human: { seed, metrics: people.human, curve: [] } }),
  };
}

function metricsOf(measure: SplitMeasure): E9Metrics {
  return {
    accuracy: rounded(measure.accuracy),
    coverage: rounded(measure.coverage),
    macroF1: rounded(measure.macroF1),
    quadraticWeightedKappa: rounded(measure.quadraticWeightedKappa),
    pairAccuracy: rounded(measure.pairAccuracy),
    ndcg10: rounded(measure.ndcg10),
    pairs: measure.pairs,
    queries: measure.queries,
  };
}

/**
 * The agreement of annotators with each other on the test pairs that several judged, and the instruction's agreement
 * with each of them on the same pairs; undefined where annotations are unknown.
 */
function agreement(
  labels: Int8Array,
  { annotations, scaleSize }: E9Data,
  test: FiringTable,
): { readonly human: E9Metrics; readonly instruction: E9Metrics } | undefined {
  const judged = test.pairs.flatMap(({ queryId, document }, i) => {
    const grades = annotations?.(queryId, document.docId) ?? [];
    const label = labels[i] ?? NO_LABEL;
    return grades.length < 2 || label === NO_LABEL ? [] : [{ grades, label }];
  });
  const human = agreementOfPairs(judged.flatMap(({ grades }) => annotatorPairs(grades)), scaleSize); // prettier-ignore
  const instruction = agreementOfPairs(
    judged.flatMap(({ grades, label }) => grades.map((grade): [number, number] => [grade, label])),
    scaleSize,
  );
  if (human === null || instruction === null) return undefined;
  return {
    human: { accuracy: rounded(human.accuracy), quadraticWeightedKappa: rounded(human.qwk), pairs: judged.length },
    instruction: {
      annotatorAccuracy: rounded(instruction.accuracy),
      annotatorKappa: rounded(instruction.qwk),
      annotatedPairs: judged.length,
    },
  };
}
