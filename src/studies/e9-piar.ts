/**
 * E9: does refining an instruction by its errors carry over to queries it never saw? For every data set and every split
 * seed: the first and the last instruction on the test queries, which are read once, beside always answering the most
 * frequent label and beside BM25 with thresholds fitted on train. Where several people judged a pair, their agreement
 * with each other stands beside the instruction's agreement with them.
 *
 * It would be refuted by test accuracy that falls, or that stays while train accuracy rises.
 */
import { throwIfAborted } from '../common/errors.ts';
import { sampleQueries } from '../data/splits.ts';
import { Bm25, fitThresholds, labelOfScore } from '../relevance/prompt/bm25.ts';
import { FiringTable, NO_LABEL, predict } from '../relevance/rules/firing-table.ts';
import { groupByQuery, ndcg, pairAccuracy } from '../relevance/metrics/metrics-ranking.ts';
import { accuracy, quadraticWeightedKappa } from '../relevance/metrics/metrics.ts';
import type { JudgedPair } from '../relevance/pair/pair.ts';
import { greedyRefiner } from '../relevance/piar/piar-greedy.ts';
import { measureInstruction, measureLabels, type SplitMeasure } from '../relevance/piar/piar-measure.ts';
import { runPiar } from '../relevance/piar/piar.ts';
import { startInstruction } from '../relevance/rules/start-instruction.ts';
import { synthesiseTraces } from '../relevance/rules/trace-synthesis.ts';
import { ARMS, type E9Metrics, type E9Results, type E9Seed, findingsFor, rounded, verdictOf } from './e9-results.ts';
import { PIAR_FRACTIONS, type PiarSplit, splitForPiar } from './piar-split.ts';

/** Judged pairs to run E9 on. */
export interface E9Data {
  readonly name: string;
  readonly scaleSize: number;
  readonly pairs: readonly JudgedPair[];
  /** What each of several people said of a pair, where that is known. */
  readonly annotations?: (queryId: string, docId: string) => readonly number[] | undefined;
}

export interface E9Options {
  /** Split seeds. Default 1 to 5. */
  readonly seeds?: readonly number[];
  /** Of a larger data set so many queries are drawn, anew for each seed. Default 600. */
  readonly queries?: number;
  /** The most rounds. Default 20. */
  readonly rounds?: number;
  readonly device: string;
  readonly commit: string;
  readonly signal?: AbortSignal;
  /** Told what has been done, in a line. */
  readonly onProgress?: (line: string) => void;
}

type ArmName = keyof typeof ARMS;
type ArmSeeds = Record<ArmName, E9Seed[]>;

/** Runs E9. Equal data and options give equal results. */
export async function runE9(data: readonly E9Data[], options: E9Options): Promise<E9Results> {
  const { seeds = [1, 2, 3, 4, 5], queries = 600, rounds = 20, device, commit, signal, onProgress } = options;
  const arms: E9Results['arms'] = [];
  for (const set of data) {
    const found: ArmSeeds = { first: [], last: [], majority: [], bm25: [], human: [] };
    for (const seed of seeds) {
      throwIfAborted(signal);
      await runSeed(set, seed, { queries, rounds, signal }, found);
      const [first, last] = [found.first.at(-1), found.last.at(-1)];
      onProgress?.(
        `${set.name}, seed ${seed}: ${first?.metrics['accuracy'] ?? ''} -> ${last?.metrics['accuracy'] ?? ''}`,
      );
    }
    for (const [arm, name] of Object.entries(ARMS) as [ArmName, string][]) {
      if (found[arm].length > 0) arms.push({ name: `${set.name}: ${name}`, seeds: found[arm] });
    }
  }
  const findings = data.flatMap(({ name }) => findingsFor(name, arms));
  return {
    id: 'E9',
    title: 'PIAR: refining an instruction by its errors',
    question: 'Does test accuracy rise from the first to the last round, on queries that nothing was chosen by?',
    device,
    commit,
    config: {
      seeds: [...seeds],
      rounds,
      fractions: PIAR_FRACTIONS,
      refiner: greedyRefiner().name,
      data: data.map(({ name, scaleSize, pairs }) => {
        const all = new Set(pairs.map(({ queryId }) => queryId)).size;
        return { name, scaleSize, pairs: pairs.length, queries: all, queriesPerSeed: Math.min(all, queries) };
      }),
    },
    arms,
    findings,
    verdict: verdictOf(findings),
  };
}

interface SeedSettings {
  readonly queries: number;
  readonly rounds: number;
  readonly signal: AbortSignal | undefined;
}

async function runSeed(
  set: E9Data,
  seed: number,
  { queries, rounds, signal }: SeedSettings,
  found: ArmSeeds,
): Promise<void> {
  const pairs = sampleQueries(set.pairs, queries, seed);
  const split = splitForPiar(pairs, seed);
  const start = startInstruction(set.scaleSize);
  const data = { ...split, test: () => split.test };
  const history = await runPiar(data, start, greedyRefiner(), { rounds, signal });
  const last = history.last.instruction;
  const test = new FiringTable(split.lexicon, split.test);
  const train = new FiringTable(split.lexicon, split.train);
  const { counts } = synthesiseTraces(last, split.lexicon, split.train);
  const people = agreement(predict(last, test), set, test);

  found.first.push({ seed, metrics: metricsOf(history.test.first), curve: [] });
  found.last.push({
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
    curve: [
      ...history.rounds.map((round) => ({
        round: round.round,
        rules: round.rules,
        train: rounded(round.train.accuracy),
        dev: rounded(round.dev.accuracy),
      })),
      {
        round: history.rounds.length,
        rules: last.rules.length,
        train: rounded(history.train.accuracy),
        dev: rounded(history.dev.accuracy),
      },
    ],
  });
  found.majority.push({ seed, metrics: majority(split, set.scaleSize, test), curve: [] });
  found.bm25.push({ seed, metrics: bm25(split, set.scaleSize, test), curve: [] });
  if (people !== undefined) found.human.push({ seed, metrics: people.human, curve: [] });
}

function metricsOf(measure: SplitMeasure): E9Metrics {
  const orNull = (value: number | null): number | null => (value === null ? null : rounded(value));
  return {
    accuracy: rounded(measure.accuracy),
    coverage: rounded(measure.coverage),
    macroF1: orNull(measure.macroF1),
    quadraticWeightedKappa: orNull(measure.quadraticWeightedKappa),
    pairAccuracy: orNull(measure.pairAccuracy),
    ndcg10: orNull(measure.ndcg10),
    pairs: measure.pairs,
    queries: measure.queries,
  };
}

/** Always the label that is most frequent on train. */
function majority({ train }: PiarSplit, scaleSize: number, test: FiringTable): E9Metrics {
  const counts = Array.from({ length: scaleSize }, (_, label) => train.filter((pair) => pair.label === label).length);
  const label = counts.indexOf(Math.max(...counts));
  return metricsOf(measureLabels(Array<number>(test.size).fill(label), scaleSize, test));
}

/** Labels by thresholds on BM25, fitted on train; the order is that of the score itself. */
function bm25({ train, dev, test: testPairs }: PiarSplit, scaleSize: number, test: FiringTable): E9Metrics {
  const index = new Bm25([...train, ...dev, ...testPairs].map(({ document }) => document));
  const scoresOf = (pairs: readonly JudgedPair[]): number[] =>
    pairs.map((pair) => index.score(pair.query, pair.document));
  const bounds = fitThresholds(
    scoresOf(train),
    train.map(({ label }) => label),
    scaleSize,
  );
  const scores = scoresOf(testPairs);
  const labels = scores.map((score) => labelOfScore(score, bounds));
  const queries = groupByQuery(
    testPairs.map(({ queryId, document, label }, i) => ({
      queryId,
      docId: document.docId,
      label,
      score: scores[i] ?? 0,
    })),
  );
  return {
    ...metricsOf(measureLabels(labels, scaleSize, test)),
    pairAccuracy: rounded(pairAccuracy(queries).value ?? 0),
    ndcg10: rounded(ndcg(queries, 10).value ?? 0),
  };
}

/**
 * How people agree with each other on the test pairs that several judged, and how the instruction agrees with each of
 * them on the same pairs; undefined where nobody knows.
 */
function agreement(
  labels: Int8Array,
  { annotations, scaleSize }: E9Data,
  test: FiringTable,
): { readonly human: E9Metrics; readonly instruction: E9Metrics } | undefined {
  if (annotations === undefined) return undefined;
  const human: [number, number][] = [];
  const instruction: [number, number][] = [];
  let pairs = 0;
  for (const [i, { queryId, document }] of test.pairs.entries()) {
    const said = annotations(queryId, document.docId) ?? [];
    if (said.length < 2 || labels[i] === NO_LABEL) continue;
    pairs += 1;
    for (const [a, first] of said.entries()) {
      instruction.push([first, labels[i] ?? 0]);
      for (const second of said.slice(a + 1)) human.push([first, second]);
    }
  }
  if (pairs === 0) return undefined;
  const [of, by] = [columns(human), columns(instruction)];
  const kappa = ([a, b]: readonly [number[], number[]]): number | null => {
    const value = quadraticWeightedKappa(a, b, scaleSize);
    return value === null ? null : rounded(value);
  };
  return {
    human: { accuracy: rounded(accuracy(...of)), quadraticWeightedKappa: kappa(of), pairs },
    instruction: { annotatorAccuracy: rounded(accuracy(...by)), annotatorKappa: kappa(by), annotatedPairs: pairs },
  };
}

function columns(rows: readonly (readonly [number, number])[]): [number[], number[]] {
  return [rows.map(([first]) => first), rows.map(([, second]) => second)];
}
