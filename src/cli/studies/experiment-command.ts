/**
 * `lab experiment`: runs the experiments of the lab, resumable at any point, and writes `docs/results/<id>.json` with
 * its report and plots.
 */
import { Argument, Command } from 'commander';
import { ALL_RECIPES } from '../../studies/all-recipes.ts';
import { SEEDS_FOR_A_CLAIM } from '../../protocol/experiment-results.ts';
import { backendOption, DEFAULT_MODEL_FOLDER, wholeNumber } from '../options.ts';
import { forceOption } from '../outputs.ts';
import { lazily } from '../lazily.ts';

/** E0 is arithmetic and E10 asks existing models; all others train. */
const IDS = ['E0', ...ALL_RECIPES.map(({ id }) => id), 'E10', 'E11'];

export function experimentCommand(): Command {
  return new Command('experiment')
    .addArgument(new Argument('<id>', 'which experiment').choices(IDS))
    .option('--seeds <n>', `how many seeds; fewer than ${SEEDS_FOR_A_CLAIM} claim nothing`, wholeNumber(1), 5)
    .option('--arms <n>', 'only the first arms of the recipe, which are the most important', wholeNumber(1))
    .option('--steps <n>', 'in place of the steps of the recipe, for a quick look', wholeNumber(1))
    .option(
      '--teacher <folder>',
      'the model folder of the teacher, where students learn from one',
      DEFAULT_MODEL_FOLDER,
    )
    .option('--sets <folders...>', 'E11: folders of judged pairs, named as their recipe (chorus, msrd)', [])
    .option('--runs <folder>', 'the folder of runs; finished ones are reused', 'runs/experiments')
    .option('-o, --out <folder>', 'the folder of the results', 'docs/results')
    .addOption(forceOption())
    .addOption(backendOption())
    .addHelpText(
      'after',
      `
  E0  Theory: computed values compared with closed forms
${ALL_RECIPES.map(({ id, title }) => `  ${id}  ${title}`).join('\n')}
  E10 Evidence: labels after the cited words are deleted, for the bundled models
  E11 Held decoding: what is left to learn when evidence cannot be false

Examples:
  npm run lab -- experiment E1 --seeds 5
  npm run lab -- experiment E1 --seeds 1 --arms 3 --steps 20 --out runs/look

An interrupted experiment resumes when the command is repeated. Several processes may run the same command at once and
share the runs.`,
    )
    .action(lazily(async () => (await import('./experiment-action.ts')).runExperiment));
}
