/**
 * The keys and values of the tokens so far, so that each further token costs one row instead of a whole prefill.
 *
 * The cache has a fixed capacity, so that every decoding step runs kernels of the same shapes. Where kernels compute,
 * slots are written in place; elsewhere each step makes a new cache (ops/cached-attention.ts), which requires free
 * slots to be zero.
 */
import * as tf from '@tensorflow/tfjs-core';
import { LabError } from '../common/errors.ts';
import type { ModelConfig } from '../config/model-config.ts';
import {
  cachedAttention,
  type HeadNorms,
  type LayerCache,
  placesAfter,
  type ProjectedHeads,
  type SlotTables,
  slotTables,
} from '../ops/cached-attention.ts';

/** Attention of a layer, among its tokens or over a cache: from projections to outputs, `[B,T,H,D]`. */
export type Attend = (layer: number, heads: ProjectedHeads, norms: HeadNorms) => tf.Tensor4D;

/**
 * The cache of one batch of sequences. After a prefill they may differ in length ({@link truncate}); each then grows at
 * its own end, so that the contents of a sequence do not depend on the others. Its creator must call {@link dispose}.
 */
export class KvCache {
  readonly capacity: number;
  readonly #config: ModelConfig;
  readonly #tables: SlotTables | undefined;
  #layers: LayerCache[];
  /** Tokens held per sequence. */
  #lengths: Int32Array;

  /**
   * @param B - the number of sequences
   * @param capacity - S, the maximum tokens per sequence
   */
  constructor(config: ModelConfig, B: number, capacity: number) {
    this.capacity = capacity;
    this.#config = config;
    const shape: [number, number, number, number] = [B, config.kvHeads, capacity, config.headDim];
    this.#layers = Array.from({ length: config.layers }, () => ({ keys: tf.zeros(shape), values: tf.zeros(shape) }));
    this.#lengths = new Int32Array(B);
    this.#tables = slotTables(capacity, config.headDim, config.ropeTheta);
  }

  /** Tokens held; the maximum if sequences differ. */
  get length(): number {
    return this.#lengths.reduce((a, b) => Math.max(a, b), 0);
  }

  /** Whether sequences are unequally long where that lets a pass take one token of each alone. */
  get isRagged(): boolean {
    return this.#tables === undefined && this.#lengths.some((length) => length !== this.#lengths[0]);
  }

  /**
   * Starts a forward pass over the next T tokens of each sequence; {@link advance} ends it.
   *
   * @returns attention of a layer over its cache and the new tokens, which it adds
   * @throws {LabError} `bad-shape` if the capacity is exceeded.
   */
  begin(T: number): Attend {
    if (this.length + T > this.capacity) {
      throw new LabError('bad-shape', {
        message: `The key-value cache cannot take ${T} more tokens.`,
        expected: `at most ${this.capacity} tokens in total`,
        got: `${this.length + T}`,
      });
    }
    const { headDim: D, ropeTheta } = this.#config;
    const held = { lengths: this.#lengths, S: this.capacity, D, ropeTheta, tables: this.#tables };
    const places = placesAfter(held, T);
    return (layer, heads, norms) => {
      const before = this.#layers[layer];
      if (before === undefined) throw new LabError('internal', { message: `The cache has no layer ${layer}.` });
      const { y, ...after } = tf.tidy(() => ({ ...cachedAttention(heads, norms, before, places) }));
      if (after.keys !== before.keys) this.#replace(layer, after);
      return y;
    };
  }

  /** Marks the T tokens added by every layer as held; called once per forward pass. */
  advance(T: number): void {
    this.#lengths = this.#lengths.map((length) => length + T);
  }

  /** Drops the tokens of each sequence beyond its length in `lengths`, for example the padding of a prefill. */
  truncate(lengths: Int32Array): void {
    if (lengths.every((length, b) => length >= (this.#lengths[b] ?? 0))) return;
    if (this.#tables === undefined) {
      const [B, S] = [lengths.length, this.capacity];
      const isKept = new Float32Array(B * S);
      for (const [b, length] of lengths.entries()) isKept.fill(1, b * S, b * S + length);
      this.#change((x) => tf.mul<tf.Tensor4D>(x, tf.tensor4d(isKept, [B, 1, S, 1]))); // free slots hold zeros
    }
    this.#lengths = lengths.slice();
  }

  /** Selects sequences in a given order; repetitions are allowed. */
  select(rows: Int32Array): void {
    const lengths = rows.map((row) => this.#lengths[row] ?? 0);
    this.#change((x) => {
      const [B, K, S, D] = x.shape;
      const taken = tf.gather(tf.reshape(x, [B, K * S * D]), tf.tensor1d(rows, 'int32')); // whole rows are fast on wasm
      return tf.reshape(taken, [rows.length, K, S, D]);
    });
    this.#lengths = lengths;
  }

  dispose(): void {
    tf.dispose(this.#layers.flatMap(({ keys, values }) => [keys, values]));
    if (this.#tables !== undefined) tf.dispose([this.#tables.cos, this.#tables.sin]);
  }

  #change(change: (x: tf.Tensor4D) => tf.Tensor4D): void {
    for (const [layer, { keys, values }] of this.#layers.entries()) {
      this.#replace(
        layer,
        tf.tidy(() => ({ keys: change(keys), values: change(values) })),
      );
    }
  }

  /** Replaces the cache of a layer and frees the old one. */
  #replace(layer: number, { keys, values }: LayerCache): void {
    const before = this.#layers[layer];
    this.#layers[layer] = { keys: tf.keep(keys), values: tf.keep(values) };
    if (before !== undefined) tf.dispose([before.keys, before.values]);
  }
}
