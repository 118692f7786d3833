/**
 * Matrices that stay compressed, as halves or as integers with a scale for each group of a row: a product expands some
 * rows at a time and has the bits of the product with all of them expanded.
 */
import { B_TURNED, product, productScratch } from './product';
import { add } from './rows';
import { FLOAT, VECTOR } from './simd';

/** The formats; `kernels/compressed-matmul.ts` numbers them. */
const HALVES: u32 = 0;
const BYTES: u32 = 1;

/** Rows expanded at once: the columns that a product packs together. */
const ROWS: usize = 64;
/** Weights expanded at once. */
const STEP: usize = 8;
/** 2^112, which moves the exponent of a half to where a float has it; and the bits of its infinity there. */
const HALF_TO_FLOAT: f32 = 5.192296858534828e33;
const INFINITE_HALF: i32 = 0x7c00 << 13;

/** Floats of scratch for a product with rows of K weights. */
export function compressedScratch(K: usize): usize {
  return ROWS * K + productScratch();
}

/** Four halves, zero-extended, as floats. */
// @ts-ignore: decorator
@inline
function halvesToFloats(halves: v128): v128 {
  const sign = i32x4.shl(v128.and(halves, i32x4.splat(0x8000)), 16);
  const bits = i32x4.shl(v128.and(halves, i32x4.splat(0x7fff)), 13);
  const infinite = v128.and(i32x4.ge_s(bits, i32x4.splat(INFINITE_HALF)), i32x4.splat(0x7f800000));
  return v128.or(v128.or(f32x4.mul(bits, f32x4.splat(HALF_TO_FLOAT)), infinite), sign);
}

/** Expands a row of K weights, a multiple of eight, or of four as halves. */
function expand(values: usize, scales: usize, to: usize, K: usize, groups: usize, format: u32): void {
  if (format == HALVES) {
    for (let k: usize = 0; k < K; k += 4) v128.store(to + FLOAT * k, halvesToFloats(v128.load16x4_u(values + 2 * k)));
    return;
  }
  const size = K / groups;
  for (let group: usize = 0; group < groups; group++) {
    const scale = v128.load32_splat(scales + FLOAT * group);
    const end = (group + 1) * size;
    for (let k = group * size; k < end; k += STEP) {
      let first: v128;
      let second: v128;
      if (format == BYTES) {
        // -128 has no positive counterpart and counts as -127 everywhere.
        const eight = i16x8.max_s(v128.load8x8_s(values + k), i16x8.splat(-127));
        first = i32x4.extend_low_i16x8_s(eight);
        second = i32x4.extend_high_i16x8_s(eight);
      } else {
        const word = v128.load32_splat(values + k / 2);
        first = i32x4.shr_s(i32x4.mul(word, i32x4(1 << 28, 1 << 24, 1 << 20, 1 << 16)), 28);
        second = i32x4.shr_s(i32x4.mul(word, i32x4(1 << 12, 1 << 8, 1 << 4, 1)), 28);
      }
      v128.store(to + FLOAT * k, f32x4.mul(f32x4.convert_i32x4_s(first), scale));
      v128.store(to + FLOAT * k + VECTOR, f32x4.mul(f32x4.convert_i32x4_s(second), scale));
    }
  }
}

/** Bytes of a row of K weights. */
// @ts-ignore: decorator
@inline
function rowBytes(K: usize, format: u32): usize {
  if (format == HALVES) return 2 * K;
  return format == BYTES ? K : K / 2;
}

/**
 * Columns `first` to `first + N - 1` of `c = a b^T (+ bias) (+ residual)`, `[M,width]`.
 *
 * @param a - `[M,K]`
 * @param values - b, `[N,K]`
 * @param scales - `[N,groups]`, or 0 for halves
 * @param bias - `[width]` or 0
 * @param residual - `[M,width]` or 0
 */
export function compressedMatmul(
  a: usize,
  values: usize,
  scales: usize,
  bias: usize,
  residual: usize,
  c: usize,
  M: usize,
  N: usize,
  K: usize,
  groups: usize,
  format: u32,
  first: usize,
  width: usize,
  scratch: usize,
): void {
  const bytes = rowBytes(K, format);
  const rest = scratch + FLOAT * ROWS * K;
  for (let n0: usize = 0; n0 < N; n0 += ROWS) {
    const rows = min(ROWS, N - n0);
    for (let i: usize = 0; i < rows; i++) {
      const n = n0 + i;
      expand(values + n * bytes, scales + FLOAT * n * groups, scratch + FLOAT * K * i, K, groups, format);
    }
    product(a, FLOAT * K, scratch, FLOAT * K, c + FLOAT * (first + n0), FLOAT * width, M, rows, K, B_TURNED, false, rest);
  }
  for (let m: usize = 0; m < M; m++) {
    const start = FLOAT * (m * width + first);
    if (bias != 0) add(c + start, bias + FLOAT * first, c + start, N);
    if (residual != 0) add(c + start, residual + start, c + start, N);
  }
}

/**
 * The rows of a table, from `first` on, that some ids name; others are not written.
 *
 * @param ids - `[N]`
 * @param values - `[rows,C]`
 * @param found - `[N,C]`
 */
export function compressedRows(
  ids: usize,
  values: usize,
  scales: usize,
  found: usize,
  N: usize,
  C: usize,
  groups: usize,
  format: u32,
  first: u32,
  rows: u32,
): void {
  const bytes = rowBytes(C, format);
  for (let i: usize = 0; i < N; i++) {
    const row = load<u32>(ids + FLOAT * i) - first; // wraps to a huge number for an id before the first
    if (row >= rows) continue;
    const from = <usize>row;
    expand(values + from * bytes, scales + FLOAT * from * groups, found + FLOAT * C * i, C, groups, format);
  }
}
