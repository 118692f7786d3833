/**
 * The options that choose the held-out pairs of a model (held-out-pairs.ts).
 */
import { type Command, Option } from 'commander';
import { wholeNumber } from '../options.ts';
import { addReadingOptions, dataOption } from '../pair-files.ts';

/** Adds the options to a command. */
export function addHeldOutOptions(command: Command): Command {
  const chosen = command
    .addOption(new Option('--split <name>', 'which held-out part').choices(['dev', 'test']).default('test'))
    .option('--world-seed <n>', 'seed of the rule world', wholeNumber(0), 1)
    .addOption(dataOption('the file of judged pairs that the model was trained on'));
  return addReadingOptions(chosen);
}
