/**
 * `lab experiment`: runs the experiments of the lab, resumable at any point, and writes `docs/results/<id>.json` with
 * the report and plots made from it.
 */
import { Argument, Command } from 'commander';
import { ALL_RECIPES } from '../../studies/all-recipes.ts';
import { SEEDS_FOR_A_CLAIM } from '../../protocol/experiment-results.ts';
import { backendOption, DEFAULT_MODEL_FOLDER, wholeNumber } from '../options.ts';
import { forceOption } from '../outputs.ts';
import { lazily } from '../lazily.ts';

/** E0 is arithmetic and E10 asks existing models; all others train. */
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
    .addOption(forceOption())
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

An interrupted experiment resumes when the same command is given again. Several processes may be given the same command
at once: they share the runs.`,
    )
    .action(lazily(async () => (await import('./experiment-action.ts')).runExperiment));
}
