/**
 * `lab experiment`: runs the experiments of the lab, resumable at any point, and writes `docs/results/<id>.json` with the
 * tables and plots made from it.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { Argument, Command } from 'commander';
import { LabError } from '../../common/errors.ts';
import { findingsOf, verdictOf } from '../../studies/recipe-results.ts';
import { DISTILL_RECIPES } from '../../studies/distill-recipes.ts';
import { withGapClosed } from '../../studies/gap-closed.ts';
import { ORDER_RECIPES } from '../../studies/order-recipes.ts';
import { type Arm, type Recipe, RECIPES, START_SETTINGS } from '../../studies/recipes.ts';
import { parseConfig } from '../../config/parse.ts';
import {
  type ExperimentResults,
  ExperimentResultsSchema,
  type SeedResult,
  SEEDS_FOR_A_CLAIM,
} from '../../protocol/experiment-results.ts';
import { currentCommit } from '../current-commit.ts';
import { runEvidenceExperiment } from './evidence-experiment.ts';
import { type ExperimentContext, TEST_PAIRS } from './experiment-context.ts';
import { resultOf } from './experiment-runs.ts';
import { writeWhole } from '../model-folder.ts';
import { type BackendName, openNodeBackend } from '../node-backend.ts';
import { backendOption, DEFAULT_MODEL_FOLDER, wholeNumber } from '../options.ts';
import { runE0 } from '../../studies/theory.ts';
import { startModel } from '../start-model.ts';
import { writeReport } from './report-files.ts';
import { note, print } from '../terminal.ts';

interface ExperimentOptions {
  readonly seeds: number;
  readonly arms?: number;
  readonly steps?: number;
  readonly teacher: string;
  readonly runs: string;
  readonly out: string;
  readonly backend: BackendName;
}

const ALL_RECIPES = [...RECIPES, ...ORDER_RECIPES, ...DISTILL_RECIPES];
/** E0 is arithmetic and E10 asks models that are there; all others are runs. */
const IDS = ['E0', ...ALL_RECIPES.map(({ id }) => id), 'E10'];

export function experimentCommand(): Command {
  return new Command('experiment')
    .description('run an experiment of the lab: every arm with every seed, and what the differences say')
    .addArgument(new Argument('<id>', 'which experiment').choices(IDS))
    .option('--seeds <n>', `how many seeds; fewer than ${SEEDS_FOR_A_CLAIM} claim nothing`, wholeNumber(1), 5)
    .option('--arms <n>', 'only the first arms of the recipe, which are the most important', wholeNumber(1))
    .option('--steps <n>', 'other than the steps of the recipe, for a quick look', wholeNumber(1))
    .option(
      '--teacher <folder>',
      'the model folder of the teacher, where students learn from one',
      DEFAULT_MODEL_FOLDER,
    )
    .option('--runs <folder>', 'where runs are kept; those that are finished are not made again', 'runs/experiments')
    .option('-o, --out <folder>', 'where the results go', 'docs/results')
    .addOption(backendOption())
    .addHelpText(
      'after',
      `
  E0  Theory: what the code computes against what is known in closed form
${ALL_RECIPES.map(({ id, title }) => `  ${id}  ${title}`).join('\n')}
  E10 Evidence: what labels do when the cited words are taken away, for the models that come with the lab

Examples:
  npm run lab -- experiment E1 --seeds 5
  npm run lab -- experiment E1 --seeds 1 --arms 3 --steps 20 --out runs/look

An experiment that was interrupted goes on where it was when the same command is given again. Several processes may be
given the same command at once: they share the runs.`,
    )
    .action(runExperiment);
}

async function runExperiment(id: Recipe['id'] | 'E0' | 'E10', options: ExperimentOptions): Promise<void> {
  if (id === 'E0') {
    await checkTheory(options.out);
    return;
  }
  if (id === 'E10') {
    print(await runEvidenceExperiment(options));
    return;
  }
  const recipe = ALL_RECIPES.find((candidate) => candidate.id === id);
  if (recipe === undefined) throw new LabError('bad-config', { message: `There is no experiment ${id}.` });
  const opened = await openNodeBackend(options.backend);
  note(`Computing on ${opened.backend}: ${opened.device} (${opened.reason}).`);
  const controller = new AbortController();
  process.once('SIGINT', () => controller.abort());
  const { signal } = controller;
  const device = `${opened.backend}, ${opened.device}`;
  const context: ExperimentContext = {
    root: options.runs,
    device,
    commit: currentCommit(),
    signal,
    testPairs: TEST_PAIRS,
    steps: options.steps,
    startFolder: (seed) => startModel(join(options.runs, 'starts'), seed, signal, device),
    teacherFolder: options.teacher,
  };

  const arms = recipe.arms.slice(0, options.arms);
  const results: ExperimentResults['arms'][number][] = [];
  let elsewhere = 0;
  for (const arm of arms) {
    const seeds: SeedResult[] = [];
    for (let seed = 1; seed <= options.seeds; seed++) {
      const result = await resultOf(arm, seed, context);
      if (result === undefined) elsewhere += 1;
      else seeds.push(result);
    }
    results.push({ name: arm.name, seeds });
  }
  if (elsewhere > 0) {
    note(`Other processes are at ${elsewhere} runs. Give the command again when they are done, to write the results.`);
    return;
  }
  const measured = recipe.gap === undefined ? results : withGapClosed(results, recipe.gap);
  const findings = findingsOf(recipe, measured);
  await writeResults(options.out, {
    id: recipe.id,
    title: recipe.title,
    question: recipe.question,
    device: context.device,
    commit: context.commit,
    config: { ...originOf(arms, options), seeds: options.seeds, arms },
    arms: measured,
    findings,
    verdict: verdictOf(findings),
  });
}

/** What runs begin with, where that is not new weights. */
function originOf(arms: readonly Arm[], { teacher }: ExperimentOptions): object {
  const has = (kind: Arm['run']['kind']): boolean => arms.some(({ run }) => run.kind === kind);
  if (has('distill')) return { teacher };
  return has('grpo') || has('start') ? { start: START_SETTINGS } : {};
}

async function writeResults(folder: string, results: ExperimentResults): Promise<void> {
  const checked = parseConfig('The results', ExperimentResultsSchema, results);
  await mkdir(folder, { recursive: true });
  const path = join(folder, `${results.id}.json`);
  await writeWhole(path, `${JSON.stringify(checked, null, 1)}\n`);
  await writeReport(folder, checked);
  print(path);
}

/** @throws {LabError} `internal` if something does not come out as theory says */
async function checkTheory(folder: string): Promise<void> {
  const report = runE0();
  await mkdir(folder, { recursive: true });
  const path = join(folder, 'E0.json');
  const verdict = report.holds ? 'All that is computed agrees with what is known in closed form.' : 'Something is off.';
  const results = { ...report, device: 'CPU, double precision', commit: currentCommit(), verdict };
  await writeWhole(path, `${JSON.stringify(results, null, 1)}\n`);
  for (const { name, expected, got, holds } of report.checks) {
    note(`${holds ? 'holds' : 'FAILS'}  ${name}: expected ${expected.toPrecision(6)}, got ${got.toPrecision(6)}`);
  }
  print(path);
  if (!report.holds) throw new LabError('internal', { message: `E0 does not hold; see ${path}.` });
}
