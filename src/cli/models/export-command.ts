/**
 * `lab export`: converts models between the command line and the page. A model folder becomes a checkpoint file that
 * the page imports and answers with; the checkpoint of a supervised run becomes one that the page can also resume; a
 * checkpoint file of the page becomes a model folder. Exporting a folder to a folder adds the files for transformers,
 * which earlier versions of the lab did not write.
 */
import { Command } from 'commander';
import { EXTENSION } from '../../checkpoint/checkpoint-file.ts';
import { modelOption } from '../options.ts';
import { forceOption } from '../outputs.ts';
import { lazily } from '../lazily.ts';

export function exportCommand(): Command {
  return new Command('export')
    .addOption(modelOption())
    .option('--run <folder>', 'instead of a model: the folder of a run of "lab sft", to be resumed in the page')
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
