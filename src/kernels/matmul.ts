/**
 * Matrix products on the GPU: each invocation computes a 4 x 4 block of the result in registers, reading four numbers at a
 * time. No workgroup memory and no barriers: on software adapters barriers cost more than they save, and the caches of a
 * hardware one catch most of what neighbouring invocations read twice.
 *
 * Sums run over the inner axis in order, so a result depends on its row and column alone, whatever else is computed.
 *
 * In: A `[M,K]` or, transposed, `[K,M]`; B `[K,N]` or `[N,K]`; optionally a bias `[N]`, and a matrix `[M,N]` to add. Out:
 * `[M,N]`, overwritten. Grid: a workgroup for 32 x 32 of the result. Needs no optional feature.
 */
import type * as tf from '@tensorflow/tfjs-core';
import { allocate, dispatch, type Program } from '../gpu/dispatch.ts';

/** Which operands are given transposed. Both at once is not needed by any op. */
export type Arrangement = 'nn' | 'nt' | 'tn';

/** What is added to a product before it is written. */
export interface Epilogue {
  /** `[N]`, to each row. */
  readonly bias?: tf.Tensor1D | undefined;
  /** `[M,N]` */
  readonly residual?: tf.Tensor2D | undefined;
}

/** `A B (+ bias) (+ residual)`, `[M,N]`. */
export function matmulKernel(
  a: tf.Tensor2D,
  b: tf.Tensor2D,
  arrangement: Arrangement,
  { bias, residual }: Epilogue = {},
): tf.Tensor2D {
  const [M, K] = arrangement === 'tn' ? [a.shape[1], a.shape[0]] : a.shape;
  const N = arrangement === 'nt' ? b.shape[0] : b.shape[1];
  const product = allocate<tf.Rank.R2>([M, N]);
  const extras = [bias, residual].filter((tensor) => tensor !== undefined);
  dispatch({
    program: matmulProgram({
      arrangement,
      // Four at a time needs every row to start at a multiple of four.
      isWide: [a.shape[1], b.shape[1], N].every((size) => size % BLOCK === 0),
      hasBias: bias !== undefined,
      hasResidual: residual !== undefined,
    }),
    tensors: [a, b, ...extras, product],
    parameters: [M, N, K],
    size: [Math.ceil(N / BLOCK), Math.ceil(M / BLOCK)],
    workgroupSize: WORKGROUP,
  });
  return product;
}

const BLOCK = 4;
const WORKGROUP = [8, 8] as const;

interface Variant {
  readonly arrangement: Arrangement;
  readonly isWide: boolean;
  readonly hasBias: boolean;
  readonly hasResidual: boolean;
}

function matmulProgram(variant: Variant): Program {
  const { arrangement, isWide, hasBias, hasResidual } = variant;
  const key = `matmul ${arrangement}${isWide ? ' wide' : ''}${hasBias ? ' bias' : ''}${hasResidual ? ' residual' : ''}`;
  return { key, source: () => matmulSource(variant) };
}

const LANES = [0, 1, 2, 3] as const;
const AXES = ['x', 'y', 'z', 'w'] as const;

/** Lines of shader text, one for each of four. */
function four(line: (i: 0 | 1 | 2 | 3) => string): string {
  return LANES.map(line).join('\n');
}

function matmulSource({ arrangement, isWide, hasBias, hasResidual }: Variant): string {
  const element = isWide ? 'vec4f' : 'f32';
  const names = ['a', 'b', ...(hasBias ? ['bias'] : []), ...(hasResidual ? ['residual'] : [])];
  const inputs = names.map((name, i) => `@group(0) @binding(${i}) var<storage, read> ${name}: array<${element}>;`);
  // Lanes next to each other take rows of B next to each other, which a cache line holds; columns are strided then.
  return `
${inputs.join('\n')}
@group(0) @binding(${names.length}) var<storage, read_write> product: array<${element}>;
struct Sizes { M: u32, N: u32, K: u32 }
@group(0) @binding(${names.length + 1}) var<uniform> sizes: Sizes;

${loader('a', arrangement === 'tn' ? 'M' : 'K', isWide)}
${loader('b', arrangement === 'nt' ? 'K' : 'N', isWide)}
@compute @workgroup_size(${WORKGROUP.join(', ')})
fn main(@builtin(global_invocation_id) id: vec3u) {
  let column = 4u * id.x;
  let row = 4u * id.y;
  if (row >= sizes.M || column >= sizes.N) { return; }
  ${four((i) => `var sum${i} = vec4f();`)}
  ${arrangement === 'tn' ? outerLoop() : innerLoop(arrangement)}
  ${four((i) => `write(row + ${i}u, column, sum${i});`)}
}

fn write(row: u32, column: u32, sum: vec4f) {
  if (row >= sizes.M) { return; }
  ${isWide ? wideWrite(hasBias, hasResidual) : narrowWrite(hasBias, hasResidual)}
}`;
}

/** Reads four neighbours of a row; what lies outside of the matrix counts as 0. */
function loader(name: 'a' | 'b', width: 'M' | 'N' | 'K', isWide: boolean): string {
  if (isWide)
    return `fn load_${name}(row: u32, column: u32) -> vec4f { return ${name}[(row * sizes.${width} + column) / 4u]; }`;
  return `fn load_${name}(row: u32, column: u32) -> vec4f {
  let start = row * sizes.${width} + column;
  let room = sizes.${width} - column;
  var four = vec4f(${name}[start], 0, 0, 0);
  if (room > 1u) { four.y = ${name}[start + 1u]; }
  if (room > 2u) { four.z = ${name}[start + 2u]; }
  if (room > 3u) { four.w = ${name}[start + 3u]; }
  return four;
}`;
}

/** Rows of A, four of the inner axis at a time. */
function innerLoop(arrangement: 'nn' | 'nt'): string {
  // A row past the end repeats the last one; what it gives is not written.
  const rows = four((i) => `let row${i} = min(row + ${i}u, sizes.M - 1u);`);
  const fromA = four((i) => `let a${i} = load_a(row${i}, k);`);
  const body =
    arrangement === 'nt'
      ? `${four((j) => `let b${j} = load_b(column${j}, k);`)}
    ${four((i) => `sum${i} += vec4f(${LANES.map((j) => `dot(a${i}, b${j})`).join(', ')});`)}`
      : `${four((k) => `let b${k} = load_b(min(k + ${k}u, sizes.K - 1u), column);`)}
    ${four((i) => `sum${i} += ${LANES.map((k) => `a${i}.${AXES[k]} * b${k}`).join(' + ')};`)}`;
  const columns = arrangement === 'nt' ? four((j) => `let column${j} = min(column + ${j}u, sizes.N - 1u);`) : '';
  return `${rows}
  ${columns}
  for (var k = 0u; k < sizes.K; k += 4u) {
    ${fromA}
    ${body}
  }`;
}

/** Rows of A and B of one place on the inner axis: their outer product. */
function outerLoop(): string {
  return `for (var k = 0u; k < sizes.K; k++) {
    let a0 = load_a(k, row);
    let b0 = load_b(k, column);
    ${four((i) => `sum${i} += a0.${AXES[i]} * b0;`)}
  }`;
}

function wideWrite(hasBias: boolean, hasResidual: boolean): string {
  return `let place = (row * sizes.N + column) / 4u;
  product[place] = sum${hasBias ? ' + bias[column / 4u]' : ''}${hasResidual ? ' + residual[place]' : ''};`;
}

function narrowWrite(hasBias: boolean, hasResidual: boolean): string {
  return `for (var j = 0u; j < min(4u, sizes.N - column); j++) {
    let place = row * sizes.N + column + j;
    product[place] = sum[j]${hasBias ? ' + bias[column + j]' : ''}${hasResidual ? ' + residual[place]' : ''};
  }`;
}
