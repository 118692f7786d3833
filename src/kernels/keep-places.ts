/**
 * Copies some elements of a tensor into another of the same shape: masks logits to what is allowed, and their
 * gradients.
 *
 * In: x of any shape, places `[E]` (flat indices, int32). In and out: y of the shape of x, overwritten only at the
 * places. Grid: an invocation per place. No optional feature.
 */
import type * as tf from '@tensorflow/tfjs-core';
import { dispatch, FLAT_MAIN, FLAT_WORKGROUP, flatIndex, forgetRead, type Program } from '../gpu/dispatch.ts';
import { callWasm, hasWasmKernels } from '../gpu/wasm-calls.ts';

/** Copies `x[places]` to `y[places]`; y is changed in place. */
export function keepPlaces(x: tf.Tensor, places: tf.Tensor1D, y: tf.Tensor): void {
  const [count] = places.shape;
  if (count === 0) return;
  if (hasWasmKernels()) {
    callWasm('keepPlaces', [x, places, y], [count, x.size]);
    return;
  }
  forgetRead(y);
  dispatch({
    program: PROGRAM,
    tensors: [x, places, y],
    parameters: [count],
    size: [count],
    workgroupSize: [FLAT_WORKGROUP],
  });
}

const PROGRAM: Program = {
  key: 'keep-places',
  source: () => `
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> places: array<u32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@group(0) @binding(3) var<uniform> count: u32;

${FLAT_MAIN} {
  ${flatIndex('count')}
  y[places[i]] = x[places[i]];
}`,
};
