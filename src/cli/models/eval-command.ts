/**
 * `lab eval`: measures a model on a held-out part of its training data, the rule world or a file of judged pairs.
 */
import { Command } from 'commander';
import { backendOption, decodingOption, modelOption, precisionOption, wholeNumber } from '../options.ts';
import { addHeldOutOptions } from './held-out-options.ts';
import { lazily } from '../lazily.ts';

export function evalCommand(): Command {
  return addHeldOutOptions(new Command('eval').addOption(modelOption()).addOption(precisionOption()))
    .option('--pairs <n>', 'how many pairs (default: the whole split)', wholeNumber(1))
    .option('--completions <n>', 'how many of them to complete with reasoning', wholeNumber(0), 1000)
    .addOption(decodingOption('completions').default('free'))
    .option('--shuffled', "give each query another query's documents: labels should become unpredictable")
    .option(
      '--faithfulness',
      'instead: delete the cited words from documents and check whether labels follow the rules',
    )
    .option('--write-card', "write the measures into the model's card")
    .option('--json', 'print one line of JSON')
    .addOption(backendOption())
    .addHelpText(
      'after',
      `
Examples:
  npm run lab -- eval
  npm run lab -- eval --model runs/first/model --split dev --completions 200 --json
  npm run lab -- eval --model runs/mine/model --data pairs.tsv
  npm run lab -- eval --faithfulness --pairs 600`,
    )
    .action(lazily(async () => (await import('./eval-action.ts')).runEval));
}
