/**
 * The settings of a supervised fine-tuning run.
 */
import * as v from 'valibot';
import {
  type SettingMetadata,
  fraction,
  numberAbove,
  numberFrom,
  type NumberSetting,
  perStep,
  positiveWeight,
  seed,
  setting,
  steps,
  stepsOrNone,
} from './settings.ts';

/**
 * The precision of the matrix products of a training step. f32: float32, like everything else. mixed (arXiv
 * 1710.03740): weights, activations and gradients are rounded to float16 for the products, with sums and master weights
 * in float32 and a dynamic loss scale.
 */
export const TRAINING_PRECISIONS = ['f32', 'mixed'] as const;
export type TrainingPrecision = (typeof TRAINING_PRECISIONS)[number];
const PRECISION_HELP =
  'mixed: matrix products of updates read 16-bit floats; sums and weights stay f32. Faster on WebGPU only.';

/** The settings of AdamW besides the learning rate; trainers differ in the defaults of beta 2 and weight decay. */
export const adamEntries = (
  beta2: number,
  decay: number,
  metadata: SettingMetadata = {},
): Record<'beta1' | 'beta2' | 'adamEps' | 'weightDecay' | 'maxGradNorm', NumberSetting> & {
  precision: v.OptionalSchema<v.GenericSchema<TrainingPrecision>, TrainingPrecision>;
} => ({
  beta1: setting(fraction, 0.9, 'AdamW beta 1', 'Decay of the moving average of gradients.', metadata),
  beta2: setting(fraction, beta2, 'AdamW beta 2', 'Decay of the moving average of squared gradients.', metadata),
  adamEps: setting(numberAbove(0, 1), 1e-8, 'AdamW epsilon', 'Bounds the updates that tiny gradients cause.', metadata),
  weightDecay: setting(
    numberFrom(0, 100),
    decay,
    'Weight decay',
    'Pulls weights towards zero, per unit of learning rate.',
    metadata,
  ),
  maxGradNorm: setting(
    numberAbove(0, 1e30),
    1,
    'Gradient limit',
    'Gradients with a larger norm are scaled down to it.',
    metadata,
  ),
  precision: setting(v.picklist(TRAINING_PRECISIONS), 'f32', 'Precision', PRECISION_HELP, metadata),
});

export const learningRate = numberAbove(0, 1e30);

/** Every setting has a default that trains the small presets well. */
export const SftConfigSchema = v.strictObject({
  steps: setting(steps, 2000, 'Steps', 'Optimizer updates.', { unit: 'steps', level: 'basic' }),
  batchSize: setting(perStep, 64, 'Batch size', 'Pairs per forward pass; memory grows with it.', {
    unit: 'pairs',
    level: 'basic',
  }),
  /** An update draws batchSize x accumulation sequences. */
  accumulation: setting(
    perStep,
    1,
    'Passes per step',
    'Batches per update (gradient accumulation): less memory than one large batch, and every token weighs the same.',
  ),
  learningRate: setting(learningRate, 3e-3, 'Learning rate', 'At its peak, after the warm-up.', { level: 'basic' }),
  warmupSteps: setting(stepsOrNone, 100, 'Warm-up', 'Steps in which the learning rate rises.', { unit: 'steps' }),
  finalFraction: setting(fraction, 0.05, 'Final rate', 'The learning rate at the end, as a share of its peak.'),
  ...adamEntries(0.98, 0.01),
  labelWeight: setting(
    positiveWeight,
    1,
    'Label weight',
    'Weight of the label in the loss; every other token weighs 1.',
  ),
  evaluateEvery: setting(steps, 250, 'Evaluate every', 'Steps between evaluations on held-out pairs.', {
    unit: 'steps',
    level: 'basic',
  }),
  checkpointEvery: setting(steps, 250, 'Save every', 'Steps between checkpoints; a crash loses at most these.', {
    unit: 'steps',
    level: 'basic',
  }),
  /** Losses are read back from the GPU only then. */
  logEvery: setting(steps, 10, 'Log every', 'Steps between points of the loss curve.', { unit: 'steps' }),
  seed: setting(
    seed,
    1,
    'Seed',
    'Seed of the initial weights and the order of the data. The same seed repeats a run.',
    {
      level: 'basic',
    },
  ),
});

export type SftConfig = v.InferOutput<typeof SftConfigSchema>;
