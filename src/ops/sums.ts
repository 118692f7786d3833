/**
 * Long sums: losses over tokens, squares of millions of gradients, rows over a vocabulary.
 *
 * tfjs's wasm backend adds one element after another in float32. Once the sum is large, the addends lose bits, always
 * in the same direction if elements are alike: the norm of 20 million gradients came out 1 to 2 % too small. Without a
 * GPU, a sum over all elements is therefore computed here in float64, because they are in this process's memory anyway,
 * and rows are summed in blocks. tfjs's WebGPU backend adds hundreds of partial sums in parallel, which loses little.
 */
import * as tf from '@tensorflow/tfjs-core';
import { isOnGpu } from '../gpu/dispatch.ts';
import { callWasm, hasWasmKernels, squaredNormsOnWasm } from '../gpu/wasm-calls.ts';
import { differentiable } from './differentiable.ts';

/** The sum of all elements. */
export function sumAll(x: tf.Tensor): tf.Scalar {
  if (isOnGpu()) return tf.sum<tf.Scalar>(x);
  const { shape } = x;
  return differentiable<[tf.Tensor], tf.Scalar>({
    inputs: [x],
    forward: () => {
      let sum = 0;
      for (const value of x.dataSync<'float32'>()) sum += value;
      return tf.scalar(sum);
    },
    backward: (dY) => [tf.mul(tf.ones(shape), dY)],
  });
}

/** The most elements that wasm adds consecutively, because the error grows with their number. */
const BLOCK = 64;

/** The sum of each row, `[N,V] -> [N]`. Not differentiable itself; used inside ops. */
export function sumEachRow(x: tf.Tensor2D): tf.Tensor1D {
  const [N, V] = x.shape;
  if (isOnGpu() || V <= BLOCK) return tf.sum<tf.Tensor1D>(x, -1);
  const blocks = Math.ceil(V / BLOCK);
  const missing = blocks * BLOCK - V;
  const whole = missing === 0 ? x : tf.concat([x, tf.zeros([N, missing])], -1);
  return sumEachRow(tf.sum(tf.reshape(whole, [N, blocks, BLOCK]), -1)); // [N,V] -> [N,blocks]
}

/** The sum of squares of each tensor, `[count]`. Not differentiable. */
export function squaredNorms(tensors: readonly tf.Tensor[]): tf.Tensor1D {
  if (hasWasmKernels()) return squaredNormsOnWasm(tensors);
  return tf.tidy(() => tf.stack(tensors.map((tensor) => dot(tensor, tensor))) as tf.Tensor1D);
}

/** The sum of the element-wise products; the root of `dot(x, x)` is the norm. Not differentiable. */
export function dot(a: tf.Tensor, b: tf.Tensor): tf.Scalar {
  if (isOnGpu()) return tf.sum<tf.Scalar>(a === b ? tf.square(a) : tf.mul(a, b));
  if (hasWasmKernels()) return tf.scalar(callWasm('innerProduct', [a, b], [a.size]));
  const left = a.dataSync<'float32'>();
  const right = a === b ? left : b.dataSync<'float32'>();
  let sum = 0;
  for (let i = 0; i < left.length; i++) sum += (left[i] ?? NaN) * (right[i] ?? NaN);
  return tf.scalar(sum);
}
