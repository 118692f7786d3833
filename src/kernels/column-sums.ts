/**
 * Sums over rows on the GPU, `[N,C] -> [C]`: one invocation per column goes down the rows in order. For many rows a kernel
 * that makes them first sums stretches of rows side by side. Out: overwritten. No optional feature.
 */
import type * as tf from '@tensorflow/tfjs-core';
import { allocate, dispatch, FLAT_MAIN, FLAT_WORKGROUP, flatIndex, type Program } from '../gpu/dispatch.ts';

/** Rows are summed in at most this many stretches side by side. */
const MOST_STRETCHES = 64;

/** How N rows are divided to be summed side by side. */
export function stretches(N: number): { readonly count: number; readonly length: number } {
  const length = Math.ceil(N / MOST_STRETCHES);
  return { count: Math.ceil(N / length), length };
}

/** `[N,C] -> [C]` */
export function columnSums(x: tf.Tensor2D): tf.Tensor1D {
  const [N, C] = x.shape;
  const sums = allocate<tf.Rank.R1>([C]);
  dispatch({ program: PROGRAM, tensors: [x, sums], parameters: [N, C], size: [C], workgroupSize: [FLAT_WORKGROUP] });
  return sums;
}

const PROGRAM: Program = {
  key: 'column-sums',
  source: () => `
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> sums: array<f32>;
struct Sizes { N: u32, C: u32 }
@group(0) @binding(2) var<uniform> sizes: Sizes;

${FLAT_MAIN} {
  ${flatIndex('sizes.C')}
  var sum = 0.0;
  for (var n = 0u; n < sizes.N; n++) { sum += x[n * sizes.C + i]; }
  sums[i] = sum;
}`,
};
