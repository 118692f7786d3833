/**
 * `lab recipe`: real judgments from a file to a report, resumable at any point: import, folds by query, PIAR, traces,
 * models with and without hints, reinforcement with the expert loss beside it, and all of them beside BM25.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { Command, Option } from 'commander';
import type { ColumnNames } from '../../data/files/columns.ts';
import { normaliseQuery } from '../../data/splits.ts';
import { foldsOf, MODEL_IDS, type ModelId, REAL_RECIPES, type RealRecipe } from '../../studies/judged/real-data.ts';
import { realReport, realSvg } from '../../studies/judged/real-report.ts';
import { type FoldResult, realResults } from '../../studies/judged/real-results.ts';
import { reportHtml, reportMarkdown } from '../../studies/report-blocks.ts';
import { accuracy, quadraticWeightedKappa } from '../../relevance/metrics/metrics.ts';
import { readAnnotations } from './annotations.ts';
import { currentCommit } from '../current-commit.ts';
import { writeWhole } from '../model-folder.ts';
import { type BackendName, openNodeBackend } from '../node-backend.ts';
import { backendOption, wholeNumber } from '../options.ts';
import { columnOption, docsOption, readDataFiles } from '../pair-files.ts';
import { runFold } from './recipe-fold.ts';
import { generalCommand } from './recipe-general.ts';
import { note, print } from '../terminal.ts';

interface RecipeOptions {
  readonly data: string;
  readonly docs?: string;
  readonly column: ColumnNames;
  readonly folds?: number;
  readonly models: readonly ModelId[];
  readonly runs: string;
  readonly out: string;
  readonly backend: BackendName;
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
    .option('--folds <n>', 'only so many folds are run, which is preliminary', wholeNumber(1))
    .addOption(
      new Option('--models <ids...>', 'models to make: without hints, with hints, with hints by reinforcement')
        .choices(MODEL_IDS)
        .default(MODEL_IDS),
    )
    .option('--runs <folder>', 'where stages are kept; those that are there are not made again', 'runs/recipes')
    .option('-o, --out <folder>', 'where results and report go', 'docs/results')
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
  const whole = await readDataFiles(options.data, options);
  const annotations = await readAnnotations(options.data);
  const opened = await openNodeBackend(options.backend);
  note(`Computing on ${opened.backend}: ${opened.device} (${opened.reason}).`);
  const controller = new AbortController();
  process.once('SIGINT', () => controller.abort());
  const { signal } = controller;
  const device = `${opened.backend}, ${opened.device}`;
  const out = join(options.runs, recipe.id);

  const folds = (await foldsOf(recipe, whole)).slice(0, options.folds);
  const results: FoldResult[] = [];
  for (const fold of folds) {
    note(`Fold ${fold.index + 1} of ${folds.length}.`);
    results.push(await runFold(fold, { recipe, whole, annotations, out, models: options.models, device, signal }));
  }
  const found = realResults(recipe, results, humanAgreement(results, recipe.scaleSize), {
    device,
    commit: currentCommit(),
    inFile: new Set(whole.pairs.map(({ query }) => normaliseQuery(query))).size,
  });
  await mkdir(options.out, { recursive: true });
  const report = realReport(found);
  const files: readonly (readonly [string, string])[] = [
    ['json', `${JSON.stringify(found, null, 1)}\n`],
    ['svg', realSvg(found)],
    ['md', reportMarkdown(report)],
    ['html', reportHtml(report)],
  ];
  for (const [kind, contents] of files) await writeWhole(join(options.out, `${recipe.id}.${kind}`), contents);
  note(found.verdict);
  print(join(options.out, `${recipe.id}.md`));
}

/** How annotators agree with each other; null where nobody knows. */
function humanAgreement(results: readonly FoldResult[], scaleSize: number): Parameters<typeof realResults>[2] {
  const said = results.flatMap(({ prepared }) => prepared.people);
  if (said.length === 0) return null;
  const [first, second] = [said.map((pair) => pair[0]), said.map((pair) => pair[1])];
  return {
    accuracy: accuracy(first, second),
    qwk: quadraticWeightedKappa(first, second, scaleSize),
    comparisons: said.length,
  };
}
