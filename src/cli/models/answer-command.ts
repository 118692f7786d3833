/**
 * `lab answer`: judges one pair; prints the label at once and the reasoning as it is generated.
 *
 * Room `cli/models/`: the commands about one model (answer, eval, serve, export, quantise, agreement, tokenizer) or
 * about the rule world.
 */
import { Command } from 'commander';
import {
  backendOption,
  decodingOption,
  modelOption,
  notNegativeNumber,
  positiveNumber,
  precisionOption,
  wholeNumber,
} from '../options.ts';
import { encoderOption } from '../encoder-options.ts';
import { lazily } from '../lazily.ts';

export function answerCommand(): Command {
  return pairOptions(new Command('answer'))
    .option('--no-reason', 'stop after the label')
    .option('--temperature <x>', 'of the reasoning; 0 takes the most likely token', notNegativeNumber, 0)
    .option('--top-k <n>', 'draw from the n most likely tokens', wholeNumber(1))
    .option('--top-p <x>', 'draw from the most likely tokens that together have this probability', positiveNumber)
    .option('--seed <n>', 'seed of the sampling', wholeNumber(0), 0)
    .addOption(decodingOption('the reasoning (default: grounded where the model has rules)'))
    .option('--json', 'print each event as one line of JSON')
    .addOption(modelOption())
    .addOption(encoderOption())
    .addOption(precisionOption())
    .addOption(backendOption())
    .addHelpText(
      'after',
      `
Examples:
  npm run lab -- answer "zorvex kettle red" "zorvex kettle" --brand zorvex --type kettle --attribute colour=blue
  npm run lab -- answer "kettle 1.5 l" '{"title":"kettle 1500 ml","type":"kettle","attributes":{"category":"kitchen"}}'`,
    )
    .action(lazily(async () => (await import('./answer-action.ts')).runAnswer));
}

/** Adds a pair as two arguments, with options for the fields of its document. */
export function pairOptions(command: Command): Command {
  return command
    .argument('<query>', 'what is searched for')
    .argument('<document>', "the document's title, or a JSON object with title, brand, type, attributes, text")
    .option('--brand <text>', 'the brand of the document')
    .option('--type <text>', 'what kind of thing the document is')
    .option('--attribute <name=value>', 'an attribute of the document; may be repeated', collect, [])
    .option('--text <text>', 'further text of the document');
}

function collect(value: string, previous: readonly string[]): string[] {
  return [...previous, value];
}
