/**
 * The settings of a Stepwise-GRPO run. The defaults are the lab's demonstration: groups of 8 completions for 16 prompts,
 * stepwise advantages, label and reasoning averaged apart, no KL, and lambda 0.3 of the expert loss.
 *
 * How completions are rewarded is a setting of its own (`rewardConfigSchema`): it belongs to the task, not to the way of
 * learning it.
 */
import * as v from 'valibot';
import { DecodingSchema } from './decoding.ts';
import { TrainingPrecisionSchema } from './sft-config.ts';

const wholeNumber = (least: number) => v.pipe(v.number(), v.integer(), v.minValue(least));
const count = wholeNumber(1);
const positive = v.pipe(v.number(), v.gtValue(0));
const notNegative = v.pipe(v.number(), v.minValue(0));
const fraction = v.pipe(v.number(), v.minValue(0), v.maxValue(1));

/**
 * How the policy loss is averaged and clipped; the ratio is kept in [1 - clipLow, 1 + clipHigh]. Any variant can be
 * clipped higher above than below (clip-higher); only dapo and gspo are by default.
 */
const LossSchema = v.variant('kind', [
  /** arXiv 2402.03300: mean over the tokens of each completion, then over completions. */
  v.strictObject({ kind: v.literal('grpo'), clipLow: v.optional(fraction, 0.2), clipHigh: v.optional(positive, 0.2) }),
  /** arXiv 2503.20783: sum over tokens by G x the longest possible completion. Goes with `scaling: 'none'`. */
  v.strictObject({
    kind: v.literal('dr_grpo'),
    clipLow: v.optional(fraction, 0.2),
    clipHigh: v.optional(positive, 0.2),
  }),
  /** arXiv 2503.14476: mean over all tokens of the batch. Goes with `dropSilentGroups` and `maskTruncated`. */
  v.strictObject({ kind: v.literal('dapo'), clipLow: v.optional(fraction, 0.2), clipHigh: v.optional(positive, 0.28) }),
  /** arXiv 2507.18071: one ratio per completion, the geometric mean of its tokens'. */
  v.strictObject({
    kind: v.literal('gspo'),
    clipLow: v.optional(fraction, 3e-4),
    clipHigh: v.optional(positive, 4e-4),
  }),
]);

/** Whether the label and the reasoning are averaged together or each by itself. */
const AveragingSchema = v.variant('kind', [
  v.strictObject({ kind: v.literal('joint') }),
  /** L_RL = label L_label + reasoning L_reasoning: a long trace cannot drown the deciding token. */
  v.strictObject({
    kind: v.literal('separate'),
    label: v.optional(notNegative, 0.5),
    reasoning: v.optional(notNegative, 0.5),
  }),
]);

const AdvantageSchema = v.strictObject({
  /** outcome: every token gets the advantage of the total reward; stepwise: each segment its own. */
  kind: v.optional(v.picklist(['outcome', 'stepwise']), 'stepwise'),
  /** What differences from the group's mean are divided by: the group's own spread, that of the whole batch, or nothing. */
  scaling: v.optional(v.picklist(['group', 'batch', 'none']), 'group'),
  /** Stepwise only: how much the advantage of a step counts beside that of the whole reasoning. */
  stepWeight: v.optional(notNegative, 1),
});

/** Kullback-Leibler divergence from the policy to a frozen reference, usually the SFT start. `beta` is its weight. */
const KlSchema = v.variant('kind', [
  v.strictObject({ kind: v.literal('none') }),
  /** beta k1 is taken off the reward; as a loss k1 would have no gradient on average. */
  v.strictObject({ kind: v.literal('k1-reward'), beta: positive }),
  /** Gradient of the reverse divergence KL(policy || reference). */
  v.strictObject({
    kind: v.literal('k2'),
    beta: positive,
    /** On the tokens of rollouts by the estimator; on those of expert completions exactly, over the whole vocabulary. */
    on: v.optional(v.picklist(['rollouts', 'expert']), 'rollouts'),
  }),
  /** On-policy gradient of the forward divergence KL(reference || policy). */
  v.strictObject({
    kind: v.literal('k3'),
    beta: positive,
    on: v.optional(v.picklist(['rollouts', 'expert']), 'rollouts'),
  }),
]);

/** How the expert loss L_SFT joins L_RL. Each kind but hpt has one number that a dial can move while the run goes on. */
const BalanceSchema = v.variant('kind', [
  /** L_RL + lambda L_SFT; lambda 0 is plain GRPO. */
  v.strictObject({
    kind: v.literal('additive'),
    lambda: v.optional(notNegative, 0.3),
    /** Lambda after `rampSteps`, reached in a straight line; null keeps it constant. */
    finalLambda: v.optional(v.nullable(notNegative), null),
    rampSteps: v.optional(count, 100),
  }),
  /** (1 - mu) L_RL + mu L_SFT. */
  v.strictObject({ kind: v.literal('convex'), mu: v.optional(fraction, 0.3) }),
  /** CHORD, arXiv 2508.11408: convex, mu rising to a peak and falling along a cosine; expert tokens weigh p(1-p). */
  v.strictObject({
    kind: v.literal('chord'),
    warmupSteps: v.optional(wholeNumber(0), 0),
    decaySteps: v.optional(count, 100),
    peak: v.optional(fraction, 0.5),
    valley: v.optional(fraction, 0.02),
  }),
  /** The gate of HPT, arXiv 2509.04419: a prompt whose completions are all wrong teaches by its expert sample instead. */
  v.strictObject({ kind: v.literal('hpt') }),
  /** After SRFT, arXiv 2506.19767: L_RL + lambda exp(-H) L_SFT, H the policy's entropy on the expert's tokens. */
  v.strictObject({ kind: v.literal('srft'), lambda: v.optional(notNegative, 0.5) }),
]);

/** What all orders by stages share. */
const staging = {
  /** Of a step's prompts, the share from stages that are over, so that they are not forgotten. */
  rehearsalShare: v.optional(fraction, 0.25),
  /** Of a step's prompts in the mixed stage, the share whose gold cites a tail rule, beside those in the mix. */
  rareShare: v.optional(fraction, 0.25),
};
/** Two shares of the run's steps, in order: where the first and the second stage end. */
const stageEnds = v.pipe(
  v.tuple([fraction, fraction]),
  v.check(([first, second]) => first <= second, 'the second stage must not end before the first'),
);

/**
 * The order of prompts by how often the start answered them rightly (train/curriculum.ts): stage 1 at least half the
 * time, stage 2 less often, stage 3 all of these and rare rules besides. All but random need pass rates.
 */
const CurriculumSchema = v.variant('kind', [
  v.strictObject({ kind: v.literal('random') }),
  /** Stages 1, 2, 3, each for a fixed part of the run. */
  v.strictObject({ kind: v.literal('staged'), ends: v.optional(stageEnds, [1 / 3, 2 / 3]), ...staging }),
  /** Stages 3, 2, 1: the control for `staged`. */
  v.strictObject({ kind: v.literal('reversed'), ends: v.optional(stageEnds, [1 / 3, 2 / 3]), ...staging }),
  /** Stages 1, 2, 3; one ends when its prompts are answered well enough. */
  v.strictObject({
    kind: v.literal('adaptive'),
    /** Mean label reward of the stage's own prompts that ends stage 1, and stage 2. */
    promoteAt: v.optional(v.tuple([fraction, fraction]), [0.85, 0.5]),
    /** Steps that the mean is over; no stage is shorter. */
    window: v.optional(count, 10),
    /** Where the stages end at the latest, so that a run cannot be stuck in one. */
    ends: v.optional(stageEnds, [0.4, 0.8]),
    ...staging,
  }),
]);

/** Every setting has a default with its unit; unknown keys are errors. */
export const GrpoConfigSchema = v.strictObject({
  /** Batches of rollouts. */
  steps: v.optional(count, 100),
  /** P, prompts per step. */
  prompts: v.optional(count, 16),
  /** G, completions per prompt. */
  samples: v.optional(v.pipe(v.number(), v.integer(), v.minValue(2)), 8),
  /** How often prompts whose gold cites a tail rule are drawn, against their share: 1 matched, 0.1 head-heavy. */
  tailPromptWeight: v.optional(v.pipe(v.number(), v.gtValue(0), v.maxValue(20)), 1),
  /** In which order prompts are drawn. */
  curriculum: v.optional(CurriculumSchema, { kind: 'random' }),
  /** The most tokens of one completion; longer ones are truncated. */
  maxTokens: v.optional(count, 40),
  /**
   * Of the policy: rollouts are drawn from softmax(logits / temperature), and ratios, KL and entropies are those of this very
   * distribution. The expert loss is taken at 1, as answers are given.
   */
  temperature: v.optional(positive, 1),

  loss: v.optional(LossSchema, { kind: 'grpo' }),
  averaging: v.optional(AveragingSchema, { kind: 'separate' }),
  advantages: v.optional(AdvantageSchema, {}),
  kl: v.optional(KlSchema, { kind: 'none' }),
  /** Weight of the policy's entropy, in the average of the policy loss. */
  entropyBonus: v.optional(notNegative, 0),
  balance: v.optional(BalanceSchema, { kind: 'additive' }),

  /** Leave out groups in which no token has an advantage. */
  dropSilentGroups: v.optional(v.boolean(), false),
  /** With `dropSilentGroups`: how often P more prompts may be drawn to make up for groups left out (dynamic sampling). */
  extraRounds: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(16)), 0),
  /** Leave truncated completions out of the loss. */
  maskTruncated: v.optional(v.boolean(), false),
  /** Bound of the weight p(trainer) / p(sampler) that makes up for low-precision rollouts; null: no correction. */
  samplerCorrectionCap: v.optional(v.nullable(positive), null),

  /** Passes over the rollouts of a step. */
  innerEpochs: v.optional(count, 1),
  /** Parts of the rollouts, one optimizer update each per pass. */
  minibatches: v.optional(count, 1),
  /** Expert samples per update. */
  expertBatch: v.optional(count, 32),
  /** Sequences per forward pass of the trainer: smaller needs less memory and changes nothing else. */
  sequencesPerPass: v.optional(count, 64),

  learningRate: v.optional(positive, 3e-4),
  /** Updates of linear warm-up. */
  warmupUpdates: v.optional(wholeNumber(0), 0),
  /** The learning rate at the end as a share of the peak; 1 is constant. */
  finalFraction: v.optional(fraction, 1),
  beta1: v.optional(fraction, 0.9),
  beta2: v.optional(fraction, 0.999),
  adamEps: v.optional(positive, 1e-8),
  weightDecay: v.optional(notNegative, 0),
  maxGradNorm: v.optional(positive, 1),
  /** Of the updates; rollouts are always drawn in f32. */
  precision: TrainingPrecisionSchema,
  /** Of rollouts; the policy that is learned is then the held one. */
  decoding: DecodingSchema,

  /** Steps between evaluations on held-out queries. */
  evaluateEvery: v.optional(count, 25),
  /** Steps between checkpoints. */
  checkpointEvery: v.optional(count, 25),
  /** Steps between kept completions. */
  keepEvery: v.optional(count, 10),
  /** Groups kept then, each with all its completions. */
  keepGroups: v.optional(wholeNumber(0), 2),
  /** Steps between looks at the gradient of L_SFT where it has no weight; 0: never. Costs a backward pass each. */
  probeExpertEvery: v.optional(wholeNumber(0), 10),
  /** Seeds prompts, rollouts and the order of expert samples. */
  seed: v.optional(v.pipe(v.number(), v.integer()), 1),
});

export type GrpoConfig = v.InferOutput<typeof GrpoConfigSchema>;
export type PolicyLossConfig = GrpoConfig['loss'];
export type AveragingConfig = GrpoConfig['averaging'];
export type AdvantageConfig = GrpoConfig['advantages'];
export type BalanceConfig = GrpoConfig['balance'];
export type CurriculumConfig = GrpoConfig['curriculum'];
export const CURRICULUM_KINDS = [
  'random',
  'staged',
  'reversed',
  'adaptive',
] as const satisfies CurriculumConfig['kind'][];

/** Whether a run needs a frozen reference model; without one none is held in memory. */
export function needsReference({ kl }: GrpoConfig): boolean {
  return kl.kind !== 'none';
}
