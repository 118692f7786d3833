/**
 * Everything that decides a supervised run, as one schema. It stands here, below the engine, because the page builds its
 * form from it and checks with it what was typed, and the page must not import what trains.
 */
import * as v from 'valibot';
import { PRESET_NAMES } from '../config/presets.ts';
import { SftConfigSchema } from '../config/sft-config.ts';
import { promptConfigSchema } from '../relevance/prompt.ts';
import { ruleWorldConfigSchema } from '../relevance/rule-world.ts';

/** The settings of supervised fine-tuning on a rule world. */
export const SftExperimentSchema = v.strictObject({
  /** The name of the model. */
  name: v.optional(v.pipe(v.string(), v.nonEmpty()), 'afrl-lab'),
  preset: v.optional(v.picklist(PRESET_NAMES), 'nano'),
  world: v.optional(ruleWorldConfigSchema, {}),
  prompt: v.optional(promptConfigSchema, {}),
  sft: v.optional(SftConfigSchema, {}),
  /** The share of words that training cuts at random before they become tokens (subword-splits.ts). */
  wordSplitShare: v.optional(v.pipe(v.number(), v.minValue(0), v.maxValue(1)), 0.3),
  /** Pairs of the dev split that evaluations during training look at. */
  devPairs: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1)), 600),
});
export type SftExperiment = v.InferOutput<typeof SftExperimentSchema>;
