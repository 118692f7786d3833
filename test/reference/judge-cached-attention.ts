/**
 * How attention over a cache is judged, on whichever backend is current: sequence by sequence against the reference
 * over all that the sequence then holds, and that the cache holds it afterwards.
 */
import * as tf from '@tensorflow/tfjs-core';
import { expect } from 'vitest';
import { cachedAttention, placesAfter, slotTables } from '../../src/ops/cached-attention.ts';
import { attentionReference } from './attention-reference.ts';
import { expectClose } from './expect-close.ts';
import { randomTensor64 } from './random-tensor64.ts';
import { rmsNormReference } from './rms-norm-reference.ts';
import { ropeReference } from './rope-reference.ts';
import { at, rowsOf, tensor64, type Tensor64 } from './tensor64.ts';

/** Sizes of a case: new tokens T of sequences that hold `lengths`, S slots. */
export interface CachedAttentionCase {
  readonly lengths: readonly number[];
  readonly T: number;
  readonly S: number;
  readonly H: number;
  readonly K: number;
  readonly D: number;
  readonly hasNorm: boolean;
}

/** Tiny, odd and larger than a workgroup; equal and unequal lengths, where T is 1; one head dim that has no kernel. */
export const CACHED_ATTENTION_CASES: readonly CachedAttentionCase[] = [
  { lengths: [0], T: 1, S: 1, H: 1, K: 1, D: 4, hasNorm: false },
  { lengths: [3, 0, 6], T: 1, S: 7, H: 6, K: 2, D: 12, hasNorm: true },
  { lengths: [2, 2], T: 5, S: 9, H: 4, K: 2, D: 6, hasNorm: true },
  { lengths: [2, 2], T: 5, S: 9, H: 4, K: 2, D: 8, hasNorm: true },
  { lengths: [66, 31, 1], T: 1, S: 67, H: 4, K: 1, D: 36, hasNorm: false },
  { lengths: [0, 0], T: 65, S: 80, H: 3, K: 3, D: 8, hasNorm: true },
];

/** Sequences of unequal lengths that each get several tokens, which only slots can hold. */
export const SLOT_CASES: readonly CachedAttentionCase[] = [
  { lengths: [0, 9, 4], T: 6, S: 15, H: 4, K: 2, D: 8, hasNorm: true },
];

const ROPE_THETA = 10_000;
const EPS = 1e-6;
const TOLERANCE = { absolute: 1e-5, relative: 1e-5 };

/** In words. */
export function titleOf({ lengths, T, S, H, K, D, hasNorm }: CachedAttentionCase): string {
  return `${T} after [${lengths.join()}] of ${S}, ${H}/${K} heads of ${D}${hasNorm ? ', normed' : ''}`;
}

/** Expects what is mixed and what is kept to be right, and no tensor to be left behind. */
export async function judgeCachedAttention(sizes: CachedAttentionCase): Promise<void> {
  const { lengths, T, S, H, K, D, hasNorm } = sizes;
  const B = lengths.length;
  const title = titleOf(sizes);
  const random = (what: string, shape: readonly number[]): Tensor64 => randomTensor64(shape, `${title} ${what}`);
  const [q, k, v] = [random('q', [B, T, H, D]), random('k', [B, T, K, D]), random('v', [B, T, K, D])];
  const gains = { q: random('gain q', [D]), k: random('gain k', [D]) };
  const held = { keys: random('keys', [B, K, S, D]), values: random('values', [B, K, S, D]) };

  const before = tf.memory().numTensors;
  const tables = slotTables(S, D, ROPE_THETA);
  // A slot that is free holds zeros where the composite adds, and anything where it is written.
  const free = tables === undefined ? 0 : NaN;
  const cache = { keys: cacheOf(held.keys, lengths, free), values: cacheOf(held.values, lengths, free) };
  const norms = {
    q: hasNorm ? { gain: toTensor(gains.q) as tf.Tensor1D, eps: EPS } : undefined,
    k: hasNorm ? { gain: toTensor(gains.k) as tf.Tensor1D, eps: EPS } : undefined,
  };
  const heads = { q: toTensor(q) as tf.Tensor4D, k: toTensor(k) as tf.Tensor4D, v: toTensor(v) as tf.Tensor4D };
  const after = tf.tidy(() => {
    const places = placesAfter({ lengths: Int32Array.from(lengths), S, D, ropeTheta: ROPE_THETA, tables }, T);
    return { ...cachedAttention(heads, norms, cache, places) };
  });
  const [y, keys, values] = [await after.y.data(), await after.keys.data(), await after.values.data()];

  for (const [b, length] of lengths.entries()) {
    const positions = Array.from({ length: T }, (_, t) => length + t);
    const turned = (x: Tensor64, gain: Tensor64): Tensor64 =>
      ropeReference(hasNorm ? rmsNormReference(byHead(x, b), gain, EPS) : byHead(x, b), positions, ROPE_THETA);
    const all = {
      keys: joined(part(held.keys, b, length), turned(k, gains.k)),
      values: joined(part(held.values, b, length), byHead(v, b)),
    };
    const expected = attentionReference(turned(q, gains.q), all.keys, all.values); // [1,H,T,D]
    const got = byHead(tensor64([B, T, H, D], y), b);
    expectClose(got.data, expected.data, TOLERANCE, `sequence ${b} of ${title}`);
    const kept = { keys: tensor64([B, K, S, D], keys), values: tensor64([B, K, S, D], values) };
    expectClose(part(kept.keys, b, length + T).data, all.keys.data, TOLERANCE, `keys of sequence ${b} of ${title}`);
    expectClose(part(kept.values, b, length + T).data, all.values.data, TOLERANCE, `values of sequence ${b}`);
  }
  const gainTensors = [norms.q?.gain, norms.k?.gain].filter((gain) => gain !== undefined);
  tf.dispose([{ ...after }, { ...cache }, heads, gainTensors, tables === undefined ? [] : { ...tables }]);
  expect(tf.memory().numTensors, `tensors left behind by ${title}`).toBe(before);
}

function toTensor({ shape, data }: Tensor64): tf.Tensor {
  return tf.tensor(Float32Array.from(data), [...shape]);
}

/** A cache of which only the first slots of each sequence hold something. */
function cacheOf({ shape, data }: Tensor64, lengths: readonly number[], free: number): tf.Tensor4D {
  const [B = 0, K = 0, S = 0, D = 0] = shape;
  const values = Float32Array.from(data, (value, i) => {
    return Math.floor(i / D) % S < at(lengths, Math.floor(i / (K * S * D))) ? value : free;
  });
  return tf.tensor<tf.Rank.R4>(values, [B, K, S, D]);
}

/** Sequence b of `[B,T,heads,D]`: `[1,heads,T,D]`. */
function byHead(x: Tensor64, b: number): Tensor64 {
  const [, T = 0, heads = 0, D = 0] = x.shape;
  const rows = rowsOf(x);
  const swapped = Array.from({ length: heads }, (_, h) =>
    Array.from({ length: T }, (__, t) => [...at(rows, (b * T + t) * heads + h)]),
  );
  return tensor64([1, heads, T, D], swapped.flat(2));
}

/** The first slots of sequence b of a cache: `[1,K,length,D]`. */
function part({ shape, data }: Tensor64, b: number, length: number): Tensor64 {
  const [, K = 0, S = 0, D = 0] = shape;
  const heads = Array.from({ length: K }, (_, head) => {
    const start = (b * K + head) * S * D;
    return [...data.subarray(start, start + length * D)];
  });
  return tensor64([1, K, length, D], heads.flat());
}

/** Along the slots. */
function joined(first: Tensor64, second: Tensor64): Tensor64 {
  const [, K = 0, before = 0, D = 0] = first.shape;
  const T = at(second.shape, 2);
  const heads = Array.from({ length: K }, (_, head) => [
    ...first.data.subarray(head * before * D, (head + 1) * before * D),
    ...second.data.subarray(head * T * D, (head + 1) * T * D),
  ]);
  return tensor64([1, K, before + T, D], heads.flat());
}
