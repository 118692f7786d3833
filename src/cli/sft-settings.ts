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
import { type RawSettings, readConfigFile, withChanges } from './config-file.ts';
import { withRules } from './instruction-files.ts';

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
  const { config } = options;
  const said = <Name extends keyof SftSettingOptions>(name: Name): SftSettingOptions[Name] | undefined =>
    isSaid(name) ? options[name] : undefined;
  const file = config === undefined ? {} : await readConfigFile(config, '{"sft": {"steps": 500}}');
  const { data, prompt, sft, ...rest } = withDataKind(file) as RawSettings;

  const steps = said('steps');
  const settings = parseConfig(config ?? 'The settings', SftExperimentSchema, {
    ...(withChanges(rest, { name: said('name'), preset: said('preset') }) as RawSettings),
    data:
      given === undefined
        ? withChanges(data ?? { kind: 'world' }, { seed: said('worldSeed'), trainQueries: said('trainQueries') })
        : withChanges(data, {
            kind: 'file',
            name: given.name,
            sha256: given.sha256,
            devShare: said('devShare'),
            testShare: said('testShare'),
            splitSeed: said('splitSeed'),
          }),
    prompt: withChanges(prompt, {
      hints: said('hints'),
      standing: said('standing'),
      scaleSize: options.scale ?? scaleOf(prompt, given),
    }),
    sft: withChanges(sft, {
      steps,
      batchSize: said('batch'),
      accumulation: said('accumulation'),
      learningRate: said('lr'),
      labelWeight: said('labelWeight'),
      precision: said('precision'),
      seed: said('seed'),
      warmupSteps: steps === undefined ? undefined : Math.min(100, Math.ceil(steps / 10)),
    }),
  });
  return options.rules === undefined ? settings : withInstruction(settings, options.rules, given);
}

/** As the grades of the file show, unless the settings say. */
function scaleOf(prompt: unknown, given: DataSet | undefined): number | undefined {
  const isSet = typeof prompt === 'object' && prompt !== null && 'scaleSize' in prompt;
  return given === undefined || isSet ? undefined : likelyScale(given.pairs.map(({ grade }) => grade));
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
