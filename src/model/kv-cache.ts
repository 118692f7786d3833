/**
 * Keys and values of the tokens seen so far, so that each further token costs one row and not a whole prefill.
 *
 * The cache has a fixed capacity: every decoding step then runs kernels of the same shapes, which keeps tfjs's buffer
 * pool (keyed by exact size, never freed) and its shader cache flat.
 */
import * as tf from '@tensorflow/tfjs-core';
import { LabError } from '../common/errors.ts';
import type { ModelConfig } from '../config/model-config.ts';

/** Keys and values of one layer, `[B,K,S,D]` each, S the capacity. */
interface LayerCache {
  readonly keys: tf.Tensor4D;
  readonly values: tf.Tensor4D;
}

/** The cache of one batch of sequences that all have the same length. Owned by whoever made it: call {@link dispose}. */
export class KvCache {
  readonly capacity: number;
  #layers: LayerCache[];
  #length = 0;

  /**
   * @param B - sequences
   * @param capacity - S, the most tokens it can hold
   */
  constructor(config: ModelConfig, B: number, capacity: number) {
    this.capacity = capacity;
    const shape: [number, number, number, number] = [B, config.kvHeads, capacity, config.headDim];
    this.#layers = Array.from({ length: config.layers }, () => ({ keys: tf.zeros(shape), values: tf.zeros(shape) }));
  }

  /** Tokens held. */
  get length(): number {
    return this.#length;
  }

  /**
   * Adds the keys and values of T new tokens to one layer and returns that layer's whole cache.
   *
   * @param keys - `[B,K,T,D]`
   * @param values - `[B,K,T,D]`
   * @throws {LabError} `bad-shape` if the capacity does not suffice.
   */
  append(layer: number, keys: tf.Tensor4D, values: tf.Tensor4D): LayerCache {
    const T = keys.shape[2];
    const old = this.#layers[layer];
    if (old === undefined || this.#length + T > this.capacity) {
      throw new LabError('bad-shape', {
        message: `The key-value cache cannot take ${T} more tokens in layer ${layer}.`,
        expected: `at most ${this.capacity} tokens in all`,
        got: `${this.#length + T}`,
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
    this.#length += T;
  }

  /**
   * Forgets the tokens after `length`: a padded prefill keeps only its real tokens. What is forgotten is zeroed by
   * the additions of {@link append}, so the slots must be emptied here.
   */
  truncate(length: number): void {
    if (length >= this.#length) return;
    const kept = tf.tidy(() => {
      const mask = new Float32Array(this.capacity).fill(1, 0, length);
      const column = tf.tensor(mask, [1, 1, this.capacity, 1]);
      return this.#layers.map(({ keys, values }) => ({
        keys: tf.keep(tf.mul<tf.Tensor4D>(keys, column)),
        values: tf.keep(tf.mul<tf.Tensor4D>(values, column)),
      }));
    });
    this.dispose();
    this.#layers = kept;
    this.#length = length;
  }

  dispose(): void {
    for (const { keys, values } of this.#layers) {
      keys.dispose();
      values.dispose();
    }
  }

  // Free slots hold zeros, so placing is padding to the capacity and adding.
  #place(old: tf.Tensor4D, added: tf.Tensor4D): tf.Tensor4D {
    const before = this.#length;
    const after = this.capacity - before - added.shape[2];
    return tf.add(
      old,
      tf.pad(added, [
        [0, 0],
        [0, 0],
        [before, after],
        [0, 0],
      ]),
    ); // [B,K,T,D] -> [B,K,S,D]
  }
}
