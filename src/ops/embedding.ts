/**
 * Table look-up and row selection, with gradients that do not depend on the order of additions.
 *
 * tfjs's own gather gradient adds with float atomics on WebGPU (a run is not repeatable) and does not exist on wasm.
 * Here the gradient of a look-up is a product with one-hot rows, and the gradient of a selection of distinct rows is
 * a scatter in which no two additions meet.
 */
import * as tf from '@tensorflow/tfjs-core';
import { differentiable } from './differentiable.ts';
import { oneHotColumns } from './one-hot.ts';

/**
 * Rows of a table.
 *
 * @param table - `[V,C]`
 * @param ids - N whole numbers in [0, V)
 * @returns `[N,C]`
 */
export function embedding(table: tf.Tensor2D, ids: Int32Array): tf.Tensor2D {
  const [V] = table.shape;
  return differentiable<[tf.Tensor2D], tf.Tensor2D>({
    inputs: [table],
    forward: () => tf.gather(table, tf.tensor1d(ids, 'int32')),
    backward: (dY) => [tf.matMul(oneHotColumns(ids, V), dY)], // [V,N] @ [N,C] -> [V,C]
  });
}

/**
 * Distinct rows of a matrix.
 *
 * @param x - `[N,C]`
 * @param rows - M distinct whole numbers in [0, N)
 * @returns `[M,C]`
 */
export function selectRows(x: tf.Tensor2D, rows: Int32Array): tf.Tensor2D {
  const [N, C] = x.shape;
  return differentiable<[tf.Tensor2D], tf.Tensor2D>({
    inputs: [x],
    forward: () => tf.gather(x, tf.tensor1d(rows, 'int32')),
    backward: (dY) => [tf.scatterND<tf.Rank.R2>(tf.tensor2d(rows, [rows.length, 1], 'int32'), dY, [N, C])],
  });
}
