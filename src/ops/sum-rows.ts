/**
 * The sum over rows, as a product with ones, because a reduction over the outer axis is 90 times slower on wasm.
 */
import * as tf from '@tensorflow/tfjs-core';

/** `[N,C] -> [C]`. Not differentiable itself; used inside ops. */
export function sumRows(x: tf.Tensor2D): tf.Tensor1D {
  const [N, C] = x.shape;
  return tf.reshape(tf.matMul(tf.ones([1, N]), x), [C]); // [1,N] @ [N,C] -> [C]
}
