/**
 * `lab sft`: trains a model on the rule world or on a file of judged pairs; resumable, with a model folder at the end.
 *
 * Room `cli/runs/`: the commands that train (sft, grpo, distill, sweep) and those that list and compare runs, with run
 * folders, logs and resumption. What a run computes belongs in `src/runs/`.
 */
import { Command, Option } from 'commander';
import { STORED_DTYPES } from '../../config/stored.ts';
import { rulesOption, taskOption } from '../instruction-files.ts';
import { backendOption, modelFolder, numberThat } from '../options.ts';
import { addReadingOptions, dataOption } from '../pair-files.ts';
import { SFT_OPTIONS } from './run-options.ts';
import { addWatchOptions } from './run-watcher.ts';
import type { SftOptions } from './sft-action.ts';

export function sftCommand(): Command {
  const command = new Command('sft')
    .requiredOption('-o, --out <folder>', 'the folder of the run: checkpoint, log and, at the end, the model folder')
    .option('--config <file>', 'all settings as JSON; options override it')
    .addOption(dataOption('judged pairs to learn from instead of the rule world; with --resume, the same file again'))
    .addOption(rulesOption())
    .addOption(
      new Option(
        '--start <model>',
        'continue this model on --data: its folder, or the name of a bundled one',
      ).argParser(modelFolder),
    )
    .addOption(
      new Option(
        '--replay-share <x>',
        'with --start: the share of training pairs that repeat what it has learned before; 0 for none (default: 0.25 if ' +
          'that was a rule world)',
      ).argParser(numberThat('a number from 0 to 0.9', (value) => value >= 0 && value <= 0.9)),
    )
    .addOption(taskOption())
    .addOption(new Option('--dtype <type>', 'how the model is stored').choices(STORED_DTYPES).default('f16'))
    .addOption(backendOption())
    .option(
      '--resume',
      'continue from the checkpoint in --out; the run keeps its settings, but may be given more --steps',
    );
  return SFT_OPTIONS.addTo(addWatchOptions(addReadingOptions(command)))
    .addHelpText(
      'after',
      `
Examples:
  npm run lab -- sft --preset lab-nano --steps 300 --out runs/first
  npm run lab -- sft --set sft.warmupSteps=50 --set data.labelNoise=0.1 --out runs/noisy
  npm run lab -- sft --out runs/first --resume
  npm run lab -- sft --data pairs.tsv --preset micro --steps 1000 --out runs/mine
  npm run lab -- sft --start general --data judged.jsonl --out runs/continued
  npm run lab -- sft --data pairs.jsonl.gz --docs docs.jsonl.gz --out runs/mine
  npm run lab -- sft --data pairs.tsv --rules runs/piar/instruction.json --out runs/reasons
  npm run lab -- sft --data docs/examples/pairs.tsv --task docs/examples/task.json --set sft.batchSize=4 --out runs/task`,
    )
    .action(async (options: SftOptions) =>
      (await import('./sft-action.ts')).runSft(options, SFT_OPTIONS.explicitIn(command)),
    );
}
