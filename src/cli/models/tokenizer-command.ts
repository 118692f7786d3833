/**
 * `lab tokenizer`: trains a byte-level BPE tokenizer.
 */
import { Command } from 'commander';
import { SPECIAL_TOKENS } from '../../relevance/pair/vocabulary.ts';
import { wholeNumber } from '../options.ts';
import { forceOption } from '../outputs.ts';
import { lazily } from '../lazily.ts';

export function tokenizerCommand(): Command {
  return new Command('tokenizer')
    .option('--vocab <n>', 'entries of the vocabulary', wholeNumber(SPECIAL_TOKENS.length + 256), 768)
    .option('--seed <n>', 'the seed of the rule world', wholeNumber(0), 1)
    .option('--text <file>', 'train on the lines of this file instead')
    .option('--out <file>', 'write a Hugging Face tokenizer.json')
    .addOption(forceOption())
    .option('--encode <text>', 'show how a text is split')
    .addHelpText(
      'after',
      `
Examples:
  npm run lab -- tokenizer --vocab 1024 --out tokenizer.json
  npm run lab -- tokenizer --encode "zorvex blender 1.5 l"`,
    )
    .action(lazily(async () => (await import('./tokenizer-action.ts')).runTokenizer));
}
