/**
 * `lab report`: the report and plots of a study again, from its results file.
 */
import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Command } from 'commander';
import { LabError } from '../../common/errors.ts';
import { reportMarkdown } from '../../studies/report.ts';
import { reportOf, writeReport } from '../results-files.ts';
import { print } from '../terminal.ts';

export function reportCommand(): Command {
  return new Command('report')
    .description('print the report of a study, and write it with its plots beside the results file')
    .argument('<results.json>', 'what "lab experiment", "piar-experiment", "recipe" or "agreement" has written')
    .addHelpText('after', '\nExample:\n  npm run lab -- report docs/results/E1.json')
    .action(async (path: string) => {
      const study = reportOf(path, await readJson(path));
      await writeReport(dirname(path), study);
      print(reportMarkdown(study.report).trimEnd());
    });
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
