/**
 * `lab grpo`: reinforcement from a trained model with the expert's samples beside it, resumable, and a model folder at
 * the end. Every setting can be given in a file; the options are those one changes most.
 */
import process from 'node:process';
import { Command, Option } from 'commander';
import { LabError } from '../common/errors.ts';
import { CURRICULUM_KINDS, type CurriculumConfig } from '../config/grpo-config.ts';
import type { TrainingPrecision } from '../config/sft-config.ts';
import type { ColumnNames } from '../data/files/columns.ts';
import type { DataSet } from '../data/files/data-set.ts';
import { type GrpoExperiment, parseGrpoExperiment } from '../protocol/grpo-experiment.ts';
import { withDataKind } from '../protocol/sft-experiment.ts';
import { REWARD_KINDS } from '../relevance/rules/reward.ts';
import { type RawSettings, readConfigFile, withChanges } from './config-file.ts';
import { RunFolder } from './run-folder.ts';
import { rulesOption, withRules } from './instruction-files.ts';
import { type BackendName, openNodeBackend } from './node-backend.ts';
import { backendOption, notNegativeNumber, positiveNumber, trainingPrecisionOption, wholeNumber } from './options.ts';
import { columnOption, docsOption, readDataFiles } from './pair-files.ts';
import { type NamedStart, reinforceToFolder } from './reinforced-run.ts';
import { checkResume } from './resume-check.ts';
import { readStartModel } from './start-model.ts';
import { note, print } from './terminal.ts';

interface GrpoOptions {
  readonly out: string;
  readonly start: string;
  readonly config?: string;
  readonly data?: string;
  readonly docs?: string;
  readonly column: ColumnNames;
  readonly rules?: string;
  readonly steps?: number;
  readonly lambda?: number;
  readonly reward?: GrpoExperiment['reward']['kind'];
  readonly tailWeight?: number;
  readonly curriculum?: CurriculumConfig['kind'];
  readonly precision?: TrainingPrecision;
  readonly seed?: number;
  readonly backend: BackendName;
  readonly resume?: boolean;
}

/** The bundled model of the demonstration. */
const DEFAULT_START = 'public/models/lab-nano-start';

export function grpoCommand(): Command {
  return new Command('grpo')
    .description('train a model on by Stepwise-GRPO with mode balance')
    .requiredOption('-o, --out <folder>', 'where the run is kept: checkpoint, steps and, at the end, the model folder')
    .option('--start <folder>', 'the model folder to start from', DEFAULT_START)
    .option('--config <file>', 'all settings as JSON; what it leaves out has its default')
    .option(
      '--data <file>',
      'judged pairs to learn from instead of the rule world, as the start did; with --resume too',
    )
    .addOption(docsOption())
    .addOption(columnOption())
    .addOption(rulesOption())
    .option('--steps <n>', 'batches of rollouts', wholeNumber(1))
    .option('--lambda <x>', 'the weight of the expert loss; 0 is plain GRPO', notNegativeNumber)
    .addOption(new Option('--reward <kind>', 'how completions are rewarded').choices(REWARD_KINDS))
    .option(
      '--tail-weight <x>',
      'how often prompts of rare rules are drawn: 1 as they are, 0.1 head-heavy',
      positiveNumber,
    )
    .addOption(
      new Option('--curriculum <kind>', 'in which order prompts come; all but random measure pass rates first').choices(
        CURRICULUM_KINDS,
      ),
    )
    .addOption(trainingPrecisionOption())
    .option('--seed <n>', 'seed of prompts, rollouts and expert samples', wholeNumber(0))
    .addOption(backendOption())
    .option('--resume', 'go on from the checkpoint in --out; the run keeps its own settings')
    .addHelpText(
      'after',
      `
Examples:
  npm run lab -- grpo --lambda 0 --reward plausible --tail-weight 0.1 --out runs/collapse
  npm run lab -- grpo --curriculum staged --out runs/staged
  npm run lab -- grpo --config my-run.json --out runs/mine
  npm run lab -- grpo --start runs/reasons/model --data pairs.tsv --out runs/reinforced
  npm run lab -- grpo --out runs/mine --resume`,
    )
    .action(trainCommand);
}

async function trainCommand(options: GrpoOptions): Promise<void> {
  const folder = new RunFolder(options.out);
  const saved = await folder.readCheckpoint();
  checkResume(saved, options);
  const given = options.data === undefined ? undefined : await readDataFiles(options.data, options);
  const opened = await openNodeBackend(options.backend);
  note(`Computing on ${opened.backend}: ${opened.device} (${opened.reason}).`);
  const controller = new AbortController();
  process.once('SIGINT', () => controller.abort());
  const { signal } = controller;

  const start = await readStartModel(options.start);
  const experiment = saved?.experiment ?? (await experimentOf(options, start, given));
  const { out } = options;
  const device = `${opened.backend}, ${opened.device}`;
  print(await reinforceToFolder(experiment, start, { out, saved, given, device, startFolder: options.start, signal }));
}

/** A file of settings, changed by the options; of a file of judged pairs, the part that the start has learned from. */
async function experimentOf(
  options: GrpoOptions,
  start: NamedStart,
  given: DataSet | undefined,
): Promise<GrpoExperiment> {
  const { config, steps, lambda, reward, tailWeight, curriculum, precision, seed } = options;
  const file = config === undefined ? {} : await readConfigFile(config, '{"grpo": {"steps": 50}}');
  const settings = withDataKind(file) as RawSettings;
  const experiment = parseGrpoExperiment(config ?? 'The settings', {
    ...settings,
    ...(given === undefined ? {} : { data: withChanges(settings['data'] ?? splitOf(start), namesOf(given)) }),
    reward: withChanges(settings['reward'], { kind: reward }),
    ...(curriculum === undefined || curriculum === 'random' ? {} : { passRates: settings['passRates'] ?? {} }),
    grpo: withChanges(settings['grpo'], {
      steps,
      balance: lambda === undefined ? undefined : { kind: 'additive', lambda },
      tailPromptWeight: tailWeight,
      curriculum: curriculum === undefined ? undefined : { kind: curriculum },
      precision,
      seed,
    }),
  });
  if (options.rules === undefined) return experiment;
  const { data } = experiment;
  if (data.kind === 'world' || given === undefined) {
    const fix = 'Name the judged pairs with --data too.';
    throw new LabError('bad-config', { message: '--rules belongs to a file of judged pairs.', fix });
  }
  return { ...experiment, data: await withRules(data, options.rules, start.prompt.scaleSize, given) };
}

function namesOf({ name, sha256 }: DataSet): RawSettings {
  return { kind: 'file', name, sha256 };
}

/** How the file of a start was split: what it has not seen stays held out. */
function splitOf({ card }: NamedStart): RawSettings {
  const { split } = card.data;
  if (split === undefined) return {};
  return { devShare: split.devShare, testShare: split.testShare, splitSeed: split.seed };
}
