/**
 * The settings of `lab sft`: a file of settings, changed by the options that were given, or what the options and their
 * defaults say.
 */
import { LabError } from '../common/errors.ts';
import { parseConfig } from '../config/parse.ts';
import type { PRESET_NAMES } from '../config/presets.ts';
import type { TrainingPrecision } from '../config/sft-config.ts';
import type { DataSet } from '../data/files/data-set.ts';
import { likelyScale } from '../data/files/data-set-reader.ts';
import { type SftExperiment, SftExperimentSchema, withDataKind } from '../protocol/sft-experiment.ts';
import { instructionHash } from '../relevance/rules/instruction.ts';
import { CURRENT_FOLDING } from '../relevance/pair/text-folding.ts';
import { type RawSettings, readConfigFile, withChanges } from './config-file.ts';
import type { SftCheckpoint } from '../runs/sft-checkpoint.ts';
import { readInstructionFile, withRules } from './instruction-files.ts';
import { resumedSteps } from './resume-check.ts';

/** The options that are settings. */
export interface SftSettingOptions {
  readonly config?: string;
  readonly name: string;
  readonly preset: (typeof PRESET_NAMES)[number];
  readonly steps: number;
  readonly batch: number;
  readonly accumulation: number;
  readonly lr: number;
  readonly labelWeight: number;
  readonly precision?: TrainingPrecision;
  readonly seed: number;
  readonly worldSeed: number;
  readonly trainQueries: number;
  readonly hints: boolean;
  readonly standing: boolean;
  readonly data?: string;
  readonly rules?: string;
  readonly scale?: number;
  readonly devShare: number;
  readonly testShare: number;
  readonly splitSeed: number;
  readonly grade?: string;
}

/**
 * The settings of a run.
 *
 * @param isSaid - whether an option counts, or is only a default that the file of settings goes before
 * @param given - the file to learn from, if there is one
 * @throws {LabError} `bad-config` naming the setting; what `withRules` throws
 */
export async function sftSettings(
  options: SftSettingOptions,
  isSaid: (name: keyof SftSettingOptions) => boolean,
  given: DataSet | undefined,
): Promise<SftExperiment> {
  const asked = await askedSettings(options, isSaid, given);
  const settings = parseConfig(options.config ?? 'The settings', SftExperimentSchema, asked);
  return options.rules === undefined ? settings : withInstruction(settings, options.rules, given);
}

/**
 * The settings of a run that is resumed: its own, with the number of steps raised if that was asked for.
 *
 * @param isSaid - whether an option was given along with --resume
 * @throws {LabError} `bad-config` if other settings were asked for
 */
export async function resumedSftSettings(
  { experiment, state }: Pick<SftCheckpoint, 'experiment' | 'state'>,
  options: SftSettingOptions,
  isSaid: (name: keyof SftSettingOptions) => boolean,
): Promise<SftExperiment> {
  const { config, rules } = options;
  const file = await readSettings(options);
  // What is no setting at all is named first.
  parseConfig(config ?? 'The settings', SftExperimentSchema, file);
  const { data, prompt, sft, ...rest } = file;
  const said = optionSettings(options, isSaid);
  const own = experiment.data.kind === 'file' ? experiment.data.rules?.instruction : undefined;
  const asked = {
    ...rest,
    ...said.run,
    data: withChanges(data, { ...said.world, ...said.file }),
    prompt: withChanges(prompt, said.prompt),
    sft: withChanges(sft, said.sft),
    rules: rules === undefined ? undefined : instructionHash(await readInstructionFile(rules)),
  };
  const steps = resumedSteps({ ...experiment, rules: own && instructionHash(own) }, asked, 'sft', state.step);
  return { ...experiment, sft: { ...experiment.sft, steps } };
}

/** What a file of settings and options ask for. */
async function askedSettings(
  options: SftSettingOptions,
  isSaid: (name: keyof SftSettingOptions) => boolean,
  given: DataSet | undefined,
): Promise<RawSettings> {
  const { data, prompt, sft, ...rest } = await readSettings(options);
  const said = optionSettings(options, isSaid);
  const { steps } = said.sft;
  return {
    ...(withChanges(rest, said.run) as RawSettings),
    data:
      given === undefined
        ? withChanges(data ?? { kind: 'world' }, said.world)
        : withChanges(data, { kind: 'file', name: given.name, sha256: given.sha256, ...said.file }),
    prompt: withChanges(prompt, {
      folding: isSet(prompt, 'folding') ? undefined : CURRENT_FOLDING,
      ...said.prompt,
      scaleSize: said.prompt.scaleSize ?? scaleOf(prompt, given, options.grade ?? gradesIn(data)),
    }),
    sft: withChanges(sft, {
      ...said.sft,
      warmupSteps: steps === undefined ? undefined : Math.min(100, Math.ceil(steps / 10)),
    }),
  };
}

/** What the file of settings says. */
async function readSettings({ config }: SftSettingOptions): Promise<RawSettings> {
  const file = config === undefined ? {} : await readConfigFile(config, '{"sft": {"steps": 500}}');
  return withDataKind(file) as RawSettings;
}

/** What options say, by the groups of settings; undefined where one does not count. */
function optionSettings(options: SftSettingOptions, isSaid: (name: keyof SftSettingOptions) => boolean) {
  const said = <Name extends keyof SftSettingOptions>(name: Name): SftSettingOptions[Name] | undefined =>
    isSaid(name) ? options[name] : undefined;
  return {
    run: { name: said('name'), preset: said('preset') },
    world: { seed: said('worldSeed'), trainQueries: said('trainQueries') },
    file: {
      devShare: said('devShare'),
      testShare: said('testShare'),
      splitSeed: said('splitSeed'),
      grades: options.grade,
    },
    prompt: { hints: said('hints'), standing: said('standing'), scaleSize: options.scale },
    sft: {
      steps: said('steps'),
      batchSize: said('batch'),
      accumulation: said('accumulation'),
      learningRate: said('lr'),
      labelWeight: said('labelWeight'),
      precision: said('precision'),
      seed: said('seed'),
    },
  };
}

function isSet(group: unknown, key: string): boolean {
  return typeof group === 'object' && group !== null && key in group;
}

/** As the grades of the file show, unless the settings say. */
function scaleOf(prompt: unknown, given: DataSet | undefined, meanings: string | undefined): number | undefined {
  if (given === undefined || isSet(prompt, 'scaleSize')) return undefined;
  return likelyScale(
    given.pairs.map(({ grade }) => grade),
    meanings,
  );
}

/** What a file of settings says that grades mean; the schema refuses what is no text. */
function gradesIn(data: unknown): string | undefined {
  const grades = typeof data === 'object' && data !== null && 'grades' in data ? data.grades : undefined;
  return typeof grades === 'string' ? grades : undefined;
}

async function withInstruction(
  settings: SftExperiment,
  path: string,
  given: DataSet | undefined,
): Promise<SftExperiment> {
  const { data, prompt } = settings;
  if (data.kind === 'world' || given === undefined) {
    const fix = 'Name the judged pairs with --data too.';
    throw new LabError('bad-config', { message: '--rules belongs to a file of judged pairs.', fix });
  }
  const ruled = await withRules(data, path, prompt.scaleSize, given);
  const instructionVersion = ruled.rules?.instruction.version ?? prompt.instructionVersion;
  return { ...settings, data: ruled, prompt: { ...prompt, instructionVersion } };
}
