/**
 * Rollouts as tensors: the trainer's own log-probabilities of sampled tokens, and batches to learn from.
 *
 * What belongs to a token (old log-probability, advantage, weight) is kept per rollout as plain numbers and laid out in
 * the row order of a {@link TrainingBatch} only when a pass needs it; rows that pad a batch hold zeros.
 */
import * as tf from '@tensorflow/tfjs-core';
import { makeTrainingBatch, type TrainingBatch } from '../data/batches.ts';
import { forward, logits, type TokenBatch, type Transformer } from '../model/transformer.ts';
import { selectRows } from '../ops/embedding.ts';
import { tokenEntropies } from '../ops/token-entropies.ts';
import { tokenLogProbs } from '../ops/token-log-probs.ts';
import type { PolicyTokens } from './policy-loss.ts';
import type { RlTask, Rollout } from './rollouts.ts';

/** What a model thinks of the tokens of one completion. */
export interface TokenScores {
  readonly logProbs: readonly number[];
  /** Of the distribution each token was drawn from, in nats. */
  readonly entropies: readonly number[];
}

/** A rollout with all that a loss needs; each list has one entry per token. */
export interface PolicySample {
  readonly rollout: Rollout;
  readonly oldLogProbs: readonly number[];
  /** By the frozen reference; zeros where there is none. */
  readonly refLogProbs: readonly number[];
  readonly advantages: readonly number[];
  readonly weights: readonly number[];
}

/** Samples as one forward pass. */
export interface PolicyBatch {
  readonly batch: TrainingBatch;
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
 * @returns in the order of the rollouts
 */
export async function scoreRollouts(
  model: Transformer,
  task: RlTask,
  rollouts: readonly Rollout[],
  size: number,
): Promise<TokenScores[]> {
  const scores: TokenScores[] = [];
  for (const part of chunk(rollouts, size)) {
    const batch = rolloutBatch(task, part);
    const M = batch.rows.length;
    const out = tf.tidy(() => {
      const scored = scoredLogits(model, batch);
      return tf.concat([tokenLogProbs(scored, batch.targets), tokenEntropies(scored)]); // [2M]
    });
    const values = await out.data<'float32'>(); // GPU -> CPU sync
    out.dispose();
    let row = 0;
    for (const { completion } of part) {
      const end = row + completion.ids.length;
      scores.push({ logProbs: [...values.subarray(row, end)], entropies: [...values.subarray(M + row, M + end)] });
      row = end;
    }
  }
  return scores;
}

/** The logits of the scored rows of a batch, `[M,V]`. */
export function scoredLogits(model: Transformer, batch: TokenBatch & Pick<TrainingBatch, 'rows'>): tf.Tensor2D {
  return logits(model, selectRows(forward(model, batch), batch.rows)); // [N,C] -> [M,C] -> [M,V]
}

/** The tensors of a policy loss for a batch, given the policy's logits. */
export function policyTokens(
  { batch, samples }: PolicyBatch,
  scored: tf.Tensor2D,
): PolicyTokens & {
  readonly refLogProbs: tf.Tensor1D;
} {
  const M = batch.rows.length;
  const inRows = (values: (sample: PolicySample) => readonly number[]): tf.Tensor1D => {
    const rows = new Float32Array(M);
    rows.set(samples.flatMap(values));
    return tf.tensor1d(rows);
  };
  // Padding rows stand anywhere in a sequence, and exp of whatever is there could overflow: all their terms become 0.
  const isToken = inRows(({ weights }) => weights.map(() => 1));
  return {
    logProbs: tf.mul(tokenLogProbs(scored, batch.targets), isToken),
    oldLogProbs: inRows(({ oldLogProbs }) => oldLogProbs),
    refLogProbs: inRows(({ refLogProbs }) => refLogProbs),
    advantages: inRows(({ advantages }) => advantages),
    weights: inRows(({ weights }) => weights),
    membership: () => membershipOf(samples, M),
  };
}

function rolloutBatch(task: RlTask, rollouts: readonly Rollout[]): TrainingBatch {
  return makeTrainingBatch(
    rollouts.map(({ prompt, completion }) => ({
      prompt: task.prompts[prompt]?.example.prompt ?? new Int32Array(),
      completion: Int32Array.from(completion.ids),
    })),
  );
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
