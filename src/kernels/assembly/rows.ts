/** What is done to rows one after another: norms, gates, sums, copies. */
import { FLOAT, indexAt, multiplyAdd, sigmoid4, sumLanes } from './simd';

/** Rows of a segment: a long sum over rows adds sums of segments, because a float32 loses bits beside a large sum. */
export const SEGMENT: usize = 64;

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
export function addRow(to: usize, from: usize, count: usize): void {
  let i: usize = 0;
  for (; i + 4 <= count; i += 4) {
    v128.store(to + FLOAT * i, f32x4.add(v128.load(to + FLOAT * i), v128.load(from + FLOAT * i)));
  }
  for (; i < count; i++) store<f32>(to + FLOAT * i, load<f32>(to + FLOAT * i) + load<f32>(from + FLOAT * i));
}

/** `1 / sqrt(mean(x^2) + eps)` */
// @ts-ignore: decorator
@inline
export function rootScale(x: usize, C: usize, eps: f32): f32 {
  return 1 / sqrt<f32>(dot(x, x, C) / <f32>C + eps);
}

/** `y = x scale gain`. */
// @ts-ignore: decorator
@inline
export function normRow(x: usize, gain: usize, y: usize, C: usize, scale: f32): void {
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
export function normRowBackward(dY: usize, x: usize, gain: usize, dX: usize, dGain: usize, C: usize, scale: f32): void {
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
  for (let n: usize = 0; n < N; n++) addRow(sums + indexAt(ids + FLOAT * n, V) * bytes, dY + n * bytes, C);
}

/** `y[places] = x[places]`, x and y of `size` floats. */
export function keepPlaces(x: usize, places: usize, y: usize, count: usize, size: usize): void {
  for (let i: usize = 0; i < count; i++) {
    const at = FLOAT * indexAt(places + FLOAT * i, size);
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
