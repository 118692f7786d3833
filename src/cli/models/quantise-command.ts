/**
 * `lab quantise`: copies a model with its matrices in 8 or 4 bits; and `lab agreement`: measures what compression
 * costs.
 */
import { Command, InvalidArgumentError } from 'commander';
import { backendOption, modelOption, wholeNumber } from '../options.ts';
import { forceOption } from '../outputs.ts';
import { addHeldOutOptions } from './held-out-options.ts';
import { lazily } from '../lazily.ts';

/** Options for the pairs that copies are compared on. */
function comparisonOptions(command: Command): Command {
  const chosen = command
    .option('--pairs <n>', 'held-out pairs to compare answers on', wholeNumber(1), 1200)
    .option('--completions <n>', 'how many of them to complete with reasoning', wholeNumber(0), 200);
  return addHeldOutOptions(chosen).addOption(backendOption());
}

export function quantiseCommand(): Command {
  return comparisonOptions(
    new Command('quantise')
      .addOption(modelOption())
      .option('--bits <n>', '8 or 4', bitsOf, 8)
      .requiredOption('-o, --out <folder>', 'where the copy goes')
      .addOption(forceOption()),
  )
    .addHelpText('after', '\nExample:\n  npm run lab -- quantise --bits 4 --out runs/small')
    .action(lazily(async () => (await import('./quantise-action.ts')).quantiseModel));
}

function bitsOf(text: string): 4 | 8 {
  if (text === '4') return 4;
  if (text === '8') return 8;
  throw new InvalidArgumentError('Expected 8 or 4.');
}

export function agreementCommand(): Command {
  return comparisonOptions(new Command('agreement').argument('<folders...>', 'model folders'))
    .option('-o, --out <folder>', 'where quantisation.json and quantisation.md go', 'docs/results')
    .addOption(forceOption())
    .addHelpText('after', '\nExample:\n  npm run lab -- agreement public/models/*')
    .action(lazily(async () => (await import('./quantise-action.ts')).compareModels));
}
