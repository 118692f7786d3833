/**
 * Writes results, for `lab report` and for studies: one results file, its report in Markdown and HTML, and its plots.
 */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { parseConfig } from '../config/parse.ts';
import { ExperimentResultsSchema } from '../protocol/experiment-results.ts';
import { e10Report, E10ResultsSchema } from '../studies/e10-evidence.ts';
import { e11Report, E11ResultsSchema } from '../studies/e11-held.ts';
import { experimentReport } from '../studies/experiment-report.ts';
import { agreementReport, AgreementResultsSchema } from '../studies/judged/agreement-report.ts';
import { e9Report, E9ResultsSchema } from '../studies/judged/e9-results.ts';
import { generalReport, GeneralResultsSchema } from '../studies/judged/general-results.ts';
import { REAL_RECIPES } from '../studies/judged/real-data.ts';
import { realReport } from '../studies/judged/real-report.ts';
import { RealResultsSchema } from '../studies/judged/real-results.ts';
import { plotSvg } from '../studies/plot.ts';
import { precisionReport, PrecisionResultsSchema } from '../studies/precision-report.ts';
import { type Report, reportHtml, reportMarkdown } from '../studies/report.ts';
import { theoryReport, TheoryResultsSchema } from '../studies/theory.ts';
import { checkOutputFolder, type OutputRules, writeTogether } from './outputs.ts';

/** Checks results and makes their report. */
type Reader = (place: string, data: unknown) => Report;

function reader<Results>(schema: v.GenericSchema<unknown, Results>, report: (results: Results) => Report): Reader {
  return (place, data) => report(parseConfig(place, schema, data));
}

const EXPERIMENT = reader(ExperimentResultsSchema, experimentReport);
const REAL = reader(RealResultsSchema, realReport);
/** By the id of the results; all other ids are experiments. */
const READERS: ReadonlyMap<string, Reader> = new Map([
  ['E0', reader(TheoryResultsSchema, theoryReport)],
  ['E9', reader(E9ResultsSchema, e9Report)],
  ['E10', reader(E10ResultsSchema, e10Report)],
  ['E11', reader(E11ResultsSchema, e11Report)],
  ['general', reader(GeneralResultsSchema, generalReport)],
  ['quantisation', reader(AgreementResultsSchema, agreementReport)],
  ['precision', reader(PrecisionResultsSchema, precisionReport)],
  ...REAL_RECIPES.map(({ id }): [string, Reader] => [id, REAL]),
]);

/** The report of a study, and the base name of its files. */
export interface StudyReport {
  readonly id: string;
  readonly report: Report;
}

/**
 * The report of the results of any study.
 *
 * @param place - names the results in the error message
 * @throws {LabError} `bad-config` if they do not have the schema of their id
 */
export function reportOf(place: string, results: unknown): StudyReport {
  const { id } = parseConfig(place, v.looseObject({ id: v.string() }), results);
  return { id, report: (READERS.get(id) ?? EXPERIMENT)(place, results) };
}

/**
 * Checks that the results of a study can be written, before it runs.
 *
 * @throws {LabError} as `checkOutputFolder`
 */
export async function checkResults(folder: string, id: string, rules: OutputRules): Promise<void> {
  const names = [`${id}.json`, `${id}.md`, `${id}.html`, `${id}.svg`];
  // The names of plots contain the id and the plotted metric.
  const plots = (await readdir(folder).catch(() => [])).filter(
    (name) => name.startsWith(`${id}-`) && name.endsWith('.svg'),
  );
  await checkOutputFolder(folder, [...names, ...plots], rules);
}

/**
 * Writes `<id>.json` and the files of its report, replacing existing ones: see {@link checkResults}.
 *
 * @returns the path without `.json`
 * @throws {LabError} `bad-config` if the results do not have the schema of their id
 */
export async function writeResults(folder: string, results: { readonly id: string }): Promise<string> {
  const study = reportOf('The results', results);
  const json: [string, string] = [`${study.id}.json`, `${JSON.stringify(results, null, 1)}\n`];
  await writeTogether(folder, new Map([json, ...reportFiles(study)]));
  return join(folder, study.id);
}

/** The contents of `<id>.md`, `<id>.html` and the plots of the report, by name. */
export function reportFiles({ id, report }: StudyReport): ReadonlyMap<string, string> {
  const plots = report.blocks.flatMap((block): [string, string][] =>
    block.kind === 'plot' ? [[block.file, plotSvg(block.plot)]] : [],
  );
  return new Map([[`${id}.md`, reportMarkdown(report)], [`${id}.html`, reportHtml(report)], ...plots]);
}
