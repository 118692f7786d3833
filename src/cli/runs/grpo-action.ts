/**
 * The action of `lab grpo`.
 */
import { LabError } from '../../common/errors.ts';
import type { DataSet } from '../../data/files/data-set.ts';
import { type GrpoExperiment, parseGrpoExperiment } from '../../protocol/grpo-experiment.ts';
import type { BackendChoice } from '../../protocol/scoring.ts';
import type { TaskFile } from '../../protocol/task-file.ts';
import { withDataKind } from '../../protocol/sft-experiment.ts';
import { instructionHash } from '../../relevance/rules/instruction.ts';
import type { GrpoCheckpoint } from '../../runs/grpo-checkpoint.ts';
import { type RawSettings, readConfigFile, withChanges } from '../config-file.ts';
import { readInstructionFile, withRules, withTaskRules } from '../instruction-files.ts';
import { interruption } from '../interruption.ts';
import { describeModel, readModelFiles } from '../model-folder.ts';
import { openNodeBackend } from '../node-backend.ts';
import { readDataFiles, type ReadingOptions } from '../pair-files.ts';
import { type DescribedModel, gradesOf, namesOf, splitOf, taskOf } from './learned-task.ts';
import { reinforceToFolder } from './reinforced-run.ts';
import { requestedSettings, checkRunFolder, resumedSteps } from './resume-check.ts';
import { checkOutputFile } from '../outputs.ts';
import { RunFolder } from './run-folder.ts';
import { GRPO_OPTIONS } from './run-options.ts';
import { watchIn, type WatchOptions } from './run-watcher.ts';
import type { ExplicitSetting } from '../setting-options.ts';
import { openRewardModule, type RewardModule } from './reward-module.ts';
import { loadStartModel } from './start-model.ts';
import { note, print } from '../terminal.ts';

export interface GrpoOptions extends ReadingOptions, WatchOptions {
  readonly out: string;
  readonly start: string;
  readonly config?: string;
  readonly data?: readonly string[];
  readonly rules?: string;
  readonly task?: string;
  readonly rewardModule?: string;
  readonly backend: BackendChoice;
  readonly resume?: boolean;
  readonly record?: string;
  readonly force?: boolean;
}

const OTHER_TASK = 'Start from a model that "npm run lab -- sft --task" has made of this task.';

export async function runGrpo(options: GrpoOptions, explicit: readonly ExplicitSetting[]): Promise<void> {
  const watch = watchIn('grpo', options);
  const folder = new RunFolder(options.out);
  const saved = await folder.readCheckpoint();
  const { out, config, data, docs, queries, rules, task, rewardModule, record, force } = options;
  const inputs = [options.start, config, ...(data ?? []), docs, queries, rules, task, rewardModule];
  await checkRunFolder(saved, options, inputs);
  if (record !== undefined) await checkOutputFile(record, { inputs, force, optionName: '--record' });
  const files = await readModelFiles(options.start);
  const own = await taskOf(options, describeModel(files), OTHER_TASK);
  const resumed = saved === undefined ? undefined : await resumedSettings(saved, options, explicit, own);
  const given = data === undefined ? undefined : await readDataFiles(data, options);
  const module = options.rewardModule === undefined ? undefined : await openRewardModule(options.rewardModule);
  const asked = resumed ?? (await experimentOf(options, explicit, describeModel(files), given, own));
  const experiment = resumed === undefined ? withModule(asked, module) : checkedModule(asked, module);
  const signal = interruption();
  const opened = await openNodeBackend(options.backend);
  note(`Computing on ${opened.backend}: ${opened.device} (${opened.reason}).`);
  const start = await loadStartModel(files);
  const device = `${opened.backend}, ${opened.device}`;
  const run = { out, saved, given, judge: module?.judge, device, startFolder: options.start, record, watch, signal };
  print(await reinforceToFolder(experiment, start, run));
  module?.close();
}

function withModule(experiment: GrpoExperiment, module: RewardModule | undefined): GrpoExperiment {
  if (module === undefined) return experiment;
  return { ...experiment, reward: { ...experiment.reward, moduleHash: module.hash } };
}

/** @throws {LabError} `bad-config` if a run is resumed with another module than it was begun with */
function checkedModule(experiment: GrpoExperiment, module: RewardModule | undefined): GrpoExperiment {
  const { moduleHash } = experiment.reward;
  if (moduleHash === module?.hash) return experiment;
  throw new LabError('bad-config', {
    message: 'A resumed run keeps its reward.',
    expected: moduleHash === undefined ? 'no --reward-module' : `the module with the SHA-256 ${moduleHash}`,
    got: module === undefined ? 'none' : `one with the SHA-256 ${module.hash}`,
    fix: 'Give the module that the run was begun with, or start a new run.',
  });
}

/** The settings of the run, with more steps if they are requested. */
async function resumedSettings(
  { experiment, state }: GrpoCheckpoint,
  options: GrpoOptions,
  explicit: readonly ExplicitSetting[],
  task: TaskFile | undefined,
): Promise<GrpoExperiment> {
  const { config, rules } = options;
  const settings = await readSettings(options);
  parseGrpoExperiment(config ?? 'The settings', settings);
  const own = experiment.data.kind === 'file' ? experiment.data.rules?.instruction : undefined;
  const wanted = rules === undefined ? task?.rules : await readInstructionFile(rules);
  const asked = {
    ...requestedSettings(experiment, settings, GRPO_OPTIONS, explicit, gradesOf(options, task)),
    rules: wanted && instructionHash(wanted),
  };
  const steps = resumedSteps({ ...experiment, rules: own && instructionHash(own) }, asked, 'grpo', state.step);
  return { ...experiment, grpo: { ...experiment.grpo, steps } };
}

/** The settings file. */
async function readSettings({ config }: GrpoOptions): Promise<RawSettings> {
  const file = config === undefined ? {} : await readConfigFile(config, '{"grpo": {"steps": 50}}');
  return withDataKind(file) as RawSettings;
}

/** The settings file changed by the options. Judged pairs are split as in the training of the start model. */
async function experimentOf(
  options: GrpoOptions,
  explicit: readonly ExplicitSetting[],
  start: DescribedModel,
  given: DataSet | undefined,
  task: TaskFile | undefined,
): Promise<GrpoExperiment> {
  const { config } = options;
  const grades = gradesOf(options, task);
  const settings = await readSettings(options);
  const learned =
    given === undefined
      ? settings['data']
      : withChanges(settings['data'] ?? splitOf(start), { ...namesOf(given), grades });
  const isGiven = (path: string, value: unknown): boolean =>
    explicit.some((each) => each.field.path === path && each.value === value);
  const curriculum = explicit.find(({ field }) => field.path === 'grpo.curriculum.kind')?.value ?? 'random';
  const needsRates = curriculum !== 'random' && !isGiven('passRates', false);
  const asked = {
    ...settings,
    ...(learned === undefined ? {} : { data: learned }),
    ...(needsRates ? { passRates: settings['passRates'] ?? {} } : {}),
  };
  const experiment = parseGrpoExperiment(config ?? 'The settings', GRPO_OPTIONS.apply(asked, explicit));
  const { data } = experiment;
  if (task !== undefined && data.kind === 'file' && given !== undefined) {
    return { ...experiment, data: withTaskRules(data, task, start.lab.prompt.scaleSize, given) };
  }
  if (options.rules === undefined) return experiment;
  if (data.kind === 'world' || given === undefined) {
    const fix = 'Name the judged pairs with --data too.';
    throw new LabError('bad-config', { message: '--rules belongs to a file of judged pairs.', fix });
  }
  return { ...experiment, data: await withRules(data, options.rules, start.lab.prompt.scaleSize, given) };
}
