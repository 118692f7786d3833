/**
 * `lab export`: carries models between the command line and the page. A model folder becomes one checkpoint file that the
 * page imports and answers with, the checkpoint of a supervised run one that it also trains on from, and a checkpoint file of
 * the page a model folder. A folder made of a folder has what transformers reads, which older versions of the lab did not write.
 */
import { Command } from 'commander';
import { EXTENSION } from '../checkpoint/checkpoint-file.ts';
import { modelOption } from './options.ts';
import { forceOption } from './outputs.ts';
import { lazily } from './lazily.ts';

export function exportCommand(): Command {
  return new Command('export')
    .description('carry a model between the command line and the page')
    .addOption(modelOption())
    .option('--run <folder>', 'instead of a model: the run of "lab sft" in this folder, to be trained on in the page')
    .requiredOption('-o, --out <path>', `a file *${EXTENSION}, or the model folder to make`)
    .addOption(forceOption())
    .addHelpText(
      'after',
      `
Files are imported in the Train view of the page, under its checkpoints.

Examples:
  npm run lab -- export --model runs/first/model --out first${EXTENSION}
  npm run lab -- export --run runs/first --out first${EXTENSION}
  npm run lab -- export --model from-the-page${EXTENSION} --out models/from-the-page`,
    )
    .action(lazily(async () => (await import('./export-action.ts')).exportModel));
}
