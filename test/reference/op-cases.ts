/**
 * The ops of the lab with the shapes they are judged at: tiny (every axis 1), odd (no axis a multiple of 4) and
 * crossing the tiles of matrix kernels (32 and 64) by one.
 */
import type * as tf from '@tensorflow/tfjs-core';
import { Rng } from '../../src/common/rng.ts';
import { packRows } from '../../src/data/packed-rows.ts';
import { attention, causalAttention, causalMask, spanVisibility } from '../../src/ops/attention.ts';
import { embedding, selectRows } from '../../src/ops/embedding.ts';
import { linear } from '../../src/ops/linear.ts';
import { rmsNorm } from '../../src/ops/rms-norm.ts';
import { rope, ropeTables } from '../../src/ops/rope.ts';
import { swiGlu } from '../../src/ops/swiglu.ts';
import { attentionReference } from './attention-reference.ts';
import { opCase, type OpCase } from './op-case.ts';
import { embeddingReference, linearReference } from './linear-reference.ts';
import { randomTensor64 } from './random-tensor64.ts';
import { rmsNormReference } from './rms-norm-reference.ts';
import { ropeReference } from './rope-reference.ts';
import { EXTREME_SCORE_CASES, randomIds, SCORE_CASES } from './score-cases.ts';
import { swiGluReference } from './swiglu-reference.ts';
import { add, at, rowsOf, tensor64, type Tensor64 } from './tensor64.ts';

/** Every op at every shape. */
export const OP_CASES: readonly OpCase[] = [
  ...[
    [1, 1, 1],
    [7, 5, 3],
    [33, 65, 130],
    [33, 64, 36], // every width a multiple of four
  ].flatMap(([N = 0, I = 0, O = 0]) => [
    linearCase(N, I, O),
    biasedLinearCase(N, I, O),
    residualLinearCase(N, I, O),
    gatedLinearCase(N, I, O),
  ]),
  ...[
    [1, 1],
    [7, 5],
    [65, 130],
    [131, 36], // more rows than are summed in one stretch
  ].map(([N = 0, C = 0]) => rmsNormCase(N, C)),
  ...[
    [1, 1, 1, 2, 0],
    [2, 5, 3, 6, 7],
    [2, 33, 2, 34, 0],
  ].flatMap(([B = 0, T = 0, H = 0, D = 0, first = 0]) => [
    ropeCase(B, T, H, D, first),
    normedRopeCase(B, T, H, D, first),
  ]),
  ...[
    [1, 1],
    [7, 5],
    [33, 130],
  ].map(([N = 0, F = 0]) => swiGluCase(N, F)),
  ...[
    [1, 1, 2],
    [9, 5, 7],
    [70, 33, 65],
  ].map(([N = 0, C = 0, V = 0]) => embeddingCase(N, C, V)),
  ...[
    [1, 1, 1],
    [7, 5, 3],
    [65, 33, 40],
  ].map(([N = 0, C = 0, M = 0]) => selectRowsCase(N, C, M)),
  ...SCORE_CASES,
  attentionCase({ B: 1, H: 1, K: 1, T: 1, S: 1, D: 1, first: 0 }),
  attentionCase({ B: 2, H: 4, K: 2, T: 5, S: 5, D: 3, first: 0 }),
  attentionCase({ B: 3, H: 6, K: 2, T: 7, S: 7, D: 5, first: 0 }),
  attentionCase({ B: 1, H: 4, K: 1, T: 33, S: 33, D: 34, first: 0 }),
  ...[
    [1, 1, 1, 1, 4],
    [2, 4, 2, 5, 3], // no kernel for such heads
    [3, 6, 2, 7, 12],
    [1, 4, 1, 33, 36],
  ].map(([B = 0, H = 0, K = 0, T = 0, D = 0]) => causalAttentionCase(B, H, K, T, D)),
  packedAttentionCase({ H: 1, K: 1, T: 1, D: 4 }, [[0, 1]]),
  packedAttentionCase({ H: 4, K: 2, T: 11, D: 3 }, [
    [3, 2, 4, 1],
    [0, 5, 3],
  ]), // no kernel for such heads
  packedAttentionCase({ H: 6, K: 2, T: 24, D: 12 }, [
    [7, 1, 9, 5],
    [0, 1, 1, 1, 21],
    [13, 10],
  ]),
  // One more token, and a few more, over a cache with slots still free.
  attentionCase({ B: 2, H: 4, K: 2, T: 1, S: 9, D: 6, first: 5 }),
  attentionCase({ B: 2, H: 4, K: 2, T: 3, S: 9, D: 6, first: 2 }),
];

/** Cases over several tiles of a kernel, whose finite differences take seconds. */
export const LARGE_OP_CASES: readonly OpCase[] = [
  attentionCase({ B: 2, H: 3, K: 3, T: 65, S: 65, D: 8, first: 0 }),
  causalAttentionCase(2, 3, 3, 65, 8),
  packedAttentionCase({ H: 4, K: 1, T: 70, D: 36 }, [
    [33, 5, 30],
    [1, 64, 5],
  ]),
  packedAttentionCase({ H: 2, K: 2, T: 131, D: 8 }, [[6, 15, 15, 2, 15, 15, 16, 17, 14, 15]]),
];

/**
 * Inputs at the ends of the float range of an exponential or a division, where a careless formula gives Infinity or
 * NaN.
 */
export const EXTREME_CASES: readonly OpCase[] = [
  opCase<[tf.Tensor2D, tf.Tensor2D]>(
    'swiGlu of gates from -100 to 100',
    [tensor64([1, 5], [-100, -30, 0, 30, 100]), tensor64([1, 5], [1, -2, 3, 0.5, -1])],
    swiGlu,
    swiGluReference,
  ),
  opCase<[tf.Tensor2D, tf.Tensor1D]>(
    'rmsNorm of a row of zeros and rows of tiny and large values',
    [tensor64([3, 2], [0, 0, 1e-2, -2e-2, 3e4, 1e4]), tensor64([2], [1, 0.5])],
    (x, gain) => rmsNorm(x, gain, 1e-2),
    (x, gain) => rmsNormReference(x, gain, 1e-2),
  ),
  ...EXTREME_SCORE_CASES,
  opCase<[tf.Tensor4D, tf.Tensor4D, tf.Tensor4D]>(
    'causalAttention with scores of hundreds',
    [
      tensor64([1, 2, 1, 4], [20, 10, 0, 1, -20, 30, 1, 0]),
      tensor64([1, 2, 1, 4], [20, 0, 1, 0, 0, 20, 0, 1]),
      tensor64([1, 2, 1, 4], [1, 2, 3, 4, 5, 6, 7, 8]),
    ],
    (q, k, v) => causalAttention(q, k, v),
    (q, k, v) => swapped(attentionReference(swapped(q), swapped(k), swapped(v))),
  ),
  opCase<[tf.Tensor4D, tf.Tensor4D, tf.Tensor4D]>(
    'attention with scores of hundreds',
    [
      tensor64([1, 1, 2, 2], [20, 10, -20, 30]),
      tensor64([1, 1, 2, 2], [20, 0, 0, 20]),
      tensor64([1, 1, 2, 2], [1, 2, 3, 4]),
    ],
    (q, k, v) => attention(q, k, v, causalMask(2, 2)),
    (q, k, v) => attentionReference(q, k, v),
  ),
];

function linearCase(N: number, I: number, O: number): OpCase {
  const title = `linear [${N},${I}] -> [${N},${O}]`;
  return opCase<[tf.Tensor2D, tf.Tensor2D]>(
    title,
    [randomTensor64([N, I], `${title} x`), randomTensor64([O, I], `${title} weight`)],
    (x, weight) => linear(x, weight),
    (x, weight) => linearReference(x, weight),
  );
}

function biasedLinearCase(N: number, I: number, O: number): OpCase {
  const title = `linear with bias [${N},${I}] -> [${N},${O}]`;
  return opCase<[tf.Tensor2D, tf.Tensor2D, tf.Tensor1D]>(
    title,
    [
      randomTensor64([N, I], `${title} x`),
      randomTensor64([O, I], `${title} weight`),
      randomTensor64([O], `${title} bias`),
    ],
    (x, weight, bias) => linear(x, weight, { bias }),
    linearReference,
  );
}

function residualLinearCase(N: number, I: number, O: number): OpCase {
  const title = `linear with bias and residual [${N},${I}] -> [${N},${O}]`;
  return opCase<[tf.Tensor2D, tf.Tensor2D, tf.Tensor1D, tf.Tensor2D]>(
    title,
    [
      randomTensor64([N, I], `${title} x`),
      randomTensor64([O, I], `${title} weight`),
      randomTensor64([O], `${title} bias`),
      randomTensor64([N, O], `${title} residual`),
    ],
    (x, weight, bias, residual) => linear(x, weight, { bias, residual }),
    (x, weight, bias, residual) => add(linearReference(x, weight, bias), residual),
  );
}

function gatedLinearCase(N: number, I: number, O: number): OpCase {
  const title = `gated linear [${N},${I}] -> [${N},${O}]`;
  return opCase<[tf.Tensor2D, tf.Tensor2D, tf.Tensor2D]>(
    title,
    [
      randomTensor64([N, I], `${title} x`),
      randomTensor64([O, I], `${title} weight`),
      randomTensor64([N, O], `${title} gate`),
    ],
    (x, weight, gate) => linear(x, weight, { gate }),
    (x, weight, gate) => swiGluReference(gate, linearReference(x, weight)),
  );
}

function rmsNormCase(N: number, C: number): OpCase {
  const title = `rmsNorm [${N},${C}]`;
  const eps = 1e-5;
  return opCase<[tf.Tensor2D, tf.Tensor1D]>(
    title,
    [randomTensor64([N, C], `${title} x`), randomTensor64([C], `${title} gain`)],
    (x, gain) => rmsNorm(x, gain, eps),
    (x, gain) => rmsNormReference(x, gain, eps),
  );
}

function ropeCase(B: number, T: number, H: number, D: number, first: number): OpCase {
  const title = `rope [${B},${T},${H},${D}] from position ${first}`;
  const theta = 100;
  const positions = Array.from({ length: T * H }, (_, row) => first + Math.floor(row / H));
  return opCase<[tf.Tensor4D]>(
    title,
    [randomTensor64([B, T, H, D], `${title} x`)],
    (x) => rope(x, ropeTables(first, T, D, theta)),
    // The reference counts rows: [B,T,H,D] is [B,T*H,D] with each position H times.
    (x) => ({ shape: x.shape, data: ropeReference({ shape: [B, T * H, D], data: x.data }, positions, theta).data }),
  );
}

function normedRopeCase(B: number, T: number, H: number, D: number, first: number): OpCase {
  const title = `rope of normed [${B},${T},${H},${D}] from position ${first}`;
  const [theta, eps] = [100, 1e-5];
  const positions = Array.from({ length: T * H }, (_, row) => first + Math.floor(row / H));
  return opCase<[tf.Tensor4D, tf.Tensor1D]>(
    title,
    [randomTensor64([B, T, H, D], `${title} x`), randomTensor64([D], `${title} gain`)],
    (x, gain) => rope(x, ropeTables(first, T, D, theta), { gain, eps }),
    (x, gain) => {
      const { data } = rmsNormReference({ shape: [B * T * H, D], data: x.data }, gain, eps);
      return { shape: x.shape, data: ropeReference({ shape: [B, T * H, D], data }, positions, theta).data };
    },
  );
}

function swiGluCase(N: number, F: number): OpCase {
  const title = `swiGlu [${N},${F}]`;
  return opCase<[tf.Tensor2D, tf.Tensor2D]>(
    title,
    [randomTensor64([N, F], `${title} gate`, 2), randomTensor64([N, F], `${title} up`)],
    swiGlu,
    swiGluReference,
  );
}

/** Ids repeat, so that the gradient of a row is a sum. */
function embeddingCase(N: number, C: number, V: number): OpCase {
  const title = `embedding of ${N} ids in [${V},${C}]`;
  const ids = randomIds(N, V, title);
  return opCase<[tf.Tensor2D]>(
    title,
    [randomTensor64([V, C], `${title} table`)],
    (table) => embedding(table, Int32Array.from(ids)),
    (table) => embeddingReference(table, ids),
  );
}

function selectRowsCase(N: number, C: number, M: number): OpCase {
  const title = `selectRows ${M} of [${N},${C}]`;
  const rows = new Rng(title).shuffle(Array.from({ length: N }, (_, n) => n)).slice(0, M);
  return opCase<[tf.Tensor2D]>(
    title,
    [randomTensor64([N, C], `${title} x`)],
    (x) => selectRows(x, Int32Array.from(rows)),
    (x) => embeddingReference(x, rows),
  );
}

interface AttentionShape {
  readonly B: number;
  readonly H: number;
  readonly K: number;
  readonly T: number;
  readonly S: number;
  readonly D: number;
  /** The position of the first query; keys after the last query are free slots of a cache. */
  readonly first: number;
}

function attentionCase({ B, H, K, T, S, D, first }: AttentionShape): OpCase {
  const title = `attention q [${B},${H},${T},${D}] over k [${B},${K},${S},${D}] from position ${first}`;
  // The reference takes the queries for the last T of its positions, so it is given no free slots.
  const used = first + T;
  return opCase<[tf.Tensor4D, tf.Tensor4D, tf.Tensor4D]>(
    title,
    [
      randomTensor64([B, H, T, D], `${title} q`),
      randomTensor64([B, K, S, D], `${title} k`),
      randomTensor64([B, K, S, D], `${title} v`),
    ],
    (q, k, v) => attention(q, k, v, causalMask(T, S, first)),
    (q, k, v) => attentionReference(q, firstKeys(k, used), firstKeys(v, used)),
  );
}

function causalAttentionCase(B: number, H: number, K: number, T: number, D: number): OpCase {
  const title = `causalAttention q [${B},${T},${H},${D}] over k [${B},${T},${K},${D}]`;
  return opCase<[tf.Tensor4D, tf.Tensor4D, tf.Tensor4D]>(
    title,
    [
      randomTensor64([B, T, H, D], `${title} q`),
      randomTensor64([B, T, K, D], `${title} k`),
      randomTensor64([B, T, K, D], `${title} v`),
    ],
    (q, k, v) => causalAttention(q, k, v),
    (q, k, v) => swapped(attentionReference(swapped(q), swapped(k), swapped(v))),
  );
}

/** @param rows - the lengths in each row: of what is shared, then of the parts; padding follows */
function packedAttentionCase(
  { H, K, T, D }: { readonly H: number; readonly K: number; readonly T: number; readonly D: number },
  rows: readonly (readonly number[])[],
): OpCase {
  const B = rows.length;
  const title = `causalAttention q [${B},${T},${H},${D}] over k [${B},${T},${K},${D}] in rows of ${rows.join(' / ')}`;
  const plans = rows.map(([shared, ...parts]) => ({
    shared: new Int32Array(shared ?? 0),
    parts: parts.map((length) => new Int32Array(length)),
  }));
  const { spans } = packRows(plans, T).layout;
  const segments = rows.map((lengths) => {
    const held = lengths.flatMap((length, segment) => Array<number>(length).fill(segment));
    return Array.from({ length: T }, (_, t) => held[t] ?? -t); // a token of padding sees itself alone
  });
  const visibility = { segments, sharedKeys: rows.map(([shared = 0]) => shared) };
  return opCase<[tf.Tensor4D, tf.Tensor4D, tf.Tensor4D]>(
    title,
    [
      randomTensor64([B, T, H, D], `${title} q`),
      randomTensor64([B, T, K, D], `${title} k`),
      randomTensor64([B, T, K, D], `${title} v`),
    ],
    (q, k, v) => causalAttention(q, k, v, spanVisibility(spans, B, T)),
    (q, k, v) => swapped(attentionReference(swapped(q), swapped(k), swapped(v), visibility)),
  );
}

/** [B, T, H, D] <-> [B, H, T, D] */
function swapped(x: Tensor64): Tensor64 {
  const [B = 0, T = 0, H = 0, D = 0] = x.shape;
  const y = tensor64([B, H, T, D]);
  const rows = rowsOf(x);
  for (const [i, row] of rowsOf(y).entries()) {
    const [b, h, t] = [Math.floor(i / (H * T)), Math.floor(i / T) % H, i % T];
    row.set(at(rows, (b * T + t) * H + h));
  }
  return y;
}

/** [B, K, S, D] -> [B, K, used, D] */
function firstKeys(x: Tensor64, used: number): Tensor64 {
  const [B = 0, K = 0, S = 0, D = 0] = x.shape;
  const y = tensor64([B, K, used, D]);
  for (let head = 0; head < B * K; head++)
    y.data.set(x.data.subarray(head * S * D, (head * S + used) * D), head * used * D);
  return y;
}
