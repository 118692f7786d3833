/**
 * A model beside the one that it continues, on the same held-out pairs: what is better, by how much, and how sure that
 * is.
 */
import { asStream } from '../common/as-stream.ts';
import { counted } from '../common/counted.ts';
import type { DataSet } from '../data/files/data-set.ts';
import { TrainedQueries } from '../data/trained-queries.ts';
import type { LabModel } from '../infer/lab-model.ts';
import type { RulesModel } from '../infer/rules-model.ts';
import type { ModelCard } from '../infer/model-card.ts';
import type { LabelScore } from '../infer/score.ts';
import { scoreStream } from '../infer/score-pairs.ts';
import type { SftExperiment } from '../protocol/sft-experiment.ts';
import {
  compareSystems,
  MEASURE_NAMES,
  measureSystem,
  type Prediction,
  type RealMeasures,
} from '../relevance/metrics/compared-systems.ts';
import type { JudgedPair } from '../relevance/pair/pair.ts';
import { splitFile, withStandingOf } from './file-data.ts';

/** The measures that are compared, in their order. */
export const CONTINUATION_MEASURES = ['accuracy', 'qwk', 'ndcg10'] as const;
/** With fewer held-out queries a comparison is preliminary, because its intervals are themselves uncertain. */
export const FEW_QUERIES = 30;

type Compared = Pick<RealMeasures, (typeof CONTINUATION_MEASURES)[number]>;

/** Both models, and the differences by a paired bootstrap over queries. */
export interface Continuation {
  readonly queries: number;
  readonly pairs: number;
  readonly before: Compared;
  readonly after: Compared;
  /** After minus before. */
  readonly difference: Compared;
}

/** The held-out pairs of a run on a file, as a model reads them. */
export function heldOutPairs(
  { data, prompt }: SftExperiment,
  dataSet: DataSet,
  { vectors }: Pick<LabModel, 'vectors'>,
): readonly JudgedPair[] {
  if (data.kind === 'world') return [];
  const { dev } = splitFile(data, prompt.scaleSize, dataSet);
  return withStandingOf(dataSet, dev, prompt, vectors);
}

/** Whether no pair of a query is known to have been learned by a model, nor by any that it continues. */
export function isUnseenBy({
  data: { queries },
}: {
  readonly data: Pick<ModelCard['data'], 'queries'>;
}): (query: string) => boolean {
  const trained = queries === undefined ? undefined : new TrainedQueries(queries);
  return (query) => trained?.has(query) !== true;
}

/** Pairs of queries that a model has not learned from, nor the one that it continues. */
export function unseenPairs(pairs: readonly JudgedPair[], card: Pick<ModelCard, 'data'>): readonly JudgedPair[] {
  const isUnseen = isUnseenBy(card);
  return pairs.filter(({ query }) => isUnseen(query));
}

/**
 * What a model says of judged pairs.
 *
 * @param read - the label, and the score to order by; default: as the model gives them
 * @throws {LabError} what `scoreStream` throws
 */
export async function predictionsOf(
  model: LabModel | RulesModel,
  pairs: readonly JudgedPair[],
  read: (score: LabelScore) => Pick<Prediction, 'label' | 'score' | 'confidence'> = ({ label, score }) => ({ label, score }), // prettier-ignore
  signal?: AbortSignal,
): Promise<Prediction[]> {
  const found: Prediction[] = [];
  for await (const { item, score } of scoreStream(model, asStream(pairs.map((pair) => ({ pair }))), signal)) {
    const { queryId, document, label: gold } = item.pair;
    found.push({ queryId, docId: document.docId, gold, ...read(score) });
  }
  return found;
}

/** @param before - and after: answers to the same pairs, on a scale of `scaleSize` labels */
export function compareContinuation(
  before: readonly Prediction[],
  after: readonly Prediction[],
  scaleSize: number,
): Continuation {
  const only = ({ accuracy, qwk, ndcg10 }: RealMeasures): Compared => ({ accuracy, qwk, ndcg10 });
  return {
    queries: new Set(after.map(({ queryId }) => queryId)).size,
    pairs: after.length,
    before: only(measureSystem(before, scaleSize)),
    after: only(measureSystem(after, scaleSize)),
    difference: only(compareSystems(after, before, scaleSize)),
  };
}

/** The same as lines of text. */
export function describeContinuation({ queries, pairs, before, after, difference }: Continuation): string[] {
  if (queries === 0) return ['No held-out query is new to both models, so they are not compared.'];
  const value = (number: number | null): string => (number === null ? 'nothing to measure' : number.toFixed(3));
  const few = queries < FEW_QUERIES ? ' These are few: the result is preliminary.' : '';
  return [
    `On ${counted(pairs, 'pair')} of ${counted(queries, 'held-out query', 'held-out queries')}, before and after:${few}`,
    ...CONTINUATION_MEASURES.map((name) => {
      const { value: change, low, high } = difference[name];
      const sign = change !== null && change >= 0 ? '+' : '';
      const interval = low === undefined || high === undefined ? '' : `, ${low.toFixed(3)} to ${high.toFixed(3)}`;
      const changed = change === null ? '' : ` (${sign}${change.toFixed(3)}${interval})`;
      return `  ${MEASURE_NAMES[name]}: ${value(before[name].value)}, ${value(after[name].value)}${changed}`;
    }),
  ];
}
