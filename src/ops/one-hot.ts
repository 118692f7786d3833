/**
 * One-hot matrices. On wasm they are built in JavaScript: tfjs-wasm's OneHot writes the bits of integers whatever type
 * it is asked for, and transposing a big one costs more than the product it is needed for.
 */
import * as tf from '@tensorflow/tfjs-core';

/** Row n is 1 at `ids[n]` and 0 elsewhere, `[N,V]`. */
export function oneHotRows(ids: Int32Array, V: number): tf.Tensor2D {
  if (tf.getBackend() !== 'wasm') return tf.oneHot(tf.tensor1d(ids, 'int32'), V, 1, 0, 'float32') as tf.Tensor2D;
  const ones = new Float32Array(ids.length * V);
  for (const [n, id] of ids.entries()) ones[n * V + id] = 1;
  return tf.tensor2d(ones, [ids.length, V]);
}

/** Column n is 1 at `ids[n]` and 0 elsewhere, `[V,N]`. */
export function oneHotColumns(ids: Int32Array, V: number): tf.Tensor2D {
  if (tf.getBackend() !== 'wasm') return tf.transpose(oneHotRows(ids, V));
  const N = ids.length;
  const ones = new Float32Array(V * N);
  for (const [n, id] of ids.entries()) ones[id * N + n] = 1;
  return tf.tensor2d(ones, [V, N]);
}
