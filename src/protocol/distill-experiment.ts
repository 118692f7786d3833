/**
 * Everything that decides a distillation run on a rule world, besides the teacher.
 */
import * as v from 'valibot';
import { DistillConfigSchema } from '../config/distill-config.ts';
import { PRESET_NAMES } from '../config/presets.ts';
import { ruleWorldConfigSchema } from '../relevance/world/rule-world.ts';

const count = (fallback: number) => v.optional(v.pipe(v.number(), v.integer(), v.minValue(1)), fallback);

/** Who learns. */
const StudentSchema = v.variant('kind', [
  /** A new model in the shape of a preset, with the teacher's vocabulary and as many positions. */
  v.strictObject({ kind: v.literal('new'), preset: v.optional(v.picklist(PRESET_NAMES), 'lab-nano') }),
  /** A trained model, by the hash of its weights. */
  v.strictObject({ kind: v.literal('trained'), hash: v.string() }),
]);

/** The settings of a distillation. */
export const DistillExperimentSchema = v.strictObject({
  /** The name of the student. */
  name: v.optional(v.pipe(v.string(), v.nonEmpty()), 'student'),
  student: v.optional(StudentSchema, { kind: 'new' }),
  /** Must have the rules that the teacher has learned. */
  world: v.optional(ruleWorldConfigSchema, {}),
  /** Training queries that prompts come from; six pairs each. */
  queries: count(1500),
  /** The share of words that are cut at random before they become tokens (subword-splits.ts). */
  wordSplitShare: v.optional(v.pipe(v.number(), v.minValue(0), v.maxValue(1)), 0.3),
  /** Pairs of the dev split that evaluations during training look at. */
  devPairs: count(240),
  distill: v.optional(DistillConfigSchema, {}),
});
export type DistillExperiment = v.InferOutput<typeof DistillExperimentSchema>;
export type DistillExperimentInput = v.InferInput<typeof DistillExperimentSchema>;
