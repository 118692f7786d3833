/**
 * Floats as halves (IEEE 754 binary16), two per 32-bit word, the first in the low half: half the bytes to store and
 * read. Kernels read them with `unpack2x16float`, which every WebGPU has.
 *
 * Rounding is done here in integer arithmetic, to nearest with ties to even, as in checkpoint/float16.ts, because
 * `pack2x16float` may round either way and its result for overflowing values is undefined. Such values become infinite
 * here, which is how loss scaling detects them.
 *
 * In: x `[N,I]` f32, I a multiple of four. Out: `[N,I/2]` u32, overwritten. Grid: an invocation per four elements. No
 * optional feature.
 */
import type * as tf from '@tensorflow/tfjs-core';
import { allocate, dispatch, FLAT_MAIN, FLAT_WORKGROUP, flatIndex, type Program } from '../gpu/dispatch.ts';

/** A matrix of halves on the GPU. */
export interface HalfMatrix {
  /** `[rows,columns/2]` of dtype int32. */
  readonly packed: tf.Tensor;
  /** The number of columns is a multiple of four. */
  readonly shape: readonly [rows: number, columns: number];
}

/** `[N,I] -> [N,I/2]` of dtype int32. */
export function packHalves(x: tf.Tensor2D): tf.Tensor2D {
  const [N, I] = x.shape;
  const packed = allocate<tf.Rank.R2>([N, I / 2], 'int32');
  const vectors = (N * I) / 4;
  const flat = { size: [vectors], workgroupSize: [FLAT_WORKGROUP] } as const;
  dispatch({ program: PROGRAM, tensors: [x, packed], parameters: [vectors], ...flat });
  return packed;
}

const PROGRAM: Program = {
  key: 'halves',
  source: () => `
@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> packed: array<vec2u>;
@group(0) @binding(2) var<uniform> count: u32;

const OVERFLOW = 0x477ff000u; // 65520, halfway between 65504 and the unrepresentable 65536
const SMALLEST_NORMAL = 0x38800000u; // 2^-14
const EXPONENT_SHIFT = 0x38000000u; // the bias is 15 in a half and 127 in a float

fn roundOff(bits: u32, dropped: u32) -> u32 {
  let isOdd = (bits >> dropped) & 1u;
  return (bits + (1u << (dropped - 1u)) - 1u + isOdd) >> dropped;
}

fn half(value: f32) -> u32 {
  let bits = bitcast<u32>(value);
  let sign = (bits >> 16u) & 0x8000u;
  let magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u) { return sign | 0x7e00u; }
  if (magnitude >= OVERFLOW) { return sign | 0x7c00u; }
  if (magnitude >= SMALLEST_NORMAL) { return sign | roundOff(magnitude - EXPONENT_SHIFT, 13u); }
  let dropped = 126u - (magnitude >> 23u);
  if (dropped > 24u) { return sign; }
  return sign | roundOff((magnitude & 0x7fffffu) | 0x800000u, dropped);
}

${FLAT_MAIN} {
  ${flatIndex('count')}
  let four = x[i];
  packed[i] = vec2u(half(four.x) | (half(four.y) << 16u), half(four.z) | (half(four.w) << 16u));
}`,
};
