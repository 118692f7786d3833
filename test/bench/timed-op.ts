/**
 * An op to be timed on two backends; its inputs are created on the backend that is current when it is opened.
 */
import * as tf from '@tensorflow/tfjs';
import type { NamedBackend } from './backend-pair.ts';

/** A named op. */
export interface TimedOp {
  readonly op: string;
  /** Creates its inputs on the current backend, which is that of `owner`. */
  readonly open: (owner: NamedBackend['owner']) => OpenedOp;
}

/** An op with its inputs. */
export interface OpenedOp {
  /** Computes the op, or queues it on a GPU, and frees the result. */
  readonly run: () => void | Promise<void>;
  readonly dispose: () => void;
}

/** Normally distributed numbers, the same for a shape on every backend. */
export function normalTensor(shape: readonly number[]): tf.Tensor {
  return tf.randomNormal([...shape], 0, 1, 'float32', 1);
}

/**
 * An op, forward and backward with respect to all its inputs.
 *
 * @param shapes - of the inputs
 */
export function differentiatedOp(
  op: string,
  shapes: readonly (readonly number[])[],
  run: (inputs: tf.Tensor[], owner: NamedBackend['owner']) => tf.Tensor,
): TimedOp {
  return {
    op,
    open: (owner) => {
      const inputs = shapes.map(normalTensor);
      const gradients = tf.grads((...xs: tf.Tensor[]) => tf.sum(run(xs, owner)));
      return { run: () => tf.dispose(gradients(inputs)), dispose: () => tf.dispose(inputs) };
    },
  };
}

/** An op, forward only. */
export function forwardOp(
  op: string,
  shapes: readonly (readonly number[])[],
  run: (inputs: tf.Tensor[]) => tf.TensorContainer,
): TimedOp {
  return {
    op,
    open: () => {
      const inputs = shapes.map(normalTensor);
      return { run: () => tf.dispose(tf.tidy(() => run(inputs))), dispose: () => tf.dispose(inputs) };
    },
  };
}
