/**
 * What `lab recipe` does with one set of judgments.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { LabError } from '../../common/errors.ts';
import type { BackendChoice } from '../../protocol/scoring.ts';
import { countQueries, foldsOf, type ModelId, type RealRecipe } from '../../studies/judged/real-data.ts';
import { type FoldResult, realResults } from '../../studies/judged/real-results.ts';
import { readAnnotations } from './annotations.ts';
import { readDataFiles, type ReadingOptions } from '../pair-files.ts';
import { measuredOnce } from '../runs/read-files.ts';
import { runFold } from './recipe-fold.ts';
import { checkStudy, runStudy } from './study.ts';
import { note, print } from '../terminal.ts';

export interface RecipeOptions extends ReadingOptions {
  readonly data: readonly string[];
  readonly folds?: number;
  readonly models: readonly ModelId[];
  readonly runs: string;
  readonly out: string;
  readonly force?: boolean;
  readonly backend: BackendChoice;
}

export async function runRecipe(recipe: RealRecipe, options: RecipeOptions): Promise<void> {
  await checkStudy(recipe.id, options, [...options.data, options.docs, options.queries]);
  const whole = await readDataFiles(options.data, { ...options, scale: recipe.scaleSize });
  const annotations = await readAnnotations(options.data[0] ?? '');
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
