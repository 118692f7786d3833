/**
 * Rollouts as tensors: the trainer's log-probabilities of sampled tokens, and batches for updates.
 *
 * Per-token values (old log-probability, advantage, weight) are stored per rollout as plain numbers and laid out in the
 * row order of a {@link TrainingBatch} only when a pass needs them; padding rows hold zeros.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { GrpoConfig } from '../config/grpo-config.ts';
import type { TrainingBatch } from '../data/batches.ts';
import { allowedAlong, heldRow } from '../infer/held/held-rows.ts';
import { forwardAt, logits, nextScores, type TokenBatch, type Transformer } from '../model/transformer.ts';
import type { AllowedTokens } from '../ops/held-logits.ts';
import { stopGradient } from '../ops/stop-gradient.ts';
import type { TokenScores as ScoreTensors } from '../ops/token-scores.ts';
import { makePackedBatch } from './packed-batch.ts';
import type { PolicyTokens } from './policy-loss.ts';
import type { RlTask, Rollout } from './rollouts.ts';

/** A model's scores of the tokens of one completion. */
export interface TokenScores {
  readonly logProbs: readonly number[];
  /** Of the distribution each token was drawn from, in nats. */
  readonly entropies: readonly number[];
}

/** A rollout with the inputs of its loss; each list has one entry per token. */
export interface PolicySample {
  readonly rollout: Rollout;
  /** By the trainer before the updates of the step; null where the update computes them itself. */
  readonly oldLogProbs: readonly number[] | null;
  /** By the frozen reference; zeros where there is none. */
  readonly refLogProbs: readonly number[];
  readonly advantages: readonly number[];
  readonly weights: readonly number[];
}

/** A batch of completions and the set of tokens that each of their tokens was drawn from. */
export interface HeldBatch extends TrainingBatch {
  /** The allowed tokens of each scored row, where decoding was constrained. */
  readonly allowed?: AllowedTokens | undefined;
}

/** Samples as one forward pass. */
export interface PolicyBatch {
  readonly batch: HeldBatch;
  readonly samples: readonly PolicySample[];
}

/** Batches of at most `size` samples, in order. */
export function makePolicyBatches(task: RlTask, samples: readonly PolicySample[], size: number): PolicyBatch[] {
  return chunk(samples, size).map((part) => ({
    batch: rolloutBatch(
      task,
      part.map(({ rollout }) => rollout),
    ),
    samples: part,
  }));
}

/**
 * Log-probabilities and entropies of every sampled token under a model, without gradients.
 *
 * @param config - the temperature of the policy, and the sequences per forward pass
 * @returns in the order of the rollouts
 */
export async function scoreRollouts(
  model: Transformer,
  task: RlTask,
  rollouts: readonly Rollout[],
  { sequencesPerPass, temperature }: Pick<GrpoConfig, 'sequencesPerPass' | 'temperature'>,
): Promise<TokenScores[]> {
  const scores: TokenScores[] = [];
  for (const part of chunk(rollouts, sequencesPerPass)) {
    const batch = rolloutBatch(task, part);
    const out = tf.tidy(() => scoresToRead(batchScores(model, batch, temperature)));
    scores.push(...(await readScores(out, part)));
    out.dispose();
  }
  return scores;
}

/** Log-probabilities of M tokens and the entropies of their distributions, `[2M]`. */
export function scoresToRead({ logProbs, entropies }: ScoreTensors): tf.Tensor1D {
  return tf.concat([logProbs, entropies()]);
}

/** The scores of some rollouts, by rollout; waits for the GPU. @param joined - of {@link scoresToRead} */
export async function readScores(joined: tf.Tensor, rollouts: readonly Rollout[]): Promise<TokenScores[]> {
  const values = await joined.data<'float32'>(); // GPU -> CPU sync
  const M = values.length / 2;
  let row = 0;
  return rollouts.map(({ completion }) => {
    const [start, end] = [row, row + completion.ids.length];
    row = end;
    return { logProbs: [...values.subarray(start, end)], entropies: [...values.subarray(M + start, M + end)] };
  });
}

/** A model's scores of the next tokens of a batch's scored rows, `[M]` each. @param temperature - divides the logits */
export function batchScores(model: Transformer, batch: HeldBatch, temperature = 1): ScoreTensors {
  const { rows, targets, allowed } = batch;
  return nextScores(model, forwardAt(model, batch, rows), targets, { temperature, allowed }); // [M,C] -> [M]
}

/** The logits of the scored rows of a batch, `[M,V]`. */
export function scoredLogits(model: Transformer, batch: TokenBatch & Pick<TrainingBatch, 'rows'>): tf.Tensor2D {
  return logits(model, forwardAt(model, batch, batch.rows)); // [M,C] -> [M,V]
}

/** The tensors of a policy loss for a batch, given the policy's log-probabilities of its targets, `[M]`. */
export function policyTokens(
  { batch, samples }: PolicyBatch,
  ofTargets: tf.Tensor1D,
): PolicyTokens & {
  readonly refLogProbs: tf.Tensor1D;
} {
  const M = batch.rows.length;
  const inRows = (values: (sample: PolicySample) => readonly number[]): tf.Tensor1D => {
    const rows = new Float32Array(M);
    rows.set(samples.flatMap(values));
    return tf.tensor1d(rows);
  };
  // A padding row can point anywhere, and exp of its value could overflow, so all its terms are set to 0.
  const isToken = inRows(({ weights }) => weights.map(() => 1));
  const logProbs = tf.mul<tf.Tensor1D>(ofTargets, isToken);
  const isFirstLook = samples.some(({ oldLogProbs }) => oldLogProbs === null);
  return {
    logProbs,
    // In the first update the ratio is 1, but it still has a gradient.
    oldLogProbs: isFirstLook ? stopGradient(logProbs) : inRows(({ oldLogProbs }) => oldLogProbs ?? []),
    refLogProbs: inRows(({ refLogProbs }) => refLogProbs),
    advantages: inRows(({ advantages }) => advantages),
    weights: inRows(({ weights }) => weights),
    membership: () => membershipOf(samples, M),
  };
}

function rolloutBatch(task: RlTask, rollouts: readonly Rollout[]): HeldBatch {
  const batch = makePackedBatch(
    rollouts.map(({ prompt, completion }) => ({
      prompt: task.prompts[prompt]?.example.prompt ?? new Int32Array(),
      completion: Int32Array.from(completion.ids),
    })),
  );
  return { ...batch, allowed: allowedInRows(task, rollouts, batch.rows.length) };
}

/** The allowed tokens of constrained rollouts, in the rows of a batch; padding rows have none. */
function allowedInRows(
  { holder, prompts }: RlTask,
  rollouts: readonly Rollout[],
  M: number,
): AllowedTokens | undefined {
  if (holder === undefined) return undefined;
  const lists = rollouts.flatMap(({ prompt, completion }) => {
    const pair = prompts[prompt]?.pair;
    return pair === undefined
      ? []
      : allowedAlong(heldRow(holder.automatonOf(pair), completion.limit ?? Infinity), completion.ids);
  });
  const offsets = new Int32Array(M + 1);
  for (let row = 0; row < M; row++) offsets[row + 1] = (offsets[row] ?? 0) + (lists[row]?.length ?? 0);
  const ids = new Int32Array(offsets[M] ?? 0);
  for (const [row, list] of lists.entries()) ids.set(list, offsets[row]);
  return { offsets, ids };
}

/** Row i is 1 at the tokens of sample i, `[n,M]`. */
function membershipOf(samples: readonly PolicySample[], M: number): tf.Tensor2D {
  const ones = new Float32Array(samples.length * M);
  let row = 0;
  for (const [i, { weights }] of samples.entries()) {
    ones.fill(1, i * M + row, i * M + row + weights.length);
    row += weights.length;
  }
  return tf.tensor2d(ones, [samples.length, M]);
}

function chunk<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, i) => items.slice(i * size, (i + 1) * size));
}
