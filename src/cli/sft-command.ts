/**
 * `lab sft`: trains a model on the rule world or on a file of judged pairs, resumable, and writes a model folder.
 */
import { readFile } from 'node:fs/promises';
import process from 'node:process';
import { Command, Option } from 'commander';
import { LabError } from '../common/errors.ts';
import { PRESET_NAMES } from '../config/presets.ts';
import type { ColumnNames } from '../data/files/columns.ts';
import { STORED_DTYPES, type StoredDtype } from '../runs/model-files.ts';
import { readSftCheckpoint, type SftCheckpoint } from '../runs/sft-checkpoint.ts';
import { rulesOption } from './instruction-files.ts';
import { type BackendName, openNodeBackend } from './node-backend.ts';
import { backendOption, positiveNumber, shareOrNone, trainingPrecisionOption, wholeNumber } from './options.ts';
import { columnOption, docsOption, readDataFiles } from './pair-files.ts';
import { type SftSettingOptions, sftSettings } from './sft-settings.ts';
import { checkpointPath, trainToFolder } from './supervised-run.ts';
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
    .option('--scale <n>', 'how many labels the grades of the file have (default: as its grades show)', wholeNumber(2))
    .option('--dev-share <x>', 'share of the queries of the file that evaluations look at', positiveNumber, 0.1)
    .option('--test-share <x>', 'share of the queries that are left to "lab eval"', shareOrNone, 0.1)
    .option('--split-seed <n>', 'decides which queries these are', wholeNumber(0), 1)
    .option('--no-hints', 'prompts without hint tokens')
    .option('--standing', 'of --data: tell how BM25 places a document among those of its query', false)
    .addOption(new Option('--dtype <type>', 'how the model is stored').choices(STORED_DTYPES).default('f16'))
    .addOption(backendOption())
    .option('--resume', 'go on from the checkpoint in --out; the run keeps its own settings')
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
  const saved = options.resume === true ? await readCheckpoint(checkpointPath(options.out)) : undefined;
  const given = options.data === undefined ? undefined : await readDataFiles(options.data, options);
  const isSaid = (name: keyof SftSettingOptions): boolean =>
    options.config === undefined || command.getOptionValueSource(name) === 'cli';
  const experiment = saved?.experiment ?? (await sftSettings(options, isSaid, given));
  const opened = await openNodeBackend(options.backend);
  note(`Computing on ${opened.backend}: ${opened.device} (${opened.reason}).`);
  const controller = new AbortController();
  process.once('SIGINT', () => controller.abort());
  const { out, dtype } = options;
  const device = `${opened.backend}, ${opened.device}`;
  print(await trainToFolder(experiment, { out, saved, given, dtype, device, signal: controller.signal }));
}

async function readCheckpoint(path: string): Promise<SftCheckpoint> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (cause) {
    throw new LabError('not-found', {
      message: `There is no checkpoint to resume at ${path}.`,
      fix: 'Start the run without --resume.',
      cause,
    });
  }
  return readSftCheckpoint(bytes);
}
