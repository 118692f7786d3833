/**
 * `lab piar`: refines an instruction on a file of judged pairs, and writes the results.
 */
import { Command } from 'commander';
import { MAX_SCALE } from '../relevance/pair/labels.ts';
import { wholeNumber } from './options.ts';
import { forceOption } from './outputs.ts';
import { addReadingOptions } from './pair-files.ts';
import { lazily } from './lazily.ts';

export function piarCommand(): Command {
  const command = new Command('piar').argument(
    '<files...>',
    'judged pairs in any format that lab score reads; several that belong together',
  );
  return addReadingOptions(command)
    .option('--scale <n>', `how many labels the grades have, 2 to ${MAX_SCALE}`, wholeNumber(2), 4)
    .option('--rounds <n>', 'the maximum number of rounds', wholeNumber(1), 20)
    .option('--seed <n>', 'seed of the split into train, dev and test queries', wholeNumber(0), 1)
    .option('--start <file>', 'the instruction to begin with, as .json or .txt (default: word overlap)')
    .option(
      '--endpoint <url>',
      'let a language model propose: an OpenAI-compatible API, such as http://localhost:1234/v1',
    )
    .option('--model <name>', 'the model at the endpoint')
    .option('--key-env <name>', 'the environment variable that holds the key of the endpoint')
    .requiredOption('-o, --out <folder>', 'where the results go')
    .addOption(forceOption())
    .addHelpText(
      'after',
      `
Writes history.json, instruction.json, instruction.txt, lexicon.json, traces.jsonl and report.md. Nothing leaves the
machine unless --endpoint is given; then rules, error counts and some pairs of the train part are sent there.

Examples:
  npm run lab -- piar judged.tsv --out runs/piar
  npm run lab -- piar pairs.jsonl.gz --docs docs.jsonl.gz --scale 2 --seed 3 --out runs/piar
  npm run lab -- piar judged.tsv --start runs/piar/instruction.txt --endpoint http://localhost:1234/v1 --model qwen3 --out runs/asked`,
    )
    .action(lazily(async () => (await import('./piar-action.ts')).runPiarCommand));
}
