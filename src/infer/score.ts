/**
 * The first token: the relevance label, from one prefill.
 *
 * Scores are computed from one row of logits per prompt, in float64, over the whole vocabulary: how much probability
 * lies on the labels at all is told, and the distribution over the labels is that share renormalised.
 */
import * as tf from '@tensorflow/tfjs-core';
import { throwIfAborted } from '../common/errors.ts';
import { yieldToMessages } from '../common/yield.ts';
import { LENGTH_BUCKET, roundUp } from '../data/batches.ts';
import { forward, logits, type TokenBatch, type Transformer } from '../model/transformer.ts';
import { selectRows } from '../ops/embedding.ts';
import { argMaxLabel, expectedLabel } from '../relevance/labels.ts';

/** The answer to one prompt. */
export interface LabelScore {
  /** The most likely label. */
  readonly label: number;
  /** Over the R labels, summing to 1. */
  readonly probabilities: readonly number[];
  /** `s = sum_k k p_k`, in [0, R-1]. */
  readonly score: number;
  /** The probability of all label tokens in the full vocabulary. */
  readonly labelMass: number;
}

/** How to score many prompts. */
export interface ScoreOptions {
  /** Prompts per forward pass, default 32. */
  readonly batchSize?: number;
  readonly signal?: AbortSignal | undefined;
  /** Called after each batch with the number of prompts done. */
  readonly onProgress?: (done: number) => void;
}

/**
 * Scores prompts in batches of similar length; the results are in the order of the prompts and do not depend on how
 * they were batched beyond float32 rounding.
 *
 * @param labelIds - the token ids of labels 0..R-1
 * @throws {LabError} `aborted`; `bad-shape` for a prompt longer than the model's positions
 */
export async function scorePrompts(
  model: Transformer,
  labelIds: readonly number[],
  prompts: readonly Int32Array[],
  { batchSize = 32, signal, onProgress }: ScoreOptions = {},
): Promise<LabelScore[]> {
  const byLength = prompts.map((_, index) => index).sort((a, b) => lengthOf(prompts, a) - lengthOf(prompts, b));
  const scores = Array.from<LabelScore>({ length: prompts.length });
  for (let start = 0; start < byLength.length; start += batchSize) {
    await yieldToMessages(); // a stop may be waiting
    throwIfAborted(signal);
    const indices = byLength.slice(start, start + batchSize);
    const batch = indices.map((index) => prompts[index] ?? new Int32Array());
    const V = model.config.vocabSize;
    const rows = await lastLogits(model, batch); // GPU -> CPU sync: [B,V]
    for (const [b, index] of indices.entries()) {
      scores[index] = labelScore(rows.subarray(b * V, (b + 1) * V), labelIds);
    }
    onProgress?.(start + indices.length);
  }
  return scores;
}

/** Reads the label distribution off the logits of the token after a prompt. */
export function labelScore(row: Float32Array, labelIds: readonly number[]): LabelScore {
  let max = -Infinity;
  for (const logit of row) max = Math.max(max, logit);
  let total = 0;
  for (const logit of row) total += Math.exp(logit - max);
  const masses = labelIds.map((id) => Math.exp((row[id] ?? -Infinity) - max) / total);
  const labelMass = masses.reduce((sum, mass) => sum + mass, 0);
  // All labels can underflow only in a model that never saw one; then nothing is known.
  const probabilities = masses.map((mass) => (labelMass > 0 ? mass / labelMass : 1 / masses.length));
  return { label: argMaxLabel(probabilities), probabilities, score: expectedLabel(probabilities), labelMass };
}

/** Prompts as one batch, padded on the right, though not past the positions of the model. */
export function padPrompts(prompts: readonly Int32Array[], maxPositions: number): TokenBatch {
  const longest = Math.max(...prompts.map(({ length }) => length));
  const T = Math.max(longest, Math.min(roundUp(longest, LENGTH_BUCKET), maxPositions));
  const ids = new Int32Array(prompts.length * T);
  for (const [b, prompt] of prompts.entries()) ids.set(prompt, b * T);
  return { B: prompts.length, T, ids };
}

async function lastLogits(model: Transformer, prompts: readonly Int32Array[]): Promise<Float32Array> {
  const batch = padPrompts(prompts, model.config.maxPositions);
  const lastRows = Int32Array.from(prompts, ({ length }, b) => b * batch.T + length - 1);
  const out = tf.tidy(() => logits(model, selectRows(forward(model, batch), lastRows))); // [B,V]
  try {
    return await out.data<'float32'>();
  } finally {
    out.dispose();
  }
}

function lengthOf(prompts: readonly Int32Array[], index: number): number {
  return prompts[index]?.length ?? 0;
}
