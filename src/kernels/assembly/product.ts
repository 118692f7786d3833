/**
 * Products of matrices. Columns of B are packed into panels of eight, terms in blocks; four rows of A then run over a
 * panel with eight accumulators of four lanes, which keeps both multipliers and adders of a core busy. Each output adds
 * its terms in their order whatever the other sizes are, so a row's bits do not depend on the other rows.
 */
import { FLOAT, VECTOR, multiplyAdd } from './simd';

/** Columns of a panel. */
const WIDTH: usize = 8;
/** Bytes of a panel's row. */
const STEP: usize = WIDTH * FLOAT;
/** Rows of A at once. */
const ROWS: usize = 4;
/** Terms of a block: four rows of it and a panel stay in the first-level cache. */
const TERMS: usize = 256;
/** Panels packed together; a block of A is read once for all of them. */
const PANELS: usize = 8;

/** Floats of scratch for a product: panels, rows of A, and the edge of the result. */
export function productScratch(): usize {
  return PANELS * WIDTH * TERMS + ROWS * TERMS + ROWS * WIDTH;
}

/** Which operands are transposed in memory. */
export const PLAIN: u32 = 0;
/** `A B^T` */
export const B_TURNED: u32 = 1;
/** `A^T B` */
export const A_TURNED: u32 = 2;

/** Four rows as four columns, `stride` bytes apart. */
// @ts-ignore: decorator
@inline
function storeTurned(to: usize, stride: usize, a: v128, b: v128, c: v128, d: v128): void {
  const ab = i32x4.shuffle(a, b, 0, 4, 1, 5);
  const cd = i32x4.shuffle(c, d, 0, 4, 1, 5);
  v128.store(to, i64x2.shuffle(ab, cd, 0, 2));
  v128.store(to + stride, i64x2.shuffle(ab, cd, 1, 3));
  const abHigh = i32x4.shuffle(a, b, 2, 6, 3, 7);
  const cdHigh = i32x4.shuffle(c, d, 2, 6, 3, 7);
  v128.store(to + 2 * stride, i64x2.shuffle(abHigh, cdHigh, 0, 2));
  v128.store(to + 3 * stride, i64x2.shuffle(abHigh, cdHigh, 1, 3));
}

/** Packs up to eight columns of B `[K,N]` as `[terms,8]`. */
function packColumns(b: usize, rowBytes: usize, to: usize, terms: usize, columns: usize): void {
  if (columns == WIDTH) {
    for (let k: usize = 0; k < terms; k++) {
      v128.store(to, v128.load(b));
      v128.store(to, v128.load(b, VECTOR), VECTOR);
      b += rowBytes;
      to += STEP;
    }
    return;
  }
  for (let k: usize = 0; k < terms; k++) {
    for (let j: usize = 0; j < WIDTH; j++) store<f32>(to + FLOAT * j, j < columns ? load<f32>(b + FLOAT * j) : 0);
    b += rowBytes;
    to += STEP;
  }
}

/** Packs up to eight rows of B `[N,K]` as `[terms,8]`. */
function packRows(b: usize, rowBytes: usize, to: usize, terms: usize, rows: usize): void {
  let k: usize = 0;
  if (rows == WIDTH) {
    for (; k + 4 <= terms; k += 4) {
      const from = b + FLOAT * k;
      const goal = to + STEP * k;
      for (let half: usize = 0; half < 2; half++) {
        const row = from + 4 * half * rowBytes;
        storeTurned(
          goal + VECTOR * half,
          STEP,
          v128.load(row),
          v128.load(row + rowBytes),
          v128.load(row + 2 * rowBytes),
          v128.load(row + 3 * rowBytes),
        );
      }
    }
  }
  for (; k < terms; k++) {
    for (let j: usize = 0; j < WIDTH; j++) {
      store<f32>(to + STEP * k + FLOAT * j, j < rows ? load<f32>(b + j * rowBytes + FLOAT * k) : 0);
    }
  }
}

/** Four rows times a panel. Rows of A are `rowBytes` apart, their terms `termBytes`. */
// @ts-ignore: decorator
@inline
function fourRows(
  a: usize,
  rowBytes: usize,
  termBytes: usize,
  panel: usize,
  c: usize,
  goalBytes: usize,
  terms: usize,
  adds: bool,
): void {
  const zero = f32x4.splat(0);
  const second = c + goalBytes;
  const third = second + goalBytes;
  const fourth = third + goalBytes;
  let c00 = zero;
  let c01 = zero;
  let c10 = zero;
  let c11 = zero;
  let c20 = zero;
  let c21 = zero;
  let c30 = zero;
  let c31 = zero;
  if (adds) {
    c00 = v128.load(c);
    c01 = v128.load(c, VECTOR);
    c10 = v128.load(second);
    c11 = v128.load(second, VECTOR);
    c20 = v128.load(third);
    c21 = v128.load(third, VECTOR);
    c30 = v128.load(fourth);
    c31 = v128.load(fourth, VECTOR);
  }
  let a1 = a + rowBytes;
  let a2 = a1 + rowBytes;
  let a3 = a2 + rowBytes;
  const end = panel + STEP * terms;
  while (panel < end) {
    const b0 = v128.load(panel);
    const b1 = v128.load(panel, VECTOR);
    let x = v128.load_splat<f32>(a);
    c00 = multiplyAdd(x, b0, c00);
    c01 = multiplyAdd(x, b1, c01);
    x = v128.load_splat<f32>(a1);
    c10 = multiplyAdd(x, b0, c10);
    c11 = multiplyAdd(x, b1, c11);
    x = v128.load_splat<f32>(a2);
    c20 = multiplyAdd(x, b0, c20);
    c21 = multiplyAdd(x, b1, c21);
    x = v128.load_splat<f32>(a3);
    c30 = multiplyAdd(x, b0, c30);
    c31 = multiplyAdd(x, b1, c31);
    a += termBytes;
    a1 += termBytes;
    a2 += termBytes;
    a3 += termBytes;
    panel += STEP;
  }
  v128.store(c, c00);
  v128.store(c, c01, VECTOR);
  v128.store(second, c10);
  v128.store(second, c11, VECTOR);
  v128.store(third, c20);
  v128.store(third, c21, VECTOR);
  v128.store(fourth, c30);
  v128.store(fourth, c31, VECTOR);
}

// Two copies of the loop with the distances of the terms as constants.
function fourStoredRows(a: usize, rowBytes: usize, b: usize, c: usize, goalBytes: usize, terms: usize, adds: bool): void {
  fourRows(a, rowBytes, FLOAT, b, c, goalBytes, terms, adds);
}

function fourPackedRows(a: usize, b: usize, c: usize, goalBytes: usize, terms: usize, adds: bool): void {
  fourRows(a, FLOAT, VECTOR, b, c, goalBytes, terms, adds);
}

/** One row times a panel. */
function oneRow(a: usize, termBytes: usize, panel: usize, c: usize, terms: usize, adds: bool): void {
  let low = f32x4.splat(0);
  let high = f32x4.splat(0);
  if (adds) {
    low = v128.load(c);
    high = v128.load(c, VECTOR);
  }
  const end = panel + STEP * terms;
  while (panel < end) {
    const x = v128.load_splat<f32>(a);
    low = multiplyAdd(x, v128.load(panel), low);
    high = multiplyAdd(x, v128.load(panel, VECTOR), high);
    a += termBytes;
    panel += STEP;
  }
  v128.store(c, low);
  v128.store(c, high, VECTOR);
}

function copyFloats(to: usize, toBytes: usize, from: usize, fromBytes: usize, rows: usize, columns: usize): void {
  for (let i: usize = 0; i < rows; i++) {
    for (let j: usize = 0; j < columns; j++) store<f32>(to + FLOAT * j, load<f32>(from + FLOAT * j));
    to += toBytes;
    from += fromBytes;
  }
}

/**
 * `c = a b` or `c += a b`, `[M,N]`; rows of each matrix as stored are `...Bytes` apart.
 *
 * @param turned - {@link PLAIN}, {@link B_TURNED} or {@link A_TURNED}
 * @param scratch - {@link productScratch}
 */
export function product(
  a: usize,
  aBytes: usize,
  b: usize,
  bBytes: usize,
  c: usize,
  cBytes: usize,
  M: usize,
  N: usize,
  K: usize,
  turned: u32,
  adds: bool,
  scratch: usize,
): void {
  const packed = scratch + FLOAT * PANELS * WIDTH * TERMS;
  const edge = packed + FLOAT * ROWS * TERMS;
  const isTurned = turned == A_TURNED;
  for (let k0: usize = 0; k0 < K; k0 += TERMS) {
    const terms = min(TERMS, K - k0);
    const more = adds || k0 > 0;
    const firstTerm = isTurned ? a + k0 * aBytes : a + FLOAT * k0;
    for (let n0: usize = 0; n0 < N; n0 += WIDTH * PANELS) {
      const nEnd = min(N, n0 + WIDTH * PANELS);
      let to = scratch;
      for (let n = n0; n < nEnd; n += WIDTH) {
        const columns = min(WIDTH, nEnd - n);
        if (turned == B_TURNED) packRows(b + n * bBytes + FLOAT * k0, bBytes, to, terms, columns);
        else packColumns(b + k0 * bBytes + FLOAT * n, bBytes, to, terms, columns);
        to += STEP * terms;
      }
      for (let m: usize = 0; m < M; m += ROWS) {
        const rows = min(ROWS, M - m);
        const first = isTurned ? firstTerm + FLOAT * m : firstTerm + m * aBytes;
        if (isTurned && rows == ROWS) {
          let from = first;
          for (let k: usize = 0; k < terms; k++) {
            v128.store(packed + VECTOR * k, v128.load(from));
            from += aBytes;
          }
        }
        let panel = scratch;
        for (let n = n0; n < nEnd; n += WIDTH) {
          const columns = min(WIDTH, nEnd - n);
          const goal = c + m * cBytes + FLOAT * n;
          const isEdge = columns < WIDTH;
          const into = isEdge ? edge : goal;
          const intoBytes = isEdge ? STEP : cBytes;
          if (isEdge && more) copyFloats(edge, STEP, goal, cBytes, rows, columns);
          if (rows < ROWS) {
            for (let i: usize = 0; i < rows; i++) {
              const row = isTurned ? first + FLOAT * i : first + i * aBytes;
              oneRow(row, isTurned ? aBytes : FLOAT, panel, into + i * intoBytes, terms, more);
            }
          } else if (isTurned) fourPackedRows(packed, panel, into, intoBytes, terms, more);
          else fourStoredRows(first, aBytes, panel, into, intoBytes, terms, more);
          if (isEdge) copyFloats(goal, cBytes, edge, STEP, rows, columns);
          panel += STEP * terms;
        }
      }
    }
  }
}
