/**
 * Room `studies/judged/`: studies of real judgments: data sets, folds and models (`real-*`, `general-*`), E9 on refined
 * instructions, and the cost of compression. Measures pool test queries and bootstrap over them; every number of a
 * report comes from a results file, which contains no query or document of the data.
 */

/**
 * Baselines for models on real judgments: always the most frequent label, a random order, BM25 with thresholds fitted
 * on the training pairs, and the refined instruction without a model.
 */
import { hash32 } from '../../common/rng.ts';
import type { Prediction } from '../../relevance/metrics/compared-systems.ts';
import { accuracy, quadraticWeightedKappa } from '../../relevance/metrics/metrics.ts';
import { Bm25, fitThresholds, labelOfScore } from '../../relevance/prompt/bm25.ts';
import { executeFacts } from '../../relevance/rules/execute.ts';
import { readFacts } from '../../relevance/rules/facts.ts';
import type { Rules } from '../../relevance/rules/rules.ts';
import type { JudgedPair, LabDocument } from '../../relevance/pair/pair.ts';
import { readPair } from '../../relevance/rules/typed-document.ts';

/** Predictions of systems that learn little or nothing, by name. */
export interface Baselines {
  readonly majority: Prediction[];
  readonly random: Prediction[];
  readonly bm25: Prediction[];
  readonly instruction: Prediction[];
}

/**
 * The baselines of a fold.
 *
 * @param train - pairs whose labels may be used
 * @param documents - all documents, which are not judgments, for BM25's statistics
 */
export function baselinesOf(
  train: readonly JudgedPair[],
  test: readonly JudgedPair[],
  documents: Iterable<LabDocument>,
  rules: Rules,
): Baselines {
  const { scaleSize } = rules.instruction;
  const counts = Array.from({ length: scaleSize }, (_, label) => train.filter((pair) => pair.label === label).length);
  const usual = counts.indexOf(Math.max(...counts));
  const index = Bm25.of(documents, rules.lexicon.folding);
  const scoreOf = ({ query, document }: JudgedPair): number => index.score(query, document);
  const bounds = fitThresholds(
    train.map(scoreOf),
    train.map(({ label }) => label),
    scaleSize,
  );
  const predict = (judge: (pair: JudgedPair) => { readonly label: number; readonly score: number }): Prediction[] =>
    test.map((pair) => ({ queryId: pair.queryId, docId: pair.document.docId, gold: pair.label, ...judge(pair) }));
  return {
    majority: predict(() => ({ label: usual, score: 0 })),
    random: predict(({ queryId, document }) => {
      const score = hash32(`random order/${queryId}/${document.docId}`) / 2 ** 32;
      return { label: Math.floor(score * scaleSize), score };
    }),
    bm25: predict((pair) => ({ label: labelOfScore(scoreOf(pair), bounds), score: scoreOf(pair) })),
    instruction: predict((pair) => {
      const { label = usual } = executeFacts(rules.instruction, readFacts(rules.lexicon, readPair(rules, pair)));
      return { label, score: label };
    }),
  };
}

/** All pairs of judgments of one query-document pair. */
export function annotatorPairs(grades: readonly number[]): [number, number][] {
  return grades.flatMap((first, i) => grades.slice(i + 1).map((second): [number, number] => [first, second]));
}

/** The agreement of two judges; null without common judgments. */
export function agreementOfPairs(
  pairs: readonly (readonly [number, number])[],
  scaleSize: number,
): { readonly accuracy: number; readonly qwk: number | null; readonly comparisons: number } | null {
  if (pairs.length === 0) return null;
  const [first, second] = [pairs.map((pair) => pair[0]), pairs.map((pair) => pair[1])];
  return {
    accuracy: accuracy(first, second),
    qwk: quadraticWeightedKappa(first, second, scaleSize),
    comparisons: pairs.length,
  };
}
