/**
 * `lab grpo`: reinforcement from a trained model with the expert's samples beside it, resumable, and a model folder at
 * the end. Every setting can be given in a file; the options are those one changes most.
 */
import { Command, Option } from 'commander';
import { LabError } from '../common/errors.ts';
import { CURRICULUM_KINDS, type CurriculumConfig } from '../config/grpo-config.ts';
import type { TrainingPrecision } from '../config/sft-config.ts';
import type { ColumnNames } from '../data/files/columns.ts';
import type { DataSet } from '../data/files/data-set.ts';
import type { GrpoCheckpoint } from '../runs/grpo-checkpoint.ts';
import { type GrpoExperiment, parseGrpoExperiment } from '../protocol/grpo-experiment.ts';
import { withDataKind } from '../protocol/sft-experiment.ts';
import { REWARD_KINDS } from '../relevance/rules/reward.ts';
import { instructionHash } from '../relevance/rules/instruction.ts';
import { type RawSettings, readConfigFile, withChanges } from './config-file.ts';
import { describeModel, readModelFiles } from './model-folder.ts';
import { interruption } from './interruption.ts';
import { RunFolder } from './run-folder.ts';
import { readInstructionFile, rulesOption, withRules } from './instruction-files.ts';
import { type BackendName, openNodeBackend } from './node-backend.ts';
import { backendOption, notNegativeNumber, positiveNumber, trainingPrecisionOption, wholeNumber } from './options.ts';
import { columnOption, docsOption, gradeOption, readDataFiles } from './pair-files.ts';
import { reinforceToFolder } from './reinforced-run.ts';
import { checkRunFolder, resumedSteps } from './resume-check.ts';
import { loadStartModel } from './start-model.ts';
import { note, print } from './terminal.ts';

interface GrpoOptions {
  readonly out: string;
  readonly start: string;
  readonly config?: string;
  readonly data?: string;
  readonly docs?: string;
  readonly column: ColumnNames;
  readonly grade?: string;
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
    .addOption(gradeOption())
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
    .option('--resume', 'go on from the checkpoint in --out; the run keeps its settings, but may be given more --steps')
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
  const { out, config, data, docs, rules } = options;
  await checkRunFolder(saved, options, [options.start, config, data, docs, rules]);
  const files = await readModelFiles(options.start);
  const resumed = saved === undefined ? undefined : await resumedSettings(saved, options);
  const given = data === undefined ? undefined : await readDataFiles(data, options);
  const experiment = resumed ?? (await experimentOf(options, describeModel(files), given));
  const signal = interruption();
  const opened = await openNodeBackend(options.backend);
  note(`Computing on ${opened.backend}: ${opened.device} (${opened.reason}).`);
  const start = loadStartModel(files);
  const device = `${opened.backend}, ${opened.device}`;
  print(await reinforceToFolder(experiment, start, { out, saved, given, device, startFolder: options.start, signal }));
}

/** The run's own settings, with the number of steps raised if that was asked for. */
async function resumedSettings({ experiment, state }: GrpoCheckpoint, options: GrpoOptions): Promise<GrpoExperiment> {
  const { config, rules, grade } = options;
  const settings = await readSettings(options);
  parseGrpoExperiment(config ?? 'The settings', settings);
  const own = experiment.data.kind === 'file' ? experiment.data.rules?.instruction : undefined;
  const asked = {
    ...settings,
    ...optionSettings(options, settings),
    ...(grade === undefined ? {} : { data: withChanges(settings['data'], { grades: grade }) }),
    rules: rules === undefined ? undefined : instructionHash(await readInstructionFile(rules)),
  };
  const steps = resumedSteps({ ...experiment, rules: own && instructionHash(own) }, asked, 'grpo', state.step);
  return { ...experiment, grpo: { ...experiment.grpo, steps } };
}

/** What the file of settings says. */
async function readSettings({ config }: GrpoOptions): Promise<RawSettings> {
  const file = config === undefined ? {} : await readConfigFile(config, '{"grpo": {"steps": 50}}');
  return withDataKind(file) as RawSettings;
}

/** The groups of settings that options change. */
function optionSettings(options: GrpoOptions, settings: RawSettings): RawSettings {
  const { steps, lambda, reward, tailWeight, curriculum, precision, seed } = options;
  return {
    reward: withChanges(settings['reward'], { kind: reward }),
    grpo: withChanges(settings['grpo'], {
      steps,
      balance: lambda === undefined ? undefined : { kind: 'additive', lambda },
      tailPromptWeight: tailWeight,
      curriculum: curriculum === undefined ? undefined : { kind: curriculum },
      precision,
      seed,
    }),
  };
}

/** What is known of a start before it is loaded. */
type Start = ReturnType<typeof describeModel>;

/** A file of settings, changed by the options; of a file of judged pairs, the part that the start has learned from. */
async function experimentOf(options: GrpoOptions, start: Start, given: DataSet | undefined): Promise<GrpoExperiment> {
  const { config, curriculum } = options;
  const settings = await readSettings(options);
  const experiment = parseGrpoExperiment(config ?? 'The settings', {
    ...settings,
    ...(given === undefined
      ? {}
      : { data: withChanges(settings['data'] ?? splitOf(start), { ...namesOf(given), grades: options.grade }) }),
    ...optionSettings(options, settings),
    ...(curriculum === undefined || curriculum === 'random' ? {} : { passRates: settings['passRates'] ?? {} }),
  });
  if (options.rules === undefined) return experiment;
  const { data } = experiment;
  if (data.kind === 'world' || given === undefined) {
    const fix = 'Name the judged pairs with --data too.';
    throw new LabError('bad-config', { message: '--rules belongs to a file of judged pairs.', fix });
  }
  return { ...experiment, data: await withRules(data, options.rules, start.lab.prompt.scaleSize, given) };
}

function namesOf({ name, sha256 }: DataSet): RawSettings {
  return { kind: 'file', name, sha256 };
}

/** How the file of a start was split: what it has not seen stays held out. */
function splitOf({ card }: Start): RawSettings {
  const { split, grades } = card.data;
  if (split === undefined) return {};
  return { devShare: split.devShare, testShare: split.testShare, splitSeed: split.seed, grades };
}
