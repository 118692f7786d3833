/**
 * The action of `lab report`.
 */
import { readFile, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { LabError } from '../../common/errors.ts';
import type { ComparisonAxis } from '../../protocol/runs.ts';
import { compareRuns } from '../../studies/run-comparison.ts';
import { REPORT_FILES, runReportFiles } from '../../studies/run-report.ts';
import { reportMarkdown } from '../../studies/report.ts';
import { checkOutputFolder, writeTogether } from '../outputs.ts';
import { reportFiles, reportOf } from '../results-files.ts';
import { checkedAxis, runsOf } from '../runs/runs-action.ts';
import { print } from '../terminal.ts';

interface ReportOptions {
  readonly out?: string;
  readonly axis: ComparisonAxis;
  readonly force?: boolean;
}

/** A report of one results file, or of runs. */
export async function runReport(paths: readonly string[], options: ReportOptions): Promise<void> {
  const [path = ''] = paths;
  const isFile = (await stat(path).catch(() => undefined))?.isFile() === true;
  if (isFile || (paths.length === 1 && path.endsWith('.json'))) return reportResults(paths, options);
  await reportRuns(paths, options);
}

async function reportRuns(paths: readonly string[], { out, axis, force }: ReportOptions): Promise<void> {
  if (out === undefined) {
    throw new LabError('bad-config', {
      message: 'A report of runs needs a folder.',
      fix: 'Name one with --out, such as --out runs/report.',
    });
  }
  await checkOutputFolder(out, REPORT_FILES, { inputs: [], force });
  const comparison = compareRuns(await runsOf(paths));
  const files = runReportFiles(comparison, checkedAxis(comparison, axis));
  await writeTogether(out, files);
  print(join(out, 'report.md'));
}

async function reportResults(paths: readonly string[], { out, force }: ReportOptions): Promise<void> {
  const [path = '', ...others] = paths;
  if (others.length > 0 || out !== undefined) {
    throw new LabError('bad-config', {
      message: 'The report of a results file is written beside it, one file at a time.',
      got: [...paths, ...(out === undefined ? [] : [`--out ${out}`])].join(' '),
      fix: 'Name one results file alone.',
    });
  }
  const study = reportOf(path, await readJson(path));
  const files = await changedFiles(dirname(path), reportFiles(study));
  await checkOutputFolder(dirname(path), [...files.keys()], { inputs: [path], force });
  await writeTogether(dirname(path), files);
  print(reportMarkdown(study.report).trimEnd());
}

/** Those that are not in the folder as they are: a report that is there already need not be replaced by itself. */
async function changedFiles(folder: string, files: ReadonlyMap<string, string>): Promise<Map<string, string>> {
  const changed = new Map<string, string>();
  for (const [name, contents] of files) {
    const there = await readFile(join(folder, name), 'utf8').catch(() => undefined);
    if (there !== contents) changed.set(name, contents);
  }
  return changed;
}

async function readJson(path: string): Promise<unknown> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    const fix = 'Name a file that "npm run lab -- experiment" has written.';
    throw new LabError('not-found', { message: `The results file ${path} cannot be read.`, fix, cause });
  }
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    const fix = 'Run the experiment again: what is finished of it is not made anew.';
    throw new LabError('bad-file', { message: `The results file ${path} is not JSON.`, fix, cause });
  }
}
