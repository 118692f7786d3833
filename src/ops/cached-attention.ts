/**
 * Attention of new tokens over a key-value cache, to which their keys and values are added: from projections to
 * attention outputs. There is no gradient.
 *
 * With kernels new keys and values are written into their slots, and each query runs over the keys of its own sequence.
 * The composite has no slots: it makes a new cache by adding the new tokens, padded to the capacity, to zeros, and
 * masks what is not visible.
 */
import * as tf from '@tensorflow/tfjs-core';
import { hasAttentionKernel } from '../kernels/attention.ts';
import { attendToSlots, placeKeys, rotateQueries } from '../kernels/cached-attention.ts';
import { attention, causalMask, visibilityMask } from './attention.ts';
import { type HeadNorm, rope, ropeTables, ropeTablesAt, type RopeTables } from './rope.ts';

/** The projections of a layer's tokens, before rotation. */
export interface ProjectedHeads {
  /** `[B,T,H,D]` */
  readonly q: tf.Tensor4D;
  /** `[B,T,K,D]`, K divides H */
  readonly k: tf.Tensor4D;
  /** `[B,T,K,D]` */
  readonly v: tf.Tensor4D;
}

/** The normalisations before rotation; undefined if a model has none. */
export interface HeadNorms {
  readonly q: HeadNorm | undefined;
  readonly k: HeadNorm | undefined;
}

/** Keys and values of one layer, `[B,K,S,D]` each, S the capacity. */
export interface LayerCache {
  readonly keys: tf.Tensor4D;
  readonly values: tf.Tensor4D;
}

/** The tables of a cache with slots: the rotations of all S positions, `[S,1,D]` each. */
export type SlotTables = Pick<RopeTables, 'cos' | 'sin'>;

/** The state of a cache. */
interface Held {
  /** Tokens held by each of B sequences, at most S - T. */
  readonly lengths: Int32Array;
  readonly S: number;
  readonly D: number;
  readonly ropeTheta: number;
  /** From {@link slotTables}. */
  readonly tables: SlotTables | undefined;
}

/** The positions of T new tokens of each sequence, and what they see. */
export type CachePlaces =
  | { readonly kind: 'slots'; readonly lengths: tf.Tensor1D; readonly tables: SlotTables }
  | {
      readonly kind: 'masked';
      readonly lengths: Int32Array;
      readonly tables: RopeTables;
      readonly mask: tf.Tensor2D | tf.Tensor3D;
    };

/** The tables for S slots where kernels compute; undefined where the composite does. */
export function slotTables(S: number, D: number, ropeTheta: number): SlotTables | undefined {
  if (!hasAttentionKernel(D)) return undefined;
  const { cos, sin, rotation } = ropeTables(0, S, D, ropeTheta);
  rotation.dispose();
  return { cos, sin };
}

/** The places of the next T tokens of each sequence; without slots T must be 1 if sequences differ in length. */
export function placesAfter({ lengths, S, D, ropeTheta, tables }: Held, T: number): CachePlaces {
  if (tables !== undefined) return { kind: 'slots', lengths: tf.tensor1d(lengths, 'int32'), tables };
  const B = lengths.length;
  const [first = 0] = lengths;
  if (!isRagged(lengths)) {
    return { kind: 'masked', lengths, tables: ropeTables(first, T, D, ropeTheta), mask: causalMask(T, S, first) };
  }
  const positions = Int32Array.from({ length: B * T }, (_, n) => (lengths[Math.floor(n / T)] ?? 0) + (n % T));
  const isVisible = new Uint8Array(B * T * S);
  for (const [n, position] of positions.entries()) isVisible.fill(1, n * S, n * S + position + 1);
  const mask = visibilityMask(isVisible, [B, T, S]);
  return { kind: 'masked', lengths, tables: ropeTablesAt(positions, B, D, ropeTheta), mask };
}

/**
 * `softmax(q k^T / sqrt(D)) v` of normalised and rotated queries over the cached keys and the keys of the new tokens up
 * to each.
 *
 * @returns `[B,T,H,D]`, and the updated cache: the given tensors if slots are written in place, else new ones
 */
export function cachedAttention(
  { q, k, v }: ProjectedHeads,
  norms: HeadNorms,
  cache: LayerCache,
  places: CachePlaces,
): LayerCache & { readonly y: tf.Tensor4D } {
  if (places.kind === 'slots') {
    const positions = { lengths: places.lengths, ...places.tables };
    placeKeys({ k, v }, cache, positions, norms.k);
    return { y: attendToSlots(rotateQueries(q, positions, norms.q), cache, places.lengths), ...cache };
  }
  const { lengths, tables, mask } = places;
  const byHead = (x: tf.Tensor4D): tf.Tensor4D => tf.transpose(x, [0, 2, 1, 3]); // [B,T,H,D] <-> [B,H,T,D]
  const keys = tf.add<tf.Tensor4D>(cache.keys, padToSlots(byHead(rope(k, tables, norms.k)), lengths, cache)); // [B,K,S,D]
  const values = tf.add<tf.Tensor4D>(cache.values, padToSlots(byHead(v), lengths, cache)); // [B,K,S,D]
  const y = byHead(attention(byHead(rope(q, tables, norms.q)), keys, values, mask)); // [B,H,T,D] -> [B,T,H,D]
  return { y, keys, values };
}

/** New tokens at their slots among zeros, `[B,K,T,D] -> [B,K,S,D]`. Free slots are zero, so adding this writes them. */
function padToSlots(added: tf.Tensor4D, lengths: Int32Array, { keys }: LayerCache): tf.Tensor4D {
  const [B, , S] = keys.shape;
  if (isRagged(lengths)) {
    const isHere = new Float32Array(B * S);
    for (const [b, length] of lengths.entries()) isHere[b * S + length] = 1;
    return tf.mul<tf.Tensor4D>(added, tf.tensor4d(isHere, [B, 1, S, 1])); // [B,K,1,D] x [B,1,S,1] -> [B,K,S,D]
  }
  const [before = 0] = lengths;
  return tf.pad(added, [
    [0, 0],
    [0, 0],
    [before, S - before - added.shape[2]],
    [0, 0],
  ]);
}

function isRagged(lengths: Int32Array): boolean {
  return lengths.some((length) => length !== lengths[0]);
}
