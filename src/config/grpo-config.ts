/**
 * The settings of a Stepwise-GRPO run. The defaults are the lab's demonstration: groups of 8 completions for 16
 * prompts, stepwise advantages, label and reasoning averaged apart, no KL, and lambda 0.3 of the expert loss.
 *
 * The reward is configured separately (`rewardConfigSchema`), because it belongs to the task and not to the algorithm.
 */
import * as v from 'valibot';
import { CurriculumSchema } from './curriculum-config.ts';
import { DecodingSchema } from './decoding.ts';
import {
  fraction,
  kindOf,
  numberAbove,
  perStep,
  positiveWeight,
  seed,
  setting,
  steps,
  stepsOrNone,
  weight,
  wholeNumber,
} from './settings.ts';
import { adamEntries, learningRate } from './sft-config.ts';

const clip = <const Low extends number, const High extends number>(low: Low, high: High) => ({
  clipLow: setting(fraction, low, 'Clip below', 'The ratio is clipped at 1 minus this.'),
  clipHigh: setting(
    positiveWeight,
    high,
    'Clip above',
    'The ratio is clipped at 1 plus this; a larger value than below is clip-higher.',
  ),
});

/**
 * How the policy loss is averaged and clipped; the ratio is clipped to [1 - clipLow, 1 + clipHigh]. Any variant can
 * clip higher above than below (clip-higher); by default only dapo and gspo do.
 */
const LossSchema = v.variant('kind', [
  v.strictObject({
    kind: kindOf('grpo', 'GRPO', 'Mean over the tokens of each completion, then over completions (arXiv 2402.03300).'),
    ...clip(0.2, 0.2),
  }),
  v.strictObject({
    kind: kindOf(
      'dr_grpo',
      'Dr. GRPO',
      'Sum over tokens / (G x the longest completion allowed) (arXiv 2503.20783); used with unscaled advantages.',
    ),
    ...clip(0.2, 0.2),
  }),
  v.strictObject({
    kind: kindOf(
      'dapo',
      'DAPO',
      'Mean over all tokens of the batch (arXiv 2503.14476); used without silent groups and truncated completions.',
    ),
    ...clip(0.2, 0.28),
  }),
  v.strictObject({
    kind: kindOf(
      'gspo',
      'GSPO',
      'One ratio per completion, the geometric mean of its tokens\u2019 (arXiv 2507.18071).',
    ),
    ...clip(3e-4, 4e-4),
  }),
]);

const AveragingSchema = v.variant('kind', [
  v.strictObject({ kind: kindOf('joint', 'Joint', 'All tokens of a completion together.') }),
  v.strictObject({
    kind: kindOf(
      'separate',
      'Separate',
      'Label and reasoning separately, so that a long trace does not outweigh the label.',
    ),
    label: setting(weight, 0.5, 'Weight of the label', 'In L_RL = label L_label + reasoning L_reasoning.'),
    reasoning: setting(weight, 0.5, 'Weight of the reasoning', 'In L_RL = label L_label + reasoning L_reasoning.'),
  }),
]);

const AdvantageSchema = v.strictObject({
  kind: setting(
    v.picklist(['outcome', 'stepwise']),
    'stepwise',
    'Advantages',
    'The reward that a token is credited with.',
    {
      choices: {
        outcome: ['Outcome', 'Every token gets the advantage of the total reward.'],
        stepwise: ['Stepwise', 'Each segment gets the advantage of its own reward.'],
      },
    },
  ),
  scaling: setting(
    v.picklist(['group', 'batch', 'none']),
    'group',
    'Scaled by',
    'The divisor of differences from the group\u2019s mean.',
    {
      choices: {
        group: ['The group', 'The standard deviation of the group\u2019s rewards.'],
        batch: ['The batch', 'The standard deviation over the whole batch.'],
        none: ['Nothing', 'Differences are not scaled.'],
      },
    },
  ),
  stepWeight: setting(
    weight,
    1,
    'Weight of a step',
    'Stepwise only: the weight of a step\u2019s reward relative to that of the whole reasoning.',
  ),
});

const beta = setting(positiveWeight, 0.1, 'Beta', 'Weight of the divergence.');
const on = setting(
  v.picklist(['rollouts', 'expert']),
  'rollouts',
  'Measured on',
  'The tokens on which the divergence is measured.',
  {
    choices: {
      rollouts: ['Rollouts', 'The tokens of rollouts, by the estimator.'],
      expert: ['Expert completions', 'Exactly, over the whole vocabulary.'],
    },
  },
);

/** Kullback-Leibler divergence from the policy to a frozen reference, usually the SFT start. `beta` is its weight. */
const KlSchema = v.variant('kind', [
  v.strictObject({ kind: kindOf('none', 'None', 'The policy may go anywhere.') }),
  /** In the reward, because k1 as a loss has a gradient of zero in expectation. */
  v.strictObject({ kind: kindOf('k1-reward', 'k1 in the reward', 'beta k1 is subtracted from the reward.'), beta }),
  v.strictObject({ kind: kindOf('k2', 'k2', 'Gradient of the reverse divergence KL(policy || reference).'), beta, on }),
  v.strictObject({
    kind: kindOf('k3', 'k3', 'On-policy gradient of the forward divergence KL(reference || policy).'),
    beta,
    on,
  }),
]);

const lambda = <const Fallback extends number>(fallback: Fallback) =>
  setting(weight, fallback, 'Lambda', 'The weight of the expert loss; 0 is plain GRPO.');

/** How the expert loss L_SFT joins L_RL. Each kind except hpt has one coefficient, which can change during the run. */
const BalanceSchema = v.variant('kind', [
  v.strictObject({
    kind: kindOf('additive', 'Additive', 'L_RL + lambda L_SFT.'),
    lambda: lambda(0.3),
    finalLambda: setting(
      v.nullable(weight),
      null,
      'Final lambda',
      'Lambda at the end of the linear ramp; none keeps it constant.',
    ),
    rampSteps: setting(steps, 100, 'Ramp', 'Steps in which lambda reaches its final value.', { unit: 'steps' }),
  }),
  v.strictObject({
    kind: kindOf('convex', 'Convex', '(1 - mu) L_RL + mu L_SFT.'),
    mu: setting(fraction, 0.3, 'Mu', 'The share of the expert loss.'),
  }),
  v.strictObject({
    kind: kindOf(
      'chord',
      'CHORD',
      'Convex, mu rising to a peak and falling along a cosine; expert tokens weigh p(1-p) (arXiv 2508.11408).',
    ),
    warmupSteps: setting(stepsOrNone, 0, 'Rise of mu', 'Steps up to the peak.', { unit: 'steps' }),
    decaySteps: setting(steps, 100, 'Fall of mu', 'Steps from the peak down to the valley.', { unit: 'steps' }),
    peak: setting(fraction, 0.5, 'Peak of mu', 'The largest share of the expert loss.'),
    valley: setting(fraction, 0.02, 'Valley of mu', 'The share at the end.'),
  }),
  v.strictObject({
    kind: kindOf(
      'hpt',
      'HPT gate',
      'A prompt with only wrong completions contributes its expert sample instead (arXiv 2509.04419).',
    ),
  }),
  v.strictObject({
    kind: kindOf(
      'srft',
      'SRFT',
      'L_RL + lambda exp(-H) L_SFT, H the policy\u2019s entropy on the expert\u2019s tokens (after arXiv 2506.19767).',
    ),
    lambda: lambda(0.5),
  }),
]);

const ROLLOUTS = { group: 'Rollouts' };
const LOSS = { group: 'Loss' };
const OPTIMIZER = { group: 'Optimizer' };
const RECORDS = { group: 'Measuring and keeping' };

/** Every setting has a default with its unit; unknown keys are errors. */
export const GrpoConfigSchema = v.strictObject({
  steps: setting(steps, 100, 'Steps', 'Batches of rollouts.', { ...ROLLOUTS, unit: 'steps', level: 'basic' }),
  /** P */
  prompts: setting(perStep, 16, 'Prompts per step', 'Each gets several completions.', {
    ...ROLLOUTS,
    unit: 'prompts',
    level: 'basic',
  }),
  /** G */
  samples: setting(
    wholeNumber(2, 4096),
    8,
    'Completions per prompt',
    'The size of a group, within which rewards are compared.',
    ROLLOUTS,
  ),
  tailPromptWeight: setting(
    numberAbove(0, 20),
    1,
    'Rare prompts',
    'How often prompts with rare rules are drawn relative to their share: 1 is unchanged, 0.1 is head-heavy.',
    ROLLOUTS,
  ),
  curriculum: setting(
    CurriculumSchema,
    { kind: 'random' },
    'Order of prompts',
    'Every order except random measures pass rates first.',
    ROLLOUTS,
  ),
  maxTokens: setting(wholeNumber(1, 4096), 40, 'Longest completion', 'Longer ones are truncated.', {
    ...ROLLOUTS,
    unit: 'tokens',
  }),
  /**
   * Rollouts are drawn from softmax(logits / temperature), and ratios, KL and entropies are those of the same
   * distribution. The expert loss is computed at temperature 1, as answers are.
   */
  temperature: setting(
    numberAbove(0, 100),
    1,
    'Temperature',
    'Of the policy: rollouts, ratios, KL and entropies.',
    ROLLOUTS,
  ),

  loss: setting(LossSchema, { kind: 'grpo' }, 'Policy loss', 'How it is averaged and clipped.', LOSS),
  averaging: setting(
    AveragingSchema,
    { kind: 'separate' },
    'Averaging',
    'Whether label and reasoning are averaged together.',
    LOSS,
  ),
  advantages: setting(AdvantageSchema, {}, 'Advantages', 'What a token is credited with.', LOSS),
  kl: setting(
    KlSchema,
    { kind: 'none' },
    'Divergence from the start',
    'A KL term that keeps the policy near its start.',
    LOSS,
  ),
  entropyBonus: setting(
    weight,
    0,
    'Entropy bonus',
    'Weight of the policy\u2019s entropy, which is averaged as the policy loss is.',
    LOSS,
  ),
  balance: setting(
    BalanceSchema,
    { kind: 'additive' },
    'Mode balance',
    'How the expert loss is combined with the policy loss.',
    LOSS,
  ),

  dropSilentGroups: setting(
    v.boolean(),
    false,
    'Drop silent groups',
    'Leave out groups in which no token has an advantage.',
    ROLLOUTS,
  ),
  extraRounds: setting(
    wholeNumber(0, 16),
    0,
    'Extra rounds',
    'If silent groups are dropped: how often more prompts may be drawn to replace them (dynamic sampling).',
    ROLLOUTS,
  ),
  maskTruncated: setting(v.boolean(), false, 'Mask truncated', 'Leave truncated completions out of the loss.', LOSS),
  samplerCorrectionCap: setting(
    v.nullable(positiveWeight),
    null,
    'Sampler correction',
    'Cap of the weight p(trainer) / p(sampler) that corrects for low-precision rollouts; none: no correction.',
    LOSS,
  ),

  innerEpochs: setting(wholeNumber(1, 1000), 1, 'Inner passes', 'Passes over the rollouts of a step.', OPTIMIZER),
  minibatches: setting(
    wholeNumber(1, 4096),
    1,
    'Minibatches',
    'Parts of the rollouts; each gives one optimizer update per pass.',
    OPTIMIZER,
  ),
  expertBatch: setting(perStep, 32, 'Expert batch', 'Expert samples per update.', OPTIMIZER),
  sequencesPerPass: setting(
    perStep,
    64,
    'Sequences per pass',
    'Smaller needs less memory and changes nothing else.',
    OPTIMIZER,
  ),

  learningRate: setting(learningRate, 3e-4, 'Learning rate', 'At its peak.', OPTIMIZER),
  warmupUpdates: setting(stepsOrNone, 0, 'Warm-up', 'Updates in which the learning rate rises.', {
    ...OPTIMIZER,
    unit: 'updates',
  }),
  finalFraction: setting(
    fraction,
    1,
    'Final rate',
    'The learning rate at the end, as a share of its peak; 1 is constant.',
    OPTIMIZER,
  ),
  ...adamEntries(0.999, 0, OPTIMIZER),
  decoding: DecodingSchema,

  evaluateEvery: setting(steps, 25, 'Measure every', 'Steps between evaluations on held-out queries.', {
    ...RECORDS,
    unit: 'steps',
    level: 'basic',
  }),
  checkpointEvery: setting(steps, 25, 'Save every', 'Steps between checkpoints.', { ...RECORDS, unit: 'steps' }),
  keepEvery: setting(steps, 10, 'Keep completions every', 'Steps between kept completions.', {
    ...RECORDS,
    unit: 'steps',
  }),
  keepGroups: setting(wholeNumber(0, 4096), 2, 'Kept groups', 'Each with all its completions.', RECORDS),
  probeExpertEvery: setting(
    stepsOrNone,
    10,
    'Probe the expert every',
    'Steps between measurements of the expert gradient where it has no weight; 0: never. Each costs a backward pass.',
    { ...RECORDS, unit: 'steps' },
  ),
  seed: setting(seed, 1, 'Seed', 'Seed of prompts, rollouts and the order of expert samples.', {
    ...ROLLOUTS,
    level: 'basic',
  }),
});

export type GrpoConfig = v.InferOutput<typeof GrpoConfigSchema>;
export type PolicyLossConfig = GrpoConfig['loss'];
export type AveragingConfig = GrpoConfig['averaging'];
export type AdvantageConfig = GrpoConfig['advantages'];
export type BalanceConfig = GrpoConfig['balance'];
export type CurriculumConfig = GrpoConfig['curriculum'];

/** Whether a run needs a frozen reference model; otherwise none is kept in memory. */
export function needsReference({ kl }: GrpoConfig): boolean {
  return kl.kind !== 'none';
}
