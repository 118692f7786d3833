/**
 * `lab inside`: what a model computes on the way to an answer: attention, the label by layer, entropy by token.
 */
import { Command } from 'commander';
import { lazily } from '../lazily.ts';
import { backendOption, decodingOption, modelOption, precisionOption, wholeNumber } from '../options.ts';
import { pairOptions } from './answer-command.ts';

export function insideCommand(): Command {
  return pairOptions(new Command('inside'))
    .option('--layer <n>', 'show the attention of this layer, from 1 (default: the mean over all)', wholeNumber(1))
    .option('--head <n>', 'show the attention of this head, from 1 (default: the mean over all)', wholeNumber(1))
    .addOption(decodingOption('the reasoning (default: grounded where the model has rules)'))
    .option('--json', 'print everything as JSON: every head of every layer, word by word')
    .addOption(modelOption())
    .addOption(precisionOption())
    .addOption(backendOption())
    .addHelpText(
      'after',
      `
Attention is that of the place where the label is predicted: the shares that it takes of the words before it. The label
by layer is the logit lens: what the label would be if the model ended there. Entropy is that of the policy over the whole
vocabulary, whatever the reasoning is held to.

Examples:
  npm run lab -- inside "red kettle 1.5 l" '{"title":"kettle","attributes":{"colour":"red","capacity":"1500 ml"}}'
  npm run lab -- inside "copper kettle" "Garden hose, 20 m" --model general --layer 4 --json`,
    )
    .action(lazily(async () => (await import('./inside-action.ts')).runInside));
}
