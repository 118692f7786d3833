/**
 * What lessons take from results files: means, findings in words, rows of dots, and the same as CSV.
 */
import { formatDifference } from '../../parts/format.ts';
import * as v from 'valibot';
import {
  type ExperimentResults,
  ExperimentResultsSchema,
  type Finding,
  type MetricName,
} from '../../../protocol/experiment-results.ts';
import type { DotsRow } from './lab-seed-dots.ts';

/** A results file that was imported. */
export async function results(file: Promise<{ readonly default: unknown }>): Promise<ExperimentResults> {
  return v.parse(ExperimentResultsSchema, (await file).default);
}

/** The values of an arm by its seeds, those that have one. */
export function valuesOf({ arms }: ExperimentResults, arm: string, metric: MetricName): number[] {
  const seeds = arms.find(({ name }) => name === arm)?.seeds ?? [];
  return seeds.flatMap(({ metrics }) => metrics[metric] ?? []);
}

export function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
}

/** Rows of an arm each, as (arm, name, look); arms without the metric are left out. */
export function dotsOf(
  file: ExperimentResults,
  metric: MetricName,
  arms: readonly (readonly [arm: string, name: string, look: DotsRow['look']])[],
): DotsRow[] {
  return arms.flatMap(([arm, name, look]) => {
    const values = valuesOf(file, arm, metric);
    return values.length === 0 ? [] : [{ name, look, values, mean: meanOf(values) }];
  });
}

/** A finding by its claim and metric; undefined if the file has none. */
export function findingOf({ findings }: ExperimentResults, claim: string, metric: MetricName): Finding | undefined {
  return findings.find((finding) => finding.claim === claim && finding.metric === metric);
}

/** A finding as a sentence: "supported: +0.037 (95 % from +0.000 to +0.073, 5 seeds)". */
export function findingText(finding: Finding | undefined): string {
  if (finding === undefined) return 'not in the results file';
  const { outcome, mean, low, high, n } = finding;
  const interval =
    low === null || high === null ? '' : `95 % from ${formatDifference(low)} to ${formatDifference(high)}, `;
  return `${outcome}: ${formatDifference(mean)} (${interval}${n} seeds)`;
}

/** Where the numbers of a lesson come from, in a line. */
export function sourceText({ id, device, commit, arms }: ExperimentResults): string {
  const seeds = Math.max(0, ...arms.map((arm) => arm.seeds.length));
  return `Measured, not live: experiment ${id}, ${seeds} seeds per arm, ${device.replace(/,.*$/u, '')}, commit ${commit}.`;
}

/** Rows as CSV, a line per dot. */
export function dotsCsv(metric: string, rows: readonly DotsRow[]): string {
  const lines = rows.flatMap(({ name, values, mean }) =>
    (values.length === 0 ? [mean] : values).map((value, i) => [quoted(name), i + 1, quoted(metric), value].join(',')),
  );
  return ['row,seed,metric,value', ...lines, ''].join('\n');
}

/** A field that a spreadsheet does not run as a formula. */
export function quoted(text: string): string {
  const safe = /^[=+\-@\t\r]/u.test(text) ? `'${text}` : text;
  return `"${safe.replaceAll('"', '""')}"`;
}
