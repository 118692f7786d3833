/**
 * Products with compressed weights on the GPU: `x W^T`, where W is stored in half precision or as small integers with a
 * scale per group, and decompressed in registers. The weights are read from memory in a half, a quarter or an eighth of
 * their bytes, which is the bottleneck of decoding; sums are float32.
 *
 * An invocation computes 4 columns of 4 rows, or of one row if there is only one (decoding), group by group: the sum
 * over a group is scaled once, instead of each weight. No workgroup memory, no barriers, and no optional feature: f16
 * is unpacked by `unpack2x16float`, so that adapters without `shader-f16` run the same program.
 *
 * In: x `[N,I]` f32; values `[O,words]` u32, little-endian as stored (checkpoint/quantised.ts); scales `[O,groups]`
 * f32, except for f16; optionally a bias `[O]` and a residual `[N,width]`. Out: columns `first .. first + O - 1` of
 * `[N,width]`, overwritten: one dispatch per shard of a large matrix. Grid: 8 x 8 invocations per workgroup, x over
 * columns.
 */
import type * as tf from '@tensorflow/tfjs-core';
import { dispatch, type Program } from '../gpu/dispatch.ts';
import { callWasm, hasWasmKernels, scratchOf, wasmScratch } from '../gpu/wasm-calls.ts';
import type { Epilogue } from './matmul.ts';

/** The storage formats of compressed weights. */
export type CompressedFormat = 'f16' | 'int8' | 'int4';

/** Consecutive rows of a compressed matrix, in separate buffers. */
export interface CompressedRows {
  /** The index of the first of these rows in the whole matrix. */
  readonly first: number;
  /** `[rows,words]` of dtype int32, the bits of the stored weights. */
  readonly values: tf.Tensor2D;
  /** `[rows,groups]`, the factors of the integers; none for f16. */
  readonly scales: tf.Tensor2D | undefined;
}

/** The numbers of the formats in `assembly/compressed.ts`. */
export const WASM_FORMATS: Readonly<Record<CompressedFormat, number>> = { f16: 0, int8: 1, int4: 2 };

/** Weights per 32-bit word. */
export const WEIGHTS_PER_WORD: Readonly<Record<CompressedFormat, number>> = { f16: 2, int8: 4, int4: 8 };

/**
 * Writes the columns of a product that correspond to some rows of the weights.
 *
 * @param product - `[N,width]`
 */
export function compressedMatmul(
  x: tf.Tensor2D,
  rows: CompressedRows,
  format: CompressedFormat,
  product: tf.Tensor2D,
  { bias, residual }: Epilogue = {},
): void {
  const [N, I] = x.shape;
  const [O] = rows.values.shape;
  const groups = rows.scales?.shape[1] ?? 1;
  if (hasWasmKernels()) {
    const scratch = wasmScratch(scratchOf('compressedScratch', I));
    const sizes = [N, O, I, groups, WASM_FORMATS[format], rows.first, product.shape[1], scratch];
    callWasm('compressedMatmul', [x, rows.values, rows.scales, bias, residual, product], sizes);
    return;
  }
  const height = N === 1 ? 1 : 4;
  const extras = [bias, residual].filter((tensor) => tensor !== undefined);
  const scales = rows.scales === undefined ? [] : [rows.scales];
  dispatch({
    program: programOf({ format, height, hasBias: bias !== undefined, hasResidual: residual !== undefined }),
    tensors: [x, rows.values, ...scales, ...extras, product],
    parameters: [N, O, I, groups, rows.first, product.shape[1]],
    size: [Math.ceil(O / 4), Math.ceil(N / height)],
    workgroupSize: WORKGROUP,
  });
}

const WORKGROUP = [8, 8] as const;
const LANES = [0, 1, 2, 3] as const;

interface Variant {
  readonly format: CompressedFormat;
  /** Rows per invocation. */
  readonly height: 1 | 4;
  readonly hasBias: boolean;
  readonly hasResidual: boolean;
}

function programOf(variant: Variant): Program {
  const { format, height, hasBias, hasResidual } = variant;
  const key = `compressed-matmul ${format} ${height}${hasBias ? ' bias' : ''}${hasResidual ? ' residual' : ''}`;
  return { key, source: () => sourceOf(variant) };
}

function sourceOf({ format, height, hasBias, hasResidual }: Variant): string {
  const hasScales = format !== 'f16';
  const buffers = [
    ['x', 'vec4f', 'read'],
    ['values', 'u32', 'read'],
    ...(hasScales ? [['scales', 'f32', 'read']] : []),
    ...(hasBias ? [['bias', 'f32', 'read']] : []),
    ...(hasResidual ? [['residual', 'f32', 'read']] : []),
    ['product', 'f32', 'read_write'],
  ] as const;
  const each = (line: (i: number) => string): string => LANES.slice(0, height).map(line).join('\n');
  const four = (line: (j: number) => string): string => LANES.map(line).join('\n');
  return `
${buffers.map(([name, type, access], i) => `@group(0) @binding(${i}) var<storage, ${access}> ${name}: array<${type}>;`).join('\n')}
struct Sizes { N: u32, O: u32, I: u32, groups: u32, first: u32, width: u32 }
@group(0) @binding(${buffers.length}) var<uniform> sizes: Sizes;

${UNPACK[format]}
@compute @workgroup_size(${WORKGROUP.join(', ')})
fn main(@builtin(global_invocation_id) id: vec3u) {
  let column = 4u * id.x;
  let row = ${height}u * id.y;
  if (row >= sizes.N || column >= sizes.O) { return; }
  // Indices past the end repeat the last; their results are not written.
  ${four((j) => `let column${j} = min(column + ${j}u, sizes.O - 1u);`)}
  ${each((i) => `let row${i} = min(row + ${i}u, sizes.N - 1u);`)}
  ${each((i) => `var sum${i} = vec4f();`)}
  let size = sizes.I / sizes.groups;
  for (var group = 0u; group < sizes.groups; group++) {
    ${each((i) => `var part${i} = vec4f();`)}
    for (var k = group * size; k < (group + 1u) * size; k += 4u) {
      ${four((j) => `let w${j} = unpack(column${j} * sizes.I + k);`)}
      ${each(
        (i) => `{ let a = x[(row${i} * sizes.I + k) / 4u];
      part${i} += vec4f(${LANES.map((j) => `dot(a, w${j})`).join(', ')}); }`,
      )}
    }
    ${hasScales ? `let scale = vec4f(${LANES.map((j) => `scales[column${j} * sizes.groups + group]`).join(', ')});` : ''}
    ${each((i) => `sum${i} += part${i}${hasScales ? ' * scale' : ''};`)}
  }
  ${each((i) => `write(row + ${i}u, column, sum${i});`)}
}

fn write(row: u32, column: u32, sum: vec4f) {
  if (row >= sizes.N) { return; }
  for (var j = 0u; j < min(4u, sizes.O - column); j++) {
    let place = row * sizes.width + sizes.first + column + j;
    product[place] = sum[j]${hasBias ? ' + bias[sizes.first + column + j]' : ''}${hasResidual ? ' + residual[place]' : ''};
  }
}`;
}

/** Four consecutive unscaled weights of a row from element `i` on, a multiple of four. */
export const UNPACK: Readonly<Record<CompressedFormat, string>> = {
  f16: `fn unpack(i: u32) -> vec4f {
  return vec4f(unpack2x16float(values[i / 2u]), unpack2x16float(values[i / 2u + 1u]));
}`,
  // A signed normalised byte is its integer divided by 127.
  int8: `fn unpack(i: u32) -> vec4f { return 127.0 * unpack4x8snorm(values[i / 4u]); }`,
  int4: `fn unpack(i: u32) -> vec4f {
  let word = bitcast<i32>(values[i / 8u] >> (4u * (i % 8u)));
  return vec4f(vec4i(
    extractBits(word, 0u, 4u), extractBits(word, 4u, 4u), extractBits(word, 8u, 4u), extractBits(word, 12u, 4u),
  ));
}`,
};
