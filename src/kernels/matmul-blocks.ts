/**
 * Products by blocks in registers: an invocation computes 4 x 4 of the result from vectors of four numbers. No
 * workgroup memory, no barriers, little to compile: the default until a faster variant is known.
 */
import { type Arrangement, component, joined, lines, type MatmulVariant } from './matmul-shader.ts';

const GROUP = [8, 8] as const;

/** The variant for an arrangement. Works for any sizes on any device. */
export function blocksVariant(arrangement: Arrangement): MatmulVariant {
  return {
    name: 'blocks',
    tile: [4 * GROUP[1], 4 * GROUP[0]],
    steps: { a: 4, b: 4, product: 4 },
    main: () => `@compute @workgroup_size(${GROUP.join(', ')})
fn main(@builtin(global_invocation_id) id: vec3u) {
  let column = 4u * id.x;
  let row = 4u * id.y;
  if (row >= sizes.M || column >= sizes.N) { return; }
  ${lines(4, (i) => `var sum${i} = vec4f();`)}
  ${arrangement === 'tn' ? ALONG_ROWS : alongColumns(arrangement)}
  ${lines(4, (i) => `store(row + ${i}u, column, sum${i});`)}
}`,
  };
}

/** A and B have the inner axis across their rows: one step of it at a time. */
const ALONG_ROWS = `for (var k = 0u; k < sizes.K; k++) {
    let a0 = load_a(k, row);
    let b = load_b(k, column);
    ${lines(4, (i) => `sum${i} = fma(vec4f(${component('a', i)}), b, sum${i});`)}
  }`;

/** A has the inner axis along its rows: four steps at a time. */
function alongColumns(arrangement: 'nn' | 'nt'): string {
  // A row past the end repeats the last one; its results are not written.
  const ofB =
    arrangement === 'nt'
      ? `${lines(4, (j) => `let row${j} = load_b(min(column + ${j}u, sizes.N - 1u), k);`)}
    let columns = transpose(mat4x4f(row0, row1, row2, row3));
    ${lines(4, (k) => `let b${k} = columns[${k}];`)}`
      : lines(4, (k) => `let b${k} = load_b(min(k + ${k}u, sizes.K - 1u), column);`);
  return `for (var k = 0u; k < sizes.K; k += 4u) {
    ${lines(4, (i) => `let a${i} = load_a(min(row + ${i}u, sizes.M - 1u), k);`)}
    ${ofB}
    ${lines(4, (i) => joined(4, (k) => `sum${i} = fma(vec4f(a${i}[${k}]), b${k}, sum${i});`, ' '))}
  }`;
}
