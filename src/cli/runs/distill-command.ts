/**
 * `lab distill`: trains a student from a teacher; resumable, with a model folder at the end.
 */
import { Command, Option } from 'commander';
import { STORED_DTYPES } from '../../config/stored.ts';
import type { DistillOptions } from './distill-action.ts';
import { taskOption } from '../instruction-files.ts';
import { backendOption, DEFAULT_MODEL_FOLDER } from '../options.ts';
import { addReadingOptionsAlone, dataOption } from '../pair-files.ts';
import { DISTILL_OPTIONS, METHODS } from './run-options.ts';
import { addWatchOptions } from './run-watcher.ts';

export function distillCommand(): Command {
  const command = new Command('distill')
    .requiredOption('-o, --out <folder>', 'the folder of the run: checkpoint and, at the end, the model folder')
    .option('--teacher <folder>', 'the model folder of the teacher', DEFAULT_MODEL_FOLDER)
    .option('--student <folder>', "a trained model to continue from; it must have the teacher's tokenizer")
    .option('--config <file>', 'all settings as JSON; options override it')
    .addOption(
      dataOption(
        "judged pairs to learn from instead of the rule world: those of the teacher's training; also with --resume",
      ),
    )
    .addOption(taskOption())
    .addOption(new Option('--method <name>', 'what the student learns from (default: jsd)').choices(METHODS))
    .addOption(new Option('--dtype <type>', 'how the student is stored').choices(STORED_DTYPES).default('f16'))
    .addOption(backendOption())
    .option(
      '--resume',
      'continue from the checkpoint in --out; the run keeps its settings, but may be given more --steps',
    );
  return DISTILL_OPTIONS.addTo(addWatchOptions(addReadingOptionsAlone(command)))
    .addHelpText(
      'after',
      `
Methods:
  hard-label  the teacher's label as a token
  trace       the teacher's label and reasoning, where they earn enough of the strict reward
  label-kd    the teacher's distribution of the label, at a temperature
  jsd         the teacher's distribution at every token of given completions (GKD)
  on-policy   the same, partly on completions that the student generates
  expert      no teacher: the expert's completions, for comparison

Examples:
  npm run lab -- distill --out runs/student
  npm run lab -- distill --teacher runs/large/model --method label-kd --temperature 3 --out runs/kd
  npm run lab -- distill --set distill.maxTokens=64 --out runs/long
  npm run lab -- distill --teacher runs/mine/model --data pairs.tsv --out runs/small
  npm run lab -- distill --teacher runs/task/model --data docs/examples/pairs.tsv --task docs/examples/task.json --out runs/task-student
  npm run lab -- distill --out runs/student --resume
  npm run lab -- eval --model runs/student/model`,
    )
    .action(async (options: DistillOptions) =>
      (await import('./distill-action.ts')).runDistillCommand(options, DISTILL_OPTIONS.explicitIn(command)),
    );
}
