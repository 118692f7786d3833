/**
 * Everything that decides a supervised run, as one schema. It stands here, below the engine, because the page builds its
 * form from it and checks with it what was typed, and the page must not import what trains.
 */
import * as v from 'valibot';
import { parseConfig } from '../config/parse.ts';
import { PRESET_NAMES } from '../config/presets.ts';
import { SftConfigSchema } from '../config/sft-config.ts';
import { ownRulesSchema } from '../relevance/rules/own-rules.ts';
import { gradeMeaningsSchema } from './grade-meanings.ts';
import { promptConfigSchema } from '../relevance/prompt/prompt.ts';
import { ruleWorldConfigSchema } from '../relevance/world/rule-world.ts';

/** The share of an imported file's queries that is held out: never nearly all of them. */
const heldOutShare = (least: number) => v.optional(v.pipe(v.number(), v.minValue(least), v.maxValue(0.45)), 0.1);

/** What a run learns from. */
export const TrainingDataSchema = v.variant('kind', [
  v.strictObject({ kind: v.literal('world'), ...ruleWorldConfigSchema.entries }),
  /** Pairs that people have judged, from a file. The scale of its labels is the prompt's. */
  v.strictObject({
    kind: v.literal('file'),
    /** What the file was called, for people. */
    name: v.pipe(v.string(), v.nonEmpty()),
    /** Of what the file says (data/files/data-set.ts): names the data set wherever it is kept. */
    sha256: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/u, 'Invalid SHA-256: expected 64 hexadecimal digits')),
    /** Shares of the queries, not of the pairs: no query is in two parts. */
    devShare: heldOutShare(0.01),
    /** Never looked at while training. */
    testShare: heldOutShare(0),
    /** Decides which queries are held out. */
    splitSeed: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0)), 1),
    /** What its grades mean, where they are not labels themselves (grade-meanings.ts). */
    grades: v.optional(gradeMeaningsSchema, ''),
    /** Rules that give reasons where they lead to the label that people gave; without them a model learns labels only. */
    rules: v.optional(ownRulesSchema),
  }),
]);

/** The settings of supervised fine-tuning. */
export const SftExperimentSchema = v.strictObject({
  /** The name of the model. */
  name: v.optional(v.pipe(v.string(), v.nonEmpty()), 'afrl-lab'),
  preset: v.optional(v.picklist(PRESET_NAMES), 'nano'),
  data: v.optional(TrainingDataSchema, { kind: 'world' }),
  prompt: v.optional(promptConfigSchema, {}),
  sft: v.optional(SftConfigSchema, {}),
  /** The share of words that training cuts at random before they become tokens (subword-splits.ts). */
  wordSplitShare: v.optional(v.pipe(v.number(), v.minValue(0), v.maxValue(1)), 0.3),
  /** Pairs of the dev split that evaluations during training look at. */
  devPairs: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1)), 600),
});
export type SftExperiment = v.InferOutput<typeof SftExperimentSchema>;
export type SftExperimentInput = v.InferInput<typeof SftExperimentSchema>;

/** What an experiment learns from. */
export type ExperimentData = SftExperiment['data'];
export type DataKind = ExperimentData['kind'];
/** An imported data set, and how its queries are split. */
export type FileData = Extract<ExperimentData, { kind: 'file' }>;

/**
 * Settings of today or of an older form: there was a time when every run learned from a rule world, and its settings
 * stood under `world`.
 *
 * @param place - what is being read, for the message
 * @throws {LabError} `bad-config`
 */
export function parseSftExperiment(place: string, value: unknown): SftExperiment {
  return parseConfig(place, SftExperimentSchema, withDataKind(value));
}

/** Settings as they are read today: the older form had a `world` where they have `data`. */
export function withDataKind(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || !('world' in value) || 'data' in value) return value;
  const { world, ...others } = value;
  return typeof world === 'object' ? { ...others, data: { ...world, kind: 'world' } } : value;
}
