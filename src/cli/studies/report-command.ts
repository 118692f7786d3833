/**
 * `lab report`: writes the report and plots of a study again, from its results file; or those of any set of runs.
 */
import { Command } from 'commander';
import { lazily } from '../lazily.ts';
import { forceOption } from '../outputs.ts';
import { axisOption } from '../runs/runs-command.ts';

export function reportCommand(): Command {
  return new Command('report')
    .argument(
      '<paths...>',
      'a results file of "lab experiment", "piar-experiment", "recipe" or "agreement"; or runs, and folders of runs',
    )
    .option('-o, --out <folder>', 'for runs: where the report is written')
    .addOption(axisOption())
    .addOption(forceOption())
    .addHelpText(
      'after',
      `
A report of runs is report.md, report.html, report.csv with every measurement, report.json, report.bib with how to cite
them, and a figure of SVG for labels, reward and entropy, rules, and loss. The others are compared with the first run.

Examples:
  npm run lab -- report docs/results/E1.json
  npm run lab -- report runs/lambda --out runs/lambda/report`,
    )
    .action(lazily(async () => (await import('./report-action.ts')).runReport));
}
