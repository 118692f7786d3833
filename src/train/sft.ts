/**
 * Supervised fine-tuning: maximises the likelihood of expert completions given their prompts (forward KL to the
 * expert).
 *
 * The run is a function of its config, its data and its seed. {@link SftState} holds all that is needed to resume:
 * training 2N steps equals training N, saving, loading and training N more, bit for bit on one device.
 *
 * Room `train/`: the three trainers and the evaluation, each readable top to bottom, with their losses as pure
 * functions. Data preparation, checkpoints and cards belong in `runs/`.
 */
import * as tf from '@tensorflow/tfjs-core';
import { LabError, throwIfAborted } from '../common/errors.ts';
import { yieldToMessages } from '../common/yield.ts';
import type { SftConfig } from '../config/sft-config.ts';
import { BatchOrder, makeTrainingBatch, type Example, type TrainingBatch } from '../data/batches.ts';
import { measureVariants } from '../gpu/dispatch.ts';
import { forwardAt, nextLogProbs, type Transformer } from '../model/transformer.ts';
import { readWeights, type TensorData } from '../model/weights.ts';
import { squaredNorms, sumAll } from '../ops/sums.ts';
import { AdamW, type AdamWState } from '../optim/adamw.ts';
import { isTrainable, type LossScale } from '../optim/loss-scale.ts';
import { learningRateAt } from '../optim/schedule.ts';
import { measureActivations, takeActivations } from './activations.ts';
import { combineGradients, disposeGradients, type LossPass, normsByWeight, pacedGradients } from './gradients.ts';

/** All that is needed to resume a run. The data order follows from the step and the seed. */
export interface SftState {
  /** Updates made. */
  readonly step: number;
  /** Input tokens learned from, without padding. */
  readonly tokens: number;
  readonly weights: ReadonlyMap<string, TensorData>;
  readonly optimizer: AdamWState;
}

/** The record of one logged step. */
export interface SftLogEntry {
  /** Updates made, counting this one. */
  readonly step: number;
  /** Weighted mean negative log-likelihood of completion tokens, in nats. */
  readonly lossNats: number;
  /**
   * Global gradient norm before clipping; null where the update was skipped because the gradient overflowed float16.
   */
  readonly gradNorm: number | null;
  /** The same of each weight by its name; their squares sum to that of the global norm. */
  readonly gradNorms: Readonly<Record<string, number>> | null;
  /** What each module gave in sequences of the update, by the weights before it (activations.ts); null if not finite. */
  readonly activations: Readonly<Record<string, number>> | null;
  /** In mixed precision, after the update. */
  readonly lossScale?: LossScale | undefined;
  readonly learningRate: number;
  /** Input tokens learned from, including the time before a resume. */
  readonly tokens: number;
}

/** The inputs of a run besides its config. */
export interface SftRun {
  readonly model: Transformer;
  readonly examples: readonly Example[];
  /** The state to resume from; its weights must already be the model's. */
  readonly resume?: Omit<SftState, 'weights'> | undefined;
  readonly signal?: AbortSignal | undefined;
  /**
   * Awaited before every update with the updates made so far: a run can pause here, or save its state before it ends.
   */
  readonly beforeUpdate?: (step: number, readState: () => Promise<SftState>) => Promise<void>;
  /** Awaited after each micro-batch has been submitted to the backend, which may still be computing it. */
  readonly afterMicroBatch?: (() => Promise<void>) | undefined;
  /** Whether to log an update that is not due for logging. */
  readonly isLogWanted?: ((step: number) => boolean) | undefined;
  /** Called every `logEvery` updates and before each evaluation, so that an evaluation has a loss beside it. */
  readonly onLog?: (entry: SftLogEntry) => void;
  /** Called every `evaluateEvery` updates and at the end. */
  readonly onEvaluate?: (step: number) => Promise<void>;
  /** Called every `checkpointEvery` updates and at the end. */
  readonly onCheckpoint?: (state: SftState) => Promise<void>;
}

/**
 * Trains a model in place.
 *
 * @throws {LabError} `aborted` when the signal fires, `not-finite` when loss or gradient is NaN or infinite.
 */
export async function trainSft(config: SftConfig, run: SftRun): Promise<void> {
  const { examples, signal } = run;
  const model = { ...run.model, precision: config.precision };
  const optimizer = new AdamW(model.weights, { ...config, eps: config.adamEps }, run.resume?.optimizer);
  const batchesAt = sftBatches(config, examples);
  const schedule = { ...config, peakLearningRate: config.learningRate, totalSteps: config.steps };
  let step = run.resume?.step ?? 0;
  let tokens = run.resume?.tokens ?? 0;
  // GPU -> CPU sync: weights and moments.
  const readState = async (): Promise<SftState> => ({
    step,
    tokens,
    weights: await readWeights(model.weights),
    optimizer: await optimizer.readState(),
  });

  try {
    while (step < config.steps) {
      await yieldToMessages(); // lets a stop arrive
      await measureVariants(signal); // of kernels that ran for the first time
      await run.beforeUpdate?.(step, readState);
      throwIfAborted(signal);

      const batches = batchesAt(step);
      tokens += batches.reduce((sum, batch) => sum + batch.tokens, 0);

      const learningRate = learningRateAt(step, schedule);
      const sum = await pacedGradients(
        model.weights,
        sftPasses(model, batches),
        (loss) => optimizer.scaled(loss),
        run.afterMicroBatch,
      );
      const gradients = combineGradients(model.weights, [{ factor: 1, gradients: sum }]);
      if (sum === undefined || gradients === undefined) throw nothingToLearn();
      const isLast = step + 1 === config.steps;
      const isEvaluated = isLast || (step + 1) % config.evaluateEvery === 0;
      const isLogged = isEvaluated || (step + 1) % config.logEvery === 0 || run.isLogWanted?.(step + 1) === true;
      const squares = isLogged ? squaredNorms(Object.values(gradients)) : undefined;
      const [first] = batches;
      const activations = isLogged && first !== undefined ? measureActivations(model, first) : undefined;
      const gradNorm = optimizer.apply(gradients, learningRate);
      tf.dispose(gradients);
      step += 1;

      if (squares !== undefined) {
        // GPU -> CPU sync: the only one of an ordinary step.
        const lossNats = await readNumber(sum.loss);
        const norm = await readNumber(gradNorm);
        const lossScale = await optimizer.readLossScale();
        if (!isTrainable(lossNats, norm, lossScale)) throw notFinite(step, lossNats, norm);
        const gradNorms = normsByWeight(model.weights.keys(), await squares.data<'float32'>(), norm);
        squares.dispose();
        const given = activations === undefined ? null : await takeActivations(activations);
        const norms = { gradNorm: Number.isFinite(norm) ? norm : null, gradNorms, activations: given };
        const progress = { ...norms, learningRate, tokens };
        run.onLog?.({ step, lossNats, ...progress, ...(lossScale === undefined ? {} : { lossScale }) });
      }
      disposeGradients(sum);
      gradNorm.dispose();

      if (isEvaluated) await run.onEvaluate?.(step);
      if (isLast || step % config.checkpointEvery === 0) {
        if (run.onCheckpoint !== undefined) await run.onCheckpoint(await readState());
      }
    }
  } finally {
    optimizer.dispose();
  }
}

/**
 * The micro-batches of each update, counted from 0. An update draws all its examples as one batch, which is then split,
 * so that the examples of an update do not depend on the split.
 *
 * @throws {LabError} `bad-config` if there are fewer examples than one update needs
 */
export function sftBatches(
  {
    batchSize,
    accumulation,
    labelWeight,
    seed,
  }: Pick<SftConfig, 'batchSize' | 'accumulation' | 'labelWeight' | 'seed'>,
  examples: readonly Example[],
): (step: number) => TrainingBatch[] {
  const lengths = examples.map(({ prompt, completion }) => prompt.length + completion.length);
  const order = new BatchOrder(lengths, batchSize * accumulation, seed);
  return (step) => {
    const indices = order.at(step);
    return Array.from({ length: accumulation }, (_, i) =>
      makeTrainingBatch(pick(examples, indices.slice(i * batchSize, (i + 1) * batchSize)), labelWeight),
    );
  };
}

/**
 * The loss terms of some micro-batches. Their sum is the weighted mean over all their tokens, as if they were one
 * batch. A mean of batch means would be wrong, because tokens of a batch of short completions would get a higher
 * weight.
 */
export function sftPasses(model: Transformer, batches: readonly TrainingBatch[]): (() => LossPass)[] {
  const totalWeight = batches.reduce((sum, batch) => sum + weightOf(batch), 0);
  return batches.map((batch) => () => ({ loss: sftLoss(model, batch, totalWeight) }));
}

/**
 * The loss of a batch: the weighted mean of `-log p(next token)` over its scored rows.
 *
 * @param totalWeight - the divisor of the weighted sum; default: the total weight of this batch
 * @returns a scalar in nats
 */
export function sftLoss(model: Transformer, batch: TrainingBatch, totalWeight = weightOf(batch)): tf.Scalar {
  const hidden = forwardAt(model, batch, batch.rows); // [M,C]
  const logProbs = nextLogProbs(model, hidden, batch.targets); // [M]
  return tf.div(tf.neg(sumAll(tf.mul(logProbs, tf.tensor1d(batch.weights)))), totalWeight);
}

function weightOf({ weights }: TrainingBatch): number {
  return weights.reduce((sum, weight) => sum + weight, 0);
}

function pick(examples: readonly Example[], indices: readonly number[]): Example[] {
  return indices.flatMap((index) => examples[index] ?? []);
}

async function readNumber(scalar: tf.Scalar): Promise<number> {
  return (await scalar.data<'float32'>())[0] ?? NaN;
}

function nothingToLearn(): LabError {
  return new LabError('internal', { message: 'An update needs at least one micro-batch.' });
}

function notFinite(step: number, lossNats: number, gradNorm: number): LabError {
  return new LabError('not-finite', {
    message: `Step ${step} gave a loss or gradient that is not finite.`,
    expected: 'a finite loss and gradient',
    got: `loss ${lossNats}, gradient norm ${gradNorm}`,
    fix: 'Lower the learning rate or lengthen the warm-up, and resume from the last checkpoint.',
  });
}
