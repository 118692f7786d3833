/**
 * Values that weight a loss without receiving gradients.
 */
import * as tf from '@tensorflow/tfjs-core';
import { differentiable } from './differentiable.ts';

/** The same value without a gradient. */
export function stopGradient<T extends tf.Tensor>(x: T): T {
  return differentiable<[T], T>({
    inputs: [x],
    forward: () => x.clone(),
    backward: (dY) => [tf.zerosLike(dY)],
  });
}
