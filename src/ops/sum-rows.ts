/**
 * The sum over rows. A reduction over the outer axis is slow on wasm, where a product with ones takes a ninetieth.
 */
import * as tf from '@tensorflow/tfjs-core';

/** `[N,C] -> [C]`. Not differentiable by itself: used inside ops. */
export function sumRows(x: tf.Tensor2D): tf.Tensor1D {
  const [N, C] = x.shape;
  return tf.reshape(tf.matMul(tf.ones([1, N]), x), [C]); // [1,N] @ [N,C] -> [C]
}
