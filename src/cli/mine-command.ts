/**
 * `lab mine`: finds pairs that a trained model finds hard, in its rule world or in a file of judged pairs: those that
 * it gets wrong or answers differently from sample to sample, and documents that it scores above better ones.
 */
import { Command, Option } from 'commander';
import { SPLITS } from '../relevance/world/world-vocabulary.ts';
import { HARD_THRESHOLDS } from '../train/hard-samples.ts';
import { backendOption, EXACT_IDS, modelOption, notNegativeNumber, wholeNumber } from './options.ts';
import { forceOption } from './outputs.ts';
import { addReadingOptions } from './pair-files.ts';
import { lazily } from './lazily.ts';

export function mineCommand(): Command {
  const command = new Command('mine')
    .argument('[files...]', 'judged pairs on the scale of the model (default: the rule world)')
    .addOption(modelOption());
  return addReadingOptions(command)
    .addOption(new Option('--split <name>', 'the split of the rule world').choices(SPLITS).default('train'))
    .option('--world-queries <n>', 'how many of its queries, six pairs each', wholeNumber(1), 250)
    .option('--world-seed <n>', 'seed of the rule world', wholeNumber(0), 1)
    .option('--limit <n>', 'only the first pairs of the file', wholeNumber(1))
    .option('--samples <n>', 'completions per pair, at temperature 1', wholeNumber(1), 8)
    .option('--max-tokens <n>', 'the maximum number of tokens of a completion', wholeNumber(1), 48)
    .option('--seed <n>', 'seed of the completions', wholeNumber(0), 1)
    .option('--margin <x>', 'hard if the gold label leads by less', notNegativeNumber, HARD_THRESHOLDS.margin)
    .option(
      '--spread <x>',
      'hard if this share of answers differs from the most frequent one',
      notNegativeNumber,
      HARD_THRESHOLDS.spread,
    )
    .option(
      '--near <x>',
      'the distance in relevance below a better document at which a worse one counts as close',
      notNegativeNumber,
      0.05,
    )
    .option('--show <n>', 'how many of each to show', wholeNumber(0), 10)
    .option('-o, --out <file>', 'write all of them as .jsonl, .tsv or .csv')
    .addOption(forceOption())
    .option('--json', 'print the counts as one line of JSON, last')
    .addOption(backendOption())
    .addHelpText(
      'after',
      `
A pair is hard if every completion gives a wrong label, if the gold label leads by less than --margin, if the answers
disagree, or if the rules that completions cite imply another label than they state. A hard negative is a document that
people graded lower than another of its query and that the model scores close to it or above. Files written as .jsonl
can be used for training with lab sft --data. ${EXACT_IDS}

Examples:
  npm run lab -- mine --model runs/first/model
  npm run lab -- mine pairs.tsv --model runs/mine/model --out hard.jsonl
  npm run lab -- mine pairs.jsonl --docs docs.jsonl --samples 16 --show 3 --out hard.tsv`,
    )
    .action(lazily(async () => (await import('./mine-action.ts')).runMine));
}
