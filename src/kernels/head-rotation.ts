/**
 * Rotary position embedding (arXiv 2104.09864, Hugging Face's "rotate half" layout) on the GPU, in one pass with the
 * normalisation of queries and keys that precedes it in Qwen3: `y = rotate(x scale gain)`,
 * `scale = 1 / sqrt(mean(x^2) + eps)`; without a gain `y = rotate(x)`.
 *
 * One invocation processes one head of one token. The backward pass applies the inverse rotation to the gradient; it
 * keeps only x and recomputes the scale.
 *
 * Forward: x `[B,T,H,D]`, gain `[D]`, tables -> y. Backward: dY, x, gain, tables -> dX, and for the gain's gradient the
 * sums over segments of rows `[R,D]`. All outputs are overwritten. Grid: an invocation per head and token; for the gain
 * one per dimension and segment. If half a head consists of vectors of four, these are read; sums have the same order.
 * No optional feature.
 */
import type * as tf from '@tensorflow/tfjs-core';
import { allocate, dispatch, FLAT_MAIN, FLAT_WORKGROUP, flatIndex, type Program } from '../gpu/dispatch.ts';
import { callWasm, hasWasmKernels, wasmScratch } from '../gpu/wasm-calls.ts';
import { columnSums, segments } from './column-sums.ts';

/** The position tables: `[T,1,D]` each, or `[B,T,1,D]` if positions differ between sequences. */
interface RotationTables {
  readonly cos: tf.Tensor;
  readonly sin: tf.Tensor;
}

/** The normalisation before the rotation. */
interface HeadNorm {
  /** `[D]` */
  readonly gain: tf.Tensor1D;
  readonly eps: number;
}

/** Every head, optionally normalised, rotated by its position. */
export function rotateForward(x: tf.Tensor4D, { cos, sin }: RotationTables, norm?: HeadNorm): tf.Tensor4D {
  const y = allocate<tf.Rank.R4>(x.shape);
  if (hasWasmKernels()) {
    callWasm('rotateForward', [x, cos, sin, norm?.gain, y], [...sizesOf(x, cos), norm?.eps ?? 0]);
    return y;
  }
  dispatch({
    program: forwardProgram(norm?.eps, isWide(x)),
    tensors: [x, cos, sin, ...(norm === undefined ? [] : [norm.gain]), y],
    parameters: sizesOf(x, cos),
    size: [rowCount(x)],
    workgroupSize: [FLAT_WORKGROUP],
  });
  return y;
}

/** The gradient of the heads, and of the gain if there is one. */
export function rotateBackward(
  dY: tf.Tensor4D,
  x: tf.Tensor4D,
  { cos, sin }: RotationTables,
  norm?: HeadNorm,
): { readonly dX: tf.Tensor4D; readonly dGain: tf.Tensor1D | undefined } {
  const dX = allocate<tf.Rank.R4>(x.shape);
  const [D, rows] = [x.shape[3], rowCount(x)];
  if (hasWasmKernels()) {
    const dGain = norm === undefined ? undefined : allocate<tf.Rank.R1>([D]);
    const numbers = [...sizesOf(x, cos), norm?.eps ?? 0, wasmScratch(D)];
    callWasm('rotateBackward', [dY, x, cos, sin, norm?.gain, dX, dGain], numbers);
    return { dX, dGain };
  }
  const scale = norm === undefined ? undefined : allocate<tf.Rank.R1>([rows]);
  dispatch({
    program: backwardProgram(norm?.eps, isWide(x)),
    tensors: [dY, cos, sin, ...(norm === undefined || scale === undefined ? [] : [x, norm.gain, scale]), dX],
    parameters: sizesOf(x, cos),
    size: [rows],
    workgroupSize: [FLAT_WORKGROUP],
  });
  if (scale === undefined) return { dX, dGain: undefined };
  const { count, length } = segments(rows);
  const partial = allocate<tf.Rank.R2>([count, D]);
  dispatch({
    program: gainProgram(isWide(x)),
    tensors: [dY, cos, sin, x, scale, partial],
    parameters: [...sizesOf(x, cos), count, length],
    size: [isWide(x) ? (count * D) / 4 : count * D],
    workgroupSize: [FLAT_WORKGROUP],
  });
  const dGain = columnSums(partial);
  partial.dispose();
  scale.dispose();
  return { dX, dGain };
}

function isWide({ shape: [, , , D] }: tf.Tensor4D): boolean {
  return D % 8 === 0;
}

function rowCount({ shape: [B, T, H] }: tf.Tensor4D): number {
  return B * T * H;
}

/** In the order of the shader's sizes; positions repeat with the period of the tables. */
function sizesOf(x: tf.Tensor4D, table: tf.Tensor): number[] {
  const [, , H, D] = x.shape;
  return [rowCount(x), table.size / D, H, D];
}

/** WGSL for heads read as single numbers or as vectors of four. */
export function elements(wide: boolean): string {
  return wide
    ? `alias Element = vec4f;
const STEP = 4u;
fn addedTo(sum: f32, x: Element) -> f32 { return (((sum + x.x) + x.y) + x.z) + x.w; }`
    : `alias Element = f32;
const STEP = 1u;
fn addedTo(sum: f32, x: Element) -> f32 { return sum + x; }`;
}

const SIZES = `struct Sizes { rows: u32, positions: u32, H: u32, D: u32 }`;

function meanSquare(eps: number): string {
  return `var squares = 0.0;
  for (var d = 0u; d < sizes.D / STEP; d++) { squares = addedTo(squares, x[start + d] * x[start + d]); }
  let factor = 1.0 / sqrt(squares / f32(sizes.D) + ${eps});`;
}

/**
 * WGSL that normalises one head if there is an epsilon, and rotates it: from `x` at `start` to `y` at `goal`, with the
 * constants `cosines` and `sines` at `angle`; indices count {@link elements}.
 */
export function rotatedHead(eps: number | undefined): string {
  const normed = (d: string): string => `x[start + ${d}]${eps === undefined ? '' : ` * factor * gain[${d}]`}`;
  return `${eps === undefined ? '' : meanSquare(eps)}
  let half = sizes.D / STEP / 2u;
  for (var d = 0u; d < half; d++) {
    let low = ${normed('d')};
    let high = ${normed('d + half')};
    y[goal + d] = low * cosines[angle + d] - high * sines[angle + d];
    y[goal + d + half] = high * cosines[angle + d + half] + low * sines[angle + d + half];
  }`;
}

function forwardProgram(eps: number | undefined, wide: boolean): Program {
  const hasNorm = eps !== undefined;
  return {
    key: `head-rotation forward ${hasNorm ? eps : 'alone'}${wide ? ' wide' : ''}`,
    source: () => `
${elements(wide)}
@group(0) @binding(0) var<storage, read> x: array<Element>;
@group(0) @binding(1) var<storage, read> cosines: array<Element>;
@group(0) @binding(2) var<storage, read> sines: array<Element>;
${hasNorm ? '@group(0) @binding(3) var<storage, read> gain: array<Element>;' : ''}
@group(0) @binding(${hasNorm ? 4 : 3}) var<storage, read_write> y: array<Element>;
${SIZES}
@group(0) @binding(${hasNorm ? 5 : 4}) var<uniform> sizes: Sizes;

${FLAT_MAIN} {
  ${flatIndex('sizes.rows')}
  let start = i * (sizes.D / STEP);
  let goal = start;
  let angle = ((i / sizes.H) % sizes.positions) * (sizes.D / STEP);
  ${rotatedHead(eps)}
}`,
  };
}

/** The gradient of dimension d before the rotation: the transposed rotation. */
const ROTATED_BACK = `fn rotatedBack(start: u32, angle: u32, d: u32) -> Element {
  let half = sizes.D / STEP / 2u;
  let isLow = d < half;
  let other = select(d - half, d + half, isLow);
  let sign = select(-1.0, 1.0, isLow);
  return dY[start + d] * cosines[angle + d] + sign * (dY[start + other] * sines[angle + other]);
}`;

function backwardProgram(eps: number | undefined, wide: boolean): Program {
  const hasNorm = eps !== undefined;
  const withNorm = `
  ${hasNorm ? meanSquare(eps) : ''}
  scale[i] = factor;
  var overlap = 0.0;
  for (var d = 0u; d < sizes.D / STEP; d++) {
    overlap = addedTo(overlap, rotatedBack(start, angle, d) * gain[d] * x[start + d]);
  }
  let along = overlap * factor * factor / f32(sizes.D);
  for (var d = 0u; d < sizes.D / STEP; d++) {
    dX[start + d] = factor * (rotatedBack(start, angle, d) * gain[d] - x[start + d] * along);
  }`;
  const alone = `for (var d = 0u; d < sizes.D / STEP; d++) { dX[start + d] = rotatedBack(start, angle, d); }`;
  return {
    key: `head-rotation backward ${hasNorm ? eps : 'alone'}${wide ? ' wide' : ''}`,
    source: () => `
${elements(wide)}
@group(0) @binding(0) var<storage, read> dY: array<Element>;
@group(0) @binding(1) var<storage, read> cosines: array<Element>;
@group(0) @binding(2) var<storage, read> sines: array<Element>;
${
  hasNorm
    ? `@group(0) @binding(3) var<storage, read> x: array<Element>;
@group(0) @binding(4) var<storage, read> gain: array<Element>;
@group(0) @binding(5) var<storage, read_write> scale: array<f32>;`
    : ''
}
@group(0) @binding(${hasNorm ? 6 : 3}) var<storage, read_write> dX: array<Element>;
${SIZES}
@group(0) @binding(${hasNorm ? 7 : 4}) var<uniform> sizes: Sizes;
${ROTATED_BACK}

${FLAT_MAIN} {
  ${flatIndex('sizes.rows')}
  let start = i * (sizes.D / STEP);
  let angle = ((i / sizes.H) % sizes.positions) * (sizes.D / STEP);
  ${hasNorm ? withNorm : alone}
}`,
  };
}

function gainProgram(wide: boolean): Program {
  return {
    key: `head-rotation gain${wide ? ' wide' : ''}`,
    source: () => `
${elements(wide)}
@group(0) @binding(0) var<storage, read> dY: array<Element>;
@group(0) @binding(1) var<storage, read> cosines: array<Element>;
@group(0) @binding(2) var<storage, read> sines: array<Element>;
@group(0) @binding(3) var<storage, read> x: array<Element>;
@group(0) @binding(4) var<storage, read> scale: array<f32>;
@group(0) @binding(5) var<storage, read_write> partial: array<Element>;
struct Sizes { rows: u32, positions: u32, H: u32, D: u32, segments: u32, length: u32 }
@group(0) @binding(6) var<uniform> sizes: Sizes;
${ROTATED_BACK}

${FLAT_MAIN} {
  let vectors = sizes.D / STEP;
  ${flatIndex('sizes.segments * vectors')}
  let d = i % vectors;
  let first = (i / vectors) * sizes.length;
  var sum = Element();
  for (var row = first; row < min(first + sizes.length, sizes.rows); row++) {
    let angle = ((row / sizes.H) % sizes.positions) * vectors;
    sum += rotatedBack(row * vectors, angle, d) * x[row * vectors + d] * scale[row];
  }
  partial[i] = sum;
}`,
  };
}
