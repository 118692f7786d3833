/**
 * The gradient of a look-up on the GPU: row v of the result is the sum of the rows n of dY with `ids[n] = v`.
 *
 * Many rows may map to one, and atomic additions would give different bits each time. Here each element of the result
 * gathers its rows in order of n; the rows are sorted on the CPU, where the ids are known.
 *
 * In: dY `[N,C]`, starts `[V+1]`, order `[N]`; out: `[V,C]`, overwritten. Grid: an invocation per element of the
 * result. No optional feature.
 */
import * as tf from '@tensorflow/tfjs-core';
import { allocate, dispatch, FLAT_MAIN, FLAT_WORKGROUP, flatIndex, type Program } from '../gpu/dispatch.ts';
import { callWasm, hasWasmKernels } from '../gpu/wasm-calls.ts';

/**
 * Sums rows by their ids.
 *
 * @param ids - for each row of dY an integer in [0, V)
 * @returns `[V,C]`
 */
export function scatterRows(dY: tf.Tensor2D, ids: Int32Array, V: number): tf.Tensor2D {
  const [, C] = dY.shape;
  const sums = allocate<tf.Rank.R2>([V, C]);
  if (hasWasmKernels()) {
    tf.tidy(() => void callWasm('scatterRows', [dY, tf.tensor1d(ids, 'int32'), sums], [ids.length, V, C]));
    return sums;
  }
  const { starts, order } = rowsById(ids, V);
  tf.tidy(() => {
    dispatch({
      program: PROGRAM,
      tensors: [dY, tf.tensor1d(starts, 'int32'), tf.tensor1d(order, 'int32'), sums],
      parameters: [V, C],
      size: [V * C],
      workgroupSize: [FLAT_WORKGROUP],
    });
  });
  return sums;
}

/** The rows sorted by id, and where those of each id start. */
function rowsById(ids: Int32Array, V: number): { readonly starts: Int32Array; readonly order: Int32Array } {
  const starts = new Int32Array(V + 1);
  for (const id of ids) starts[id + 1] = (starts[id + 1] ?? 0) + 1;
  for (let v = 0; v < V; v++) starts[v + 1] = (starts[v + 1] ?? 0) + (starts[v] ?? 0);
  const next = starts.slice();
  const order = new Int32Array(ids.length);
  for (const [n, id] of ids.entries()) {
    const place = next[id] ?? 0;
    order[place] = n;
    next[id] = place + 1;
  }
  return { starts, order };
}

const PROGRAM: Program = {
  key: 'scatter-rows',
  source: () => `
@group(0) @binding(0) var<storage, read> dY: array<f32>;
@group(0) @binding(1) var<storage, read> starts: array<u32>;
@group(0) @binding(2) var<storage, read> order: array<u32>;
@group(0) @binding(3) var<storage, read_write> sums: array<f32>;
struct Sizes { V: u32, C: u32 }
@group(0) @binding(4) var<uniform> sizes: Sizes;

${FLAT_MAIN} {
  ${flatIndex('sizes.V * sizes.C')}
  let row = i / sizes.C;
  let column = i % sizes.C;
  var sum = 0.0;
  for (var n = starts[row]; n < starts[row + 1u]; n++) { sum += dY[order[n] * sizes.C + column]; }
  sums[i] = sum;
}`,
};
