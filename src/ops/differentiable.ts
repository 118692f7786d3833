/**
 * How the lab defines a differentiable op: a forward pass and its hand-written gradient, as one unit for tfjs's tape.
 *
 * Hand-written gradients keep the tape short (one node per op instead of one per elementary kernel), keep only what the
 * backward pass needs (tfjs frees everything else that the forward pass made, so `backward` must read tensors from
 * `saved`, never from the closure), and avoid the gradients that tfjs gets wrong or lacks (cumsum on inner axes, gather on wasm,
 * float atomics on WebGPU). A fused kernel can later take the place of a composite behind the same signature.
 *
 * What was saved and the gradient of the value are freed as soon as the backward pass of the op is done: tfjs would hold all of
 * them until the last op's is. So a `dy` that is handed to `tf.grads` is used up.
 */
import * as tf from '@tensorflow/tfjs-core';

/** Keeps a tensor for the backward pass. */
export type Save = (tensor: tf.Tensor) => void;

/** An op as its two passes. */
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
    // tfjs passes the inputs and then, last, the function that keeps tensors.
    const saveAll = args[args.length - 1] as tf.GradSaveFunc;
    const saved: tf.Tensor[] = [];
    const value = op.forward((tensor) => saved.push(tensor));
    saveAll(saved);
    const gradFunc = (dOutput: Output, kept: tf.Tensor[]): tf.Tensor[] => {
      // Without the tidy every intermediate of every backward pass would live until the whole gradient is done.
      const gradients = tf.tidy(() => op.backward(dOutput, kept));
      tf.dispose([...kept, dOutput]);
      return gradients;
    };
    return { value, gradFunc };
  });
  return run(...op.inputs);
}
