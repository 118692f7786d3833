/**
 * Many tensors as one vector, and back. With kernels both are copies of memory, which launch no kernel on a GPU. Not
 * differentiable; used on gradients and weights.
 */
import * as tf from '@tensorflow/tfjs-core';
import { allocate, copyParts, usesKernels } from '../gpu/dispatch.ts';

/** The concatenated elements of all tensors. */
export function flatten(tensors: readonly tf.Tensor[]): tf.Tensor1D {
  if (!usesKernels()) return tf.concat(tensors.map((tensor) => tf.reshape<tf.Rank.R1>(tensor, [tensor.size])));
  const flat = allocate<tf.Rank.R1>([tensors.reduce((sum, { size }) => sum + size, 0)]);
  const starts = startsOf(tensors.map(({ size }) => size));
  copyParts(tensors.map((from, i) => ({ from, fromStart: 0, to: flat, toStart: starts[i] ?? 0, size: from.size })));
  return flat;
}

/** The inverse of {@link flatten}: tensors of the given shapes from a vector of all their elements. */
export function unflatten(flat: tf.Tensor1D, shapes: readonly (readonly number[])[]): tf.Tensor[] {
  const sizes = shapes.map((shape) => shape.reduce((product, size) => product * size, 1));
  const starts = startsOf(sizes);
  if (!usesKernels()) {
    return shapes.map((shape, i) => tf.reshape(tf.slice(flat, [starts[i] ?? 0], [sizes[i] ?? 0]), [...shape]));
  }
  const parts = shapes.map((shape) => allocate([...shape]));
  copyParts(parts.map((to, i) => ({ from: flat, fromStart: starts[i] ?? 0, to, toStart: 0, size: to.size })));
  return parts;
}

function startsOf(sizes: readonly number[]): number[] {
  let start = 0;
  return sizes.map((size) => {
    start += size;
    return start - size;
  });
}
