/**
 * Table look-up and row selection, with gradients that do not depend on the order of additions.
 *
 * tfjs's gather gradient adds with float atomics on WebGPU (so a run is not repeatable) and does not exist on wasm.
 * Here the gradient of a look-up is a sum over the rows of each id: by a kernel, in JavaScript on wasm without kernels,
 * else as a product with one-hot rows. The gradient of a selection of distinct rows is a scatter without colliding
 * additions.
 */
import * as tf from '@tensorflow/tfjs-core';
import { usesKernels } from '../gpu/dispatch.ts';
import { scatterRows } from '../kernels/scatter-rows.ts';
import { compressedEmbedding, type CompressedMatrix, isCompressed } from './compressed.ts';
import { differentiable } from './differentiable.ts';

/**
 * Rows of a table.
 *
 * @param table - `[V,C]`; without a gradient if it is compressed
 * @param ids - N integers in [0, V); without a gradient if they are a tensor, whose values only the GPU knows
 * @returns `[N,C]`
 */
export function embedding(table: tf.Tensor2D | CompressedMatrix, ids: Int32Array | tf.Tensor1D): tf.Tensor2D {
  if (isCompressed(table)) return compressedEmbedding(table, ids);
  if (!(ids instanceof Int32Array)) return tf.gather(table, ids);
  const [V] = table.shape;
  return differentiable<[tf.Tensor2D], tf.Tensor2D>({
    inputs: [table],
    forward: () => tf.gather(table, tf.tensor1d(ids, 'int32')),
    backward: (dY) => [sumById(dY, ids, V)],
  });
}

function sumById(dY: tf.Tensor2D, ids: Int32Array, V: number): tf.Tensor2D {
  if (usesKernels()) return scatterRows(dY, ids, V);
  return tf.getBackend() === 'wasm' ? addRows(dY, ids, V) : multiplyOneHot(dY, ids, V);
}

function multiplyOneHot(dY: tf.Tensor2D, ids: Int32Array, V: number): tf.Tensor2D {
  const rows = tf.oneHot(tf.tensor1d(ids, 'int32'), V, 1, 0, 'float32') as tf.Tensor2D; // [N,V]
  return tf.matMul(rows, dY, true); // [V,N] @ [N,C] -> [V,C]
}

// Reading is synchronous on wasm. Its one-hot cannot be used, because it writes the bits of integers for any dtype.
function addRows(dY: tf.Tensor2D, ids: Int32Array, V: number): tf.Tensor2D {
  const [, C] = dY.shape;
  const rows = dY.dataSync<'float32'>();
  const sums = new Float32Array(V * C);
  for (const [n, id] of ids.entries()) {
    for (let c = 0; c < C; c++) sums[id * C + c] = (sums[id * C + c] ?? 0) + (rows[n * C + c] ?? 0);
  }
  return tf.tensor2d(sums, [V, C]);
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
    backward: (dY) => [
      usesKernels()
        ? scatterRows(dY, rows, N)
        : tf.scatterND<tf.Rank.R2>(tf.tensor2d(rows, [rows.length, 1], 'int32'), dY, [N, C]),
    ],
  });
}
