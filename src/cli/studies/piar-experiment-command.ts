/**
 * Room `cli/studies/`: the commands of studies, and how their runs are made. `study.ts` is the only runner;
 * `experiment-*`, `distill-runs`, `order-runs` and `evidence-experiment` run on the rule world, `recipe-*` on real
 * judgments in stages. Studies and their reports are in `src/studies/`; run folders in `cli/runs/run-folder.ts`.
 */

/**
 * `lab piar-experiment`: runs E9 on folders of judged pairs, and writes `E9.json` with numbers only, and its report.
 */
import { Command } from 'commander';
import { SET_FILES } from '../../studies/judged/real-data.ts';
import { lazily } from '../lazily.ts';
import { wholeNumber } from '../options.ts';
import { forceOption } from '../outputs.ts';

export function piarExperimentCommand(): Command {
  return new Command('piar-experiment')
    .argument(
      '<folders...>',
      `folders of ${SET_FILES.pairs} (query, docId, grade, optionally annotators) and ${SET_FILES.documents}`,
    )
    .option('--seeds <n>', 'how many splits; fewer than 5 claim nothing', wholeNumber(1), 5)
    .option('--queries <n>', 'the number of queries drawn from a larger set, for each seed', wholeNumber(3), 600)
    .option('--rounds <n>', 'the maximum number of rounds', wholeNumber(1), 20)
    .option('--runs <folder>', 'the folder of splits; finished ones are reused', 'runs/experiments')
    .option('-o, --out <folder>', 'the folder of the results', 'docs/results')
    .addOption(forceOption())
    .action(lazily(async () => (await import('./piar-experiment-action.ts')).runPiarExperiment));
}
