/**
 * Completions: prefill once, then one token per step from a key-value cache.
 *
 * Prompts of different lengths are decoded together, each at its own positions, so that what a row gives does not depend on
 * its neighbours; several completions of one prompt share its prefill; rows that are over leave the batch.
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
 * A decoding under way over B prompts. Owned by whoever made it: call {@link dispose}.
 */
export class Decoding {
  readonly #model: Transformer;
  readonly #cache: KvCache;
  #B: number;

  private constructor(model: Transformer, cache: KvCache, B: number) {
    this.#model = model;
    this.#cache = cache;
    this.#B = B;
  }

  /**
   * Reads the prompts and gives the logits of the next token.
   *
   * @param prompts - B prompts of any lengths
   * @param maxTokens - how many tokens may follow
   * @returns the decoding and B*V logits
   */
  static async start(
    model: Transformer,
    prompts: readonly Int32Array[],
    maxTokens: number,
  ): Promise<{ decoding: Decoding; rows: Float32Array }> {
    const batch = padPrompts(prompts, model.config.maxPositions);
    const lengths = Int32Array.from(prompts, ({ length }) => length);
    const longest = lengths.reduce((a, b) => Math.max(a, b), 0);
    const cache = new KvCache(model.config, batch.B, roundUp(Math.max(batch.T, longest + maxTokens), LENGTH_BUCKET));
    const lastRows = lengths.map((length, b) => b * batch.T + length - 1);
    const out = tf.tidy(() => logits(model, selectRows(forward(model, batch, cache), lastRows))); // [B,V]
    cache.truncate(lengths);
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

  /** Goes on with some rows, in the order given; a row that is given several times goes on several times. */
  select(rows: Int32Array): void {
    this.#cache.select(rows);
    this.#B = rows.length;
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
  // Rows of like lengths together; those of one prompt stay side by side.
  const byLength = prompts
    .map((prompt, index) => ({ index, length: prompt.length }))
    .toSorted((a, b) => a.length - b.length || a.index - b.index);
  const completions = Array.from<Completion>({ length: prompts.length });
  for (let start = 0; start < byLength.length; start += batchSize) {
    throwIfAborted(signal);
    const open = byLength.slice(start, start + batchSize).map(({ index }) => {
      return openRow(prompts[index] ?? new Int32Array(), index, model.config.maxPositions, options);
    });
    await completeBatch(model, open, options);
    for (const { rowId, ids, logProbs, isComplete } of open) completions[rowId] = { ids, logProbs, isComplete };
    onProgress?.(start + open.length);
  }
  return completions;
}

/** A completion that is being written. */
interface OpenRow {
  readonly prompt: Int32Array;
  readonly rowId: number;
  /** The most tokens; at the model's last position a completion ends, incomplete. */
  readonly limit: number;
  readonly ids: number[];
  readonly logProbs: number[];
  isComplete: boolean;
}

function openRow(
  prompt: Int32Array,
  rowId: number,
  maxPositions: number,
  { maxTokens = 48 }: GenerateOptions,
): OpenRow {
  const limit = Math.min(maxTokens, maxPositions - prompt.length + 1);
  return { prompt, rowId, limit, ids: [], logProbs: [], isComplete: false };
}

/** Completes rows in place. */
async function completeBatch(
  model: Transformer,
  open: readonly OpenRow[],
  { eosId, sampler = GREEDY, signal }: GenerateOptions,
): Promise<void> {
  const { vocabSize: V, maxPositions } = model.config;
  // Each prompt is read once, however many completions it gets.
  const prompts = [...new Set(open.map(({ prompt }) => prompt))];
  const places = Int32Array.from(open, ({ prompt }) => prompts.indexOf(prompt));
  const maxTokens = Math.max(...open.map(({ limit }) => limit));
  const { decoding, rows: ofPrompts } = await Decoding.start(model, prompts, maxTokens);
  try {
    if (prompts.length < open.length) decoding.select(places);
    let logitsAt = (b: number): number => (places[b] ?? 0) * V;
    let rows = ofPrompts;
    /** Whose row each row of the decoding is; undefined where one only fills the batch. */
    let held: readonly (OpenRow | undefined)[] = open;
    for (let position = 0; ; position++) {
      throwIfAborted(signal);
      for (const [b, row] of held.entries()) {
        if (row === undefined || isOver(row)) continue;
        const at = logitsAt(b);
        const { id, logProb } = sampleToken(rows.subarray(at, at + V), sampler, row.rowId, position);
        row.ids.push(id);
        row.logProbs.push(logProb);
        row.isComplete = id === eosId;
      }
      if (held.every(isOver)) return;
      const kept = rowsToKeep(held, maxPositions - position - 1);
      if (kept !== undefined) {
        decoding.select(Int32Array.from(kept, ({ place }) => place));
        held = kept.map(({ row }) => row);
      }
      rows = await decoding.next(Int32Array.from(held, (row) => row?.ids[position] ?? eosId));
      logitsAt = (b) => b * V;
    }
  } finally {
    decoding.dispose();
  }
}

function isOver(row: OpenRow | undefined): boolean {
  return row === undefined || row.isComplete || row.ids.length === row.limit;
}

/**
 * Which rows to go on with, once half of them are over or one that is over has no room left. Batches are halved, and
 * filled up, so that few shapes occur.
 *
 * @param room - the longest prompt after which the model has a position left for the next token
 * @returns undefined to go on with all
 */
function rowsToKeep(
  held: readonly (OpenRow | undefined)[],
  room: number,
): { place: number; row: OpenRow | undefined }[] | undefined {
  const open = held.flatMap((row, place) => (isOver(row) ? [] : [{ place, row }]));
  const half = Math.ceil(held.length / 2);
  const isFull = held.some((row) => row !== undefined && isOver(row) && row.prompt.length > room);
  if (!isFull && (open.length > half || half === held.length)) return undefined;
  const size = open.length > half ? held.length : half;
  const filler = { place: open[0]?.place ?? 0, row: undefined };
  return [...open, ...Array.from({ length: size - open.length }, () => filler)];
}

async function read(tensor: tf.Tensor): Promise<Float32Array> {
  try {
    return await tensor.data<'float32'>();
  } finally {
    tensor.dispose();
  }
}
