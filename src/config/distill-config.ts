/**
 * The settings of a distillation run: what a student takes from its teacher, and how it is trained.
 */
import * as v from 'valibot';
import { SftConfigSchema } from './sft-config.ts';

const count = v.pipe(v.number(), v.integer(), v.minValue(1));
const positive = v.pipe(v.number(), v.gtValue(0));
const notNegative = v.pipe(v.number(), v.minValue(0));
const fraction = v.pipe(v.number(), v.minValue(0), v.maxValue(1));

const MethodSchema = v.variant('kind', [
  /** No teacher: the expert's completions, or their labels alone. What every other method is held against. */
  v.strictObject({ kind: v.literal('expert'), segment: v.optional(v.picklist(['all', 'label']), 'all') }),
  /** The teacher's label as a token. */
  v.strictObject({ kind: v.literal('hard-label') }),
  /** The teacher's completions, but for those that earn less than `minReward` by the strict reward. */
  v.strictObject({ kind: v.literal('trace'), minReward: v.optional(fraction, 0.75) }),
  /** The teacher's distribution over the label tokens, at a temperature (Hinton et al., arXiv 1503.02531). */
  v.strictObject({ kind: v.literal('label-kd'), temperature: v.optional(positive, 2) }),
  /** The teacher's distribution at every token of a completion: JSD_beta of GKD (arXiv 2306.13649). */
  v.strictObject({
    kind: v.literal('jsd'),
    /** 0 is KL(teacher || student), 1 is KL(student || teacher). */
    beta: v.optional(fraction, 0.5),
    /** Whose completions the two are compared on. */
    completions: v.optional(v.picklist(['expert', 'teacher']), 'expert'),
    /** The share of updates on completions of the student itself (on-policy), once they have begun. */
    studentShare: v.optional(fraction, 0),
    /** They begin after this share of the run: a new student first has to learn to write. */
    studentFrom: v.optional(fraction, 0.5),
  }),
]);

const { accumulation: _, ...trainingEntries } = SftConfigSchema.entries;

/** Every setting has a default; those of the optimizer are as in supervised fine-tuning. */
export const DistillConfigSchema = v.strictObject({
  ...trainingEntries,
  /** Optimizer updates. */
  steps: v.optional(count, 500),
  warmupSteps: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0)), 50),
  method: v.optional(MethodSchema, { kind: 'jsd' }),
  /** Lambda of the mode balance: L = L_distill + lambda L_SFT, L_SFT on the expert's completions of the same prompts. */
  expertWeight: v.optional(notNegative, 0),
  /** The most tokens of a completion, of the teacher or the student. */
  maxTokens: v.optional(count, 48),
  /** Sequences per forward pass: smaller needs less memory and changes nothing else. */
  sequencesPerPass: v.optional(count, 64),
  /** The most memory, in MiB, for what the teacher says to all examples; if it needs more, the teacher is asked every time. */
  teacherCacheMiB: v.optional(notNegative, 64),
  /** How many of the teacher's most likely tokens are kept at each place; the others share the mass that is left. */
  teacherTopK: v.optional(count, 32),
});

export type DistillConfig = v.InferOutput<typeof DistillConfigSchema>;
export type DistillMethod = DistillConfig['method'];

/** Whether the loss compares with the teacher's distribution, not only with tokens. */
export function needsTeacherLogits({ kind }: DistillMethod): boolean {
  return kind === 'label-kd' || kind === 'jsd';
}

/** Whether the teacher has to write completions before training. */
export function needsTeacherCompletions(method: DistillMethod): boolean {
  switch (method.kind) {
    case 'hard-label':
    case 'trace':
      return true;
    case 'jsd':
      return method.completions === 'teacher';
    case 'expert':
    case 'label-kd':
      return false;
    default:
      return method satisfies never;
  }
}
