/**
 * The settings of a distillation run: what a student takes from its teacher, and how it is trained.
 */
import * as v from 'valibot';
import { DECODINGS } from './decoding.ts';
import {
  fraction,
  kindOf,
  numberAbove,
  numberFrom,
  perStep,
  setting,
  steps,
  stepsOrNone,
  weight,
  wholeNumber,
} from './settings.ts';
import { SftConfigSchema } from './sft-config.ts';

const MethodSchema = v.variant('kind', [
  v.strictObject({
    kind: kindOf(
      'jsd',
      'All tokens (JSD)',
      'The teacher\u2019s distribution at every token of given completions (GKD, arXiv 2306.13649).',
    ),
    beta: setting(fraction, 0.5, 'Beta', '0 is KL(teacher || student), 1 is KL(student || teacher).'),
    completions: setting(
      v.picklist(['expert', 'teacher']),
      'expert',
      'Completions',
      'Whose completions the two are compared on.',
    ),
    /** Applies after `studentFrom`. */
    studentShare: setting(
      fraction,
      0,
      'Own completions',
      'Share of the updates on completions that the student writes itself (on-policy).',
    ),
    studentFrom: setting(
      fraction,
      0.5,
      'Own from',
      'Share of the run before the first of them, because a new student must first learn to write.',
    ),
  }),
  v.strictObject({
    kind: kindOf(
      'label-kd',
      'Label, softened',
      'The teacher\u2019s distribution over labels (arXiv 1503.02531); no reasons are learned.',
    ),
    temperature: setting(numberAbove(0, 100), 2, 'Temperature', 'Softens both label distributions.'),
  }),
  v.strictObject({
    kind: kindOf('hard-label', 'Label', 'The label that the teacher gives, as a token; no reasons are learned.'),
  }),
  v.strictObject({
    kind: kindOf(
      'trace',
      'Completions',
      'The teacher\u2019s label and reasoning, where they earn enough of the strict reward.',
    ),
    minReward: setting(fraction, 0.75, 'Least reward', 'The least strict reward of the teacher\u2019s completions.'),
  }),
  v.strictObject({
    kind: kindOf(
      'expert',
      'No teacher',
      'The expert\u2019s completions, or their labels alone: the baseline of every other method.',
    ),
    segment: setting(
      v.picklist(['all', 'label']),
      'all',
      'Part',
      'The part of the expert\u2019s completions that is learned.',
    ),
  }),
]);

const { accumulation: _, ...trainingEntries } = SftConfigSchema.entries;

/** Every setting has a default; those of the optimizer are as in supervised fine-tuning. */
export const DistillConfigSchema = v.strictObject({
  ...trainingEntries,
  steps: setting(steps, 500, 'Steps', 'Optimizer updates.', { unit: 'steps', level: 'basic' }),
  warmupSteps: setting(stepsOrNone, 50, 'Warm-up', 'Steps in which the learning rate rises.', { unit: 'steps' }),
  method: setting(MethodSchema, { kind: 'jsd' }, 'Method', 'What the student learns from the teacher.', {
    group: 'What is learned',
    level: 'basic',
  }),
  /**
   * Lambda of the mode balance: L = L_distill + lambda L_SFT, L_SFT on the expert's completions of the same prompts.
   */
  expertWeight: setting(
    weight,
    0,
    'Expert loss',
    'Weight of the loss on the expert\u2019s completions (mode balance).',
    { group: 'What is learned', level: 'basic' },
  ),
  maxTokens: setting(wholeNumber(1, 4096), 48, 'Longest completion', 'The limit for teacher and student.', {
    unit: 'tokens',
  }),
  decoding: setting(
    v.picklist(DECODINGS),
    'free',
    'Decoding',
    'Of the teacher\u2019s completions: free, held to the grammar, or to the grammar and evidence that is in the pair.',
  ),
  sequencesPerPass: setting(perStep, 64, 'Sequences per pass', 'Smaller needs less memory and changes nothing else.'),
  teacherCacheMiB: setting(
    numberFrom(0, 1_048_576),
    64,
    'Memory for answers',
    'For the teacher\u2019s distributions on all examples; if they need more, every batch computes them again.',
    { unit: 'MiB' },
  ),
  teacherTopK: setting(
    wholeNumber(1, 2 ** 24),
    32,
    'Likeliest tokens',
    'How many of the teacher\u2019s probabilities are kept per position; the other tokens share the remaining mass.',
    { unit: 'tokens' },
  ),
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
