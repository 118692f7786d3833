/**
 * The gate of the feed-forward block on the GPU (arXiv 2002.05202): `y = silu(gate) up` with `silu(z) = z sigmoid(z)`.
 *
 * In: gate, up and dY of one shape, gate and up optionally as halves in the backward pass; out: y, or the gradients of
 * gate and up, overwritten. Grid: an invocation per element. No optional feature.
 */
import type * as tf from '@tensorflow/tfjs-core';
import { allocate, dispatch, FLAT_MAIN, FLAT_WORKGROUP, flatIndex, type Program } from '../gpu/dispatch.ts';
import { callWasm, hasWasmKernels } from '../gpu/wasm-calls.ts';
import type { HalfMatrix } from './halves.ts';

/** `silu(gate) up`, `[N,F]`. */
export function swiGluForward(gate: tf.Tensor2D, up: tf.Tensor2D): tf.Tensor2D {
  const y = allocate<tf.Rank.R2>(gate.shape);
  if (hasWasmKernels()) callWasm('swiGluForward', [gate, up, y], [y.size]);
  else run(FORWARD, [gate, up, y], y.size);
  return y;
}

/** The gradients of gate and up, `[N,F]` each. */
export function swiGluBackward(
  dY: tf.Tensor2D,
  gate: tf.Tensor2D | HalfMatrix,
  up: tf.Tensor2D | HalfMatrix,
): { readonly dGate: tf.Tensor2D; readonly dUp: tf.Tensor2D } {
  const [dGate, dUp] = [allocate<tf.Rank.R2>(dY.shape), allocate<tf.Rank.R2>(dY.shape)];
  if (hasWasmKernels()) callWasm('swiGluBackward', [dY, gate as tf.Tensor, up as tf.Tensor, dGate, dUp], [dY.size]);
  else if ('packed' in gate && 'packed' in up)
    run(BACKWARD_OF_HALVES, [dY, gate.packed, up.packed, dGate, dUp], dY.size);
  else run(BACKWARD, [dY, gate as tf.Tensor2D, up as tf.Tensor2D, dGate, dUp], dY.size);
  return { dGate, dUp };
}

function run(program: Program, tensors: readonly tf.Tensor[], count: number): void {
  dispatch({ program, tensors, parameters: [count], size: [count], workgroupSize: [FLAT_WORKGROUP] });
}

// exp(-z) may overflow to infinity, which would give the right result 0; but WGSL leaves infinities undefined, hence
// the bound.
const SIGMOID = `fn sigmoid(z: f32) -> f32 { return 1.0 / (1.0 + exp(min(-z, 80.0))); }`;

const FORWARD: Program = {
  key: 'swiglu forward',
  source: () => `
@group(0) @binding(0) var<storage, read> gate: array<f32>;
@group(0) @binding(1) var<storage, read> up: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@group(0) @binding(3) var<uniform> count: u32;
${SIGMOID}
${FLAT_MAIN} {
  ${flatIndex('count')}
  y[i] = gate[i] * sigmoid(gate[i]) * up[i];
}`,
};

const BACKWARD = backward('swiglu backward', 'f32', (name) => `${name}[i]`);
const BACKWARD_OF_HALVES = backward(
  'swiglu backward of halves',
  'u32',
  (name) => `unpack2x16float(${name}[i / 2u])[i % 2u]`,
);

/** @param read - gives the WGSL expression of element i of a buffer */
function backward(key: string, element: 'f32' | 'u32', read: (name: string) => string): Program {
  return {
    key,
    source: () => `
@group(0) @binding(0) var<storage, read> dY: array<f32>;
@group(0) @binding(1) var<storage, read> gates: array<${element}>;
@group(0) @binding(2) var<storage, read> ups: array<${element}>;
@group(0) @binding(3) var<storage, read_write> dGate: array<f32>;
@group(0) @binding(4) var<storage, read_write> dUp: array<f32>;
@group(0) @binding(5) var<uniform> count: u32;
${SIGMOID}
${FLAT_MAIN} {
  ${flatIndex('count')}
  let gate = ${read('gates')};
  let sigma = sigmoid(gate);
  let silu = gate * sigma;
  // silu'(z) = sigma + silu (1 - sigma)
  dGate[i] = dY[i] * ${read('ups')} * (sigma + silu * (1.0 - sigma));
  dUp[i] = dY[i] * silu;
}`,
  };
}
