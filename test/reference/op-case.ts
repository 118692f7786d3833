/** A case of an op, free of the test runner, so that the benchmark of a device judges the same ones. */
import type * as tf from '@tensorflow/tfjs-core';
import type { Tensor64 } from './tensor64.ts';

/**
 * An op with inputs to differentiate by, and the reference that says what it computes. Other arguments are closed over.
 */
export interface OpCase {
  readonly title: string;
  readonly inputs: readonly Tensor64[];
  readonly op: (inputs: readonly tf.Tensor[]) => tf.Tensor;
  readonly reference: (inputs: readonly Tensor64[]) => Tensor64;
}

type Tensors64<Inputs> = { readonly [Index in keyof Inputs]: Tensor64 };

/** A case with typed inputs. */
export function opCase<Inputs extends tf.Tensor[]>(
  title: string,
  inputs: Tensors64<Inputs>,
  op: (...inputs: Inputs) => tf.Tensor,
  reference: (...inputs: Tensors64<Inputs>) => Tensor64,
): OpCase {
  return {
    title,
    inputs,
    op: (tensors) => op(...(tensors as Inputs)),
    reference: (tensors) => reference(...(tensors as Tensors64<Inputs>)),
  };
}
