/**
 * `lab recipe`: real judgments from a file to a report, resumable at any point: import, folds by query, PIAR, traces,
 * models with and without hints, reinforcement with the expert loss, and a comparison of all with BM25.
 */
import { Command, Option } from 'commander';
import { MODEL_IDS, REAL_RECIPES, type RealRecipe, SET_FILES } from '../../studies/judged/real-data.ts';
import { lazily } from '../lazily.ts';
import { backendOption, wholeNumber } from '../options.ts';
import { addReadingOptions, dataOption } from '../pair-files.ts';
import { encoderOption, keepVectorsOption } from '../encoder-options.ts';
import { forceOption } from '../outputs.ts';
import type { RecipeOptions } from './recipe-action.ts';

export function recipeCommand(): Command {
  const command = new Command('recipe');
  for (const one of [...REAL_RECIPES.map(setCommand), generalCommand(), vectorsCommand()])
    command.addCommand(one.exitOverride());
  return command;
}

function setCommand(recipe: RealRecipe): Command {
  const { id, title, terms } = recipe;
  const command = new Command(id).description(title).addOption(dataOption('the judged pairs').makeOptionMandatory());
  return addReadingOptions(command)
    .option('--folds <n>', 'run only this many folds, which is preliminary', wholeNumber(1))
    .addOption(
      new Option('--models <ids...>', 'models to make: without hints, with hints, with hints by reinforcement')
        .choices(MODEL_IDS)
        .default(MODEL_IDS),
    )
    .option('--runs <folder>', 'the folder of stages; existing ones are reused', 'runs/recipes')
    .option('-o, --out <folder>', 'the folder of results and report', 'docs/results')
    .addOption(forceOption())
    .addOption(backendOption())
    .addHelpText(
      'after',
      `
${terms}

Example:
  npm run lab -- recipe ${id} --data ${id}/pairs.jsonl.gz --docs ${id}/docs.jsonl.gz`,
    )
    .action(async (options: RecipeOptions) => (await import('./recipe-action.ts')).runRecipe(recipe, options));
}

function vectorsCommand(): Command {
  return new Command('vectors')
    .description(
      'distil static vectors, of which the general model reads similarities of meaning, from a sentence encoder',
    )
    .argument('<root>', `the folder of ${REAL_RECIPES.map(({ id }) => id).join(' and ')}, for the rarity of words`)
    .requiredOption('--encoder <folder>', 'a BERT sentence encoder, for example all-MiniLM-L6-v2')
    .option('--origin <text>', 'what the file says of its origin', 'sentence-transformers/all-MiniLM-L6-v2')
    .option('--license <text>', 'the license of the encoder', 'Apache-2.0')
    .option('--width <n>', 'numbers of a vector, a multiple of 32', wholeNumber(32), 128)
    .option('--pieces <n>', 'word pieces to keep', wholeNumber(1), 20_000)
    .option('-o, --out <file>', 'the file of vectors', VECTORS_PATH)
    .addOption(forceOption())
    .addOption(backendOption())
    .action(lazily(async () => (await import('./recipe-vectors.ts')).runVectors));
}

/** Where the vectors of the general model are. */
const VECTORS_PATH = 'public/models/general/vectors.safetensors';

function generalCommand(): Command {
  return new Command('general')
    .description('train the general model on both sets, for files without judgments')
    .argument(
      '<root>',
      `the folder of ${REAL_RECIPES.map(({ id }) => id).join(' and ')}, each with ${SET_FILES.pairs} and ${SET_FILES.documents}`,
    )
    .option('--vectors <file>', 'what meanings are compared with, as "lab recipe vectors" makes it', VECTORS_PATH)
    .addOption(encoderOption())
    .addOption(keepVectorsOption())
    .option('--folds <n>', 'run only this many folds, which is preliminary', wholeNumber(1))
    .option(
      '--runs <folder>',
      'where models and predictions are kept; those that are there are not made again',
      'runs/recipes',
    )
    .option('-o, --out <folder>', 'where results and report go', 'docs/results')
    .addOption(forceOption())
    .addOption(backendOption())
    .action(lazily(async () => (await import('./recipe-general.ts')).runGeneral));
}
