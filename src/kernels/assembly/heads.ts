/** Heads of queries and keys: normalised, rotated by their positions, written into the slots of a cache. */
import { addRow, normRow, normRowBackward, rootScale, SEGMENT } from './rows';
import { FLOAT } from './simd';

/** `y = rotate(x)`: dimension d turns with d + D/2. y may be x. @param sign - -1 turns back */
// @ts-ignore: decorator
@inline
function rotateRow(x: usize, cos: usize, sin: usize, y: usize, D: usize, sign: f32): void {
  const half = D >> 1;
  const high = FLOAT * half;
  const signs = f32x4.splat(sign);
  let i: usize = 0;
  for (; i + 4 <= half; i += 4) {
    const at = FLOAT * i;
    const a = v128.load(x + at);
    const b = v128.load(x + high + at);
    const c = v128.load(cos + at);
    const s = f32x4.mul(v128.load(sin + at), signs);
    v128.store(y + at, f32x4.sub(f32x4.mul(a, c), f32x4.mul(b, s)));
    v128.store(y + high + at, f32x4.add(f32x4.mul(b, c), f32x4.mul(a, s)));
  }
  for (; i < half; i++) {
    const at = FLOAT * i;
    const a = load<f32>(x + at);
    const b = load<f32>(x + high + at);
    const c = load<f32>(cos + at);
    const s = load<f32>(sin + at) * sign;
    store<f32>(y + at, a * c - b * s);
    store<f32>(y + high + at, b * c + a * s);
  }
}

/** A head, normalised if there is a gain, and rotated. */
// @ts-ignore: decorator
@inline
function headForward(x: usize, cos: usize, sin: usize, gain: usize, y: usize, D: usize, eps: f32): void {
  if (gain == 0) {
    rotateRow(x, cos, sin, y, D, 1);
    return;
  }
  normRow(x, gain, y, D, rootScale(x, D, eps));
  rotateRow(y, cos, sin, y, D, 1);
}

/**
 * Heads, normalised if there is a gain, and rotated: x `[rows,D]` with H heads a position -> y `[rows,D]`.
 *
 * @param cos - `[positions,D]`, as is sin; positions repeat
 * @param gain - `[D]` or 0
 */
export function rotateForward(
  x: usize,
  cos: usize,
  sin: usize,
  gain: usize,
  y: usize,
  rows: usize,
  positions: usize,
  H: usize,
  D: usize,
  eps: f32,
): void {
  const bytes = FLOAT * D;
  for (let row: usize = 0; row < rows; row++) {
    const at = ((row / H) % positions) * bytes;
    headForward(x + row * bytes, cos + at, sin + at, gain, y + row * bytes, D, eps);
  }
}

/** dY, x `[rows,D]` -> dX `[rows,D]`, and with a gain dGain `[D]`. @param scratch - `[D]` */
export function rotateBackward(
  dY: usize,
  x: usize,
  cos: usize,
  sin: usize,
  gain: usize,
  dX: usize,
  dGain: usize,
  rows: usize,
  positions: usize,
  H: usize,
  D: usize,
  eps: f32,
  scratch: usize,
): void {
  const bytes = FLOAT * D;
  if (gain != 0) memory.fill(dGain, 0, bytes);
  for (let first: usize = 0; first < rows; first += SEGMENT) {
    const end = min(rows, first + SEGMENT);
    if (gain != 0) memory.fill(scratch, 0, bytes);
    for (let row = first; row < end; row++) {
      const at = ((row / H) % positions) * bytes;
      const goal = dX + row * bytes;
      rotateRow(dY + row * bytes, cos + at, sin + at, goal, D, -1);
      if (gain == 0) continue;
      const from = x + row * bytes;
      normRowBackward(goal, from, gain, goal, scratch, D, rootScale(from, D, eps));
    }
    if (gain != 0) addRow(dGain, scratch, D);
  }
}

/** Heads of T new tokens a sequence at positions `lengths[b] + t`: x `[B,T,H,D]` -> y. */
export function rotateAfter(
  x: usize,
  lengths: usize,
  cos: usize,
  sin: usize,
  gain: usize,
  y: usize,
  rows: usize,
  T: usize,
  H: usize,
  D: usize,
  eps: f32,
): void {
  const bytes = FLOAT * D;
  for (let row: usize = 0; row < rows; row++) {
    const token = row / H;
    const at = (load<usize>(lengths + FLOAT * (token / T)) + (token % T)) * bytes;
    headForward(x + row * bytes, cos + at, sin + at, gain, y + row * bytes, D, eps);
  }
}

/** Keys, normalised and rotated, and values of new tokens, `[B,T,K,D]`, into their slots `[B,K,S,D]`. */
export function placeKeys(
  k: usize,
  v: usize,
  lengths: usize,
  cos: usize,
  sin: usize,
  gain: usize,
  keys: usize,
  values: usize,
  rows: usize,
  T: usize,
  K: usize,
  D: usize,
  S: usize,
  eps: f32,
): void {
  const bytes = FLOAT * D;
  for (let row: usize = 0; row < rows; row++) {
    const token = row / K;
    const b = token / T;
    const position = load<usize>(lengths + FLOAT * b) + (token % T);
    if (position >= S) unreachable();
    const slot = ((b * K + (row % K)) * S + position) * bytes;
    headForward(k + row * bytes, cos + position * bytes, sin + position * bytes, gain, keys + slot, D, eps);
    memory.copy(values + slot, v + row * bytes, bytes);
  }
}
