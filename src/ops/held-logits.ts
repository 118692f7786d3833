/**
 * Logits of a policy constrained by an automaton: tokens that are not allowed have no probability, so that
 * log-probabilities, entropies and divergences are those of the constrained policy, renormalised over the allowed
 * tokens.
 */
import * as tf from '@tensorflow/tfjs-core';
import { usesKernels } from '../gpu/dispatch.ts';
import { keepPlaces } from '../kernels/keep-places.ts';
import { differentiable } from './differentiable.ts';

/**
 * The allowed tokens of N rows; those of row n are from `ids[offsets[n]]` (inclusive) to `ids[offsets[n + 1]]`
 * (exclusive).
 */
export interface AllowedTokens {
  /** `N+1` */
  readonly offsets: Int32Array;
  readonly ids: Int32Array;
}

/** The logit of tokens that are not allowed. Its softmax is 0, and it is finite, so that 0 times it is 0. */
const NOT_ALLOWED = -1e30;

/**
 * The logits with all tokens that are not allowed at -1e30. A row without allowed tokens becomes uniform.
 *
 * @param logits - `[N,V]`
 * @returns `[N,V]`
 */
export function heldLogits(logits: tf.Tensor2D, allowed: AllowedTokens): tf.Tensor2D {
  const places = placesOf(allowed, logits.shape[1]);
  return differentiable<[tf.Tensor2D], tf.Tensor2D>({
    inputs: [logits],
    forward: () => keptAt(places, logits, NOT_ALLOWED),
    backward: (dY) => [keptAt(places, dY, 0)],
  });
}

/** The allowed tokens of `size` rows from `start` on. */
export function allowedRows({ offsets, ids }: AllowedTokens, start: number, size: number): AllowedTokens {
  const [from, to] = [offsets[start] ?? 0, offsets[start + size] ?? ids.length];
  return {
    offsets: offsets.slice(start, start + size + 1).map((offset) => offset - from),
    ids: ids.subarray(from, to),
  };
}

/** The flat indices of the allowed tokens in `[N,V]`. */
function placesOf({ offsets, ids }: AllowedTokens, V: number): Int32Array {
  const places = new Int32Array(ids.length);
  for (let n = 0; n + 1 < offsets.length; n++) {
    const end = offsets[n + 1] ?? 0;
    for (let i = offsets[n] ?? 0; i < end; i++) places[i] = n * V + (ids[i] ?? 0);
  }
  return places;
}

/** The elements of x at some places, and a constant elsewhere. */
function keptAt(places: Int32Array, x: tf.Tensor2D, elsewhere: number): tf.Tensor2D {
  return tf.tidy(() => {
    if (usesKernels()) {
      const kept: tf.Tensor2D = tf.fill(x.shape, elsewhere);
      keepPlaces(x, tf.tensor1d(places, 'int32'), kept);
      return kept;
    }
    const isKept = new Uint8Array(x.size);
    for (const place of places) isKept[place] = 1;
    return tf.where(tf.tensor2d(isKept, x.shape, 'bool'), x, elsewhere);
  });
}
