/**
 * A value that weighs a loss without being learned through.
 */
import * as tf from '@tensorflow/tfjs-core';
import { differentiable } from './differentiable.ts';

/** The same value, through which no gradient flows. */
export function stopGradient<T extends tf.Tensor>(x: T): T {
  return differentiable<[T], T>({
    inputs: [x],
    forward: () => x.clone(),
    backward: (dY) => [tf.zerosLike(dY)],
  });
}
