/**
 * Matrix products of two-dimensional tensors, arranged for the backend that runs.
 *
 * tfjs-wasm multiplies untransposed single matrices with XNNPACK (about 40 GFLOP/s on one thread of a server CPU) and
 * everything else with a plain loop (about 3 GFLOP/s), so there a transpose is done first. WebGPU's kernels read
 * transposed operands in place.
 */
import * as tf from '@tensorflow/tfjs-core';

/** `op(a) @ op(b)` where op transposes if asked. Not differentiable by itself: used inside ops. */
export function matmul(a: tf.Tensor2D, b: tf.Tensor2D, transposeA = false, transposeB = false): tf.Tensor2D {
  if (tf.getBackend() !== 'wasm') return tf.matMul(a, b, transposeA, transposeB);
  return tf.matMul(transposeA ? tf.transpose(a) : a, transposeB ? tf.transpose(b) : b);
}

/** The sum over rows, `[N,C] -> [C]`, as a product with ones: a reduction over the outer axis is slow on wasm. */
export function sumRows(x: tf.Tensor2D): tf.Tensor1D {
  const [N, C] = x.shape;
  return tf.reshape(tf.matMul(tf.ones([1, N]), x), [C]); // [1,N] @ [N,C] -> [C]
}
