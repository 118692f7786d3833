/**
 * Attention with grouped queries, without a score matrix of all positions: blocks of queries over the keys that they
 * see, as products of small matrices (flash attention, arXiv 2307.08691).
 */
import { PLAIN, A_TURNED, B_TURNED, product, productScratch } from './product';
import { dot } from './rows';
import { exp4, FLOAT, log, maxLanes, sumLanes, VECTOR } from './simd';

/** Queries of a block. */
const BLOCK: usize = 32;
/** The score of a key that a query does not see. */
const UNSEEN: f32 = -1e30;

/** The keys of a block of queries: columns `[0,shared)` are keys from 0, the others keys from `own`. */
let shared: usize = 0;
let own: usize = 0;
let columns: usize = 0;

/** Floats of scratch for T positions: two blocks of scores, and the products' own. */
export function attentionScratch(T: usize): usize {
  return 2 * BLOCK * rowOf(T) + productScratch();
}

/** Floats of a row of scores: the columns of all keys, rounded up to vectors. */
// @ts-ignore: decorator
@inline
export function rowOf(T: usize): usize {
  return (T + 3) & ~3;
}

/** Finds the keys of queries t0 to t1 of a sequence. @param spans - `[T,2]` or 0 */
function findKeys(spans: usize, t0: usize, t1: usize): void {
  shared = 0;
  own = 0;
  if (spans != 0) {
    own = t0;
    for (let t = t0; t < t1; t++) {
      shared = max(shared, load<usize>(spans + 8 * t));
      own = min(own, load<usize>(spans + 8 * t, FLOAT));
    }
    if (shared >= own) {
      shared = 0;
      own = 0;
    }
  }
  columns = shared + t1 - own;
}

/** Writes {@link UNSEEN} where query t sees no key; also behind the columns, up to a vector. */
function mask(scores: usize, spans: usize, t: usize): void {
  const row = rowOf(columns);
  const gap = shared - own; // from a key to its column; wraps around
  fill(scores, t + 1 + gap, row);
  if (spans == 0) return;
  const sharedEnd = load<usize>(spans + 8 * t);
  const ownStart = load<usize>(spans + 8 * t, FLOAT);
  fill(scores, sharedEnd, ownStart + gap);
}

// @ts-ignore: decorator
@inline
export function fill(scores: usize, from: usize, to: usize): void {
  for (let i = from; i < to; i++) store<f32>(scores + FLOAT * i, UNSEEN);
}

/** `scores = q k^T` of a block, masked. Rows of q are qBytes apart, of k kBytes. */
function scoreBlock(
  q: usize,
  qBytes: usize,
  k: usize,
  kBytes: usize,
  scores: usize,
  rowBytes: usize,
  spans: usize,
  t0: usize,
  t1: usize,
  D: usize,
  scratch: usize,
): void {
  const rows = t1 - t0;
  const first = q + t0 * qBytes;
  if (shared > 0) product(first, qBytes, k, kBytes, scores, rowBytes, rows, shared, D, B_TURNED, false, scratch);
  const from = k + own * kBytes;
  const goal = scores + FLOAT * shared;
  product(first, qBytes, from, kBytes, goal, rowBytes, rows, columns - shared, D, B_TURNED, false, scratch);
  for (let t = t0; t < t1; t++) mask(scores + (t - t0) * rowBytes, spans, t);
}

/** `y = weights x` of a block: `[rows,D]` from `[rows,columns]` and rows of keys. */
function mixBlock(
  weights: usize,
  rowBytes: usize,
  x: usize,
  xBytes: usize,
  y: usize,
  yBytes: usize,
  rows: usize,
  D: usize,
  scratch: usize,
): void {
  if (shared > 0) product(weights, rowBytes, x, xBytes, y, yBytes, rows, D, shared, PLAIN, false, scratch);
  const from = weights + FLOAT * shared;
  const ofOwn = x + own * xBytes;
  product(from, rowBytes, ofOwn, xBytes, y, yBytes, rows, D, columns - shared, PLAIN, shared > 0, scratch);
}

/** `sums += weights^T x`: rows of keys from `[rows,columns]` and rows of queries. */
function addToKeys(
  weights: usize,
  rowBytes: usize,
  x: usize,
  xBytes: usize,
  sums: usize,
  sumBytes: usize,
  rows: usize,
  D: usize,
  scratch: usize,
): void {
  if (shared > 0) product(weights, rowBytes, x, xBytes, sums, sumBytes, shared, D, rows, A_TURNED, true, scratch);
  const goal = sums + own * sumBytes;
  product(weights + FLOAT * shared, rowBytes, x, xBytes, goal, sumBytes, columns - shared, D, rows, A_TURNED, true, scratch);
}

/** Softmax of a row, in place. @returns the logarithm of its normaliser */
export function softmaxRow(scores: usize, count: usize, scale: f32): f32 {
  let largest = v128.load(scores);
  for (let i: usize = 4; i < count; i += 4) largest = f32x4.pmax(largest, v128.load(scores + FLOAT * i));
  const top = maxLanes(largest);
  const tops = f32x4.splat(top);
  const scales = f32x4.splat(scale);
  let sums = f32x4.splat(0);
  for (let i: usize = 0; i < count; i += 4) {
    const e = exp4(f32x4.mul(f32x4.sub(v128.load(scores + FLOAT * i), tops), scales));
    v128.store(scores + FLOAT * i, e);
    sums = f32x4.add(sums, e);
  }
  const sum = sumLanes(sums);
  const share = f32x4.splat(1 / sum);
  for (let i: usize = 0; i < count; i += 4) {
    v128.store(scores + FLOAT * i, f32x4.mul(v128.load(scores + FLOAT * i), share));
  }
  return <f32>(<f64>top * <f64>scale + log(<f64>sum));
}

/**
 * `softmax(q k^T scale) v`: q `[B,T,H,D]`, k, v `[B,T,K,D]`, spans `[B,T,2]` or 0 -> y `[B,T,H,D]`, and the logarithm
 * of each query's normaliser, logZ `[B,T,H]`.
 */
export function attentionForward(
  q: usize,
  k: usize,
  v: usize,
  spans: usize,
  y: usize,
  logZ: usize,
  B: usize,
  T: usize,
  H: usize,
  K: usize,
  D: usize,
  scale: f32,
  scratch: usize,
): void {
  const qBytes = FLOAT * H * D;
  const kBytes = FLOAT * K * D;
  const rowBytes = FLOAT * rowOf(T);
  const inner = scratch + BLOCK * rowBytes;
  for (let b: usize = 0; b < B; b++) {
    const ofSequence: usize = spans == 0 ? 0 : spans + 8 * b * T;
    for (let t0: usize = 0; t0 < T; t0 += BLOCK) {
      const t1 = min(T, t0 + BLOCK);
      findKeys(ofSequence, t0, t1);
      const padded = rowOf(columns);
      for (let h: usize = 0; h < H; h++) {
        const head = (b * T * H + h) * FLOAT * D;
        const keyHead = (b * T * K + (h * K) / H) * FLOAT * D;
        scoreBlock(q + head, qBytes, k + keyHead, kBytes, scratch, rowBytes, ofSequence, t0, t1, D, inner);
        for (let t = t0; t < t1; t++) {
          const z = softmaxRow(scratch + (t - t0) * rowBytes, padded, scale);
          store<f32>(logZ + FLOAT * ((b * T + t) * H + h), z);
        }
        const goal = y + head + t0 * qBytes;
        mixBlock(scratch, rowBytes, v + keyHead, kBytes, goal, qBytes, t1 - t0, D, inner);
      }
    }
  }
}

/** dY, q, y `[B,T,H,D]`, k, v `[B,T,K,D]`, logZ `[B,T,H]` -> dQ, dK, dV. */
export function attentionBackward(
  dY: usize,
  q: usize,
  k: usize,
  v: usize,
  spans: usize,
  y: usize,
  logZ: usize,
  dQ: usize,
  dK: usize,
  dV: usize,
  B: usize,
  T: usize,
  H: usize,
  K: usize,
  D: usize,
  scale: f32,
  scratch: usize,
): void {
  const qBytes = FLOAT * H * D;
  const kBytes = FLOAT * K * D;
  const rowBytes = FLOAT * rowOf(T);
  const slopes = scratch + BLOCK * rowBytes;
  const inner = slopes + BLOCK * rowBytes;
  const scales = f32x4.splat(scale);
  memory.fill(dK, 0, B * T * kBytes);
  memory.fill(dV, 0, B * T * kBytes);
  for (let b: usize = 0; b < B; b++) {
    const ofSequence: usize = spans == 0 ? 0 : spans + 8 * b * T;
    for (let t0: usize = 0; t0 < T; t0 += BLOCK) {
      const t1 = min(T, t0 + BLOCK);
      const rows = t1 - t0;
      findKeys(ofSequence, t0, t1);
      const padded = rowOf(columns);
      for (let h: usize = 0; h < H; h++) {
        const head = (b * T * H + h) * FLOAT * D;
        const keyHead = (b * T * K + (h * K) / H) * FLOAT * D;
        const block = head + t0 * qBytes;
        scoreBlock(q + head, qBytes, k + keyHead, kBytes, scratch, rowBytes, ofSequence, t0, t1, D, inner);
        scoreBlock(dY + head, qBytes, v + keyHead, kBytes, slopes, rowBytes, 0, t0, t1, D, inner);
        for (let t = t0; t < t1; t++) {
          const p = scratch + (t - t0) * rowBytes;
          const d = slopes + (t - t0) * rowBytes;
          const at = head + t * qBytes;
          const mean = f32x4.splat(dot(dY + at, y + at, D));
          const z = f32x4.splat(load<f32>(logZ + FLOAT * ((b * T + t) * H + h)));
          for (let i: usize = 0; i < FLOAT * padded; i += VECTOR) {
            const share = exp4(f32x4.sub(f32x4.mul(v128.load(p + i), scales), z));
            v128.store(p + i, share);
            v128.store(d + i, f32x4.mul(f32x4.mul(share, f32x4.sub(v128.load(d + i), mean)), scales));
          }
        }
        mixBlock(slopes, rowBytes, k + keyHead, kBytes, dQ + block, qBytes, rows, D, inner);
        addToKeys(slopes, rowBytes, q + block, qBytes, dK + keyHead, kBytes, rows, D, inner);
        addToKeys(scratch, rowBytes, dY + block, qBytes, dV + keyHead, kBytes, rows, D, inner);
      }
    }
  }
}
