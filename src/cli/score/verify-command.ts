/**
 * `lab verify`: checks a proof of scores by scoring again.
 */
import { Command } from 'commander';
import { GENERAL_MODEL_FOLDER, modelOption, wholeNumber } from '../options.ts';
import { lazily } from '../lazily.ts';

export function verifyCommand(): Command {
  return new Command('verify')
    .argument('<proof>', 'the proof')
    .argument('[files...]', 'the files that were scored, in the order of the proof (default: by their names beside it)')
    .option('--windows <n>', 'how many windows of 512 pairs to score again, drawn anew each time', wholeNumber(1), 4)
    .option('--all', 'score all pairs again')
    .option('--json', 'print one line of JSON')
    .addOption(modelOption(GENERAL_MODEL_FOLDER))
    .addHelpText(
      'after',
      `
Compared are the SHA-256 of the files, of the model, and of the scores of each window, on the backend that the proof names.
Exit code 0 if all are the same, 2 if not.

Examples:
  npm run lab -- score pairs.tsv --proof pairs.proof.json
  npm run lab -- verify pairs.proof.json --all`,
    )
    .action(lazily(async () => (await import('./verify-action.ts')).runVerify));
}
