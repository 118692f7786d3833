/**
 * The form of a differentiable op in the lab: a forward pass and its hand-written gradient, as one unit on tfjs's tape.
 *
 * Hand-written gradients keep the tape short (one node per op instead of one per kernel), keep only what the backward
 * pass needs (tfjs frees everything else from the forward pass, so `backward` must read tensors from `saved`, never
 * from the closure), and avoid gradients that tfjs lacks or gets wrong (cumsum on inner axes, gather on wasm, float
 * atomics on WebGPU). A fused kernel can later replace a composite with the same signature.
 *
 * Saved tensors and the gradient of the value are freed as soon as the op's backward pass is done, because tfjs would
 * keep all of them until the last op is done. So a `dy` passed to `tf.grads` is consumed.
 */
import * as tf from '@tensorflow/tfjs-core';

/** Keeps a tensor for the backward pass. */
export type Save = (tensor: tf.Tensor) => void;

/** An op, given by its two passes. */
export interface DifferentiableOp<Input extends tf.Tensor[], Output extends tf.Tensor> {
  readonly inputs: readonly [...Input];
  /** Computes the value; `save` keeps tensors for `backward`, in order. */
  readonly forward: (save: Save) => Output;
  /** From the gradient of the value and the saved tensors, the gradient of each input in order. */
  readonly backward: (dOutput: Output, saved: tf.Tensor[]) => { [Index in keyof Input]: tf.Tensor };
}

/** Runs an op so that `tf.grads` and `tf.variableGrads` use its own backward pass. */
export function differentiable<Input extends tf.Tensor[], Output extends tf.Tensor>(
  op: DifferentiableOp<Input, Output>,
): Output {
  const run = tf.customGrad<Output>((...args) => {
    // tfjs passes the inputs and, as the last argument, the function that saves tensors.
    const saveAll = args[args.length - 1] as tf.GradSaveFunc;
    const saved: tf.Tensor[] = [];
    const value = op.forward((tensor) => saved.push(tensor));
    saveAll(saved);
    const gradFunc = (dOutput: Output, kept: tf.Tensor[]): tf.Tensor[] => {
      // Without the tidy, every intermediate of every backward pass would live until the whole gradient is done.
      const gradients = tf.tidy(() => op.backward(dOutput, kept));
      tf.dispose([...kept, dOutput]);
      return gradients;
    };
    return { value, gradFunc };
  });
  return run(...op.inputs);
}
