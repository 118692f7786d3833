/**
 * `lab runs`: lists the runs in a folder; and `lab compare`: compares the settings and measurements of runs.
 */
import { Command, Option } from 'commander';
import { COMPARISON_AXES } from '../../protocol/runs.ts';
import { lazily } from '../lazily.ts';
import { forceOption } from '../outputs.ts';

export function runsCommand(): Command {
  return new Command('runs')
    .argument('[folder]', 'the folder to search, including subfolders', 'runs')
    .option('--json', 'print one run per line as JSON')
    .option('--tensorboard <folder>', 'write an event file of TensorBoard for each run there, in the same subfolders')
    .addOption(forceOption())
    .addHelpText(
      'after',
      `
Examples:
  npm run lab -- runs runs/lambda
  npm run lab -- runs runs/lambda --tensorboard runs/events    # then: tensorboard --logdir runs/events`,
    )
    .action(lazily(async () => (await import('./runs-action.ts')).listRuns));
}

export function axisOption(): Option {
  const option = new Option('--axis <name>', 'what curves are drawn over; time is computing time without pauses');
  return option.choices(COMPARISON_AXES).default('step');
}

export function compareCommand(): Command {
  return new Command('compare')
    .argument('<folders...>', 'runs, or folders of runs; the others are compared with the first')
    .option('--metric <names...>', 'the metrics to compare (default: the first seven that were measured)')
    .addOption(axisOption())
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
    .action(lazily(async () => (await import('./runs-action.ts')).runCompare));
}
