/**
 * Scores prompts by their first token, the relevance label, from one prefill.
 *
 * Prompts that begin alike, as those of all documents of a query do, share a row and have their beginning read once
 * (shared-prompts.ts). Only the log-probabilities of the labels, over the whole vocabulary, are read back from the
 * backend: their sum is the label mass, and the distribution over the labels is renormalised by it.
 */
import * as tf from '@tensorflow/tfjs-core';
import { LabError, throwIfAborted } from '../common/errors.ts';
import { largest } from '../common/largest.ts';
import { yieldToMessages } from '../common/yield.ts';
import { hasAttentionKernel } from '../kernels/attention.ts';
import { forwardAt, logits, type TokenBatch, type Transformer } from '../model/transformer.ts';
import { labelLogProbs } from '../ops/label-log-probs.ts';
import { argMaxLabel, expectedLabel } from '../relevance/pair/labels.ts';
import { padded, planPasses, type PromptPass } from './shared-prompts.ts';

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
  /** Tokens of a forward pass, padding included, default 4,096. */
  readonly tokensPerPass?: number;
  readonly signal?: AbortSignal | undefined;
  /** The name of a prompt in errors, by its index; default its number. */
  readonly nameOf?: ((index: number) => string) | undefined;
  /** Called after each batch with the number of prompts done. */
  readonly onProgress?: (done: number) => void;
}

/**
 * Scores prompts; the results are in the order of the prompts and do not depend on how they were batched beyond float32
 * rounding. Equal prompts are scored once, so that documents which look alike to the model stay tied.
 *
 * @param labelIds - the token ids of labels 0..R-1
 * @throws {LabError} `aborted`; `bad-shape` for a prompt longer than the model's positions; `not-finite` naming the
 *   prompt whose score is not a number
 */
export async function scorePrompts(
  model: Transformer,
  labelIds: readonly number[],
  prompts: readonly Int32Array[],
  { tokensPerPass = 4096, signal, nameOf = (index) => `prompt ${index + 1}`, onProgress }: ScoreOptions = {},
): Promise<LabelScore[]> {
  const isSparse = hasAttentionKernel(model.config.headDim); // only kernels skip blocks that no token sees
  const { maxPositions } = model.config;
  const scores = Array.from<LabelScore>({ length: prompts.length });
  const equal = equalPrompts(prompts);
  const different = equal.flatMap(([first = 0]) => prompts[first] ?? []);
  const R = labelIds.length;
  let done = 0;
  for (const pass of planPasses(different, { tokensPerPass, isSparse, maxPositions })) {
    await yieldToMessages(); // a stop may be waiting
    throwIfAborted(signal);
    const logProbs = await readLogProbs(model, labelIds, pass); // GPU -> CPU sync: [M,R]
    for (const [m, place] of pass.prompts.entries()) {
      const indices = equal[place] ?? [];
      const row = [...logProbs.subarray(m * R, (m + 1) * R)];
      const score = scoreOf(row, model.config.vocabSize, () => nameOf(indices[0] ?? 0));
      for (const index of indices) scores[index] = score;
      done += indices.length;
    }
    onProgress?.(done);
  }
  return scores;
}

/** The indices of prompts, grouped by their tokens. */
function equalPrompts(prompts: readonly Int32Array[]): readonly (readonly number[])[] {
  const groups = new Map<string, number[]>();
  for (const [index, prompt] of prompts.entries()) {
    const key = prompt.join();
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [index]);
    else group.push(index);
  }
  return [...groups.values()];
}

/**
 * Reads the label distribution off the logits of the token after a prompt.
 *
 * @param name - what was scored, for errors
 * @throws {LabError} `not-finite` if the score is not a number
 */
export function labelScore(row: Float32Array, labelIds: readonly number[], name: string): LabelScore {
  let max = -Infinity;
  for (const logit of row) max = Math.max(max, logit);
  let total = 0;
  for (const logit of row) total += Math.exp(logit - max);
  return scoreOf(
    labelIds.map((id) => (row[id] ?? -Infinity) - max - Math.log(total)),
    row.length,
    () => name,
  );
}

/**
 * @param logProbs - of the R label tokens, in nats
 * @param vocabSize - V
 * @throws {LabError} `not-finite` if they are no numbers, or if the V tokens are equally likely to the last bit,
 * because only an overflow does that: a norm divides by an infinite mean square, and logits of 0 are left
 */
function scoreOf(logProbs: readonly number[], vocabSize: number, nameOf: () => string): LabelScore {
  // Relative to the likeliest, so that labels with almost no probability still have an order.
  const max = largest(logProbs);
  const masses = logProbs.map((logProb) => Math.exp(logProb - max));
  const total = masses.reduce((sum, mass) => sum + mass, 0);
  const isUniform = masses.every((mass) => mass === 1) && Math.abs(max + Math.log(vocabSize)) < 1e-6;
  if (!Number.isFinite(total) || isUniform) throw notANumber(nameOf(), logProbs);
  const probabilities = masses.map((mass) => mass / total);
  return {
    label: argMaxLabel(probabilities),
    probabilities,
    score: expectedLabel(probabilities),
    labelMass: logProbs.reduce((sum, logProb) => sum + Math.exp(logProb), 0),
  };
}

function notANumber(name: string, logProbs: readonly number[]): LabError {
  return new LabError('not-finite', {
    message: `The score of ${name} is not a number.`,
    expected: 'finite log-probabilities of the labels, not all the same as those of every other token',
    got: logProbs.join(', '),
    fix: 'Look for weights that are not finite or too large for float32, or try another --backend.',
  });
}

/** Prompts as one batch, padded on the right, though not past the positions of the model. */
export function padPrompts(prompts: readonly Int32Array[], maxPositions: number): TokenBatch {
  const longest = largest(prompts.map(({ length }) => length));
  const T = padded(longest, maxPositions);
  const ids = new Int32Array(prompts.length * T);
  for (const [b, prompt] of prompts.entries()) ids.set(prompt, b * T);
  return { B: prompts.length, T, ids };
}

async function readLogProbs(
  model: Transformer,
  labelIds: readonly number[],
  { batch, lastRows }: PromptPass,
): Promise<Float32Array> {
  const out = tf.tidy(() => labelLogProbs(logits(model, forwardAt(model, batch, lastRows)), labelIds));
  try {
    return await out.data<'float32'>();
  } finally {
    out.dispose();
  }
}
