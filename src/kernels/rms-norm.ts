/**
 * Root-mean-square normalisation on the GPU (arXiv 1910.07467): `y = x scale gain` with
 * `scale = 1 / sqrt(mean(x^2) + eps)`.
 *
 * One invocation processes one row, so no barrier is needed. One number per row is kept for the backward pass. The
 * gain's gradient is a sum over rows: segments of rows are summed in parallel, then the segments, always in the same
 * order.
 *
 * Forward: x `[N,C]`, gain `[C]` -> y `[N,C]`, scale `[N]`. Backward: dY, x `[N,C]`, gain, scale -> dX `[N,C]`, dGain
 * `[C]`. All outputs are overwritten. Grid: an invocation per row; for dGain one per column and segment. No optional
 * feature.
 */
import type * as tf from '@tensorflow/tfjs-core';
import { allocate, dispatch, FLAT_MAIN, FLAT_WORKGROUP, flatIndex, type Program } from '../gpu/dispatch.ts';
import { callWasm, hasWasmKernels, wasmScratch } from '../gpu/wasm-calls.ts';
import { columnSums, segments } from './column-sums.ts';

/** The normalised rows, and the scale of each. */
export function rmsNormForward(
  x: tf.Tensor2D,
  gain: tf.Tensor1D,
  eps: number,
): { readonly y: tf.Tensor2D; readonly scale: tf.Tensor1D } {
  const [N, C] = x.shape;
  const y = allocate<tf.Rank.R2>([N, C]);
  const scale = allocate<tf.Rank.R1>([N]);
  if (hasWasmKernels()) {
    callWasm('rmsNormForward', [x, gain, y, scale], [N, C, eps]);
    return { y, scale };
  }
  const program = forwardProgram(C % 4 === 0, eps);
  dispatch({ program, tensors: [x, gain, y, scale], parameters: [N, C], size: [N], workgroupSize: [FLAT_WORKGROUP] });
  return { y, scale };
}

/** The gradients of the input and the gain. */
export function rmsNormBackward(
  dY: tf.Tensor2D,
  x: tf.Tensor2D,
  gain: tf.Tensor1D,
  scale: tf.Tensor1D,
): { readonly dX: tf.Tensor2D; readonly dGain: tf.Tensor1D } {
  const [N, C] = x.shape;
  const dX = allocate<tf.Rank.R2>([N, C]);
  if (hasWasmKernels()) {
    const dGain = allocate<tf.Rank.R1>([C]);
    callWasm('rmsNormBackward', [dY, x, gain, scale, dX, dGain], [N, C, wasmScratch(C)]);
    return { dX, dGain };
  }
  const program = backwardProgram(C % 4 === 0);
  const tensors = [dY, x, gain, scale, dX];
  dispatch({ program, tensors, parameters: [N, C], size: [N], workgroupSize: [FLAT_WORKGROUP] });
  return { dX, dGain: gainGradient(dY, x, scale) };
}

function gainGradient(dY: tf.Tensor2D, x: tf.Tensor2D, scale: tf.Tensor1D): tf.Tensor1D {
  const [N, C] = x.shape;
  const { count, length } = segments(N);
  const partial = allocate<tf.Rank.R2>([count, C]);
  dispatch({
    program: GAIN_PROGRAM,
    tensors: [dY, x, scale, partial],
    parameters: [N, C, count, length],
    size: [count * C],
    workgroupSize: [FLAT_WORKGROUP],
  });
  const sums = columnSums(partial);
  partial.dispose();
  return sums;
}

/** WGSL for rows in steps of one number, or of four if the row length is a multiple of four. */
function along(isWide: boolean): string {
  return isWide
    ? `alias Element = vec4f;
const STEP = 4u;
fn inner(a: Element, b: Element) -> f32 { return dot(a, b); }`
    : `alias Element = f32;
const STEP = 1u;
fn inner(a: Element, b: Element) -> f32 { return a * b; }`;
}

const SIZES = `struct Sizes { N: u32, C: u32 }`;

function forwardProgram(isWide: boolean, eps: number): Program {
  return {
    key: `rms-norm forward${isWide ? ' wide' : ''} ${eps}`,
    source: () => `
${along(isWide)}
@group(0) @binding(0) var<storage, read> x: array<Element>;
@group(0) @binding(1) var<storage, read> gain: array<Element>;
@group(0) @binding(2) var<storage, read_write> y: array<Element>;
@group(0) @binding(3) var<storage, read_write> scale: array<f32>;
${SIZES}
@group(0) @binding(4) var<uniform> sizes: Sizes;

${FLAT_MAIN} {
  ${flatIndex('sizes.N')}
  let steps = sizes.C / STEP;
  let start = i * steps;
  var squares = 0.0;
  for (var c = 0u; c < steps; c++) { squares += inner(x[start + c], x[start + c]); }
  let factor = 1.0 / sqrt(squares / f32(sizes.C) + ${eps});
  scale[i] = factor;
  for (var c = 0u; c < steps; c++) { y[start + c] = x[start + c] * factor * gain[c]; }
}`,
  };
}

function backwardProgram(isWide: boolean): Program {
  return {
    key: `rms-norm backward${isWide ? ' wide' : ''}`,
    source: () => `
${along(isWide)}
@group(0) @binding(0) var<storage, read> dY: array<Element>;
@group(0) @binding(1) var<storage, read> x: array<Element>;
@group(0) @binding(2) var<storage, read> gain: array<Element>;
@group(0) @binding(3) var<storage, read> scale: array<f32>;
@group(0) @binding(4) var<storage, read_write> dX: array<Element>;
${SIZES}
@group(0) @binding(5) var<uniform> sizes: Sizes;

${FLAT_MAIN} {
  ${flatIndex('sizes.N')}
  let steps = sizes.C / STEP;
  let start = i * steps;
  var overlap = 0.0;
  for (var c = 0u; c < steps; c++) { overlap += inner(dY[start + c] * gain[c], x[start + c]); }
  let factor = scale[i];
  // The component of the gradient along x is removed, because the norm does not depend on the length of x.
  let along = overlap * factor * factor / f32(sizes.C);
  for (var c = 0u; c < steps; c++) {
    dX[start + c] = factor * (dY[start + c] * gain[c] - x[start + c] * along);
  }
}`,
  };
}

const GAIN_PROGRAM: Program = {
  key: 'rms-norm gain',
  source: () => `
@group(0) @binding(0) var<storage, read> dY: array<f32>;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> scale: array<f32>;
@group(0) @binding(3) var<storage, read_write> partial: array<f32>;
struct Sizes { N: u32, C: u32, segments: u32, length: u32 }
@group(0) @binding(4) var<uniform> sizes: Sizes;

${FLAT_MAIN} {
  ${flatIndex('sizes.segments * sizes.C')}
  let column = i % sizes.C;
  let first = (i / sizes.C) * sizes.length;
  var sum = 0.0;
  for (var n = first; n < min(first + sizes.length, sizes.N); n++) {
    let place = n * sizes.C + column;
    sum += dY[place] * x[place] * scale[n];
  }
  partial[i] = sum;
}`,
};
