/**
 * Completions: prefill once, then one token per step from a key-value cache.
 *
 * A batch decodes prompts of one length together, so that every row stands at the same position and the cache needs no
 * padding mask. Callers with mixed lengths use {@link generateAll}, which groups them.
 */
import * as tf from '@tensorflow/tfjs-core';
import { throwIfAborted } from '../common/errors.ts';
import { LENGTH_BUCKET, roundUp } from '../data/batches.ts';
import { KvCache } from '../model/kv-cache.ts';
import { forward, logits, type Transformer } from '../model/transformer.ts';
import { selectRows } from '../ops/embedding.ts';
import { padPrompts } from './score.ts';
import { GREEDY, sampleToken, type SamplerConfig } from './sampler.ts';

/** One completion. */
export interface Completion {
  /** The tokens, the end token included if it came. */
  readonly ids: readonly number[];
  /** The log-probability of each token at temperature 1, in nats. */
  readonly logProbs: readonly number[];
  /** Whether the end token came before `maxTokens`. */
  readonly isComplete: boolean;
}

/** How to generate. */
export interface GenerateOptions {
  readonly eosId: number;
  /** The most tokens of one completion, default 48. */
  readonly maxTokens?: number;
  readonly sampler?: SamplerConfig;
  /** Rows per forward pass, default 64. */
  readonly batchSize?: number;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: (done: number) => void;
}

/**
 * A decoding under way over B prompts of equal length. Owned by whoever made it: call {@link dispose}.
 */
export class Decoding {
  readonly #model: Transformer;
  readonly #cache: KvCache;
  readonly #B: number;

  private constructor(model: Transformer, cache: KvCache, B: number) {
    this.#model = model;
    this.#cache = cache;
    this.#B = B;
  }

  /**
   * Reads the prompts and gives the logits of the next token.
   *
   * @param prompts - B prompts of one length
   * @param maxTokens - how many tokens may follow
   * @returns the decoding and B*V logits
   */
  static async start(
    model: Transformer,
    prompts: readonly Int32Array[],
    maxTokens: number,
  ): Promise<{ decoding: Decoding; rows: Float32Array }> {
    const batch = padPrompts(prompts, model.config.maxPositions);
    const length = prompts[0]?.length ?? 0;
    const cache = new KvCache(model.config, batch.B, roundUp(Math.max(batch.T, length + maxTokens), LENGTH_BUCKET));
    const lastRows = Int32Array.from(prompts, (_, b) => b * batch.T + length - 1);
    const out = tf.tidy(() => logits(model, selectRows(forward(model, batch, cache), lastRows))); // [B,V]
    cache.truncate(length);
    const rows = await read(out);
    return { decoding: new Decoding(model, cache, batch.B), rows };
  }

  /**
   * Appends one token to every row and gives the logits of the one after it.
   *
   * @param ids - B tokens
   * @returns B*V logits
   */
  next(ids: Int32Array): Promise<Float32Array> {
    const batch = { B: this.#B, T: 1, ids };
    // GPU -> CPU sync, once per token: the choice is made on the CPU.
    return read(tf.tidy(() => logits(this.#model, forward(this.#model, batch, this.#cache))));
  }

  dispose(): void {
    this.#cache.dispose();
  }
}

/**
 * Completes prompts of any lengths; results are in the order of the prompts. Row i is sampled with row id i.
 *
 * @throws {LabError} `aborted`
 */
export async function generateAll(
  model: Transformer,
  prompts: readonly Int32Array[],
  options: GenerateOptions,
): Promise<Completion[]> {
  const { batchSize = 64, signal, onProgress } = options;
  const byLength = new Map<number, number[]>();
  for (const [index, { length }] of prompts.entries()) {
    const indices = byLength.get(length);
    if (indices === undefined) byLength.set(length, [index]);
    else indices.push(index);
  }
  const completions = Array.from<Completion>({ length: prompts.length });
  let done = 0;
  for (const indices of byLength.values()) {
    for (let start = 0; start < indices.length; start += batchSize) {
      throwIfAborted(signal);
      const rowIds = indices.slice(start, start + batchSize);
      const batch = rowIds.map((index) => prompts[index] ?? new Int32Array());
      const results = await completeBatch(model, batch, rowIds, options);
      for (const [b, index] of rowIds.entries()) {
        const result = results[b];
        if (result !== undefined) completions[index] = result;
      }
      done += rowIds.length;
      onProgress?.(done);
    }
  }
  return completions;
}

async function completeBatch(
  model: Transformer,
  prompts: readonly Int32Array[],
  rowIds: readonly number[],
  { eosId, maxTokens = 48, sampler = GREEDY, signal }: GenerateOptions,
): Promise<Completion[]> {
  const { vocabSize: V, maxPositions } = model.config;
  // A completion that reaches the model's last position ends there, incomplete.
  const tokenLimit = Math.min(maxTokens, maxPositions - (prompts[0]?.length ?? 0) + 1);
  const open = prompts.map(() => ({ ids: [] as number[], logProbs: [] as number[], isComplete: false }));
  const start = await Decoding.start(model, prompts, tokenLimit);
  const { decoding } = start;
  let { rows } = start;
  try {
    for (let position = 0; position < tokenLimit; position++) {
      throwIfAborted(signal);
      const next = new Int32Array(prompts.length).fill(eosId);
      for (const [b, completion] of open.entries()) {
        if (completion.isComplete) continue;
        const { id, logProb } = sampleToken(rows.subarray(b * V, (b + 1) * V), sampler, rowIds[b] ?? b, position);
        completion.ids.push(id);
        completion.logProbs.push(logProb);
        completion.isComplete = id === eosId;
        next[b] = id;
      }
      if (open.every(({ isComplete }) => isComplete) || position === tokenLimit - 1) break;
      rows = await decoding.next(next);
    }
  } finally {
    decoding.dispose();
  }
  return open;
}

async function read(tensor: tf.Tensor): Promise<Float32Array> {
  try {
    return await tensor.data<'float32'>();
  } finally {
    tensor.dispose();
  }
}
