/**
 * `lab sft`: trains a model on the rule world or on a file of judged pairs, resumable, and writes a model folder.
 */
import { Command, Option } from 'commander';
import { PRESET_NAMES } from '../config/presets.ts';
import type { ColumnNames } from '../data/files/columns.ts';
import { STORED_DTYPES, type StoredDtype } from '../runs/model-files.ts';
import { readSftCheckpoint } from '../runs/sft-checkpoint.ts';
import { rulesOption } from './instruction-files.ts';
import { interruption } from './interruption.ts';
import { type BackendName, openNodeBackend } from './node-backend.ts';
import { backendOption, positiveNumber, shareOrNone, trainingPrecisionOption, wholeNumber } from './options.ts';
import { columnOption, docsOption, gradeOption, readDataFiles } from './pair-files.ts';
import { checkRunFolder } from './resume-check.ts';
import { RunFolder } from './run-folder.ts';
import { resumedSftSettings, type SftSettingOptions, sftSettings } from './sft-settings.ts';
import { trainToFolder } from './supervised-run.ts';
import { note, print } from './terminal.ts';

interface SftOptions extends SftSettingOptions {
  readonly out: string;
  readonly docs?: string;
  readonly column: ColumnNames;
  readonly dtype: StoredDtype;
  readonly backend: BackendName;
  readonly resume?: boolean;
}

export function sftCommand(): Command {
  return new Command('sft')
    .description('train a model by supervised fine-tuning, on the rule world or on a file of judged pairs')
    .requiredOption('-o, --out <folder>', 'where the run is kept: checkpoint, log and, at the end, the model folder')
    .option('--config <file>', 'all settings as JSON; options that are given go before it')
    .option('--name <name>', 'the name of the model', 'afrl-lab')
    .addOption(new Option('--preset <name>', 'the shape of the model').choices(PRESET_NAMES).default('nano'))
    .option('--steps <n>', 'optimizer updates', wholeNumber(1), 2000)
    .option('--batch <n>', 'pairs per forward pass', wholeNumber(1), 64)
    .option(
      '--accumulation <n>',
      'forward passes per update, of --batch pairs each; less memory than one large batch',
      wholeNumber(1),
      1,
    )
    .option('--lr <x>', 'peak learning rate', positiveNumber, 3e-3)
    .option('--label-weight <x>', 'loss weight of the label token', positiveNumber, 1)
    .addOption(trainingPrecisionOption())
    .option('--seed <n>', 'seed of weights and data order', wholeNumber(0), 1)
    .option('--world-seed <n>', 'seed of the rule world', wholeNumber(0), 1)
    .option('--train-queries <n>', 'training queries, six pairs each', wholeNumber(1), 10_000)
    .option('--data <file>', 'judged pairs to learn from instead of the rule world; with --resume, the same file again')
    .addOption(rulesOption())
    .addOption(docsOption())
    .addOption(columnOption())
    .addOption(gradeOption())
    .option('--scale <n>', 'how many labels the grades of the file have (default: as its grades show)', wholeNumber(2))
    .option('--dev-share <x>', 'share of the queries of the file that evaluations look at', positiveNumber, 0.1)
    .option('--test-share <x>', 'share of the queries that are left to "lab eval"', shareOrNone, 0.1)
    .option('--split-seed <n>', 'decides which queries these are', wholeNumber(0), 1)
    .option('--no-hints', 'prompts without hint tokens')
    .option('--standing', 'of --data: tell how BM25 places a document among those of its query', false)
    .addOption(new Option('--dtype <type>', 'how the model is stored').choices(STORED_DTYPES).default('f16'))
    .addOption(backendOption())
    .option('--resume', 'go on from the checkpoint in --out; the run keeps its settings, but may be given more --steps')
    .addHelpText(
      'after',
      `
Examples:
  npm run lab -- sft --preset lab-nano --steps 300 --out runs/first
  npm run lab -- sft --out runs/first --resume
  npm run lab -- sft --data pairs.tsv --preset micro --steps 1000 --out runs/mine
  npm run lab -- sft --data pairs.jsonl.gz --docs docs.jsonl.gz --out runs/mine
  npm run lab -- sft --data pairs.tsv --rules runs/piar/instruction.json --out runs/reasons`,
    )
    .action(trainCommand);
}

async function trainCommand(options: SftOptions, command: Command): Promise<void> {
  const { out, dtype, config, data, docs, rules } = options;
  const bytes = await new RunFolder(out).readCheckpointBytes();
  await checkRunFolder(bytes, options, [config, data, docs, rules]);
  const saved = bytes === undefined ? undefined : readSftCheckpoint(bytes);
  const isGiven = (name: keyof SftSettingOptions): boolean => command.getOptionValueSource(name) === 'cli';
  const resumed = saved === undefined ? undefined : await resumedSftSettings(saved, options, isGiven);
  const given = data === undefined ? undefined : await readDataFiles(data, options);
  const experiment = resumed ?? (await sftSettings(options, (name) => config === undefined || isGiven(name), given));
  const signal = interruption();
  const opened = await openNodeBackend(options.backend);
  note(`Computing on ${opened.backend}: ${opened.device} (${opened.reason}).`);
  const device = `${opened.backend}, ${opened.device}`;
  print(await trainToFolder(experiment, { out, saved, given, dtype, device, signal }));
}
