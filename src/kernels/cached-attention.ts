/**
 * Attention over a key-value cache on the GPU: keys and values of new tokens are written into its slots, and the new
 * tokens attend to their sequences, without a mask and without a copy of the cache.
 *
 * Three passes, for T new tokens of B sequences with individual lengths (decoding: T = 1). `rotateQueries` normalises
 * queries and rotates them by position; `placeKeys` does the same with keys and writes them and the values into their
 * slots; `attend` has an invocation per query, which runs over the keys up to its own, four at a time, with a running
 * maximum and sum (arXiv 1805.02867). Slots past the end of a sequence are never read, so their contents do not matter.
 *
 * q, y `[B,T,H,D]`, k, v `[B,T,K,D]`, K divides H; keys and values `[B,K,S,D]`, changed in place; lengths `[B]` int32,
 * tokens held before; cosines and sines `[S,D]`, by position. D must be a multiple of four. Grid: an invocation per
 * head and token. Sums accumulate in the output, because arrays in an invocation are expensive on software adapters. No
 * optional feature.
 */
import type * as tf from '@tensorflow/tfjs-core';
import { allocate, dispatch, FLAT_MAIN, FLAT_WORKGROUP, flatIndex, type Program } from '../gpu/dispatch.ts';
import { callWasm, hasWasmKernels, wasmScratch } from '../gpu/wasm-calls.ts';
import { elements, rotatedHead } from './head-rotation.ts';

/** The cache of a layer, `[B,K,S,D]` each. */
interface Slots {
  readonly keys: tf.Tensor4D;
  readonly values: tf.Tensor4D;
}

/** The positions of new tokens. */
interface Positions {
  /** `[B]` int32 */
  readonly lengths: tf.Tensor1D;
  /** `[S,1,D]` each */
  readonly cos: tf.Tensor;
  readonly sin: tf.Tensor;
}

/** The normalisation before the rotation. */
interface HeadNorm {
  /** `[D]` */
  readonly gain: tf.Tensor1D;
  readonly eps: number;
}

/** Queries, optionally normalised, rotated by their positions: `[B,T,H,D]`. */
export function rotateQueries(q: tf.Tensor4D, { lengths, cos, sin }: Positions, norm?: HeadNorm): tf.Tensor4D {
  const [B, T, H, D] = q.shape;
  const y = allocate<tf.Rank.R4>(q.shape);
  if (hasWasmKernels()) {
    callWasm('rotateAfter', [q, lengths, cos, sin, norm?.gain, y], [B * T * H, T, H, D, norm?.eps ?? 0]);
    return y;
  }
  dispatch({
    program: queryProgram(norm?.eps),
    tensors: [q, lengths, cos, sin, ...(norm === undefined ? [] : [norm.gain]), y],
    parameters: [B * T * H, T, H, D],
    size: [B * T * H],
    workgroupSize: [FLAT_WORKGROUP],
  });
  return y;
}

/** Writes keys, rotated as by {@link rotateQueries}, and values into their slots. */
export function placeKeys(
  { k, v }: { readonly k: tf.Tensor4D; readonly v: tf.Tensor4D },
  { keys, values }: Slots,
  { lengths, cos, sin }: Positions,
  norm?: HeadNorm,
): void {
  const [B, T, K, D] = k.shape;
  if (hasWasmKernels()) {
    const sizes = [B * T * K, T, K, D, keys.shape[2]];
    callWasm('placeKeys', [k, v, lengths, cos, sin, norm?.gain, keys, values], [...sizes, norm?.eps ?? 0]);
    return;
  }
  dispatch({
    program: keyProgram(norm?.eps),
    tensors: [k, v, lengths, cos, sin, ...(norm === undefined ? [] : [norm.gain]), keys, values],
    parameters: [B * T * K, T, K, D, keys.shape[2]],
    size: [B * T * K],
    workgroupSize: [FLAT_WORKGROUP],
  });
}

/** `softmax(q k^T / sqrt(D)) v` of rotated queries over the keys up to each: `[B,T,H,D]`. */
export function attendToSlots(q: tf.Tensor4D, { keys, values }: Slots, lengths: tf.Tensor1D): tf.Tensor4D {
  const [B, T, H, D] = q.shape;
  const [, K, S] = keys.shape;
  const y = allocate<tf.Rank.R4>(q.shape);
  if (hasWasmKernels()) {
    const scratch = wasmScratch(S + 4); // scores of a query, rounded up to vectors
    callWasm('attendToSlots', [q, keys, values, lengths, y], [B, T, H, K, S, D, 1 / Math.sqrt(D), scratch]);
    return y;
  }
  dispatch({
    program: ATTEND,
    tensors: [q, keys, values, lengths, y],
    parameters: [B * T * H, T, H, K, S, D / 4],
    size: [B * T * H],
    workgroupSize: [FLAT_WORKGROUP],
  });
  return y;
}

function queryProgram(eps: number | undefined): Program {
  const hasNorm = eps !== undefined;
  return {
    key: `cached-attention queries ${hasNorm ? eps : 'alone'}`,
    source: () => `
${elements(false)}
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> lengths: array<u32>;
@group(0) @binding(2) var<storage, read> cosines: array<f32>;
@group(0) @binding(3) var<storage, read> sines: array<f32>;
${hasNorm ? '@group(0) @binding(4) var<storage, read> gain: array<f32>;' : ''}
@group(0) @binding(${hasNorm ? 5 : 4}) var<storage, read_write> y: array<f32>;
struct Sizes { rows: u32, T: u32, H: u32, D: u32 }
@group(0) @binding(${hasNorm ? 6 : 5}) var<uniform> sizes: Sizes;

${FLAT_MAIN} {
  ${flatIndex('sizes.rows')}
  let token = i / sizes.H;
  let angle = (lengths[token / sizes.T] + token % sizes.T) * sizes.D;
  let start = i * sizes.D;
  let goal = start;
  ${rotatedHead(eps)}
}`,
  };
}

function keyProgram(eps: number | undefined): Program {
  const hasNorm = eps !== undefined;
  const after = hasNorm ? 6 : 5;
  return {
    key: `cached-attention keys ${hasNorm ? eps : 'alone'}`,
    source: () => `
${elements(false)}
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> v: array<f32>;
@group(0) @binding(2) var<storage, read> lengths: array<u32>;
@group(0) @binding(3) var<storage, read> cosines: array<f32>;
@group(0) @binding(4) var<storage, read> sines: array<f32>;
${hasNorm ? '@group(0) @binding(5) var<storage, read> gain: array<f32>;' : ''}
@group(0) @binding(${after}) var<storage, read_write> y: array<f32>;
@group(0) @binding(${after + 1}) var<storage, read_write> values: array<f32>;
struct Sizes { rows: u32, T: u32, K: u32, D: u32, S: u32 }
@group(0) @binding(${after + 2}) var<uniform> sizes: Sizes;

${FLAT_MAIN} {
  ${flatIndex('sizes.rows')}
  let token = i / sizes.K;
  let b = token / sizes.T;
  let position = lengths[b] + token % sizes.T;
  let angle = position * sizes.D;
  let start = i * sizes.D;
  let goal = ((b * sizes.K + i % sizes.K) * sizes.S + position) * sizes.D;
  ${rotatedHead(eps)}
  for (var d = 0u; d < sizes.D; d++) { values[goal + d] = v[start + d]; }
}`,
  };
}

const LANES = [0, 1, 2, 3] as const;
const AXES = ['x', 'y', 'z', 'w'] as const;

const ATTEND: Program = {
  key: 'cached-attention attend',
  source: () => `
@group(0) @binding(0) var<storage, read> q: array<vec4f>;
@group(0) @binding(1) var<storage, read> keys: array<vec4f>;
@group(0) @binding(2) var<storage, read> values: array<vec4f>;
@group(0) @binding(3) var<storage, read> lengths: array<u32>;
@group(0) @binding(4) var<storage, read_write> y: array<vec4f>;
struct Sizes { rows: u32, T: u32, H: u32, K: u32, S: u32, vectors: u32 }
@group(0) @binding(5) var<uniform> sizes: Sizes;

const HIDDEN = -1e30; // the score of a missing key; finite, so that no difference is NaN

${FLAT_MAIN} {
  ${flatIndex('sizes.rows')}
  let vectors = sizes.vectors;
  let token = i / sizes.H;
  let b = token / sizes.T;
  let head = (i % sizes.H) / (sizes.H / sizes.K);
  let first = (b * sizes.K + head) * sizes.S;
  let seen = lengths[b] + token % sizes.T + 1u;
  let scale = 1.0 / sqrt(f32(4u * vectors));
  let query = i * vectors;
  for (var d = 0u; d < vectors; d++) { y[query + d] = vec4f(); }
  var high = HIDDEN;
  var total = 0.0;
  for (var s = 0u; s < seen; s += 4u) {
    ${LANES.map((j) => `let key${j} = (first + min(s + ${j}u, seen - 1u)) * vectors;`).join('\n    ')}
    var score = vec4f();
    for (var d = 0u; d < vectors; d++) {
      let left = q[query + d];
      score += vec4f(${LANES.map((j) => `dot(left, keys[key${j} + d])`).join(', ')});
    }
    score = select(vec4f(HIDDEN), scale * score, vec4u(s, s + 1u, s + 2u, s + 3u) < vec4u(seen));
    let before = high;
    high = max(high, max(max(score.x, score.y), max(score.z, score.w)));
    let shrink = exp(before - high);
    let p = exp(score - high);
    total = total * shrink + p.x + p.y + p.z + p.w;
    for (var d = 0u; d < vectors; d++) {
      y[query + d] = y[query + d] * shrink + ${LANES.map((j) => `p.${AXES[j]} * values[key${j} + d]`).join(' + ')};
    }
  }
  for (var d = 0u; d < vectors; d++) { y[query + d] = y[query + d] / total; }
}`,
};
