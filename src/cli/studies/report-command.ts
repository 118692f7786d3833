/**
 * `lab report`: writes the report and plots of a study again, from its results file.
 */
import { Command } from 'commander';
import { lazily } from '../lazily.ts';
import { forceOption } from '../outputs.ts';

export function reportCommand(): Command {
  return new Command('report')
    .argument('<results.json>', 'what "lab experiment", "piar-experiment", "recipe" or "agreement" has written')
    .addOption(forceOption())
    .addHelpText('after', '\nExample:\n  npm run lab -- report docs/results/E1.json')
    .action(lazily(async () => (await import('./report-action.ts')).runReport));
}
