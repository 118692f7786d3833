/**
 * The settings of `lab sft`: a settings file overridden by the given options, or the options and their defaults.
 */
import { LabError } from '../../common/errors.ts';
import { parseConfig } from '../../config/parse.ts';
import type { DataSet } from '../../data/files/data-set.ts';
import { likelyScale } from '../../data/files/data-set-reader.ts';
import { type FileData, type SftExperiment, SftExperimentSchema, withDataKind } from '../../protocol/sft-experiment.ts';
import { settingsOfTask, type TaskFile } from '../../protocol/task-file.ts';
import { instructionHash } from '../../relevance/rules/instruction.ts';
import { CURRENT_STANDING } from '../../relevance/prompt/standing.ts';
import { CURRENT_FOLDING } from '../../relevance/pair/text-folding.ts';
import { continuationOf, type Replay } from '../../runs/sft-continuation.ts';
import type { WeighedStart } from '../../runs/sft-start.ts';
import { type RawSettings, readConfigFile, withChanges } from '../config-file.ts';
import type { SftCheckpoint } from '../../runs/sft-checkpoint.ts';
import { misplacedTask, readInstructionFile, readTaskFile, withRules, withTaskRules } from '../instruction-files.ts';
import { requestedSettings, resumedSteps } from './resume-check.ts';
import { SFT_OPTIONS } from './run-options.ts';
import type { ExplicitSetting } from '../setting-options.ts';

/** The options that decide settings without being one. */
export interface SftSettingOptions {
  readonly config?: string;
  readonly data?: readonly string[];
  readonly rules?: string;
  readonly task?: string;
  readonly grade?: string;
}

/**
 * The settings of a run.
 *
 * @param explicit - settings that were given as options; they go before the file of settings
 * @param given - the file to learn from, if there is one
 * @throws {LabError} `bad-config` naming the setting; what `withRules` throws
 */
export async function sftSettings(
  options: SftSettingOptions,
  explicit: readonly ExplicitSetting[],
  given: DataSet | undefined,
): Promise<SftExperiment> {
  const { config, rules, task } = options;
  if (task !== undefined && (rules !== undefined || given === undefined)) throw misplacedTask(given);
  const own = task === undefined ? undefined : await readTaskFile(task);
  const asked = await askedSettings(options, explicit, given, own);
  const settings = parseConfig(config ?? task ?? 'The settings', SftExperimentSchema, asked);
  if (rules !== undefined) return withInstruction(settings, rules, given);
  const { data, prompt } = settings;
  if (own === undefined || given === undefined || data.kind === 'world') return settings;
  return withOwn(settings, withTaskRules(data, own, prompt.scaleSize, given));
}

/** Settings that a start decides. */
const OF_START = /^(?:preset|prompt\..*|data\.kind)$/u;

/**
 * The settings of a run that continues a model.
 *
 * @throws {LabError} `bad-config` for a setting that the model decides; what `continuationOf` throws
 */
export async function continuedSettings(
  options: SftSettingOptions,
  explicit: readonly ExplicitSetting[],
  given: DataSet,
  start: WeighedStart,
  replay: Replay | undefined,
): Promise<SftExperiment> {
  const decided = explicit.filter(({ field }) => OF_START.test(field.path)).map(({ field }) => field.path);
  const both = [...decided, ...(['rules', 'task'] as const).filter((name) => options[name] !== undefined)];
  if (both.length > 0) {
    throw new LabError('bad-config', {
      message: `The model that a run continues decides its ${both.join(' and ')}.`,
      fix: 'Leave that out, or train a new model without --start.',
    });
  }
  const { data, ...settings } = await readSettings(options.config);
  const asked = SFT_OPTIONS.apply(
    { ...settings, data: withChanges(data, { kind: 'file', grades: options.grade }) },
    explicit,
  );
  return continuationOf(options.config ?? 'The settings', asked, start, given, replay);
}

/**
 * The settings of a resumed run: its own, with the number of steps raised if requested.
 *
 * @throws {LabError} `bad-config` if other settings were asked for
 */
export async function resumedSftSettings(
  { experiment, state }: Pick<SftCheckpoint, 'experiment' | 'state'>,
  options: SftSettingOptions,
  explicit: readonly ExplicitSetting[],
): Promise<SftExperiment> {
  const { config, rules, task, grade } = options;
  // Unknown settings are reported first.
  const bare = await readSettings(config);
  parseConfig(config ?? 'The settings', SftExperimentSchema, bare);
  const given = task === undefined ? undefined : await readTaskFile(task);
  const file = given === undefined ? bare : withTask(bare, given);
  const wanted = rules === undefined ? given?.rules : await readInstructionFile(rules);
  const own = experiment.data.kind === 'file' ? experiment.data.rules?.instruction : undefined;
  const asked = {
    ...requestedSettings(experiment, file, SFT_OPTIONS, explicit, grade),
    rules: wanted && instructionHash(wanted),
  };
  const steps = resumedSteps({ ...experiment, rules: own && instructionHash(own) }, asked, 'sft', state.step);
  return { ...experiment, sft: { ...experiment.sft, steps } };
}

/** The settings that the file and the options request. */
async function askedSettings(
  options: SftSettingOptions,
  explicit: readonly ExplicitSetting[],
  given: DataSet | undefined,
  task: TaskFile | undefined,
): Promise<RawSettings> {
  const bare = await readSettings(options.config);
  const { data, prompt, sft, ...rest } = task === undefined ? bare : withTask(bare, task);
  const { grade: grades } = options;
  const steps = explicit.find(({ field }) => field.path === 'sft.steps')?.value;
  return SFT_OPTIONS.apply(
    {
      ...rest,
      data:
        given === undefined
          ? (data ?? { kind: 'world' })
          : withChanges(data, { kind: 'file', name: given.name, sha256: given.sha256, grades }),
      prompt: withChanges(prompt, {
        folding: isSet(prompt, 'folding') ? undefined : CURRENT_FOLDING,
        standingVersion: isSet(prompt, 'standingVersion') || given === undefined ? undefined : CURRENT_STANDING,
        scaleSize: scaleOf(prompt, given, grades ?? gradesIn(data)),
      }),
      sft: withChanges(sft, {
        warmupSteps: typeof steps === 'number' ? Math.min(100, Math.ceil(steps / 10)) : undefined,
      }),
    },
    explicit,
  );
}

/** The contents of the settings file. */
async function readSettings(config: string | undefined): Promise<RawSettings> {
  const file = config === undefined ? {} : await readConfigFile(config, '{"sft": {"steps": 500}}');
  return withDataKind(file) as RawSettings;
}

/** Settings with those of a task in place of their own. */
function withTask({ data, prompt, ...others }: RawSettings, task: TaskFile): RawSettings {
  const own = settingsOfTask(task);
  const { labels, grades } = own.data;
  return {
    ...others,
    data: withChanges(data, { labels, grades: grades === '' ? undefined : grades }),
    prompt: withChanges(prompt, own.prompt),
  };
}

function isSet(group: unknown, key: string): boolean {
  return typeof group === 'object' && group !== null && key in group;
}

/** The number of labels: that of the file's grades, unless the settings have one. */
function scaleOf(prompt: unknown, given: DataSet | undefined, meanings: string | undefined): number | undefined {
  if (given === undefined || isSet(prompt, 'scaleSize')) return undefined;
  return likelyScale(
    given.pairs.map(({ grade }) => grade),
    meanings,
  );
}

/** The meanings of grades in a settings file; the schema rejects a value that is not text. */
function gradesIn(data: unknown): string | undefined {
  const grades = typeof data === 'object' && data !== null && 'grades' in data ? data.grades : undefined;
  return typeof grades === 'string' ? grades : undefined;
}

async function withInstruction(
  settings: SftExperiment,
  path: string,
  given: DataSet | undefined,
): Promise<SftExperiment> {
  const { data } = settings;
  if (data.kind === 'world' || given === undefined) {
    const fix = 'Name the judged pairs with --data too.';
    throw new LabError('bad-config', { message: '--rules requires a file of judged pairs.', fix });
  }
  return withOwn(settings, await withRules(data, path, settings.prompt.scaleSize, given));
}

/** Settings with data that has rules of its own. */
function withOwn(settings: SftExperiment, ruled: FileData): SftExperiment {
  const { prompt } = settings;
  const instructionVersion = ruled.rules?.instruction.version ?? prompt.instructionVersion;
  return { ...settings, data: ruled, prompt: { ...prompt, instructionVersion } };
}
