/**
 * What became of the general model, as a file and as a report: on the held-out queries of each set, beside BM25 and beside
 * a model that learned from the other set alone.
 */
import * as v from 'valibot';
import type { Prediction } from './real-baselines.ts';
import { differencesTable, realSvg, systemsTable } from './real-report.ts';
import { COMPARED_WITH, measureAll, PredictionsSchema, type SystemMeasures, verdictOf } from './real-results.ts';
import type { RealRecipe } from './real-data.ts';
import type { Report, ReportBlock } from '../report-blocks.ts';

/** What the systems are called, in the order of the tables. */
export const GENERAL_SYSTEMS = {
  majority: 'majority',
  random: 'random',
  bm25: COMPARED_WITH,
  general: 'general',
  four: 'general, asked for four labels',
  alone: 'general, each pair by itself',
  otherSet: 'learned from the other set alone',
} as const;

/** Predictions of some systems on the test queries of one fold of one set. */
export const GeneralPredictionsSchema = v.record(v.string(), PredictionsSchema);
export type GeneralPredictions = v.InferOutput<typeof GeneralPredictionsSchema>;

/** What was found on one set. */
export interface SetResults {
  readonly id: string;
  readonly title: string;
  readonly terms: string;
  readonly folds: { readonly planned: number; readonly run: number };
  readonly queries: { readonly inFile: number; readonly drawn: number; readonly tested: number };
  readonly pairs: number;
  readonly systems: readonly SystemMeasures[];
  /** From {@link COMPARED_WITH}. */
  readonly differences: readonly SystemMeasures[];
  readonly verdict: string;
}

/** What the results file says. */
export interface GeneralResults {
  readonly id: 'general';
  readonly device: string;
  readonly commit: string;
  readonly config: object;
  readonly sets: readonly SetResults[];
}

/** The results of one set. @param folds - predictions by system, of each fold that was run */
export function setResults(
  { id, title, terms, scaleSize, folds: planned, queries }: RealRecipe,
  folds: readonly GeneralPredictions[],
  inFile: number,
): SetResults {
  const systems = new Map<string, Prediction[]>();
  for (const name of Object.values(GENERAL_SYSTEMS)) {
    const found = folds.flatMap((fold) => fold[name] ?? []);
    if (found.length > 0) systems.set(name, found);
  }
  const { measured, differences } = measureAll(systems, scaleSize);
  const reference = systems.get(COMPARED_WITH) ?? [];
  const isModel = (system: string): boolean =>
    system === GENERAL_SYSTEMS.general || system === GENERAL_SYSTEMS.otherSet;
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
    systems: measured,
    differences,
    verdict: verdictOf(differences.filter(({ system }) => isModel(system))),
  };
}

/** The report. */
export function generalReport({ device, commit, config, sets }: GeneralResults): Report {
  return {
    title: 'general: one model of both sets, without words',
    blocks: [
      {
        kind: 'text',
        text:
          `One model learns from the training queries of both sets and is measured on the test queries of each. One seed. ` +
          `${device}, commit ${commit}. 95 % intervals are a bootstrap over test queries; they say nothing about other seeds. ` +
          `Orders are compared by s / (R - 1).`,
      },
      {
        kind: 'text',
        text:
          `"${GENERAL_SYSTEMS.four}": as "lab score" asks; 2 and 3 count as relevant. "${GENERAL_SYSTEMS.alone}": without its ` +
          `standing among the documents of the query, as in the Score view. "${GENERAL_SYSTEMS.otherSet}": trained once, on ` +
          `the training queries of the first fold of the other set; no query of this set was learned from. It is asked for four ` +
          `labels, and what counts is its order: the labels of one set say little about those of another.`,
      },
      ...sets.flatMap(setBlocks),
      { kind: 'heading', text: 'Settings' },
      { kind: 'text', text: JSON.stringify(config) },
    ],
  };
}

/** The drawing of one set. */
export function setSvg({ title, systems }: SetResults): string {
  return realSvg({ title, systems });
}

function setBlocks(set: SetResults): ReportBlock[] {
  const { id, title, terms, folds, queries, pairs, verdict } = set;
  const drawn =
    queries.drawn < queries.inFile ? `${queries.drawn} of the ${queries.inFile} queries in the file were drawn. ` : '';
  const preliminary = folds.run < folds.planned ? ' (preliminary)' : '';
  return [
    { kind: 'heading', text: `${id}: ${title}` },
    { kind: 'text', text: verdict },
    {
      kind: 'text',
      text:
        `${folds.run} of ${folds.planned} folds by query${preliminary}; ${queries.tested} test queries with ${pairs} judged ` +
        `pairs. ${drawn}${terms}`,
    },
    systemsTable(set.systems),
    { kind: 'figure', file: `general-${id}.svg`, caption: 'Each system with its interval', svg: setSvg(set) },
    { kind: 'text', text: `Differences from ${COMPARED_WITH}, paired by query:` },
    differencesTable(set.differences),
  ];
}
