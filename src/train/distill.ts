/**
 * Distillation: a student learns its teacher's distribution on given completions (the expert's, the teacher's or,
 * on-policy, its own) and optionally from the expert's completions as well:
 *
 *     L = L_distill + lambda L_SFT
 *
 * The batch of an update, whether it is on-policy and every token that the student then samples are functions of the
 * seed and the step. {@link DistillState} holds all that is needed to resume: 2N steps equal N, saving, loading and N
 * more, bit for bit on one device.
 */
import * as tf from '@tensorflow/tfjs-core';
import { LabError, throwIfAborted } from '../common/errors.ts';
import { hash32, Rng } from '../common/rng.ts';
import { yieldToMessages } from '../common/yield.ts';
import type { DistillConfig } from '../config/distill-config.ts';
import { BatchOrder, type Example, makeTrainingBatch } from '../data/batches.ts';
import { measureVariants } from '../gpu/dispatch.ts';
import { generateAll } from '../infer/generate.ts';
import type { Transformer } from '../model/transformer.ts';
import { readWeights, type TensorData } from '../model/weights.ts';
import { squaredNorms } from '../ops/sums.ts';
import { AdamW, type AdamWState } from '../optim/adamw.ts';
import { isTrainable, type LossScale } from '../optim/loss-scale.ts';
import { learningRateAt } from '../optim/schedule.ts';
import { distillLoss, type DistillRows } from './distill-loss.ts';
import { measureActivations, takeActivations } from './activations.ts';
import {
  combineGradients,
  disposeGradients,
  type LossGradients,
  lossGradients,
  type LossPass,
  normsByWeight,
} from './gradients.ts';
import type { TokenCounts } from './grpo-telemetry.ts';
import { scoredLogits } from './policy-batch.ts';
import { weightedSum } from './policy-loss.ts';
import { sftLoss } from './sft.ts';
import type { TeacherLogits } from './teacher-logits.ts';

/** All that is needed to resume a run. */
export interface DistillState {
  /** Updates made. */
  readonly step: number;
  /** Input tokens of L_distill and of L_SFT, and tokens that the student has generated. */
  readonly tokens: TokenCounts;
  readonly weights: ReadonlyMap<string, TensorData>;
  readonly optimizer: AdamWState;
}

/** The record of one logged update. */
export interface DistillLogEntry {
  /** Updates made, counting this one. */
  readonly step: number;
  /** L_distill, in nats per token; the divergence depends on the method. */
  readonly lossNats: number;
  /** L_SFT, in nats per token; null where its weight is 0. */
  readonly expertLossNats: number | null;
  /** Whether the student learned from its own completions. */
  readonly isOnPolicy: boolean;
  /**
   * Global gradient norm before clipping; null where the update was skipped because the gradient overflowed float16.
   */
  readonly gradNorm: number | null;
  /** The same of each weight by its name; their squares sum to that of the global norm. */
  readonly gradNorms: Readonly<Record<string, number>> | null;
  /** What each module gave in sequences of L_distill, by the weights before the update; null if not finite. */
  readonly activations: Readonly<Record<string, number>> | null;
  /** In mixed precision, after the update. */
  readonly lossScale?: LossScale | undefined;
  readonly learningRate: number;
  readonly tokens: TokenCounts;
}

/** The inputs of a run besides its config. */
export interface DistillRun {
  readonly model: Transformer;
  /** The teacher's logits, for label-kd and jsd. */
  readonly teacher: TeacherLogits;
  /** The prompts with the completions to learn on. */
  readonly examples: readonly Example[];
  /** The same prompts with the expert's completions, used where L_SFT has a weight. */
  readonly expert: readonly Example[];
  /** The R label tokens. */
  readonly labelIds: readonly number[];
  /** The token that ends the student's completions. */
  readonly eosId: number;
  /** The state to resume from; its weights must already be the model's. */
  readonly resume?: Omit<DistillState, 'weights'> | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Awaited before every update; a run that is to end here can save its state. */
  readonly beforeUpdate?: (step: number, readState: () => Promise<DistillState>) => Promise<void>;
  /** Whether to log an update that is not due for logging. */
  readonly isLogWanted?: ((step: number) => boolean) | undefined;
  /** Called every `logEvery` updates, and before each evaluation. */
  readonly onLog?: (entry: DistillLogEntry) => void;
  /** Called every `evaluateEvery` updates and at the end. */
  readonly onEvaluate?: (step: number) => Promise<void>;
  /** Called every `checkpointEvery` updates and at the end. */
  readonly onCheckpoint?: (state: DistillState) => Promise<void>;
}

/**
 * Trains a student in place.
 *
 * @throws {LabError} `aborted` when the signal fires, `not-finite` when loss or gradient is NaN or infinite,
 *   `bad-config` if there are fewer examples than one batch needs.
 */
export async function trainDistill(config: DistillConfig, run: DistillRun): Promise<void> {
  const { examples, expert, signal } = run;
  const model = { ...run.model, precision: config.precision };
  const loss = distillLoss(config.method, run.labelIds);
  const optimizer = new AdamW(model.weights, { ...config, eps: config.adamEps }, run.resume?.optimizer);
  const lengths = examples.map(({ prompt, completion }) => prompt.length + completion.length);
  const order = new BatchOrder(lengths, config.batchSize, config.seed);
  const schedule = { ...config, peakLearningRate: config.learningRate, totalSteps: config.steps };
  let step = run.resume?.step ?? 0;
  let tokens: TokenCounts = run.resume?.tokens ?? { generated: 0, learned: 0, expert: 0 };
  // GPU -> CPU sync: weights and moments.
  const readState = async (): Promise<DistillState> => {
    const [weights, moments] = [await readWeights(model.weights), await optimizer.readState()];
    return { step, tokens, weights, optimizer: moments };
  };

  try {
    while (step < config.steps) {
      await yieldToMessages(); // lets a stop arrive
      await measureVariants(signal); // of kernels that ran for the first time
      await run.beforeUpdate?.(step, readState);
      throwIfAborted(signal);

      const indices = order.at(step);
      const isOnPolicy = isStudentsTurn(config, step);
      const batch = isOnPolicy ? await studentExamples(config, run, indices, step) : pick(examples, indices);
      const beside = config.expertWeight > 0 ? pick(expert, indices) : [];
      const scaled = (of: tf.Scalar): tf.Scalar => optimizer.scaled(of);
      const passes = distillPasses(config, { ...run, model }, loss, batch, isOnPolicy ? undefined : indices);
      const learned = lossGradients(model.weights, passes, scaled);
      const anchored = lossGradients(model.weights, expertPasses(config, model, beside), scaled);
      const gradients = combineGradients(model.weights, [
        { factor: 1, gradients: learned },
        { factor: config.expertWeight, gradients: anchored },
      ]);
      if (gradients === undefined) throw new LabError('internal', { message: 'An update has no loss term.' });
      const learningRate = learningRateAt(step, schedule);
      const isLast = step + 1 === config.steps;
      const isEvaluated = isLast || (step + 1) % config.evaluateEvery === 0;
      const isLogged = isEvaluated || (step + 1) % config.logEvery === 0 || run.isLogWanted?.(step + 1) === true;
      const squares = isLogged ? squaredNorms(Object.values(gradients)) : undefined;
      const activations = isLogged
        ? measureActivations(model, makeTrainingBatch(batch.slice(0, config.sequencesPerPass)))
        : undefined;
      const gradNorm = optimizer.apply(gradients, learningRate);
      tf.dispose(gradients);
      step += 1;
      tokens = {
        generated: tokens.generated + (isOnPolicy ? sum(batch.map(({ completion }) => completion.length)) : 0),
        learned: tokens.learned + inputTokens(batch),
        expert: tokens.expert + inputTokens(beside),
      };

      if (squares !== undefined) {
        // GPU -> CPU sync: the only one of an ordinary step.
        const [lossNats, expertLossNats, norm] = [
          await valueOf(learned),
          await valueOf(anchored),
          await read(gradNorm),
        ];
        const lossScale = await optimizer.readLossScale();
        if (lossNats === null || !isTrainable(lossNats + (expertLossNats ?? 0), norm, lossScale)) {
          throw notFinite(step, lossNats, norm);
        }
        const gradNorms = normsByWeight(model.weights.keys(), await squares.data<'float32'>(), norm);
        squares.dispose();
        const given = activations === undefined ? null : await takeActivations(activations);
        const norms = { gradNorm: Number.isFinite(norm) ? norm : null, gradNorms, activations: given };
        const progress = { ...norms, learningRate, tokens };
        const scale = lossScale === undefined ? {} : { lossScale };
        run.onLog?.({ step, lossNats, expertLossNats, isOnPolicy, ...progress, ...scale });
      }
      gradNorm.dispose();
      disposeGradients(learned);
      disposeGradients(anchored);

      if (isEvaluated) await run.onEvaluate?.(step);
      if (isLast || step % config.checkpointEvery === 0) {
        if (run.onCheckpoint !== undefined) await run.onCheckpoint(await readState());
      }
    }
  } finally {
    optimizer.dispose();
  }
}

/** Whether an update, counted from 0, uses the student's own completions. */
export function isStudentsTurn({ method, steps, seed }: DistillConfig, step: number): boolean {
  if (method.kind !== 'jsd' || step < method.studentFrom * steps) return false;
  return new Rng(`student's turn ${seed}/${step}`).chance(method.studentShare);
}

/** The prompts with completions sampled from the present student. */
async function studentExamples(
  config: DistillConfig,
  { model, examples, eosId, signal }: DistillRun,
  indices: readonly number[],
  step: number,
): Promise<Example[]> {
  const prompts = pick(examples, indices).map(({ prompt }) => prompt);
  const completions = await generateAll(model, prompts, {
    eosId,
    maxTokens: config.maxTokens,
    sampler: { temperature: 1, seed: hash32(`student ${config.seed}/${step}`) },
    batchSize: config.sequencesPerPass,
    signal,
  });
  return prompts.map((prompt, i) => ({ prompt, completion: Int32Array.from(completions[i]?.ids ?? []) }));
}

/**
 * The terms of L_distill: the weighted mean of the loss over the scored rows of a batch.
 *
 * @param indices - of the batch among the run's examples; undefined if the student wrote it
 */
function distillPasses(
  { sequencesPerPass, labelWeight }: DistillConfig,
  { model, teacher }: DistillRun,
  loss: (rows: DistillRows) => tf.Tensor1D,
  examples: readonly Example[],
  indices: readonly number[] | undefined,
): (() => LossPass)[] {
  const totalWeight = sum(examples.map(({ completion }) => labelWeight + completion.length - 1));
  return chunksOf(examples.length, sequencesPerPass).map(({ start, end }) => () => {
    const batch = makeTrainingBatch(examples.slice(start, end), labelWeight);
    const logits = scoredLogits(model, batch); // [M,V]
    const ofRow = loss({ logits, targets: batch.targets, teacher: () => teacher(batch, indices?.slice(start, end)) });
    const weights = tf.tensor1d(batch.weights.map((weight) => weight / totalWeight));
    return { loss: weightedSum(weights, ofRow) };
  });
}

/** The terms of L_SFT: the mean negative log-likelihood of the expert's completions. */
function expertPasses(
  { sequencesPerPass }: DistillConfig,
  model: Transformer,
  examples: readonly Example[],
): (() => LossPass)[] {
  const scored = (part: readonly Example[]): number => sum(part.map(({ completion }) => completion.length));
  return chunksOf(examples.length, sequencesPerPass).map(({ start, end }) => () => {
    const part = examples.slice(start, end);
    const share = scored(part) / scored(examples);
    return { loss: tf.mul<tf.Scalar>(sftLoss(model, makeTrainingBatch(part)), share) };
  });
}

function chunksOf(length: number, size: number): { readonly start: number; readonly end: number }[] {
  return Array.from({ length: Math.ceil(length / size) }, (_, i) => ({ start: i * size, end: (i + 1) * size }));
}

function pick(examples: readonly Example[], indices: readonly number[]): Example[] {
  return indices.flatMap((index) => examples[index] ?? []);
}

/** Counts input tokens; the last token of a sequence is only a target. */
function inputTokens(examples: readonly Example[]): number {
  return sum(examples.map(({ prompt, completion }) => prompt.length + completion.length - 1));
}

async function valueOf(gradients: LossGradients | undefined): Promise<number | null> {
  return gradients === undefined ? null : read(gradients.loss);
}

async function read(scalar: tf.Tensor): Promise<number> {
  return (await scalar.data())[0] ?? NaN;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function notFinite(step: number, lossNats: number | null, gradNorm: number): LabError {
  return new LabError('not-finite', {
    message: `Step ${step} gave a loss or gradient that is not finite.`,
    expected: 'a finite loss and gradient',
    got: `loss ${lossNats ?? 'none'}, gradient norm ${gradNorm}`,
    fix: 'Lower the learning rate or lengthen the warm-up, and resume from the last checkpoint.',
  });
}
