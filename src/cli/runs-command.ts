/**
 * `lab runs`: lists the runs in a folder; and `lab compare`: compares the settings and measurements of runs.
 */
import { Command } from 'commander';
import { LabError } from '../common/errors.ts';
import { tableLines } from '../data/files/table-writer.ts';
import {
  compareRuns,
  type ComparedRun,
  comparisonReport,
  differencesFrom,
  lastValue,
  LONG_COLUMNS,
  longRows,
  type RunComparison,
} from '../studies/run-comparison.ts';
import { plotSvg } from '../studies/plot.ts';
import { type Report, reportHtml, reportMarkdown } from '../studies/report.ts';
import { checkOutputFolder, forceOption, writeTogether } from './outputs.ts';
import { findRuns, type FoundRun, readRun } from './run-reader.ts';
import { note, print } from './terminal.ts';

export function runsCommand(): Command {
  return new Command('runs')
    .description('list the runs in a folder, with their differing settings and their progress')
    .argument('[folder]', 'the folder to search, including subfolders', 'runs')
    .option('--json', 'print one run per line as JSON')
    .addHelpText('after', '\nExample:\n  npm run lab -- runs runs/lambda')
    .action(async (folder: string, { json }: { readonly json?: boolean }) => {
      const found = await findRuns(folder);
      for (const { path, problem } of found) if (problem !== undefined) note(`${path}: ${problem}`);
      if (found.length === 0) note(`There is no run in ${folder}.`);
      else if (json === true) for (const one of found) print(JSON.stringify(one));
      else print(runTable(found));
    });
}

interface CompareOptions {
  readonly metric?: string[];
  readonly out?: string;
  readonly force?: boolean;
  readonly json?: boolean;
}

export function compareCommand(): Command {
  return new Command('compare')
    .description('compare runs: what differs in their settings, means over seeds, differences seed by seed')
    .argument('<folders...>', 'runs, or folders of runs; the others are compared with the first')
    .option('--metric <names...>', 'the metrics to compare (default: the first seven that were measured)')
    .option('-o, --out <folder>', 'write compare.md, compare.html, compare.svg, compare.csv and compare.json there')
    .addOption(forceOption())
    .option('--json', 'print the comparison as one line of JSON')
    .addHelpText(
      'after',
      `
Runs that differ in their seed alone are one group. compare.csv has every measurement of every run in a row.

Examples:
  npm run lab -- compare runs/plain runs/balanced
  npm run lab -- compare runs/lambda --metric tailRecall accuracy --out runs/lambda/report`,
    )
    .action(runCompare);
}

async function runCompare(folders: readonly string[], { metric, out, force, json }: CompareOptions): Promise<void> {
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
  const report = comparisonReport(comparison, metric);
  if (json === true) print(JSON.stringify(comparison));
  else print(reportMarkdown({ ...report, blocks: report.blocks.filter(({ kind }) => kind !== 'plot') }).trimEnd());
  if (out === undefined) return;
  await writeTogether(out, comparisonFiles(comparison, report));
  note(`Wrote ${out}.`);
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
  const plots = report.blocks.flatMap((block): [string, string][] =>
    block.kind === 'plot' ? [[block.file, plotSvg(block.plot)]] : [],
  );
  const options = { format: 'csv', freeText: ['run', 'group'] } as const;
  return new Map([
    ['compare.md', reportMarkdown(report)],
    ['compare.html', reportHtml(report)],
    ['compare.csv', [...tableLines(LONG_COLUMNS, longRows(comparison), options)].join('')],
    ['compare.json', `${JSON.stringify(comparison, null, 1)}\n`],
    ...plots,
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
  const rows = found.map(({ path, run, hasModel }) => {
    if (run === undefined) return [path, 'unreadable'];
    const { kind, step, steps, seed } = run;
    const state = hasModel && step >= steps ? 'finished' : 'stopped';
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
