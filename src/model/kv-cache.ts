/**
 * Keys and values of the tokens seen so far, so that each further token costs one row and not a whole prefill.
 *
 * The cache has a fixed capacity: every decoding step then runs kernels of the same shapes, which keeps tfjs's buffer
 * pool (keyed by exact size, never freed) and its shader cache flat.
 */
import * as tf from '@tensorflow/tfjs-core';
import { LabError } from '../common/errors.ts';
import type { ModelConfig } from '../config/model-config.ts';
import type { TokenLayout } from './token-layout.ts';

/** Keys and values of one layer, `[B,K,S,D]` each, S the capacity. */
interface LayerCache {
  readonly keys: tf.Tensor4D;
  readonly values: tf.Tensor4D;
}

/**
 * The cache of one batch of sequences. After a prefill they may have unequal lengths ({@link truncate}); each then grows at
 * its own end, so that what a sequence holds, and where, does not depend on its neighbours. Owned by whoever made it: call
 * {@link dispose}.
 */
export class KvCache {
  readonly capacity: number;
  #layers: LayerCache[];
  /** Tokens held, by sequence. */
  #lengths: Int32Array;

  /**
   * @param B - sequences
   * @param capacity - S, the most tokens it can hold
   */
  constructor(config: ModelConfig, B: number, capacity: number) {
    this.capacity = capacity;
    const shape: [number, number, number, number] = [B, config.kvHeads, capacity, config.headDim];
    this.#layers = Array.from({ length: config.layers }, () => ({ keys: tf.zeros(shape), values: tf.zeros(shape) }));
    this.#lengths = new Int32Array(B);
  }

  /** Tokens held; of the longest sequence where they differ. */
  get length(): number {
    return this.#lengths.reduce((a, b) => Math.max(a, b), 0);
  }

  /** Where the next T tokens of each sequence stand and what they see; undefined while all are equally long. */
  raggedLayout(T: number): TokenLayout | undefined {
    if (!this.#isRagged()) return undefined;
    const [B, S] = [this.#lengths.length, this.capacity];
    const positions = new Int32Array(B * T);
    const isVisible = new Uint8Array(B * T * S);
    for (const [b, length] of this.#lengths.entries()) {
      for (let t = 0; t < T; t++) {
        const n = b * T + t;
        positions[n] = length + t;
        isVisible.fill(1, n * S, n * S + length + t + 1);
      }
    }
    return { positions, isVisible };
  }

  /**
   * Adds the keys and values of T new tokens to one layer and returns that layer's whole cache.
   *
   * @param keys - `[B,K,T,D]`; where sequences are unequally long, T is 1
   * @param values - `[B,K,T,D]`
   * @throws {LabError} `bad-shape` if the capacity does not suffice.
   */
  append(layer: number, keys: tf.Tensor4D, values: tf.Tensor4D): LayerCache {
    const T = keys.shape[2];
    const old = this.#layers[layer];
    if (old === undefined || this.length + T > this.capacity) {
      throw new LabError('bad-shape', {
        message: `The key-value cache cannot take ${T} more tokens in layer ${layer}.`,
        expected: `at most ${this.capacity} tokens in all`,
        got: `${this.length + T}`,
      });
    }
    const next = tf.tidy(() => ({
      keys: tf.keep(this.#place(old.keys, keys)),
      values: tf.keep(this.#place(old.values, values)),
    }));
    old.keys.dispose();
    old.values.dispose();
    this.#layers[layer] = next;
    return next;
  }

  /** Declares the T tokens that every layer has appended as held; called once per forward pass. */
  advance(T: number): void {
    this.#lengths = this.#lengths.map((length) => length + T);
  }

  /**
   * Forgets the tokens after `lengths`, one for each sequence: a padded prefill keeps only its real tokens. What is
   * forgotten is zeroed here, since {@link append} adds to what stands in a slot.
   */
  truncate(lengths: Int32Array): void {
    if (lengths.every((length, b) => length >= (this.#lengths[b] ?? 0))) return;
    const [B, S] = [lengths.length, this.capacity];
    const isKept = new Float32Array(B * S);
    for (const [b, length] of lengths.entries()) isKept.fill(1, b * S, b * S + length);
    this.#replace((x) => tf.mul<tf.Tensor4D>(x, tf.tensor4d(isKept, [B, 1, S, 1])));
    this.#lengths = lengths.slice();
  }

  /** Keeps some sequences in a given order; one can be taken several times. */
  select(rows: Int32Array): void {
    const lengths = rows.map((row) => this.#lengths[row] ?? 0);
    this.#replace((x) => {
      const [B, K, S, D] = x.shape;
      const taken = tf.gather(tf.reshape(x, [B, K * S * D]), tf.tensor1d(rows, 'int32')); // whole rows: fast on wasm
      return tf.reshape(taken, [rows.length, K, S, D]);
    });
    this.#lengths = lengths;
  }

  dispose(): void {
    for (const { keys, values } of this.#layers) {
      keys.dispose();
      values.dispose();
    }
  }

  #replace(change: (x: tf.Tensor4D) => tf.Tensor4D): void {
    const next = tf.tidy(() =>
      this.#layers.map(({ keys, values }) => ({ keys: tf.keep(change(keys)), values: tf.keep(change(values)) })),
    );
    this.dispose();
    this.#layers = next;
  }

  #isRagged(): boolean {
    return this.#lengths.some((length) => length !== this.#lengths[0]);
  }

  // Free slots hold zeros, so placing is spreading to the capacity and adding.
  #place(old: tf.Tensor4D, added: tf.Tensor4D): tf.Tensor4D {
    return tf.add(old, this.#isRagged() ? this.#spread(added) : this.#pad(added)); // [B,K,T,D] -> [B,K,S,D]
  }

  #pad(added: tf.Tensor4D): tf.Tensor4D {
    const before = this.#lengths[0] ?? 0;
    const after = this.capacity - before - added.shape[2];
    return tf.pad(added, [
      [0, 0],
      [0, 0],
      [before, after],
      [0, 0],
    ]);
  }

  /** One token of each sequence, at its own slot. */
  #spread(added: tf.Tensor4D): tf.Tensor4D {
    const [B, S] = [this.#lengths.length, this.capacity];
    const isHere = new Float32Array(B * S);
    for (const [b, length] of this.#lengths.entries()) isHere[b * S + length] = 1;
    return tf.mul<tf.Tensor4D>(added, tf.tensor4d(isHere, [B, 1, S, 1])); // [B,K,1,D] x [B,1,S,1] -> [B,K,S,D]
  }
}
