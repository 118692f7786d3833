/**
 * The results of the general model, as a file and as a report: on the held-out queries of each set, compared with BM25
 * and with a model that learned from the other set only.
 */
import type { Prediction } from '../../relevance/metrics/compared-systems.ts';
import * as v from 'valibot';
import { count, threeDecimals } from '../findings.ts';
import { pooledReasons, type Reasons, reasonsTable, ReasonsSchema } from './general-reasons.ts';
import { expectedCalibrationError } from '../../relevance/metrics/metrics.ts';
import { differencesTable, systemsPlot, systemsTable } from './real-report.ts';
import { COMPARED_WITH, measureAll, PredictionsSchema, SystemsSchema, verdictOf } from './real-results.ts';
import type { RealRecipe } from './real-data.ts';
import { columns, heading, paragraph, type Report, type ReportBlock } from '../report.ts';

/** The names of the systems, in the order of the tables. */
export const GENERAL_SYSTEMS = {
  majority: 'majority',
  random: 'random',
  bm25: COMPARED_WITH,
  vectors: 'static vectors alone',
  judge: 'the judge it learned from',
  general: 'general',
  four: 'general, asked for four labels',
  alone: 'general, each pair by itself',
  otherSet: 'learned from the other set alone',
} as const;

/** The systems that read similarities of meaning. */
export type MeaningSystem = 'vectors' | 'judge' | 'general' | 'four' | 'alone' | 'otherSet';

/** The same where an encoder compares queries with titles. */
export const ENCODED_SYSTEMS: Readonly<Record<MeaningSystem, string>> = {
  vectors: 'encoder alone',
  judge: 'the judge, with the encoder',
  general: 'general, with the encoder',
  four: 'general, asked for four labels, with the encoder',
  alone: 'general, each pair by itself, with the encoder',
  otherSet: 'learned from the other set alone, with the encoder',
};

/** Predictions of some systems on the test queries of one fold of one set. */
export const GeneralPredictionsSchema = v.record(v.string(), PredictionsSchema);
export type GeneralPredictions = v.InferOutput<typeof GeneralPredictionsSchema>;

const SetResultsSchema = v.strictObject({
  id: v.string(),
  title: v.string(),
  terms: v.string(),
  folds: v.strictObject({ planned: count, run: count }),
  queries: v.strictObject({ inFile: count, drawn: count, tested: count }),
  pairs: count,
  ...SystemsSchema.entries,
  /** On some of the test pairs, asked for four labels; older results have none. */
  reasons: v.optional(ReasonsSchema, []),
  /** What the model answers on the scale of the set: each label, and how sure it is of it; older results have none. */
  answers: v.optional(
    v.strictObject({
      labels: v.array(v.strictObject({ gold: count, answered: count, right: count })),
      calibrationError: v.number(),
    }),
  ),
  verdict: v.string(),
});
/** The results on one set. */
export type SetResults = v.InferOutput<typeof SetResultsSchema>;

/** The schema of `docs/results/general.json`. */
export const GeneralResultsSchema = v.strictObject({
  id: v.literal('general'),
  device: v.string(),
  commit: v.string(),
  config: v.unknown(),
  /** What compared titles in some of the systems; missing where none did. */
  encoder: v.optional(v.strictObject({ name: v.string(), sha256: v.string() })),
  sets: v.array(SetResultsSchema),
});
export type GeneralResults = v.InferOutput<typeof GeneralResultsSchema>;

/** One fold of a set: predictions by system, and the model's reasons. */
export interface GeneralFold {
  readonly predictions: GeneralPredictions;
  readonly reasons: Reasons;
}

/** The results of one set. @param folds - those that were run */
export function setResults(
  { id, title, terms, scaleSize, folds: planned, queries }: RealRecipe,
  folds: readonly GeneralFold[],
  inFile: number,
): SetResults {
  const systems = new Map<string, Prediction[]>();
  for (const name of [...Object.values(GENERAL_SYSTEMS), ...Object.values(ENCODED_SYSTEMS)]) {
    const found = folds.flatMap(({ predictions }) => predictions[name] ?? []);
    if (found.length > 0) systems.set(name, found);
  }
  const measured = measureAll(systems, scaleSize);
  const reference = systems.get(COMPARED_WITH) ?? [];
  const models = new Set([GENERAL_SYSTEMS, ENCODED_SYSTEMS].flatMap(({ general, otherSet }) => [general, otherSet]));
  const isModel = (system: string): boolean => models.has(system);
  return {
    id,
    title,
    terms,
    folds: { planned, run: folds.length },
    queries: {
      inFile,
      drawn: Math.min(queries, inFile),
      tested: new Set(reference.map(({ queryId }) => queryId)).size,
    },
    pairs: reference.length,
    ...measured,
    reasons: pooledReasons(folds.map(({ reasons }) => reasons)),
    ...answersOf(systems.get(GENERAL_SYSTEMS.general) ?? [], scaleSize),
    verdict: verdictOf(measured.differences.filter(({ system }) => isModel(system))),
  };
}

/** Empty for predictions that do not say how sure they are. */
function answersOf(predictions: readonly Prediction[], scaleSize: number): Pick<SetResults, 'answers'> {
  const sure = predictions.flatMap(({ confidence }) => confidence ?? []);
  if (sure.length === 0 || sure.length < predictions.length) return {};
  const labels = Array.from({ length: scaleSize }, (_, label) => ({
    gold: predictions.filter(({ gold }) => gold === label).length,
    answered: predictions.filter((each) => each.label === label).length,
    right: predictions.filter((each) => each.label === label && each.gold === label).length,
  }));
  const isRight = predictions.map(({ label, gold }) => label === gold);
  return { answers: { labels, calibrationError: expectedCalibrationError(sure, isRight) } };
}

/** The report. */
export function generalReport({ device, commit, config, encoder, sets }: GeneralResults): Report {
  const { four, alone, otherSet } = GENERAL_SYSTEMS;
  return {
    title: 'general: one model of both sets, with reasons',
    blocks: [
      paragraph(
        'One model learns from the training queries of both sets and is measured on the test queries of each. One ' +
          `seed. ${device}, commit ${commit}. 95 % intervals are a bootstrap over test queries; they say nothing ` +
          'about other seeds. Orders are compared by s / (R - 1).',
      ),
      paragraph(
        `"${four}": as "lab score" asks; 2 and 3 count as relevant. "${alone}": without its standing among the ` +
          `documents of the query, as in the Score view. "${otherSet}": trained once, on the training queries of the ` +
          'first fold of the other set; no query of this set was learned from. It is asked for four labels, and what ' +
          'counts is its order: the labels of one set say little about those of another. "' +
          `${GENERAL_SYSTEMS.vectors}": the similarity of query and title by the vectors that come with the model, labels by ` +
          `thresholds fitted on the training pairs. "${GENERAL_SYSTEMS.judge}": the monotone regression whose answers the model ` +
          'learns (studies/judged/monotone-judge.ts), fitted to the same training pairs.',
      ),
      ...(encoder === undefined
        ? []
        : [
            paragraph(
              `"With the encoder": ${encoder.name} (SHA-256 of its files ${encoder.sha256.slice(0, 12)}) compares queries ` +
                'with titles in the place of static vectors, and its cosines are brought to their scale. Models and judge are ' +
                `the same: they have learned from static similarities alone. "${ENCODED_SYSTEMS.vectors}": the cosine of ` +
                'query and title.',
            ),
          ]),
      paragraph(
        'Reasons follow the label when four labels are asked for. They cite rules that were refined on the training queries of ' +
          'both sets and ask for words in common alone. "Verified": the cited rule decides on the pair, and its quotation is in it. ' +
          '"Quoted aptly": the quoted word is one that the rule speaks of, a missing one where words are missing. "Lead to the ' +
          'label": the verified steps alone would give the label that was answered. "Grounded": held to the pair, as answers are by default.',
      ),
      ...sets.flatMap(setBlocks),
      heading('Settings'),
      paragraph(JSON.stringify(config)),
    ],
  };
}

function setBlocks({
  id,
  title,
  terms,
  folds,
  queries,
  pairs,
  systems,
  differences,
  reasons,
  answers,
  verdict,
}: SetResults): ReportBlock[] {
  const drawn =
    queries.drawn < queries.inFile ? `${queries.drawn} of the ${queries.inFile} queries in the file were drawn. ` : '';
  const preliminary = folds.run < folds.planned ? ' (preliminary)' : '';
  return [
    heading(`${id}: ${title}`),
    paragraph(verdict),
    paragraph(
      `${folds.run} of ${folds.planned} folds by query${preliminary}; ${queries.tested} test queries with ${pairs} ` +
        `judged pairs. ${drawn}${terms}`,
    ),
    systemsTable(systems),
    {
      kind: 'plot',
      file: `general-${id}.svg`,
      caption: 'Each system with its interval',
      plot: systemsPlot(title, systems),
    },
    paragraph(`Differences from ${COMPARED_WITH}, paired by query:`),
    differencesTable(differences),
    ...answersBlocks(answers),
    ...(reasons.length === 0 ? [] : [paragraph('Its reasons:'), reasonsTable(reasons)]),
  ];
}

function answersBlocks(answers: SetResults['answers']): ReportBlock[] {
  if (answers === undefined) return [];
  return [
    paragraph(
      `Its labels, asked on the scale of the set; expected calibration error ${threeDecimals(answers.calibrationError)}:`,
    ),
    columns([...answers.labels.entries()], {
      label: ([label]) => label,
      'in the judgments': ([, { gold }]) => gold,
      answered: ([, { answered }]) => answered,
      'of these right': ([, { right }]) => right,
    }),
  ];
}
