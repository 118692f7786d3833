/**
 * Arithmetic on four floats at a time, without tables: a module that holds no data of its own can share the memory of
 * tfjs.
 *
 * This folder is AssemblyScript, the source of `../wasm/kernels.wasm` (`npm run build:kernels`). Pointers and sizes are
 * `usize`; pointers count bytes, sizes elements. Nothing is allocated here: outputs and scratch come from the caller.
 */

/** Bytes of a float, and of a vector of four. */
export const FLOAT: usize = 4;
export const VECTOR: usize = 16;

const LOG2_E: f32 = 1.44269504;
// ln 2 in two parts, so that n times the first is exact.
const LN2_HIGH: f32 = 0.693359375;
const LN2_LOW: f32 = -2.12194440e-4;
/** 1.5 * 2^23: a float this large has no fraction, so adding it rounds to the nearest integer. */
const ROUNDING: f32 = 12582912;
/** Below it `exp` is smaller than the least normal float, and 0 here. */
const LEAST_EXPONENT: f32 = -87.3365447;
const GREATEST_EXPONENT: f32 = 88.3762626;

/**
 * `exp(x)` of each lane, within two units in the last place: `2^n e^r` with |r| <= ln 2 / 2 and the polynomial of
 * Cephes' `expf`.
 */
// @ts-ignore: decorator
@inline
export function exp4(x: v128): v128 {
  const least = f32x4.splat(LEAST_EXPONENT);
  const isTiny = f32x4.lt(x, least);
  // pmin and pmax are single instructions on every processor, unlike min and max.
  const clamped = f32x4.pmin(f32x4.pmax(x, least), f32x4.splat(GREATEST_EXPONENT));
  const shifted = f32x4.add(f32x4.mul(clamped, f32x4.splat(LOG2_E)), f32x4.splat(ROUNDING));
  const n = f32x4.sub(shifted, f32x4.splat(ROUNDING));
  let r = f32x4.sub(clamped, f32x4.mul(n, f32x4.splat(LN2_HIGH)));
  r = f32x4.sub(r, f32x4.mul(n, f32x4.splat(LN2_LOW)));
  let p = f32x4.splat(1.9875691500e-4);
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(1.3981999507e-3));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(8.3334519073e-3));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(4.1665795894e-2));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(1.6666665459e-1));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(5.0000001201e-1));
  p = f32x4.add(f32x4.mul(f32x4.mul(p, r), r), f32x4.add(r, f32x4.splat(1)));
  const power = i32x4.add(i32x4.shl(shifted, 23), i32x4.splat(127 << 23)); // the low bits of `shifted` are n
  return v128.andnot(f32x4.mul(p, power), isTiny);
}

/** `1 / (1 + exp(-x))` of each lane. */
// @ts-ignore: decorator
@inline
export function sigmoid4(x: v128): v128 {
  const one = f32x4.splat(1);
  return f32x4.div(one, f32x4.add(one, exp4(f32x4.neg(x))));
}

/** The sum of the lanes. */
// @ts-ignore: decorator
@inline
export function sumLanes(x: v128): f32 {
  return f32x4.extract_lane(x, 0) + f32x4.extract_lane(x, 1) + (f32x4.extract_lane(x, 2) + f32x4.extract_lane(x, 3));
}

/** The largest lane. */
// @ts-ignore: decorator
@inline
export function maxLanes(x: v128): f32 {
  return max(
    max(f32x4.extract_lane(x, 0), f32x4.extract_lane(x, 1)),
    max(f32x4.extract_lane(x, 2), f32x4.extract_lane(x, 3)),
  );
}

/** `a * b + c` of each lane, rounded twice. */
// @ts-ignore: decorator
@inline
export function multiplyAdd(a: v128, b: v128, c: v128): v128 {
  return f32x4.add(c, f32x4.mul(a, b));
}

/** An index from memory. It traps if it is none of `count`, because it would lead into another tensor. */
// @ts-ignore: decorator
@inline
export function indexAt(pointer: usize, count: usize): usize {
  const index = load<usize>(pointer);
  if (index >= count) unreachable();
  return index;
}

/** The natural logarithm, from JavaScript: one a row, and no table here. */
// @ts-ignore: decorator
@external("env", "log")
export declare function log(x: f64): f64;

/** `exp(x)` of one number, with the bits of {@link exp4}. */
// @ts-ignore: decorator
@inline
export function exp1(x: f32): f32 {
  return f32x4.extract_lane(exp4(f32x4.splat(x)), 0);
}
