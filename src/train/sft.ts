/**
 * Supervised fine-tuning: maximise the likelihood of expert completions given their prompts (forward KL to the expert).
 *
 * The run is a function of its config, its data and its seed. Everything needed to go on after an interruption is in
 * {@link SftState}: training 2N steps equals training N, saving, loading and training N more, bit for bit on one device.
 */
import * as tf from '@tensorflow/tfjs-core';
import { LabError, throwIfAborted } from '../common/errors.ts';
import { yieldToMessages } from '../common/yield.ts';
import type { SftConfig } from '../config/sft-config.ts';
import { BatchOrder, makeTrainingBatch, type Example, type TrainingBatch } from '../data/batches.ts';
import { forwardAt, nextLogProbs, type Transformer } from '../model/transformer.ts';
import { readWeights, type TensorData } from '../model/weights.ts';
import { AdamW, type AdamWState } from '../optim/adamw.ts';
import { learningRateAt } from '../optim/schedule.ts';

/** All that a run needs to go on. The data order follows from the step and the seed. */
export interface SftState {
  /** Updates made. */
  readonly step: number;
  /** Real input tokens learned from. */
  readonly tokens: number;
  readonly weights: ReadonlyMap<string, TensorData>;
  readonly optimizer: AdamWState;
}

/** What happened in one logged step. */
export interface SftLogEntry {
  /** Updates made, counting this one. */
  readonly step: number;
  /** Weighted mean negative log-likelihood of completion tokens, in nats. */
  readonly lossNats: number;
  /** Global gradient norm before clipping. */
  readonly gradNorm: number;
  readonly learningRate: number;
  /** Real input tokens learned from, those before a resumption included. */
  readonly tokens: number;
}

/** The loss of some sequences, in nats, and its gradient by weight name. A type, since tfjs wants an index signature. */
type LossAndGradients = { readonly loss: tf.Scalar; readonly gradients: tf.NamedTensorMap };

/** What a run takes besides its config. */
export interface SftRun {
  readonly model: Transformer;
  readonly examples: readonly Example[];
  /** To go on from; its weights must already be the model's. */
  readonly resume?: Omit<SftState, 'weights'> | undefined;
  readonly signal?: AbortSignal | undefined;
  /**
   * Awaited before every update, with the number of those made: the place to pause, and to save the state of a run that
   * is to end here.
   */
  readonly beforeUpdate?: (step: number, readState: () => Promise<SftState>) => Promise<void>;
  /** Awaited after each micro-batch has been handed to the backend, which may still be computing it. */
  readonly afterMicroBatch?: (() => Promise<void>) | undefined;
  /** Whether to log an update that is not due. */
  readonly isLogWanted?: ((step: number) => boolean) | undefined;
  /** Called every `logEvery` updates, and before each evaluation, so that a loss stands beside it. */
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
  const { model, examples, signal } = run;
  const optimizerConfig = { ...config, eps: config.adamEps };
  const optimizer = new AdamW(model.weights, optimizerConfig, run.resume?.optimizer);
  const lengths = examples.map(({ prompt, completion }) => prompt.length + completion.length);
  const order = new BatchOrder(lengths, config.batchSize, config.seed);
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
      await yieldToMessages(); // a stop may be waiting
      await run.beforeUpdate?.(step, readState);
      throwIfAborted(signal);

      const batches = Array.from({ length: config.accumulation }, (_, i) => {
        const indices = order.at(step * config.accumulation + i);
        return makeTrainingBatch(pick(examples, indices), config.labelWeight);
      });
      tokens += batches.reduce((sum, batch) => sum + batch.tokens, 0);

      const learningRate = learningRateAt(step, schedule);
      const { loss, gradients } = await accumulateGradients(model, batches, run.afterMicroBatch);
      const gradNorm = optimizer.apply(gradients, learningRate);
      tf.dispose(gradients);
      step += 1;

      const isLast = step === config.steps;
      const isEvaluated = isLast || step % config.evaluateEvery === 0;
      if (isEvaluated || step % config.logEvery === 0 || run.isLogWanted?.(step) === true) {
        // GPU -> CPU sync: the only one of a plain step.
        const [lossNats, norm] = [(await loss.data())[0] ?? NaN, (await gradNorm.data())[0] ?? NaN];
        if (!Number.isFinite(lossNats) || !Number.isFinite(norm)) throw notFinite(step, lossNats, norm);
        run.onLog?.({ step, lossNats, gradNorm: norm, learningRate, tokens });
      }
      tf.dispose([loss, gradNorm]);

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
 * The loss of a batch: the weighted mean of `-log p(next token)` over its scored rows.
 *
 * @returns a scalar in nats
 */
export function sftLoss(model: Transformer, batch: TrainingBatch): tf.Scalar {
  const hidden = forwardAt(model, batch, batch.rows); // [M,C]
  const logProbs = nextLogProbs(model, hidden, batch.targets); // [M]
  const totalWeight = batch.weights.reduce((sum, weight) => sum + weight, 0);
  return tf.div(tf.neg(tf.sum(tf.mul(logProbs, tf.tensor1d(batch.weights)))), totalWeight);
}

/** The mean loss and mean gradients over micro-batches. The caller disposes both. */
async function accumulateGradients(
  model: Transformer,
  batches: readonly TrainingBatch[],
  afterMicroBatch: SftRun['afterMicroBatch'],
): Promise<LossAndGradients> {
  let sum: LossAndGradients | undefined;
  try {
    for (const batch of batches) {
      const before = sum;
      sum = tf.tidy(() => addGradients(before, lossAndGradients(model, batch)));
      tf.dispose(before);
      await afterMicroBatch?.();
    }
    const total = sum;
    if (total === undefined) throw new LabError('internal', { message: 'An update needs at least one micro-batch.' });
    const share = 1 / batches.length;
    return tf.tidy(() => ({
      loss: tf.mul<tf.Scalar>(total.loss, share),
      gradients: mapGradients(total.gradients, (gradient) =>
        share === 1 ? gradient.clone() : tf.mul(gradient, share),
      ),
    }));
  } finally {
    tf.dispose(sum);
  }
}

function lossAndGradients(model: Transformer, batch: TrainingBatch): LossAndGradients {
  const { value, grads } = tf.variableGrads(() => sftLoss(model, batch), [...model.weights.values()]);
  const byName = [...model.weights].map(([name, variable]) => {
    return [name, grads[variable.name] ?? tf.zerosLike(variable)] as const;
  });
  return { loss: value, gradients: Object.fromEntries(byName) };
}

function addGradients(sum: LossAndGradients | undefined, more: LossAndGradients): LossAndGradients {
  if (sum === undefined) return more;
  return {
    loss: tf.add<tf.Scalar>(sum.loss, more.loss),
    gradients: mapGradients(sum.gradients, (gradient, name) => tf.add(gradient, more.gradients[name] ?? 0)),
  };
}

function mapGradients(
  gradients: tf.NamedTensorMap,
  change: (gradient: tf.Tensor, name: string) => tf.Tensor,
): tf.NamedTensorMap {
  return Object.fromEntries(Object.entries(gradients).map(([name, gradient]) => [name, change(gradient, name)]));
}

function pick(examples: readonly Example[], indices: readonly number[]): Example[] {
  return indices.flatMap((index) => examples[index] ?? []);
}

function notFinite(step: number, lossNats: number, gradNorm: number): LabError {
  return new LabError('not-finite', {
    message: `Step ${step} gave numbers that the run cannot go on with.`,
    expected: 'a finite loss and gradient',
    got: `loss ${lossNats}, gradient norm ${gradNorm}`,
    fix: 'Lower the learning rate or lengthen the warm-up, and resume from the last checkpoint.',
  });
}
