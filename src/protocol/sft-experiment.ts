/**
 * Everything that decides a supervised run, as one schema. It is below the engine, because the page makes its form from
 * it, and the page must not import what trains.
 */
import * as v from 'valibot';
import { parseConfig } from '../config/parse.ts';
import { PRESET_NAMES, type PresetName } from '../config/presets.ts';
import {
  fraction,
  kindOf,
  numberFrom,
  type NumberSetting,
  pairs,
  seedFromZero,
  setting,
  type SettingMetadata,
} from '../config/settings.ts';
import { SftConfigSchema } from '../config/sft-config.ts';
import { ownRulesSchema } from '../relevance/rules/own-rules.ts';
import { gradeMeaningsSchema } from './grade-meanings.ts';
import { labelNamesSchema } from './label-names.ts';
import { promptConfigSchema } from '../relevance/prompt/prompt.ts';
import { ruleWorldConfigSchema } from '../relevance/world/rule-world.ts';

/** What all kinds of runs have. */
export const nameSetting = (name: string): v.OptionalSchema<v.GenericSchema<string>, string> =>
  setting(v.pipe(v.string(), v.nonEmpty()), name, 'Name', 'In the model card, and of its checkpoints.', {
    group: 'Model',
    level: 'basic',
  });
export const presetSetting = (name: PresetName): v.OptionalSchema<v.GenericSchema<PresetName>, PresetName> =>
  setting(v.picklist(PRESET_NAMES), name, 'Shape', 'From lab-nano (0.14 M parameters) to base (60 M).', {
    group: 'Model',
    level: 'basic',
  });
/** The share of words that training cuts at random before they become tokens (subword-splits.ts). */
export const WordSplitShareSchema = setting(
  fraction,
  0.3,
  'Words cut',
  'Share of words cut at random, so that copying works on unknown words.',
  { group: 'Data' },
);
export const devPairsSetting = (count: number, words: SettingMetadata = { group: 'Data' }): NumberSetting =>
  setting(pairs, count, 'Held-out pairs', 'How many pairs an evaluation during training looks at.', {
    ...words,
    unit: 'pairs',
    level: 'basic',
  });

const WorldDataSchema = v.strictObject({
  kind: kindOf('world', 'Rule world', 'Invented shops.'),
  ...ruleWorldConfigSchema.entries,
});

/** Pairs that people have judged, from a file. The scale of its labels is the prompt's. */
export const FileDataSchema = v.strictObject({
  kind: kindOf('file', 'Judged pairs', 'From a file.'),
  /** What the file was called, for people. */
  name: v.pipe(v.string(), v.nonEmpty()),
  /** Of what the file says (data/files/data-set.ts): names the data set wherever it is kept. */
  sha256: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/u, 'Invalid SHA-256: expected 64 hexadecimal digits')),
  /** Shares of the queries, not of the pairs: no query is in two parts, and never are nearly all held out. */
  devShare: setting(
    numberFrom(0.01, 0.45),
    0.1,
    'Held-out share',
    'Of the queries of the file; evaluations look at them.',
    { level: 'basic' },
  ),
  testShare: setting(numberFrom(0, 0.45), 0.1, 'Test share', 'Of the queries; never looked at while training.'),
  splitSeed: setting(seedFromZero, 1, 'Seed of the split', 'Decides which queries are held out.'),
  /** Where they are not labels themselves (grade-meanings.ts). */
  grades: setting(gradeMeaningsSchema, '', 'Grades', 'What the grades of the file mean.', { level: 'fixed' }),
  /** Where they are not to have the usual ones (label-names.ts). */
  labels: setting(
    labelNamesSchema,
    '',
    'Names of the labels',
    'Worst first, with commas between; empty for the usual ones.',
  ),
  /**
   * Rules that give reasons where they lead to the label that people gave; without them a model learns labels only.
   */
  rules: v.optional(ownRulesSchema),
});

/** What a run learns from. */
export const TrainingDataSchema = v.variant('kind', [WorldDataSchema, FileDataSchema]);
export const DataSetting = setting(TrainingDataSchema, { kind: 'world' }, 'Data', 'What the model learns from.', {
  group: 'Data',
  level: 'fixed',
});

/** The share of a run's training pairs that repeat what its start has learned before. */
export const ReplayShareSchema = numberFrom(0.01, 0.9);

/** The settings of supervised fine-tuning. */
export const SftExperimentSchema = v.strictObject({
  name: nameSetting('afrl-lab'),
  preset: presetSetting('nano'),
  data: DataSetting,
  prompt: setting(promptConfigSchema, {}, 'Prompt', 'How prompts are built.', { group: 'Data' }),
  sft: setting(SftConfigSchema, {}, 'Training', 'How the model is trained.', { group: 'Training' }),
  wordSplitShare: WordSplitShareSchema,
  devPairs: devPairsSetting(600),
  /** The model that the run continues, with its shape and its prompts; without it weights are drawn at random. */
  start: v.optional(
    v.strictObject({
      /** What it is called, for people. */
      name: v.pipe(v.string(), v.nonEmpty()),
      /** Of its weights (runs/weights-hash.ts). */
      hash: v.string(),
    }),
  ),
  /** What the start has learned before, mixed into the training pairs so that it forgets less of it. */
  replay: v.optional(v.strictObject({ share: ReplayShareSchema, data: WorldDataSchema })),
});
export type SftExperiment = v.InferOutput<typeof SftExperimentSchema>;
export type SftExperimentInput = v.InferInput<typeof SftExperimentSchema>;

/** What an experiment learns from. */
export type ExperimentData = SftExperiment['data'];
export type DataKind = ExperimentData['kind'];
/** An imported data set, and how its queries are split. */
export type FileData = Extract<ExperimentData, { kind: 'file' }>;
/** A rule world that is made by these settings. */
export type WorldData = Extract<ExperimentData, { kind: 'world' }>;

/**
 * Settings of the present or of an older form, in which every run learned from a rule world with its settings under
 * `world`.
 *
 * @param place - names the source in the error message
 * @throws {LabError} `bad-config`
 */
export function parseSftExperiment(place: string, value: unknown): SftExperiment {
  return parseConfig(place, SftExperimentSchema, withDataKind(value));
}

/** Settings in the present form: the older one had `world` in place of `data`. */
export function withDataKind(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || !('world' in value) || 'data' in value) return value;
  const { world, ...others } = value;
  return typeof world === 'object' ? { ...others, data: { ...world, kind: 'world' } } : value;
}
