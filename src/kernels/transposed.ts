/**
 * Transposes a matrix: an invocation transposes 4 x 4 numbers in registers.
 *
 * In: a matrix `[R,C]` of float32 or halves, R and C multiples of four; out: `[C,R]` float32, overwritten. Grid: an
 * invocation per 4 x 4 block. No optional feature.
 */
import type * as tf from '@tensorflow/tfjs-core';
import { allocate, dispatch, type Program } from '../gpu/dispatch.ts';
import type { HalfMatrix } from './halves.ts';

const WORKGROUP = [8, 8] as const;

/** `[R,C] -> [C,R]`. The caller disposes it. */
export function transposed(matrix: tf.Tensor2D | HalfMatrix): tf.Tensor2D {
  const [R, C] = matrix.shape;
  const result = allocate<tf.Rank.R2>([C, R]);
  const isHalf = 'packed' in matrix;
  dispatch({
    program: isHalf ? OF_HALVES : OF_FLOATS,
    tensors: [isHalf ? matrix.packed : matrix, result],
    parameters: [R / 4, C / 4],
    size: [R / 4, C / 4],
    workgroupSize: WORKGROUP,
  });
  return result;
}

function program(key: string, element: string, four: string): Program {
  return {
    key,
    source: () => `
@group(0) @binding(0) var<storage, read> matrix: array<${element}>;
@group(0) @binding(1) var<storage, read_write> result: array<vec4f>;
struct Sizes { rows: u32, columns: u32 } // in fours
@group(0) @binding(2) var<uniform> sizes: Sizes;

fn load(row: u32, column: u32) -> vec4f {
  let place = row * sizes.columns + column;
  return ${four};
}

@compute @workgroup_size(${WORKGROUP.join(', ')})
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= sizes.rows || id.y >= sizes.columns) { return; }
  let row = 4u * id.x;
  let block = transpose(mat4x4f(load(row, id.y), load(row + 1u, id.y), load(row + 2u, id.y), load(row + 3u, id.y)));
  for (var i = 0u; i < 4u; i++) { result[(4u * id.y + i) * sizes.rows + id.x] = block[i]; }
}`,
  };
}

const OF_FLOATS = program('transposed', 'vec4f', 'matrix[place]');
const OF_HALVES = program(
  'transposed halves',
  'vec2u',
  'vec4f(unpack2x16float(matrix[place].x), unpack2x16float(matrix[place].y))',
);
