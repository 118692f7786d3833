/**
 * Products by outer products: an invocation computes 16 x 8 of the result, one step of the inner axis at a time, so
 * that 24 numbers read serve 128 multiplications and the loop stays short. Where reads dominate, as on software
 * adapters, this is up to twice as fast as small blocks; it needs many registers, which other devices may lack.
 */
import { type Arrangement, component, joined, lines, type MatmulVariant } from './matmul-shader.ts';

const GROUP = [8, 8] as const;
const ROWS = 16;
/** Vectors of four columns. */
const VECTORS = 2;
const COLUMNS = 4 * VECTORS;

/** The variant for an arrangement. Works for any sizes on any device. */
export function outerVariant(arrangement: Arrangement): MatmulVariant {
  const isTransposed = { a: arrangement === 'tn', b: arrangement !== 'nt' };
  return {
    name: 'outer',
    tile: [ROWS * GROUP[1], COLUMNS * GROUP[0]],
    steps: { a: isTransposed.a ? 4 : 1, b: isTransposed.b ? 4 : 1, product: 4 },
    main: () => mainOf(isTransposed),
  };
}

function mainOf(isTransposed: Readonly<Record<'a' | 'b', boolean>>): string {
  const ofA = isTransposed.a
    ? lines(ROWS / 4, (i) => `let a${i} = load_a(k, row + ${4 * i}u);`)
    : lines(ROWS / 4, (i) => `let a${i} = vec4f(${joined(4, (j) => `load_a(row${4 * i + j}, k)`)});`);
  const ofB = isTransposed.b
    ? lines(VECTORS, (j) => `let b${j} = load_b(k, column + ${4 * j}u);`)
    : lines(VECTORS, (j) => `let b${j} = vec4f(${joined(4, (i) => `load_b(column${4 * j + i}, k)`)});`);
  return `@compute @workgroup_size(${GROUP.join(', ')})
fn main(@builtin(global_invocation_id) id: vec3u) {
  let column = ${COLUMNS}u * id.x;
  let row = ${ROWS}u * id.y;
  if (row >= sizes.M || column >= sizes.N) { return; }
  // Indices past the end repeat the last; their results are not written.
  ${isTransposed.a ? '' : lines(ROWS, (i) => `let row${i} = min(row + ${i}u, sizes.M - 1u);`)}
  ${isTransposed.b ? '' : lines(COLUMNS, (j) => `let column${j} = min(column + ${j}u, sizes.N - 1u);`)}
  ${eachSum((i, j) => `var sum${i}_${j} = vec4f();`)}
  for (var k = 0u; k < sizes.K; k++) {
    ${ofA}
    ${ofB}
    ${eachSum((i, j) => `sum${i}_${j} = fma(vec4f(${component('a', i)}), b${j}, sum${i}_${j});`)}
  }
  ${eachSum((i, j) => `store(row + ${i}u, column + ${4 * j}u, sum${i}_${j});`)}
}`;
}

function eachSum(line: (i: number, j: number) => string): string {
  return lines(ROWS, (i) => joined(VECTORS, (j) => line(i, j), ' '));
}
