/**
 * The tables and plots of an experiment beside its results file.
 */
import { join } from 'node:path';
import type { ExperimentResults } from '../../protocol/experiment-results.ts';
import { resultsSvg } from '../../studies/results-plot.ts';
import { resultsMarkdown } from '../../studies/results-report.ts';
import { writeWhole } from '../model-folder.ts';

/** Writes `<id>.md` and `<id>.svg`. */
export async function writeReport(folder: string, results: ExperimentResults): Promise<void> {
  await writeWhole(join(folder, `${results.id}.md`), `${resultsMarkdown(results)}\n`);
  await writeWhole(join(folder, `${results.id}.svg`), resultsSvg(results));
}
