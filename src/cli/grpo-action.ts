/**
 * What `lab grpo` does.
 */
import { LabError } from '../common/errors.ts';
import type { ColumnNames } from '../data/files/columns.ts';
import type { DataSet } from '../data/files/data-set.ts';
import { type GrpoExperiment, parseGrpoExperiment } from '../protocol/grpo-experiment.ts';
import type { BackendChoice } from '../protocol/scoring.ts';
import { withDataKind } from '../protocol/sft-experiment.ts';
import { instructionHash } from '../relevance/rules/instruction.ts';
import type { GrpoCheckpoint } from '../runs/grpo-checkpoint.ts';
import { type RawSettings, readConfigFile, withChanges } from './config-file.ts';
import { readInstructionFile, withRules } from './instruction-files.ts';
import { interruption } from './interruption.ts';
import { describeModel, readModelFiles } from './model-folder.ts';
import { openNodeBackend } from './node-backend.ts';
import { readDataFiles } from './pair-files.ts';
import { reinforceToFolder } from './reinforced-run.ts';
import { askedAgain, checkRunFolder, resumedSteps } from './resume-check.ts';
import { checkOutputFile } from './outputs.ts';
import { RunFolder } from './run-folder.ts';
import { GRPO_OPTIONS } from './run-options.ts';
import type { SaidSetting } from './setting-options.ts';
import { loadStartModel } from './start-model.ts';
import { note, print } from './terminal.ts';

export interface GrpoOptions {
  readonly out: string;
  readonly start: string;
  readonly config?: string;
  readonly data?: string;
  readonly docs?: string;
  readonly column: ColumnNames;
  readonly grade?: string;
  readonly rules?: string;
  readonly backend: BackendChoice;
  readonly resume?: boolean;
  readonly record?: string;
  readonly force?: boolean;
}

export async function runGrpo(options: GrpoOptions, said: readonly SaidSetting[]): Promise<void> {
  const folder = new RunFolder(options.out);
  const saved = await folder.readCheckpoint();
  const { out, config, data, docs, rules, record, force } = options;
  const inputs = [options.start, config, data, docs, rules];
  await checkRunFolder(saved, options, inputs);
  if (record !== undefined) await checkOutputFile(record, { inputs, force, optionName: '--record' });
  const files = await readModelFiles(options.start);
  const resumed = saved === undefined ? undefined : await resumedSettings(saved, options, said);
  const given = data === undefined ? undefined : await readDataFiles(data, options);
  const experiment = resumed ?? (await experimentOf(options, said, describeModel(files), given));
  const signal = interruption();
  const opened = await openNodeBackend(options.backend);
  note(`Computing on ${opened.backend}: ${opened.device} (${opened.reason}).`);
  const start = loadStartModel(files);
  const device = `${opened.backend}, ${opened.device}`;
  const run = { out, saved, given, device, startFolder: options.start, record, signal };
  print(await reinforceToFolder(experiment, start, run));
}

/** The run's own settings, with the number of steps raised if that was asked for. */
async function resumedSettings(
  { experiment, state }: GrpoCheckpoint,
  options: GrpoOptions,
  said: readonly SaidSetting[],
): Promise<GrpoExperiment> {
  const { config, rules, grade } = options;
  const settings = await readSettings(options);
  parseGrpoExperiment(config ?? 'The settings', settings);
  const own = experiment.data.kind === 'file' ? experiment.data.rules?.instruction : undefined;
  const asked = {
    ...askedAgain(experiment, settings, GRPO_OPTIONS, said, grade),
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

/** What is known of a start before it is loaded. */
type Start = ReturnType<typeof describeModel>;

/** A file of settings, changed by the options; of a file of judged pairs, the part that the start has learned from. */
async function experimentOf(
  options: GrpoOptions,
  said: readonly SaidSetting[],
  start: Start,
  given: DataSet | undefined,
): Promise<GrpoExperiment> {
  const { config, grade: grades } = options;
  const settings = await readSettings(options);
  const learned =
    given === undefined
      ? settings['data']
      : withChanges(settings['data'] ?? splitOf(start), { ...namesOf(given), grades });
  const isGiven = (path: string, value: unknown): boolean =>
    said.some((each) => each.field.path === path && each.value === value);
  const curriculum = said.find(({ field }) => field.path === 'grpo.curriculum.kind')?.value ?? 'random';
  const needsRates = curriculum !== 'random' && !isGiven('passRates', false);
  const asked = {
    ...settings,
    ...(learned === undefined ? {} : { data: learned }),
    ...(needsRates ? { passRates: settings['passRates'] ?? {} } : {}),
  };
  const experiment = parseGrpoExperiment(config ?? 'The settings', GRPO_OPTIONS.apply(asked, said));
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
