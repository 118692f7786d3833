/** Attention of new tokens over the slots of a cache. */
import { fill, rowOf, softmaxRow } from './attention';
import { dot } from './rows';
import { FLOAT, multiplyAdd } from './simd';

/**
 * New tokens over the cached keys up to their own: q `[B,T,H,D]`, keys, values `[B,K,S,D]`, lengths `[B]` -> y.
 *
 * @param scratch - `[S]`, rounded up to vectors
 */
export function attendToSlots(
  q: usize,
  keys: usize,
  values: usize,
  lengths: usize,
  y: usize,
  B: usize,
  T: usize,
  H: usize,
  K: usize,
  S: usize,
  D: usize,
  scale: f32,
  scratch: usize,
): void {
  const bytes = FLOAT * D;
  for (let b: usize = 0; b < B; b++) {
    const before = load<usize>(lengths + FLOAT * b);
    for (let t: usize = 0; t < T; t++) {
      const count = before + t + 1;
      const padded = rowOf(count);
      for (let h: usize = 0; h < H; h++) {
        const at = ((b * T + t) * H + h) * bytes;
        const slots = (b * K + (h * K) / H) * S * bytes;
        for (let s: usize = 0; s < count; s++) store<f32>(scratch + FLOAT * s, dot(q + at, keys + slots + s * bytes, D));
        fill(scratch, count, padded);
        softmaxRow(scratch, padded, scale);
        mixRows(scratch, values + slots, y + at, count, D);
      }
    }
  }
}

/** `y = weights x`: `[D]` from `[count]` and `[count,D]`. */
function mixRows(weights: usize, x: usize, y: usize, count: usize, D: usize): void {
  const bytes = FLOAT * D;
  let d: usize = 0;
  for (; d + 4 <= D; d += 4) {
    let sums = f32x4.splat(0);
    let from = x + FLOAT * d;
    for (let s: usize = 0; s < count; s++) {
      sums = multiplyAdd(v128.load_splat<f32>(weights + FLOAT * s), v128.load(from), sums);
      from += bytes;
    }
    v128.store(y + FLOAT * d, sums);
  }
  for (; d < D; d++) {
    let sum: f32 = 0;
    for (let s: usize = 0; s < count; s++) sum += load<f32>(weights + FLOAT * s) * load<f32>(x + s * bytes + FLOAT * d);
    store<f32>(y + FLOAT * d, sum);
  }
}
