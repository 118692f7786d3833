/**
 * Keys and values of the tokens seen so far, so that each further token costs one row and not a whole prefill.
 *
 * The cache has a fixed capacity, so every decoding step runs kernels of the same shapes. Where kernels compute, slots are
 * written in place; elsewhere each step makes a new cache (ops/cached-attention.ts), for which free slots must hold zeros.
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

/** How the tokens of a layer look at each other, or at what a cache holds: from projections to what is mixed, `[B,T,H,D]`. */
export type Attend = (layer: number, heads: ProjectedHeads, norms: HeadNorms) => tf.Tensor4D;

/**
 * The cache of one batch of sequences. After a prefill they may have unequal lengths ({@link truncate}); each then grows at
 * its own end, so that what a sequence holds, and where, does not depend on its neighbours. Owned by whoever made it: call
 * {@link dispose}.
 */
export class KvCache {
  readonly capacity: number;
  readonly #config: ModelConfig;
  readonly #tables: SlotTables | undefined;
  #layers: LayerCache[];
  /** Tokens held, by sequence. */
  #lengths: Int32Array;

  /**
   * @param B - sequences
   * @param capacity - S, the most tokens it can hold
   */
  constructor(config: ModelConfig, B: number, capacity: number) {
    this.capacity = capacity;
    this.#config = config;
    const shape: [number, number, number, number] = [B, config.kvHeads, capacity, config.headDim];
    this.#layers = Array.from({ length: config.layers }, () => ({ keys: tf.zeros(shape), values: tf.zeros(shape) }));
    this.#lengths = new Int32Array(B);
    this.#tables = slotTables(capacity, config.headDim, config.ropeTheta);
  }

  /** Tokens held; of the longest sequence where they differ. */
  get length(): number {
    return this.#lengths.reduce((a, b) => Math.max(a, b), 0);
  }

  /**
   * Begins a forward pass over the next T tokens of each sequence; {@link advance} ends it.
   *
   * @returns attention of a layer over what it holds and the new tokens, which it adds
   * @throws {LabError} `bad-shape` if the capacity does not suffice.
   */
  begin(T: number): Attend {
    if (this.length + T > this.capacity) {
      throw new LabError('bad-shape', {
        message: `The key-value cache cannot take ${T} more tokens.`,
        expected: `at most ${this.capacity} tokens in all`,
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

  /** Declares the T tokens that every layer has added as held; called once per forward pass. */
  advance(T: number): void {
    this.#lengths = this.#lengths.map((length) => length + T);
  }

  /** Forgets the tokens after `lengths`, one for each sequence: a padded prefill keeps only its real tokens. */
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

  /** Keeps some sequences in a given order; one can be taken several times. */
  select(rows: Int32Array): void {
    const lengths = rows.map((row) => this.#lengths[row] ?? 0);
    this.#change((x) => {
      const [B, K, S, D] = x.shape;
      const taken = tf.gather(tf.reshape(x, [B, K * S * D]), tf.tensor1d(rows, 'int32')); // whole rows: fast on wasm
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

  /** Takes a new cache of a layer in the place of the old one. */
  #replace(layer: number, { keys, values }: LayerCache): void {
    const before = this.#layers[layer];
    this.#layers[layer] = { keys: tf.keep(keys), values: tf.keep(values) };
    if (before !== undefined) tf.dispose([before.keys, before.values]);
  }
}
