/**
 * Sums over rows on the GPU, `[N,C] -> [C]`: one invocation per column adds the rows in order. For many rows, callers
 * first sum segments of rows in parallel. Out: overwritten. No optional feature.
 */
import type * as tf from '@tensorflow/tfjs-core';
import { allocate, dispatch, FLAT_MAIN, FLAT_WORKGROUP, flatIndex, type Program } from '../gpu/dispatch.ts';
import { callWasm, hasWasmKernels, wasmScratch } from '../gpu/wasm-calls.ts';

/** The maximum number of segments of rows that are summed in parallel. */
const MAX_SEGMENTS = 64;

/** The division of N rows into segments that are summed in parallel. */
export function segments(N: number): { readonly count: number; readonly length: number } {
  const length = Math.ceil(N / MAX_SEGMENTS);
  return { count: Math.ceil(N / length), length };
}

/** `[N,C] -> [C]` */
export function columnSums(x: tf.Tensor2D): tf.Tensor1D {
  const [N, C] = x.shape;
  const sums = allocate<tf.Rank.R1>([C]);
  if (hasWasmKernels()) {
    callWasm('columnSums', [x, sums], [N, C, wasmScratch(C)]);
    return sums;
  }
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
