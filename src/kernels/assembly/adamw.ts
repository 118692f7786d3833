/** AdamW over vectors of all parameters. */
import { FLOAT } from './simd';

// @ts-ignore: decorator
@inline
function low(x: v128): v128 {
  return f64x2.promote_low_f32x4(x);
}

// @ts-ignore: decorator
@inline
function high(x: v128): v128 {
  return f64x2.promote_low_f32x4(i32x4.shuffle(x, x, 2, 3, 2, 3));
}

/** The sum of the products of two vectors in float64, as four partial sums. */
export function innerProduct(a: usize, b: usize, count: usize): f64 {
  let first = f64x2.splat(0);
  let second = f64x2.splat(0);
  let i: usize = 0;
  for (; i + 4 <= count; i += 4) {
    const x = v128.load(a + FLOAT * i);
    const y = v128.load(b + FLOAT * i);
    first = f64x2.add(first, f64x2.mul(low(x), low(y)));
    second = f64x2.add(second, f64x2.mul(high(x), high(y)));
  }
  const both = f64x2.add(first, second);
  let sum = f64x2.extract_lane(both, 0) + f64x2.extract_lane(both, 1);
  for (; i < count; i++) sum += <f64>load<f32>(a + FLOAT * i) * <f64>load<f32>(b + FLOAT * i);
  return sum;
}

/** The sums of squares of vectors, given as pairs of pointer and size: sums `[count]`. */
export function squaredNorms(parts: usize, sums: usize, count: usize): void {
  for (let i: usize = 0; i < count; i++) {
    const x = load<usize>(parts + 2 * FLOAT * i);
    store<f32>(sums + FLOAT * i, <f32>innerProduct(x, x, load<usize>(parts + 2 * FLOAT * i, FLOAT)));
  }
}

/**
 * One update in place.
 *
 * @param decays - `[ceil(P/32)]`: bit p % 32 of entry p / 32 is set if parameter p decays
 * @param gradientScale - clips the gradient
 * @param rest1 - `1 - beta1`, as rest2
 * @param rate - the learning rate over the correction of the first moment
 * @param decay - the learning rate times the weight decay
 */
export function adamW(
  gradient: usize,
  weights: usize,
  firstMoment: usize,
  secondMoment: usize,
  decays: usize,
  P: usize,
  gradientScale: f32,
  beta1: f32,
  rest1: f32,
  beta2: f32,
  rest2: f32,
  eps: f32,
  rate: f32,
  correction2: f32,
  decay: f32,
): void {
  const kept: f32 = 1 - decay;
  let p: usize = 0;
  for (; p + 4 <= P; p += 4) {
    const at = FLOAT * p;
    const bits = (load<u32>(decays + FLOAT * (p >> 5)) >> <u32>(p & 31)) & 15;
    let keep = f32x4.splat(bits == 15 ? kept : 1);
    if (bits != 0 && bits != 15) {
      if ((bits & 1) != 0) keep = f32x4.replace_lane(keep, 0, kept);
      if ((bits & 2) != 0) keep = f32x4.replace_lane(keep, 1, kept);
      if ((bits & 4) != 0) keep = f32x4.replace_lane(keep, 2, kept);
      if ((bits & 8) != 0) keep = f32x4.replace_lane(keep, 3, kept);
    }
    const g = f32x4.mul(v128.load(gradient + at), f32x4.splat(gradientScale));
    const first = f32x4.add(f32x4.mul(v128.load(firstMoment + at), f32x4.splat(beta1)), f32x4.mul(g, f32x4.splat(rest1)));
    const squares = f32x4.mul(f32x4.mul(g, g), f32x4.splat(rest2));
    const second = f32x4.add(f32x4.mul(v128.load(secondMoment + at), f32x4.splat(beta2)), squares);
    const root = f32x4.sqrt(f32x4.div(second, f32x4.splat(correction2)));
    const change = f32x4.mul(f32x4.div(first, f32x4.add(root, f32x4.splat(eps))), f32x4.splat(rate));
    v128.store(firstMoment + at, first);
    v128.store(secondMoment + at, second);
    v128.store(weights + at, f32x4.sub(f32x4.mul(v128.load(weights + at), keep), change));
  }
  for (; p < P; p++) {
    const at = FLOAT * p;
    const isDecayed = ((load<u32>(decays + FLOAT * (p >> 5)) >> <u32>(p & 31)) & 1) != 0;
    const g = load<f32>(gradient + at) * gradientScale;
    const first = load<f32>(firstMoment + at) * beta1 + g * rest1;
    const second = load<f32>(secondMoment + at) * beta2 + g * g * rest2;
    const change = (first / (sqrt<f32>(second / correction2) + eps)) * rate;
    store<f32>(firstMoment + at, first);
    store<f32>(secondMoment + at, second);
    store<f32>(weights + at, load<f32>(weights + at) * (isDecayed ? kept : 1) - change);
  }
}
