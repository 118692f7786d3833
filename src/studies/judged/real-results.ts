/**
 * The results of a recipe on real judgments as a file, `docs/results/<id>.json`, and how folds are combined into it.
 */
import * as v from 'valibot';
import { count, MeasuredSchema } from '../findings.ts';
import { agreementOfPairs } from './real-baselines.ts';
import {
  compareSystems,
  MEASURE_NAMES,
  measureSystem,
  REAL_MEASURES,
  type Prediction,
} from '../../relevance/metrics/compared-systems.ts';
import { DEV_SHARE, MODEL_ARMS, type RealRecipe, SEED } from './real-data.ts';

const number = v.nullable(v.number());
export const PredictionsSchema = v.array(
  v.strictObject({
    queryId: v.string(),
    docId: v.string(),
    gold: count,
    label: count,
    score: v.number(),
    confidence: v.optional(v.number()),
  }),
);
const ReasoningSchema = v.strictObject({
  completions: count,
  validTraces: v.number(),
  verifiedSteps: number,
  labelTraceAgreement: number,
  distinctRules: v.number(),
});
const TracesSchema = v.object({ pairs: count, traced: count, contradicting: count, uncovered: count });
/** The part of a fold that needs no training. */
export const PreparedFoldSchema = v.strictObject({
  rules: count,
  traces: TracesSchema,
  baselines: v.record(v.string(), PredictionsSchema),
  /** Grades of two annotators for the same pair. */
  people: v.array(v.strictTuple([count, count])),
});
/** A model on the test split of a fold. */
export const ModelResultSchema = v.strictObject({ predictions: PredictionsSchema, reasoning: ReasoningSchema });

/** The mined pairs of a fold. */
export const MinedFoldSchema = v.strictObject({
  /** Indices of the training pairs that are repeated. */
  again: v.array(count),
  found: v.strictObject({
    pairs: count,
    completions: count,
    /** The share of completions with the right label. */
    rightShare: v.number(),
    hard: count,
    hardNegatives: count,
  }),
});
export type MinedFold = v.InferOutput<typeof MinedFoldSchema>;

/** The result of a fold. */
export interface FoldResult {
  readonly fold: number;
  readonly prepared: v.InferOutput<typeof PreparedFoldSchema>;
  readonly models: Readonly<Record<string, v.InferOutput<typeof ModelResultSchema>>>;
  readonly mined?: MinedFold;
}

const SystemSchema = v.strictObject({
  system: v.string(),
  /** Test queries in the measurement, because some models are not run on every fold. */
  queries: count,
  measures: v.strictObject(v.entriesFromList(REAL_MEASURES, MeasuredSchema)),
});
/** A system with its measures. */
export type SystemMeasures = v.InferOutput<typeof SystemSchema>;
/** Systems on their own, and their differences from {@link COMPARED_WITH}. */
export const SystemsSchema = v.strictObject({ systems: v.array(SystemSchema), differences: v.array(SystemSchema) });

/** The schema of the results file. */
export const RealResultsSchema = v.strictObject({
  id: v.string(),
  title: v.string(),
  terms: v.string(),
  device: v.string(),
  commit: v.string(),
  config: v.unknown(),
  folds: v.strictObject({
    planned: count,
    run: count,
    /** Queries of the file, and those of them that were drawn. */
    inFile: count,
    drawn: count,
    /** In the test splits. */
    queries: count,
    pairs: count,
  }),
  human: v.nullable(v.strictObject({ accuracy: v.number(), qwk: number, comparisons: count })),
  ...SystemsSchema.entries,
  reasoning: v.array(v.strictObject({ system: v.string(), ...ReasoningSchema.entries })),
  instructions: v.array(v.strictObject({ fold: count, rules: count, traces: TracesSchema })),
  /** Of the folds that were mined; missing in results from before mining. */
  mining: v.optional(v.array(v.strictObject({ fold: count, ...MinedFoldSchema.entries.found.entries, again: count }))),
  verdict: v.string(),
});
export type RealResults = v.InferOutput<typeof RealResultsSchema>;

/** The reference system of all differences. */
export const COMPARED_WITH = 'BM25';

/** The results of all folds. */
export function realResults(
  recipe: RealRecipe,
  results: readonly FoldResult[],
  { device, commit, inFile }: { readonly device: string; readonly commit: string; readonly inFile: number },
): RealResults {
  const { id, title, terms, scaleSize, folds } = recipe;
  const systems = new Map<string, v.InferOutput<typeof PredictionsSchema>>();
  for (const { prepared, models } of results) {
    const found = Object.entries(models).map(([name, { predictions }]) => [name, predictions] as const);
    for (const [name, predictions] of [...Object.entries(prepared.baselines), ...found]) {
      systems.set(name, [...(systems.get(name) ?? []), ...predictions]);
    }
  }
  const reference = systems.get(COMPARED_WITH) ?? [];
  const measured = measureAll(systems, scaleSize);
  const models = [...new Set(results.flatMap((result) => Object.keys(result.models)))];
  return {
    id,
    title,
    terms,
    device,
    commit,
    config: { recipe, arms: MODEL_ARMS, devShare: DEV_SHARE, seed: SEED },
    folds: {
      planned: folds,
      run: results.length,
      inFile,
      drawn: Math.min(recipe.queries, inFile),
      queries: countQueries(reference),
      pairs: reference.length,
    },
    human: agreementOfPairs(
      results.flatMap(({ prepared }) => prepared.people),
      scaleSize,
    ),
    ...measured,
    reasoning: models.map((system) => ({
      system,
      ...meanReasoning(results.flatMap((result) => result.models[system]?.reasoning ?? [])),
    })),
    instructions: results.map(({ fold, prepared: { rules, traces } }) => ({ fold, rules, traces })),
    mining: results.flatMap(({ fold, mined }) =>
      mined === undefined ? [] : [{ fold, ...mined.found, again: mined.again.length }],
    ),
    verdict:
      (results.length < folds ? `Preliminary, ${results.length} of ${folds} folds. ` : '') +
      verdictOf(measured.differences.filter(({ system }) => models.includes(system))),
  };
}

/** The measures of every system, and its differences from {@link COMPARED_WITH} on the queries of both. */
export function measureAll(
  systems: ReadonlyMap<string, readonly Prediction[]>,
  scaleSize: number,
): v.InferOutput<typeof SystemsSchema> {
  const reference = systems.get(COMPARED_WITH) ?? [];
  const row =
    (measure: (found: readonly Prediction[]) => SystemMeasures['measures']) =>
    ([system, found]: readonly [string, readonly Prediction[]]): SystemMeasures => {
      return { system, queries: countQueries(found), measures: measure(found) };
    };
  return {
    systems: [...systems].map(row((found) => measureSystem(found, scaleSize))),
    differences: [...systems]
      .filter(([system]) => system !== COMPARED_WITH)
      .map(row((found) => compareSystems(found, reference, scaleSize))),
  };
}

function countQueries(predictions: readonly Prediction[]): number {
  return new Set(predictions.map(({ queryId }) => queryId)).size;
}

function meanReasoning(rows: readonly v.InferOutput<typeof ReasoningSchema>[]): v.InferOutput<typeof ReasoningSchema> {
  const mean = (values: readonly (number | null)[]): number | null => {
    const known = values.filter((value) => value !== null);
    return known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0) / known.length;
  };
  return {
    completions: rows.reduce((sum, { completions }) => sum + completions, 0),
    validTraces: mean(rows.map(({ validTraces }) => validTraces)) ?? 0,
    verifiedSteps: mean(rows.map(({ verifiedSteps }) => verifiedSteps)),
    labelTraceAgreement: mean(rows.map(({ labelTraceAgreement }) => labelTraceAgreement)),
    distinctRules: mean(rows.map(({ distinctRules }) => distinctRules)) ?? 0,
  };
}

/** For each model, the measures in which it is above BM25, below it, or neither. */
export function verdictOf(differences: readonly SystemMeasures[]): string {
  const sentences = differences.map(({ system, measures }) => {
    const named = (test: (measured: v.InferOutput<typeof MeasuredSchema>) => boolean): string =>
      REAL_MEASURES.filter((name) => test(measures[name]))
        .map((name) => MEASURE_NAMES[name])
        .join(', ') || 'nothing';
    const above = named(({ low }) => low !== undefined && low > 0);
    const below = named(({ high }) => high !== undefined && high < 0);
    return `${system}: above ${COMPARED_WITH} in ${above}; below it in ${below}; not told apart in the rest.`;
  });
  return sentences.join(' ');
}
