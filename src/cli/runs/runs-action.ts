/**
 * The actions of `lab runs` and `lab compare`.
 */
import { join, relative } from 'node:path';
import { LabError } from '../../common/errors.ts';
import type { ComparisonAxis } from '../../protocol/runs.ts';
import { EVENT_FILE, tensorboardEvents } from '../../runs/tensorboard.ts';
import {
  compareRuns,
  type ComparedRun,
  comparisonReport,
  differencesFrom,
  lastValue,
  type RunComparison,
} from '../../studies/run-comparison.ts';
import { measurementsCsv } from '../../studies/run-report.ts';
import { type Report, reportMarkdown } from '../../studies/report.ts';
import { checkOutputFolder, writeTogether } from '../outputs.ts';
import { reportFiles } from '../results-files.ts';
import { findRuns, type FoundRun, readRun } from './run-reader.ts';
import { note, print } from '../terminal.ts';

interface ListOptions {
  readonly json?: boolean;
  readonly tensorboard?: string;
  readonly force?: boolean;
}

/** Lists the runs in a folder and its subfolders. */
export async function listRuns(folder: string, { json, tensorboard, force }: ListOptions): Promise<void> {
  const found = await findRuns(folder);
  for (const { path, problem } of found) if (problem !== undefined) note(`${path}: ${problem}`);
  if (found.length === 0) note(`There is no run in ${folder}.`);
  else if (json === true) for (const one of found) print(JSON.stringify(one));
  else print(runTable(found));
  if (tensorboard !== undefined) await writeEvents(tensorboard, folder, found, force);
}

/** Event files of TensorBoard in a folder, each where its run is below the root. */
async function writeEvents(out: string, root: string, found: readonly FoundRun[], force?: boolean): Promise<void> {
  const files = found.flatMap(({ path, run }) => {
    return run === undefined ? [] : [[join(out, relative(root, path)), tensorboardEvents(run)] as const];
  });
  for (const [folder] of files) await checkOutputFolder(folder, [EVENT_FILE], { inputs: [], force });
  for (const [folder, bytes] of files) await writeTogether(folder, new Map([[EVENT_FILE, bytes]]));
  note(`Wrote ${files.length} event ${files.length === 1 ? 'file' : 'files'} to ${out}.`);
}

interface CompareOptions {
  readonly metric?: string[];
  readonly axis?: ComparisonAxis;
  readonly out?: string;
  readonly force?: boolean;
  readonly json?: boolean;
}

export async function runCompare(
  folders: readonly string[],
  { metric, axis, out, force, json }: CompareOptions,
): Promise<void> {
  if (out !== undefined) await checkOutputFolder(out, OUTPUT_NAMES, { inputs: [], force });
  const runs = await runsOf(folders);
  const comparison = compareRuns(runs);
  const unknown = metric?.find((name) => !comparison.metrics.includes(name));
  if (unknown !== undefined) {
    throw new LabError('bad-config', {
      message: `No run measured "${unknown}".`,
      expected: comparison.metrics.join(', '),
      fix: 'Name one of these with --metric.',
    });
  }
  const report = comparisonReport(comparison, metric, checkedAxis(comparison, axis));
  if (json === true) print(JSON.stringify(comparison));
  else print(textOf(report));
  if (out === undefined) return;
  await writeTogether(out, comparisonFiles(comparison, report));
  note(`Wrote ${out}.`);
}

/** @throws {LabError} `bad-config` if no run has recorded the axis */
export function checkedAxis({ axes }: RunComparison, axis: ComparisonAxis = 'step'): ComparisonAxis {
  if (axes.includes(axis)) return axis;
  throw new LabError('bad-config', {
    message: `No run has recorded its ${axis}.`,
    expected: axes.join(', '),
    fix: 'Choose one of these with --axis; runs of earlier versions have steps alone.',
  });
}

/** The runs of folders, each once. */
export async function runsOf(folders: readonly string[]): Promise<ComparedRun[]> {
  const runs = new Map<string, ComparedRun>();
  for (const folder of folders) {
    const found = await findRuns(folder);
    if (found.length === 0) runs.set(folder, await readRun(folder)); // its error says what is missing
    for (const { path, run, problem } of found) {
      if (run !== undefined) runs.set(path, run);
      else note(`${path} is left out: ${problem ?? ''}`);
    }
  }
  if (runs.size > 0) return [...runs.values()];
  throw new LabError('not-found', { message: 'None of these runs can be read.', fix: 'See the reasons above.' });
}

const OUTPUT_NAMES = ['compare.md', 'compare.html', 'compare.svg', 'compare.csv', 'compare.json'];

function comparisonFiles(comparison: RunComparison, report: Report): Map<string, string> {
  return new Map([
    ...reportFiles({ id: 'compare', report }),
    ['compare.csv', measurementsCsv(comparison)],
    ['compare.json', `${JSON.stringify(comparison, null, 1)}\n`],
  ]);
}

/** Changes from the first run of the kind, as many as fit on a line. */
function changesText(changes: readonly string[]): string {
  const shown = changes.slice(0, SHOWN_CHANGES).join(', ');
  return changes.length > SHOWN_CHANGES ? `${shown} and ${changes.length - SHOWN_CHANGES} more` : shown;
}
const SHOWN_CHANGES = 4;

/** The runs as a table. */
function runTable(found: readonly FoundRun[]): string {
  const runs = found.flatMap(({ run }) => run ?? []);
  const rows = found.map(({ path, run, hasModel, isRecord }) => {
    if (run === undefined) return [path, 'unreadable'];
    const { kind, step, steps, seed, watch, best } = run;
    const isOver = step >= steps || run.state === 'finished';
    const state = isOver && (hasModel || isRecord) ? 'finished' : 'stopped';
    const last = ['reward', 'accuracy'].flatMap((metric) => {
      const value = lastValue(run, metric);
      return value === null ? [] : [`${metric} ${value.toFixed(3)}`];
    });
    const base = runs.find((other) => other.kind === kind) ?? run;
    return [
      path,
      kind,
      state,
      `${step}/${steps}`,
      `seed ${seed}`,
      last.join(', '),
      watch && best ? `best ${watch.metric} ${best.value.toFixed(3)} at step ${best.step}` : '',
      changesText(differencesFrom(base, run)),
    ];
  });
  const widths = (rows[0] ?? []).map((_, i) => Math.max(...rows.map((row) => row[i]?.length ?? 0)));
  return rows
    .map((row) =>
      row
        .map((cell, i) => cell.padEnd(widths[i] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** A report as it is printed, without its plots. */
export function textOf(report: Report): string {
  const blocks = report.blocks.filter(({ kind }) => kind !== 'plot');
  return reportMarkdown({ ...report, blocks }).trimEnd();
}
