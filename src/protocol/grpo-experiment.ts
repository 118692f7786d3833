/**
 * The settings that define a GRPO run, apart from the model it starts from.
 */
import * as v from 'valibot';
import { GrpoConfigSchema } from '../config/grpo-config.ts';
import { pairs, setting, wholeNumber } from '../config/settings.ts';
import { parseConfig } from '../config/parse.ts';
import { rewardConfigSchema } from '../relevance/rules/reward.ts';
import { DataSetting, devPairsSetting, nameSetting, withDataKind } from './sft-experiment.ts';

const MEASURING = { group: 'Measuring and keeping' };

/** The settings of Stepwise-GRPO with mode balance. */
export const GrpoExperimentSchema = v.strictObject({
  name: nameSetting('mode-balance'),
  /**
   * A rule world must have the rules that the start has learned. Of a file the scale is that of the start, and so are
   * the rules where it names none.
   */
  data: DataSetting,
  /** The first of a file's, up to this number. */
  queries: setting(
    pairs,
    1500,
    'Queries',
    'That prompts and expert samples come from; six pairs each in a rule world.',
    { group: 'Data', unit: 'queries' },
  ),
  expertCoverage: setting(
    v.picklist(['all', 'head-only']),
    'all',
    'Expert samples',
    'Which the expert loss may learn from.',
    {
      group: 'Data',
      choices: { all: ['All', 'All of them.'], 'head-only': ['Head only', 'Those whose gold cites no rare rule.'] },
    },
  ),
  reward: setting(rewardConfigSchema, {}, 'Reward', 'How completions are rewarded.', { group: 'Reward' }),
  probePrompts: setting(pairs, 32, 'Probe prompts', 'Of the run\u2019s own mix, answered anew at every evaluation.', {
    ...MEASURING,
    unit: 'prompts',
  }),
  probeSamples: setting(wholeNumber(1, 4096), 4, 'Probe completions', 'Of each probe prompt.', MEASURING),
  /** Each is answered greedily. */
  devPairs: devPairsSetting(240, MEASURING),
  watchDivergence: setting(
    v.boolean(),
    false,
    'Watch the divergence',
    'From the start, at every step, even if no term of the loss needs it. One more pass.',
    MEASURING,
  ),
  /** A run that has them draws from the measured prompts alone. */
  passRates: setting(
    v.nullable(
      v.strictObject({
        prompts: setting(pairs, 1500, 'Measured prompts', 'The first prompts of the run, which are measured.', {
          unit: 'prompts',
        }),
        samples: setting(wholeNumber(1, 4096), 8, 'Completions of each', 'At temperature 1.'),
        keep: setting(
          v.picklist(['learnable', 'all']),
          'learnable',
          'Prompts kept',
          'Which of the measured are drawn.',
          {
            choices: {
              learnable: ['Learnable', 'Those whose completions are neither all right nor all wrong.'],
              all: ['All', 'Every measured prompt.'],
            },
          },
        ),
        hardWeight: setting(
          wholeNumber(1, 1000),
          8,
          'Weight of hard prompts',
          'How often a prompt that is never right is among the expert\u2019s samples, against once for any other.',
        ),
      }),
    ),
    null,
    'Pass rates',
    'Measure those of the start before the run. A curriculum other than random needs them.',
    { group: 'Rollouts' },
  ),
  grpo: setting(GrpoConfigSchema, {}, 'Reinforcement', 'How the policy learns.', { group: 'Reinforcement' }),
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
