/**
 * `lab recipe`: real judgments from a file to a report, resumable at any point: import, folds by query, PIAR, traces,
 * models with and without hints, reinforcement with the expert loss beside it, and all of them beside BM25.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Command, Option } from 'commander';
import * as v from 'valibot';
import { LabError } from '../../common/errors.ts';
import type { ColumnNames } from '../../data/files/columns.ts';
import {
  countQueries,
  foldsOf,
  MODEL_IDS,
  type ModelId,
  REAL_RECIPES,
  type RealRecipe,
} from '../../studies/judged/real-data.ts';
import { type FoldResult, realResults } from '../../studies/judged/real-results.ts';
import { readAnnotations } from './annotations.ts';
import type { BackendChoice } from '../../protocol/scoring.ts';
import { backendOption, wholeNumber } from '../options.ts';
import { measuredOnce } from '../run-folder.ts';
import { columnOption, docsOption, gradeOption, readDataFiles } from '../pair-files.ts';
import { runFold } from './recipe-fold.ts';
import { generalCommand } from './recipe-general.ts';
import { forceOption } from '../outputs.ts';
import { checkStudy, runStudy } from './study.ts';
import { note, print } from '../terminal.ts';

interface RecipeOptions {
  readonly data: string;
  readonly docs?: string;
  readonly column: ColumnNames;
  readonly grade?: string;
  readonly folds?: number;
  readonly models: readonly ModelId[];
  readonly runs: string;
  readonly out: string;
  readonly force?: boolean;
  readonly backend: BackendChoice;
}

export function recipeCommand(): Command {
  const command = new Command('recipe').description('learn from real judgments end to end, and report beside BM25');
  for (const one of [...REAL_RECIPES.map(setCommand), generalCommand()]) command.addCommand(one.exitOverride());
  return command;
}

function setCommand(recipe: RealRecipe): Command {
  const { id, title, terms } = recipe;
  return new Command(id)
    .description(title)
    .requiredOption('--data <file>', 'the judged pairs')
    .addOption(docsOption())
    .addOption(columnOption())
    .addOption(gradeOption())
    .option('--folds <n>', 'run only this many folds, which is preliminary', wholeNumber(1))
    .addOption(
      new Option('--models <ids...>', 'models to make: without hints, with hints, with hints by reinforcement')
        .choices(MODEL_IDS)
        .default(MODEL_IDS),
    )
    .option('--runs <folder>', 'where stages are kept; those that are there are not made again', 'runs/recipes')
    .option('-o, --out <folder>', 'where results and report go', 'docs/results')
    .addOption(forceOption())
    .addOption(backendOption())
    .addHelpText(
      'after',
      `
${terms}

Example:
  npm run lab -- recipe ${id} --data ${id}/pairs.jsonl.gz --docs ${id}/docs.jsonl.gz`,
    )
    .action((options: RecipeOptions) => runRecipe(recipe, options));
}

async function runRecipe(recipe: RealRecipe, options: RecipeOptions): Promise<void> {
  await checkStudy(recipe.id, options, [options.data, options.docs]);
  const whole = await readDataFiles(options.data, { ...options, scale: recipe.scaleSize });
  const annotations = await readAnnotations(options.data);
  const out = join(options.runs, recipe.id);
  await checkStages(out, { sha256: whole.sha256, grades: options.grade ?? '' });
  const folds = (await foldsOf(recipe, whole)).slice(0, options.folds);
  const path = await runStudy<FoldResult>(options, ({ device, commit, signal }) => {
    const { grade: grades = '', models } = options;
    const context = { recipe, whole, grades, annotations, out, models, device, signal };
    return {
      arms: [
        {
          name: recipe.id,
          runs: folds.map((fold) => () => {
            note(`Fold ${fold.index + 1} of ${folds.length}.`);
            return runFold(fold, context);
          }),
        },
      ],
      results: ([arm]) => realResults(recipe, arm?.outcomes ?? [], { device, commit, inFile: countQueries(whole) }),
    };
  });
  if (path !== undefined) print(`${path}.md`);
}

const InputsSchema = v.strictObject({ sha256: v.string(), grades: v.string() });

/**
 * Checks that the stages in a folder were made from these judgments, because they are used again without another look.
 *
 * @throws {LabError} `bad-config` if they were made from others
 */
async function checkStages(out: string, inputs: v.InferOutput<typeof InputsSchema>): Promise<void> {
  await mkdir(out, { recursive: true });
  const kept = await measuredOnce(out, 'inputs', InputsSchema, () => Promise.resolve(inputs));
  if (kept.sha256 === inputs.sha256 && kept.grades === inputs.grades) return;
  throw new LabError('bad-config', {
    message: `The stages in ${out} were made from other judgments.`,
    expected: `data ${kept.sha256.slice(0, 12)}, --grade "${kept.grades}"`,
    got: `data ${inputs.sha256.slice(0, 12)}, --grade "${inputs.grades}"`,
    fix: 'Name another folder with --runs.',
  });
}
