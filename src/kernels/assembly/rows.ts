/** What is done to rows one after another: norms, rotations, gates, sums, copies. */
import { FLOAT, multiplyAdd, sigmoid4, sumLanes } from './simd';

/** Rows of a segment: a long sum over rows adds sums of segments, because a float32 loses bits beside a large sum. */
const SEGMENT: usize = 64;

/** The sum of the products of two vectors: four lanes, then the rest. */
// @ts-ignore: decorator
@inline
export function dot(a: usize, b: usize, count: usize): f32 {
  let lanes = f32x4.splat(0);
  let i: usize = 0;
  for (; i + 4 <= count; i += 4) {
    lanes = multiplyAdd(v128.load(a + FLOAT * i), v128.load(b + FLOAT * i), lanes);
  }
  let sum = sumLanes(lanes);
  for (; i < count; i++) sum += load<f32>(a + FLOAT * i) * load<f32>(b + FLOAT * i);
  return sum;
}

/** `to += from` */
// @ts-ignore: decorator
@inline
function addRow(to: usize, from: usize, count: usize): void {
  let i: usize = 0;
  for (; i + 4 <= count; i += 4) {
    v128.store(to + FLOAT * i, f32x4.add(v128.load(to + FLOAT * i), v128.load(from + FLOAT * i)));
  }
  for (; i < count; i++) store<f32>(to + FLOAT * i, load<f32>(to + FLOAT * i) + load<f32>(from + FLOAT * i));
}

/** `1 / sqrt(mean(x^2) + eps)` */
// @ts-ignore: decorator
@inline
function rootScale(x: usize, C: usize, eps: f32): f32 {
  return 1 / sqrt<f32>(dot(x, x, C) / <f32>C + eps);
}

/** `y = x scale gain`. */
// @ts-ignore: decorator
@inline
function normRow(x: usize, gain: usize, y: usize, C: usize, scale: f32): void {
  const scales = f32x4.splat(scale);
  let i: usize = 0;
  for (; i + 4 <= C; i += 4) {
    const normed = f32x4.mul(v128.load(x + FLOAT * i), scales);
    v128.store(y + FLOAT * i, f32x4.mul(normed, v128.load(gain + FLOAT * i)));
  }
  for (; i < C; i++) store<f32>(y + FLOAT * i, load<f32>(x + FLOAT * i) * scale * load<f32>(gain + FLOAT * i));
}

/**
 * The backward pass of {@link normRow}: `dX = scale (g - xHat mean(g xHat))` with `g = dY gain`, `xHat = x scale`, and
 * `dGain += dY xHat`. dX may be dY.
 */
// @ts-ignore: decorator
@inline
function normRowBackward(dY: usize, x: usize, gain: usize, dX: usize, dGain: usize, C: usize, scale: f32): void {
  const scales = f32x4.splat(scale);
  let lanes = f32x4.splat(0);
  let i: usize = 0;
  for (; i + 4 <= C; i += 4) {
    const along = f32x4.mul(v128.load(dY + FLOAT * i), f32x4.mul(v128.load(x + FLOAT * i), scales));
    v128.store(dGain + FLOAT * i, f32x4.add(v128.load(dGain + FLOAT * i), along));
    lanes = multiplyAdd(along, v128.load(gain + FLOAT * i), lanes);
  }
  let sum = sumLanes(lanes);
  for (; i < C; i++) {
    const along = load<f32>(dY + FLOAT * i) * (load<f32>(x + FLOAT * i) * scale);
    store<f32>(dGain + FLOAT * i, load<f32>(dGain + FLOAT * i) + along);
    sum += along * load<f32>(gain + FLOAT * i);
  }
  const mean = sum / <f32>C;
  const means = f32x4.splat(mean);
  for (i = 0; i + 4 <= C; i += 4) {
    const g = f32x4.mul(v128.load(dY + FLOAT * i), v128.load(gain + FLOAT * i));
    const xHat = f32x4.mul(v128.load(x + FLOAT * i), scales);
    v128.store(dX + FLOAT * i, f32x4.mul(scales, f32x4.sub(g, f32x4.mul(xHat, means))));
  }
  for (; i < C; i++) {
    const g = load<f32>(dY + FLOAT * i) * load<f32>(gain + FLOAT * i);
    store<f32>(dX + FLOAT * i, scale * (g - load<f32>(x + FLOAT * i) * scale * mean));
  }
}

/** RMS normalisation: x `[N,C]`, gain `[C]` -> y `[N,C]`, scale `[N]`. */
export function rmsNormForward(x: usize, gain: usize, y: usize, scale: usize, N: usize, C: usize, eps: f32): void {
  for (let n: usize = 0; n < N; n++) {
    const s = rootScale(x, C, eps);
    normRow(x, gain, y, C, s);
    store<f32>(scale + FLOAT * n, s);
    x += FLOAT * C;
    y += FLOAT * C;
  }
}

/** dY, x `[N,C]`, gain `[C]`, scale `[N]` -> dX `[N,C]`, dGain `[C]`. @param scratch - `[C]` */
export function rmsNormBackward(
  dY: usize,
  x: usize,
  gain: usize,
  scale: usize,
  dX: usize,
  dGain: usize,
  N: usize,
  C: usize,
  scratch: usize,
): void {
  const bytes = FLOAT * C;
  memory.fill(dGain, 0, bytes);
  for (let first: usize = 0; first < N; first += SEGMENT) {
    memory.fill(scratch, 0, bytes);
    const end = min(N, first + SEGMENT);
    for (let n = first; n < end; n++) {
      normRowBackward(dY + n * bytes, x + n * bytes, gain, dX + n * bytes, scratch, C, load<f32>(scale + FLOAT * n));
    }
    addRow(dGain, scratch, C);
  }
}

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
    const slot = ((b * K + (row % K)) * S + position) * bytes;
    headForward(k + row * bytes, cos + position * bytes, sin + position * bytes, gain, keys + slot, D, eps);
    memory.copy(values + slot, v + row * bytes, bytes);
  }
}

/** `silu(gate) up` */
export function swiGluForward(gate: usize, up: usize, y: usize, count: usize): void {
  let i: usize = 0;
  for (; i + 4 <= count; i += 4) {
    const at = FLOAT * i;
    const z = v128.load(gate + at);
    v128.store(y + at, f32x4.mul(f32x4.mul(z, sigmoid4(z)), v128.load(up + at)));
  }
  for (; i < count; i++) {
    const at = FLOAT * i;
    const z = v128.load_splat<f32>(gate + at);
    const silu = f32x4.mul(z, sigmoid4(z));
    store<f32>(y + at, f32x4.extract_lane(silu, 0) * load<f32>(up + at));
  }
}

/** `silu'(z) = sigma + silu (1 - sigma)` */
export function swiGluBackward(dY: usize, gate: usize, up: usize, dGate: usize, dUp: usize, count: usize): void {
  const one = f32x4.splat(1);
  let i: usize = 0;
  for (; i + 4 <= count; i += 4) {
    const at = FLOAT * i;
    const z = v128.load(gate + at);
    const d = v128.load(dY + at);
    const sigma = sigmoid4(z);
    const silu = f32x4.mul(z, sigma);
    const slope = f32x4.add(sigma, f32x4.mul(silu, f32x4.sub(one, sigma)));
    v128.store(dGate + at, f32x4.mul(f32x4.mul(d, v128.load(up + at)), slope));
    v128.store(dUp + at, f32x4.mul(d, silu));
  }
  for (; i < count; i++) {
    const at = FLOAT * i;
    const z = load<f32>(gate + at);
    const d = load<f32>(dY + at);
    const sigma = f32x4.extract_lane(sigmoid4(f32x4.splat(z)), 0);
    const silu = z * sigma;
    store<f32>(dGate + at, d * load<f32>(up + at) * (sigma + silu * (1 - sigma)));
    store<f32>(dUp + at, d * silu);
  }
}

/** `y = a + b` */
export function add(a: usize, b: usize, y: usize, count: usize): void {
  let i: usize = 0;
  for (; i + 4 <= count; i += 4) {
    const at = FLOAT * i;
    v128.store(y + at, f32x4.add(v128.load(a + at), v128.load(b + at)));
  }
  for (; i < count; i++) store<f32>(y + FLOAT * i, load<f32>(a + FLOAT * i) + load<f32>(b + FLOAT * i));
}

/** `[N,C] -> [C]`. @param scratch - `[C]` */
export function columnSums(x: usize, sums: usize, N: usize, C: usize, scratch: usize): void {
  const bytes = FLOAT * C;
  memory.fill(sums, 0, bytes);
  for (let first: usize = 0; first < N; first += SEGMENT) {
    memory.fill(scratch, 0, bytes);
    const end = min(N, first + SEGMENT);
    for (let n = first; n < end; n++) addRow(scratch, x + n * bytes, C);
    addRow(sums, scratch, C);
  }
}

/** Adds rows of dY `[N,C]` by their ids: sums `[V,C]`. */
export function scatterRows(dY: usize, ids: usize, sums: usize, N: usize, V: usize, C: usize): void {
  const bytes = FLOAT * C;
  memory.fill(sums, 0, V * bytes);
  for (let n: usize = 0; n < N; n++) addRow(sums + load<usize>(ids + FLOAT * n) * bytes, dY + n * bytes, C);
}

/** `y[places] = x[places]` */
export function keepPlaces(x: usize, places: usize, y: usize, count: usize): void {
  for (let i: usize = 0; i < count; i++) {
    const at = FLOAT * load<usize>(places + FLOAT * i);
    store<f32>(y + at, load<f32>(x + at));
  }
}

/** Copies of floats: triples of from, to and their number. */
export function copyParts(parts: usize, count: usize): void {
  for (let i: usize = 0; i < count; i++) {
    const part = parts + 3 * FLOAT * i;
    memory.copy(load<usize>(part, FLOAT), load<usize>(part), FLOAT * load<usize>(part, 2 * FLOAT));
  }
}
