/**
 * A look-up in compressed weights on the GPU: rows by their ids, as floats.
 *
 * In: ids `[N]`, values and scales as in compressed-matmul.ts; out: `[N,C]`, of which only the rows with an id in
 * `first .. first + rows - 1` are written: one dispatch per shard, which together write all rows. Grid: an invocation
 * per four elements of the result. No optional feature.
 */
import type * as tf from '@tensorflow/tfjs-core';
import { dispatch, FLAT_MAIN, FLAT_WORKGROUP, flatIndex, type Program } from '../gpu/dispatch.ts';
import { callWasm, hasWasmKernels } from '../gpu/wasm-calls.ts';
import { type CompressedFormat, type CompressedRows, UNPACK, WASM_FORMATS } from './compressed-matmul.ts';

/**
 * Writes the rows of a look-up that are in some rows of the table.
 *
 * @param ids - `[N]` of dtype int32
 * @param found - `[N,C]`, C a multiple of four
 */
export function compressedRows(
  ids: tf.Tensor1D,
  rows: CompressedRows,
  format: CompressedFormat,
  found: tf.Tensor2D,
): void {
  const [N, C] = found.shape;
  if (hasWasmKernels()) {
    const sizes = [N, C, rows.scales?.shape[1] ?? 1, WASM_FORMATS[format], rows.first, rows.values.shape[0]];
    callWasm('compressedRows', [ids, rows.values, rows.scales, found], sizes);
    return;
  }
  dispatch({
    program: programOf(format),
    tensors: [ids, rows.values, ...(rows.scales === undefined ? [] : [rows.scales]), found],
    parameters: [N, C / 4, rows.scales?.shape[1] ?? 1, rows.first, rows.values.shape[0]],
    size: [(N * C) / 4],
    workgroupSize: [FLAT_WORKGROUP],
  });
}

function programOf(format: CompressedFormat): Program {
  const hasScales = format !== 'f16';
  const buffers = ['values: array<u32>', ...(hasScales ? ['scales: array<f32>'] : [])];
  return {
    key: `compressed-rows ${format}`,
    source: () => `
@group(0) @binding(0) var<storage, read> ids: array<u32>;
${buffers.map((buffer, i) => `@group(0) @binding(${i + 1}) var<storage, read> ${buffer};`).join('\n')}
@group(0) @binding(${buffers.length + 1}) var<storage, read_write> found: array<vec4f>;
struct Sizes { N: u32, vectors: u32, groups: u32, first: u32, rows: u32 }
@group(0) @binding(${buffers.length + 2}) var<uniform> sizes: Sizes;

${UNPACK[format]}
${FLAT_MAIN} {
  ${flatIndex('sizes.N * sizes.vectors')}
  let vector = i % sizes.vectors;
  let row = ids[i / sizes.vectors] - sizes.first; // wraps to a huge number for an id before the first
  if (row >= sizes.rows) { return; }
  let place = row * sizes.vectors + vector;
  found[i] = unpack(4u * place)${hasScales ? ' * scales[row * sizes.groups + vector * sizes.groups / sizes.vectors]' : ''};
}`,
  };
}
