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
import { forward, logits, type Transformer } from '../model/transformer.ts';
import { readWeights, type TensorData } from '../model/weights.ts';
import { selectRows } from '../ops/embedding.ts';
import { tokenLogProbs } from '../ops/token-log-probs.ts';
import { AdamW, type AdamWState } from '../optim/adamw.ts';
import { learningRateAt } from '../optim/schedule.ts';

/** All that a run needs to go on. The data order follows from the step and the seed. */
export interface SftState {
  readonly step: number;
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
  /** Real input tokens learned from since the run (or its resumption) began. */
  readonly tokens: number;
}

/** What a run takes besides its config. */
export interface SftRun {
  readonly model: Transformer;
  readonly examples: readonly Example[];
  /** To go on from; its weights must already be the model's. */
  readonly resume?: Pick<SftState, 'step' | 'optimizer'> | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Called every `logEvery` updates. */
  readonly onLog?: (entry: SftLogEntry) => void;
  /** Called every `evaluateEvery` updates and at the end. */
  readonly onEvaluate?: (step: number) => Promise<void>;
  /** Called every `checkpointEvery` updates and at the end. */
  readonly onCheckpoint?: (state: SftState) => Promise<void>;
}

/**
 * Trains a model in place.
 *
 * @throws {LabError} `aborted` when the signal fires, `not-finite` when the loss is NaN or infinite.
 */
export async function trainSft(config: SftConfig, run: SftRun): Promise<void> {
  const { model, examples, signal } = run;
  const optimizerConfig = { ...config, eps: config.adamEps };
  const optimizer = new AdamW(model.weights, optimizerConfig, run.resume?.optimizer);
  const lengths = examples.map(({ prompt, completion }) => prompt.length + completion.length);
  const order = new BatchOrder(lengths, config.batchSize, config.seed);
  const schedule = { ...config, peakLearningRate: config.learningRate, totalSteps: config.steps };
  let tokens = 0;

  try {
    for (let step = run.resume?.step ?? 0; step < config.steps;) {
      await yieldToMessages(); // a stop may be waiting
      throwIfAborted(signal);

      const batches = Array.from({ length: config.accumulation }, (_, i) => {
        const indices = order.at(step * config.accumulation + i);
        return makeTrainingBatch(pick(examples, indices), config.labelWeight);
      });
      tokens += batches.reduce((sum, batch) => sum + batch.tokens, 0);

      const learningRate = learningRateAt(step, schedule);
      const { loss, gradients } = accumulateGradients(model, batches);
      const gradNorm = optimizer.apply(gradients, learningRate);
      tf.dispose(gradients);
      step += 1;

      const isLast = step === config.steps;
      if (isLast || step % config.logEvery === 0) {
        // GPU -> CPU sync: the only one of a plain step.
        const [lossNats, norm] = [(await loss.data())[0] ?? NaN, (await gradNorm.data())[0] ?? NaN];
        if (!Number.isFinite(lossNats)) throw notFinite(step, lossNats);
        run.onLog?.({ step, lossNats, gradNorm: norm, learningRate, tokens });
      }
      tf.dispose([loss, gradNorm]);

      if (isLast || step % config.evaluateEvery === 0) await run.onEvaluate?.(step);
      if (isLast || step % config.checkpointEvery === 0) {
        // GPU -> CPU sync: weights and moments.
        if (run.onCheckpoint !== undefined) await run.onCheckpoint(await readState(step, model, optimizer));
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
  const hidden = forward(model, batch); // [N,C]
  const scored = logits(model, selectRows(hidden, batch.rows)); // [M,C] -> [M,V]
  const logProbs = tokenLogProbs(scored, batch.targets); // [M]
  const totalWeight = batch.weights.reduce((sum, weight) => sum + weight, 0);
  return tf.div(tf.neg(tf.sum(tf.mul(logProbs, tf.tensor1d(batch.weights)))), totalWeight);
}

/** The mean loss and mean gradients over micro-batches. The caller disposes both. */
function accumulateGradients(
  model: Transformer,
  batches: readonly TrainingBatch[],
): { loss: tf.Scalar; gradients: tf.NamedTensorMap } {
  const variables = [...model.weights.values()];
  const names = [...model.weights.keys()];
  return tf.tidy(() => {
    let loss: tf.Tensor = tf.scalar(0);
    let sums: tf.Tensor[] = [];
    for (const batch of batches) {
      const { value, grads } = tf.variableGrads(() => sftLoss(model, batch), variables);
      const byWeight = variables.map((variable) => grads[variable.name] ?? tf.zerosLike(variable));
      sums = sums.length === 0 ? byWeight : sums.map((sum, i) => tf.add(sum, byWeight[i] ?? 0));
      loss = tf.add(loss, value);
    }
    const share = 1 / batches.length;
    const means = batches.length === 1 ? sums : sums.map((sum) => tf.mul(sum, share));
    const gradients = Object.fromEntries(means.map((mean, i) => [names[i] ?? '', mean]));
    return { loss: tf.mul<tf.Scalar>(loss, share), gradients };
  });
}

async function readState(step: number, model: Transformer, optimizer: AdamW): Promise<SftState> {
  return { step, weights: await readWeights(model.weights), optimizer: await optimizer.readState() };
}

function pick(examples: readonly Example[], indices: readonly number[]): Example[] {
  return indices.flatMap((index) => examples[index] ?? []);
}

function notFinite(step: number, value: number): LabError {
  return new LabError('not-finite', {
    message: `The loss of step ${step} is not a number the run can go on with.`,
    expected: 'a finite loss',
    got: String(value),
    fix: 'Lower the learning rate or lengthen the warm-up, and resume from the last checkpoint.',
  });
}
