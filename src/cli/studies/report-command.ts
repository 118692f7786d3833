/**
 * `lab report`: the tables and plots of an experiment again, from its results file.
 */
import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Command } from 'commander';
import { LabError } from '../../common/errors.ts';
import { parseConfig } from '../../config/parse.ts';
import { ExperimentResultsSchema } from '../../protocol/experiment-results.ts';
import { resultsMarkdown } from '../../studies/results-report.ts';
import { writeReport } from './report-files.ts';
import { print } from '../terminal.ts';

export function reportCommand(): Command {
  return new Command('report')
    .description('print the table of an experiment, and write its table and plot beside the results file')
    .argument('<results.json>', 'what "lab experiment" has written')
    .addHelpText('after', '\nExample:\n  npm run lab -- report docs/results/E1.json')
    .action(async (path: string) => {
      const results = parseConfig(path, ExperimentResultsSchema, await readJson(path));
      await writeReport(dirname(path), results);
      print(resultsMarkdown(results));
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
