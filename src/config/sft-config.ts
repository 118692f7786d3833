/**
 * The settings of a supervised fine-tuning run.
 */
import * as v from 'valibot';

const count = v.pipe(v.number(), v.integer(), v.minValue(1));
const positive = v.pipe(v.number(), v.gtValue(0));
const fraction = v.pipe(v.number(), v.minValue(0), v.maxValue(1));

/**
 * What the matrix products of a training step are computed from. f32: as everything else, float32. mixed (arXiv 1710.03740):
 * weights, activations and gradients are rounded to float16 for them, with sums in float32, float32 master weights and a
 * dynamic scale of the loss.
 */
export const TRAINING_PRECISIONS = ['f32', 'mixed'] as const;
export type TrainingPrecision = (typeof TRAINING_PRECISIONS)[number];
export const TrainingPrecisionSchema = v.optional(v.picklist(TRAINING_PRECISIONS), 'f32');

/** Every setting has a default that trains the small presets well. */
export const SftConfigSchema = v.strictObject({
  /** Optimizer updates. */
  steps: v.optional(count, 2000),
  /** Sequences per forward pass. */
  batchSize: v.optional(count, 64),
  /** Forward passes per update, which draws batchSize x accumulation sequences; each token weighs the same. */
  accumulation: v.optional(count, 1),
  learningRate: v.optional(positive, 3e-3),
  /** Updates of linear warm-up. */
  warmupSteps: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0)), 100),
  /** The learning rate at the end as a share of the peak. */
  finalFraction: v.optional(fraction, 0.05),
  beta1: v.optional(fraction, 0.9),
  beta2: v.optional(fraction, 0.98),
  adamEps: v.optional(positive, 1e-8),
  weightDecay: v.optional(v.pipe(v.number(), v.minValue(0)), 0.01),
  maxGradNorm: v.optional(positive, 1),
  precision: TrainingPrecisionSchema,
  /** The loss weight of the label token; every other token of a completion weighs 1. */
  labelWeight: v.optional(positive, 1),
  /** Updates between evaluations on held-out queries. */
  evaluateEvery: v.optional(count, 250),
  /** Updates between checkpoints. */
  checkpointEvery: v.optional(count, 250),
  /** Updates between log entries; losses are read back from the GPU only then. */
  logEvery: v.optional(count, 10),
  /** Seeds the initial weights and the data order. */
  seed: v.optional(v.pipe(v.number(), v.integer()), 1),
});

export type SftConfig = v.InferOutput<typeof SftConfigSchema>;
