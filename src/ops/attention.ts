/**
 * Scaled dot-product attention with grouped queries (arXiv 2305.13245). Causal attention, over whole sequences or
 * packed rows, has a fused kernel (on a GPU if the head dimension is a multiple of four); attention under any mask is a
 * composite of tensor ops. This room holds the differentiable ops: each chooses between its kernel and its composite.
 *
 * In the composite the H/K query heads that share a key-value head are folded into the row axis, so that keys and
 * values are not copied per query head and the product needs no broadcasting (tfjs's matMul gradient does not reduce
 * broadcast axes).
 */
import * as tf from '@tensorflow/tfjs-core';
import { attentionBackward, attentionForward, hasAttentionKernel } from '../kernels/attention.ts';
import { differentiable } from './differentiable.ts';

/** Added to masked scores. Finite, so that a row without visible keys gives no NaN. */
const MASKED = -1e9;

/**
 * The additive mask of causal attention for queries at positions `first .. first + T - 1` over S keys, `[T,S]`.
 */
export function causalMask(T: number, S: number, first = 0): tf.Tensor2D {
  const mask = new Float32Array(T * S);
  for (let t = 0; t < T; t++) mask.fill(MASKED, t * S + Math.min(S, first + t + 1), (t + 1) * S);
  return tf.tensor2d(mask, [T, S]);
}

/**
 * The additive mask of an individual layout per sequence, `[B,T,S]`.
 *
 * @param isVisible - B*T*S: 1 where a query sees a key, else 0
 */
export function visibilityMask(isVisible: Uint8Array, shape: [number, number, number]): tf.Tensor3D {
  return tf.tensor3d(
    Float32Array.from(isVisible, (seen) => (seen === 1 ? 0 : MASKED)),
    shape,
  );
}

/** The visible keys of the tokens in packed rows, in the forms of kernel and composite; each is made on first use. */
export interface SpanVisibility {
  /** `[B,T,2]` integers: the keys `s < sharedEnd` and `ownStart <= s <= t`. */
  readonly spans: () => tf.Tensor3D;
  /** `[B,T,T]`, added to scores. */
  readonly mask: () => tf.Tensor3D;
}

/**
 * The visibility of packed rows, to be used within one `tidy` by all layers.
 *
 * @param spans - B*T pairs `sharedEnd, ownStart`, with `sharedEnd <= ownStart <= t`
 */
export function spanVisibility(spans: Int32Array, B: number, T: number): SpanVisibility {
  let [tensor, mask]: (tf.Tensor3D | undefined)[] = [];
  return {
    spans: () => (tensor ??= tf.tensor3d(spans, [B, T, 2], 'int32')),
    mask: () => (mask ??= tf.tensor3d(maskOfSpans(spans, T), [B, T, T])),
  };
}

function maskOfSpans(spans: Int32Array, T: number): Float32Array {
  const N = spans.length / 2;
  const mask = new Float32Array(N * T).fill(MASKED);
  for (let n = 0; n < N; n++) {
    const [sharedEnd = 0, ownStart = 0] = spans.subarray(2 * n, 2 * n + 2);
    mask.fill(0, n * T, n * T + sharedEnd);
    mask.fill(0, n * T + ownStart, n * T + (n % T) + 1);
  }
  return mask;
}

/**
 * `softmax(q k^T / sqrt(D)) v` over the keys up to each query, or over the visible keys in packed rows.
 *
 * @param q - `[B,T,H,D]`
 * @param k - `[B,T,K,D]`, K divides H
 * @param v - `[B,T,K,D]`
 * @param visibility - the visible keys, for packed rows
 * @returns `[B,T,H,D]`
 */
export function causalAttention(
  q: tf.Tensor4D,
  k: tf.Tensor4D,
  v: tf.Tensor4D,
  visibility?: SpanVisibility,
): tf.Tensor4D {
  const [, T, , D] = q.shape;
  if (hasAttentionKernel(D)) return fused(q, k, v, visibility?.spans());
  const byHead = (x: tf.Tensor4D): tf.Tensor4D => tf.transpose(x, [0, 2, 1, 3]); // [B,T,H,D] <-> [B,H,T,D]
  return byHead(attention(byHead(q), byHead(k), byHead(v), visibility?.mask() ?? causalMask(T, T)));
}

type FromForward = [tf.Tensor4D, tf.Tensor4D, tf.Tensor4D, tf.Tensor4D, tf.Tensor4D, tf.Tensor3D?];

function fused(q: tf.Tensor4D, k: tf.Tensor4D, v: tf.Tensor4D, spans: tf.Tensor3D | undefined): tf.Tensor4D {
  return differentiable<[tf.Tensor4D, tf.Tensor4D, tf.Tensor4D], tf.Tensor4D>({
    inputs: [q, k, v],
    forward: (save) => {
      const { y, stats } = attentionForward({ q, k, v }, spans);
      for (const tensor of [q, k, v, y, stats]) save(tensor);
      if (spans !== undefined) save(spans);
      return y;
    },
    backward: (dY, saved) => {
      const [savedQ, savedK, savedV, y, stats, savedSpans] = saved as FromForward;
      const heads = { q: savedQ, k: savedK, v: savedV };
      const gradients = attentionBackward(dY, heads, { y, stats }, savedSpans);
      return [gradients.q, gradients.k, gradients.v];
    },
  });
}

/**
 * `softmax(q k^T / sqrt(D) + mask) v`.
 *
 * @param q - `[B,H,T,D]`
 * @param k - `[B,K,S,D]`, K divides H
 * @param v - `[B,K,S,D]`
 * @param mask - added to the scores: `[T,S]` for all sequences, or `[B,T,S]`
 * @returns `[B,H,T,D]`
 */
export function attention(
  q: tf.Tensor4D,
  k: tf.Tensor4D,
  v: tf.Tensor4D,
  mask: tf.Tensor2D | tf.Tensor3D,
): tf.Tensor4D {
  const [B, H, T, D] = q.shape;
  const [, K, S] = k.shape;
  const group = H / K;
  const scale = 1 / Math.sqrt(D);
  const fold = (x: tf.Tensor4D): tf.Tensor3D => tf.reshape(x, [B * K, group * T, D]); // [B,H,T,D] -> [B*K,(H/K)*T,D]
  const ofHeads: tf.Tensor = mask.rank === 2 ? mask : tf.reshape(mask, [B, 1, T, S]);
  const foldKeys = (x: tf.Tensor4D): tf.Tensor3D => tf.reshape(x, [B * K, S, D]); // [B,K,S,D] -> [B*K,S,D]

  return differentiable<[tf.Tensor4D, tf.Tensor4D, tf.Tensor4D], tf.Tensor4D>({
    inputs: [q, k, v],
    forward: (save) => {
      const scores = tf.matMul(tf.mul(fold(q), scale), foldKeys(k), false, true); // [B*K,(H/K)*T,S]
      const masked = tf.add(tf.reshape(scores, [B, H, T, S]), ofHeads); // [B*K,(H/K)*T,S] -> [B,H,T,S]
      const p = tf.reshape(tf.softmax(masked), [B * K, group * T, S]); // [B,H,T,S] -> [B*K,(H/K)*T,S]
      for (const tensor of [q, k, v, p]) save(tensor);
      return tf.reshape(tf.matMul(p, foldKeys(v)), [B, H, T, D]); // [B*K,(H/K)*T,D] -> [B,H,T,D]
    },
    backward: (dY, saved) => {
      const [savedQ, savedK, savedV, p] = saved as [tf.Tensor4D, tf.Tensor4D, tf.Tensor4D, tf.Tensor3D];
      const dO = fold(dY);
      const dP = tf.matMul(dO, foldKeys(savedV), false, true); // [B*K,(H/K)*T,S]
      const dScores = tf.mul(p, tf.sub(dP, tf.sum(tf.mul(dP, p), -1, true)));
      const dQ = tf.mul(tf.matMul(dScores, foldKeys(savedK)), scale);
      const dK = tf.matMul(dScores, tf.mul(fold(savedQ), scale), true, false);
      const dV = tf.matMul(p, dO, true, false);
      return [tf.reshape(dQ, [B, H, T, D]), tf.reshape(dK, [B, K, S, D]), tf.reshape(dV, [B, K, S, D])];
    },
  });
}
