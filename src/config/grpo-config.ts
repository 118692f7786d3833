/**
 * The settings of a Stepwise-GRPO run. The defaults are the lab's demonstration: groups of 8 completions for 16 prompts,
 * stepwise advantages, label and reasoning averaged apart, no KL, and lambda 0.3 of the expert loss.
 *
 * How completions are rewarded is a setting of its own (`rewardConfigSchema`): it belongs to the task, not to the way of
 * learning it.
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
  clipLow: setting(fraction, low, 'Clip below', 'The ratio is kept above 1 less this.'),
  clipHigh: setting(
    positiveWeight,
    high,
    'Clip above',
    'The ratio is kept below 1 and this; more than below is clip-higher.',
  ),
});

/**
 * How the policy loss is averaged and clipped; the ratio is kept in [1 - clipLow, 1 + clipHigh]. Any variant can be
 * clipped higher above than below (clip-higher); only dapo and gspo are by default.
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
      'Sum over tokens by G x the longest possible completion (arXiv 2503.20783); goes with no scaling of advantages.',
    ),
    ...clip(0.2, 0.2),
  }),
  v.strictObject({
    kind: kindOf(
      'dapo',
      'DAPO',
      'Mean over all tokens of the batch (arXiv 2503.14476); goes with silent groups and truncated completions left out.',
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
      'Label and reasoning each by itself: a long trace cannot drown the deciding token.',
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
    'Which reward a token is credited with.',
    {
      choices: {
        outcome: ['Outcome', 'Every token gets the advantage of the total reward.'],
        stepwise: ['Stepwise', 'Each segment gets its own.'],
      },
    },
  ),
  scaling: setting(
    v.picklist(['group', 'batch', 'none']),
    'group',
    'Scaled by',
    'What differences from the group\u2019s mean are divided by.',
    {
      choices: {
        group: ['The group', 'The spread of the group\u2019s own rewards.'],
        batch: ['The batch', 'The spread of the whole batch.'],
        none: ['Nothing', 'Differences are taken as they are.'],
      },
    },
  ),
  stepWeight: setting(
    weight,
    1,
    'Weight of a step',
    'Stepwise only: how much a step counts beside the whole reasoning.',
  ),
});

const beta = setting(positiveWeight, 0.1, 'Beta', 'Weight of the divergence.');
const on = setting(
  v.picklist(['rollouts', 'expert']),
  'rollouts',
  'Measured on',
  'Which tokens the divergence is taken on.',
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
  /** As a loss k1 would have no gradient on average. */
  v.strictObject({ kind: kindOf('k1-reward', 'k1 in the reward', 'beta k1 is taken off the reward.'), beta }),
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
      'Reached in a straight line over the ramp; none keeps lambda constant.',
    ),
    rampSteps: setting(steps, 100, 'Ramp', 'Steps in which lambda becomes the final one.', { unit: 'steps' }),
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
      'A prompt whose completions are all wrong teaches by its expert sample instead (arXiv 2509.04419).',
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
  prompts: setting(perStep, 16, 'Prompts per step', 'Each is answered several times.', {
    ...ROLLOUTS,
    unit: 'prompts',
    level: 'basic',
  }),
  /** G */
  samples: setting(wholeNumber(2, 4096), 8, 'Completions per prompt', 'A group, whose rewards are compared.', ROLLOUTS),
  tailPromptWeight: setting(
    numberAbove(0, 20),
    1,
    'Rare prompts',
    'How often prompts of rare rules are drawn, against their share: 1 as they are, 0.1 head-heavy.',
    ROLLOUTS,
  ),
  curriculum: setting(
    CurriculumSchema,
    { kind: 'random' },
    'Order of prompts',
    'All but random measure pass rates first.',
    ROLLOUTS,
  ),
  maxTokens: setting(wholeNumber(1, 4096), 40, 'Longest completion', 'Longer ones are truncated.', {
    ...ROLLOUTS,
    unit: 'tokens',
  }),
  /**
   * Of the policy: rollouts are drawn from softmax(logits / temperature), and ratios, KL and entropies are those of this very
   * distribution. The expert loss is taken at 1, as answers are given.
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
    'A KL term that holds the policy near its start.',
    LOSS,
  ),
  entropyBonus: setting(
    weight,
    0,
    'Entropy bonus',
    'Weight of the policy\u2019s entropy, in the average of the policy loss.',
    LOSS,
  ),
  balance: setting(
    BalanceSchema,
    { kind: 'additive' },
    'Mode balance',
    'How the expert loss joins that of the policy.',
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
    'With silent groups dropped: how often more prompts may be drawn to make up for them (dynamic sampling).',
    ROLLOUTS,
  ),
  maskTruncated: setting(v.boolean(), false, 'Mask truncated', 'Leave truncated completions out of the loss.', LOSS),
  samplerCorrectionCap: setting(
    v.nullable(positiveWeight),
    null,
    'Sampler correction',
    'Bound of the weight p(trainer) / p(sampler) that makes up for low-precision rollouts; none: no correction.',
    LOSS,
  ),

  innerEpochs: setting(wholeNumber(1, 1000), 1, 'Inner passes', 'Passes over the rollouts of a step.', OPTIMIZER),
  minibatches: setting(
    wholeNumber(1, 4096),
    1,
    'Parts',
    'Of the rollouts, one optimizer update each per pass.',
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
    'Look at the expert every',
    'Steps between looks at the gradient of the expert loss where it has no weight; 0: never. Costs a backward pass each.',
    { ...RECORDS, unit: 'steps' },
  ),
  seed: setting(seed, 1, 'Seed', 'Of prompts, rollouts and the order of expert samples.', {
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

/** Whether a run needs a frozen reference model; without one none is held in memory. */
export function needsReference({ kl }: GrpoConfig): boolean {
  return kl.kind !== 'none';
}
