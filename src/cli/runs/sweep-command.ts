/**
 * `lab sweep`: many runs that differ in some settings and in their seeds, and a comparison of them. Each run is a
 * separate process of the ordinary command; an interrupted sweep is resumed by repeating its command.
 */
import { Argument, Command } from 'commander';
import { RUN_KINDS } from '../../protocol/tracked-run.ts';
import { lazily } from '../lazily.ts';
import { wholeNumber } from '../options.ts';

export function sweepCommand(): Command {
  return new Command('sweep')
    .addArgument(new Argument('<kind>', 'the command to run').choices(RUN_KINDS))
    .argument('[options...]', 'after "--": options of that command for all runs')
    .requiredOption('-o, --out <folder>', 'the folder of the runs; repeating the command resumes the sweep there')
    .option('--set <path=values>', 'a setting and its values, separated by commas; may be repeated', collect, [])
    .option('--seeds <list>', 'seeds, such as 1-5 or 1,2,7', '1')
    .option('--config <file>', 'settings of all runs as JSON')
    .option('--jobs <n>', 'the number of concurrent runs', wholeNumber(1), 1)
    .option('--watch <measure>', 'of each run: keep its best checkpoint by this measure too, and its model in best/')
    .option(
      '--patience <n>',
      'with --watch: end a run after n measurements without a better one (0: never)',
      wholeNumber(0),
    )
    .option('--dry-run', 'list the runs without making them')
    .addHelpText(
      'after',
      `
Finished runs are kept, stopped ones resumed. Claims need at least five seeds. The paths of settings are those of --set and
--config of the command: "npm run lab -- grpo --help" lists them.

Examples:
  npm run lab -- sweep grpo --set grpo.balance.lambda=0,0.3,1 --seeds 1-5 --jobs 2 --out runs/lambda -- --steps 100
  npm run lab -- sweep grpo --config base.json --set grpo.balance.lambda=0,0.3,1 --seeds 1-5 --jobs 2 --out runs/lambda
  npm run lab -- sweep sft --set sft.learningRate=1e-4,1e-3 --watch accuracy --patience 3 --out runs/rates`,
    )
    .action(lazily(async () => (await import('./sweep-action.ts')).runSweep));
}

function collect(text: string, before: readonly string[]): readonly string[] {
  return [...before, text];
}
