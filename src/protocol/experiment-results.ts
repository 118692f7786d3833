/**
 * The results of an experiment as a file, `docs/results/<id>.json`. Tables, plots and the page are made from this file
 * alone.
 */
import * as v from 'valibot';

/** The metrics of a run, at its end. */
export const METRIC_NAMES = [
  'reward',
  'rewardGain',
  'tailRecall',
  'headRecall',
  'distinctRules',
  'accuracy',
  'gapClosed',
  'macroF1',
  'tailLabels',
  'pairAccuracy',
  'labelEntropy',
  'reasoningEntropy',
  'strictReward',
  'verifiedSteps',
  'labelTraceAgreement',
  'validTraces',
  'expertLoss',
  'collapsed',
  'answered',
  'tokensToLabel',
  'passesToLabel',
  'msToLabel',
] as const;
export type MetricName = (typeof METRIC_NAMES)[number];

const number = v.nullable(v.number());
const CurvePointSchema = v.strictObject({
  step: v.number(),
  reward: number,
  tailRecall: number,
  headRecall: number,
  distinctRules: number,
  accuracy: number,
  macroF1: number,
  pairAccuracy: number,
  labelEntropy: number,
  reasoningEntropy: number,
  /**
   * Tokens sampled and learned from since the run began, including the expert's; missing in results before they were
   * counted.
   */
  tokens: v.optional(v.number()),
});
export type ResultPoint = v.InferOutput<typeof CurvePointSchema>;

export const SeedResultSchema = v.strictObject({
  seed: v.number(),
  /** At the end of the run, on the test split except `reward`, `rewardGain`, `reasoningEntropy` and `collapsed`. */
  metrics: v.record(v.picklist(METRIC_NAMES), number),
  /** On the dev split. */
  curve: v.array(CurvePointSchema),
  tokens: v.strictObject({ generated: v.number(), learned: v.number(), expert: v.number() }),
});
export type SeedResult = v.InferOutput<typeof SeedResultSchema>;

const FindingSchema = v.strictObject({
  claim: v.string(),
  metric: v.picklist(METRIC_NAMES),
  arm: v.string(),
  against: v.nullable(v.string()),
  /** Mean of `arm` - `against` over the seeds of both, with its 95 % interval. */
  n: v.number(),
  mean: v.number(),
  low: number,
  high: number,
  outcome: v.picklist(['supported', 'refuted', 'undecided', 'preliminary']),
});
export type Finding = v.InferOutput<typeof FindingSchema>;

/** The schema of `docs/results/<id>.json`. */
export const ExperimentResultsSchema = v.strictObject({
  id: v.string(),
  title: v.string(),
  question: v.string(),
  device: v.string(),
  commit: v.string(),
  config: v.unknown(),
  arms: v.array(v.strictObject({ name: v.string(), seeds: v.array(SeedResultSchema) })),
  findings: v.array(FindingSchema),
  verdict: v.string(),
});
export type ExperimentResults = v.InferOutput<typeof ExperimentResultsSchema>;

/** With fewer seeds no claim is supported or refuted. */
export const SEEDS_FOR_A_CLAIM = 5;
