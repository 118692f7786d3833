/**
 * The settings that define a distillation run, apart from the teacher.
 */
import * as v from 'valibot';
import { DistillConfigSchema } from '../config/distill-config.ts';
import { kindOf, pairs, setting } from '../config/settings.ts';
import { ruleWorldConfigSchema } from '../relevance/world/rule-world.ts';
import { devPairsSetting, FileDataSchema, nameSetting, presetSetting, WordSplitShareSchema } from './sft-experiment.ts';

/** Who learns. */
const StudentSchema = v.variant('kind', [
  v.strictObject({
    kind: kindOf(
      'new',
      'A new model',
      'In the shape of a preset, with the teacher\u2019s vocabulary and as many positions.',
    ),
    preset: presetSetting('lab-nano'),
  }),
  /** By the hash of its weights. */
  v.strictObject({ kind: kindOf('trained', 'A trained model', 'Learns on.'), hash: v.string() }),
]);

/** The settings of a distillation. */
export const DistillExperimentSchema = v.strictObject({
  name: nameSetting('student'),
  student: setting(StudentSchema, { kind: 'new' }, 'Student', 'Who learns.', { group: 'Student', level: 'fixed' }),
  /** Must have the rules that the teacher has learned. */
  world: setting(ruleWorldConfigSchema, {}, 'Rule world', 'That the pairs are of.', { group: 'Data' }),
  /**
   * The file of judged pairs to learn from in place of the world. It has no rules of its own: reasons are those of the
   * teacher.
   */
  file: v.optional(v.omit(FileDataSchema, ['rules'])),
  queries: setting(pairs, 1500, 'Queries', 'To learn from; six pairs each in a rule world.', {
    group: 'Data',
    unit: 'queries',
    level: 'basic',
  }),
  wordSplitShare: WordSplitShareSchema,
  devPairs: devPairsSetting(240),
  distill: setting(DistillConfigSchema, {}, 'Training', 'How the student is taught.', { group: 'Training' }),
});
export type DistillExperiment = v.InferOutput<typeof DistillExperimentSchema>;
export type DistillExperimentInput = v.InferInput<typeof DistillExperimentSchema>;
