/**
 * The linear map with weights as Hugging Face stores them, `[out, in]`.
 */
import * as tf from '@tensorflow/tfjs-core';
import { differentiable } from './differentiable.ts';
import { sumRows } from './sum-rows.ts';

/**
 * `y = x W^T (+ b)`.
 *
 * @param x - `[N,I]`
 * @param weight - `[O,I]`
 * @param bias - `[O]`, or undefined for none
 * @returns `[N,O]`
 */
export function linear(x: tf.Tensor2D, weight: tf.Tensor2D, bias?: tf.Tensor1D): tf.Tensor2D {
  const product = differentiable<[tf.Tensor2D, tf.Tensor2D], tf.Tensor2D>({
    inputs: [x, weight],
    forward: (save) => {
      save(x);
      save(weight);
      return tf.matMul(x, weight, false, true); // [N,I] @ [I,O] -> [N,O]
    },
    backward: (dY, saved) => {
      const [savedX, savedWeight] = saved as [tf.Tensor2D, tf.Tensor2D];
      return [
        tf.matMul(dY, savedWeight), // [N,O] @ [O,I] -> [N,I]
        tf.matMul(dY, savedX, true), // [O,N] @ [N,I] -> [O,I]
      ];
    },
  });
  return bias === undefined ? product : addBias(product, bias);
}

function addBias(x: tf.Tensor2D, bias: tf.Tensor1D): tf.Tensor2D {
  return differentiable<[tf.Tensor2D, tf.Tensor1D], tf.Tensor2D>({
    inputs: [x, bias],
    forward: () => tf.add(x, bias),
    backward: (dY) => [dY.clone(), sumRows(dY)],
  });
}
