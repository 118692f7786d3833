/**
 * The commands of studies, and how their runs are made. `study.ts` is the one runner; `experiment-*`, `distill-runs`,
 * `order-runs` and `evidence-experiment` are runs on the rule world, `recipe-*` those on real judgments in stages.
 * What studies are, and their reports, is in `src/studies/`; folders of runs are in `cli/run-folder.ts`.
 */

/**
 * `lab piar-experiment`: runs E9 on folders of judged pairs and writes `E9.json` and its report, numbers only.
 */
import { Command } from 'commander';
import { SET_FILES } from '../../studies/judged/real-data.ts';
import { lazily } from '../lazily.ts';
import { wholeNumber } from '../options.ts';
import { forceOption } from '../outputs.ts';

export function piarExperimentCommand(): Command {
  return new Command('piar-experiment')
    .description('E9: does a refined instruction hold on queries it never saw?')
    .argument(
      '<folders...>',
      `folders of ${SET_FILES.pairs} (query, docId, grade, optionally annotators) and ${SET_FILES.documents}`,
    )
    .option('--seeds <n>', 'how many splits; fewer than 5 claim nothing', wholeNumber(1), 5)
    .option('--queries <n>', 'of a larger set this many queries are drawn for each seed', wholeNumber(3), 600)
    .option('--rounds <n>', 'the most rounds', wholeNumber(1), 20)
    .option('--runs <folder>', 'where splits are kept; those that are finished are not made again', 'runs/experiments')
    .option('-o, --out <folder>', 'where the results go', 'docs/results')
    .addOption(forceOption())
    .action(lazily(async () => (await import('./piar-experiment-action.ts')).runPiarExperiment));
}
