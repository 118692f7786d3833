/**
 * Everything that decides a reinforcement run, besides the model it starts from. The page builds its controls from it and
 * the command line its recipes.
 */
import * as v from 'valibot';
import { GrpoConfigSchema } from '../config/grpo-config.ts';
import { parseConfig } from '../config/parse.ts';
import { rewardConfigSchema } from '../relevance/rules/reward.ts';
import { TrainingDataSchema, withDataKind } from './sft-experiment.ts';

const count = (least: number, fallback: number) =>
  v.optional(v.pipe(v.number(), v.integer(), v.minValue(least)), fallback);

/** The settings of Stepwise-GRPO with mode balance. */
export const GrpoExperimentSchema = v.strictObject({
  name: v.optional(v.pipe(v.string(), v.nonEmpty()), 'mode-balance'),
  /**
   * A rule world must have the rules that the start has learned. Of a file the scale is that of the start, and so are the
   * rules where it names none.
   */
  data: v.optional(TrainingDataSchema, { kind: 'world' }),
  /** Training queries that prompts and expert samples come from; six pairs each in a rule world. Of a file's, so many at most. */
  queries: count(1, 1500),
  /** Which expert samples L_SFT may learn from: all, or only those whose gold cites no rule of the tail. */
  expertCoverage: v.optional(v.picklist(['all', 'head-only']), 'all'),
  reward: v.optional(rewardConfigSchema, {}),
  /** Prompts of the run's own mix that are answered anew at every evaluation, each `probeSamples` times. */
  probePrompts: count(1, 32),
  probeSamples: count(1, 4),
  /** Pairs of the dev split that evaluations look at; each is answered greedily. */
  devPairs: count(1, 240),
  /** Measure the divergence from the start at every step, even if no term of the loss needs it. One more pass. */
  watchDivergence: v.optional(v.boolean(), false),
  /**
   * Pass rates of the start, measured before the run; null for none. A run that has them draws from the measured prompts
   * alone. A curriculum other than random needs them.
   */
  passRates: v.optional(
    v.nullable(
      v.strictObject({
        /** The first prompts of the run, which are measured. */
        prompts: count(1, 1500),
        /** Completions of each, at temperature 1. */
        samples: count(1, 8),
        /** learnable: prompts whose completions are neither all right nor all wrong; all: every measured prompt. */
        keep: v.optional(v.picklist(['learnable', 'all']), 'learnable'),
        /** How often a prompt that is never right stands among the expert's samples, against once for any other. */
        hardWeight: count(1, 8),
      }),
    ),
    null,
  ),
  grpo: v.optional(GrpoConfigSchema, {}),
});
export type GrpoExperiment = v.InferOutput<typeof GrpoExperimentSchema>;
export type GrpoExperimentInput = v.InferInput<typeof GrpoExperimentSchema>;

/**
 * Settings of today or of the older form, in which every run learned from a rule world.
 *
 * @param place - what is being read, for the message
 * @throws {LabError} `bad-config`
 */
export function parseGrpoExperiment(place: string, value: unknown): GrpoExperiment {
  return parseConfig(place, GrpoExperimentSchema, withDataKind(value));
}
