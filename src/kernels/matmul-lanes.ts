/**
 * Products with subgroups: every lane reads a different element of A along the inner axis, and broadcasts it to all
 * others in turn. So an element of A is read once for all columns of the subgroup, and only B is read by each lane.
 * Needs the feature `subgroups` with a single known subgroup size; a workgroup is one subgroup.
 */
import { type Arrangement, component, joined, lines, type MatmulVariant } from './matmul-shader.ts';

const ROWS = 16;
/** Vectors of four columns per lane. */
const VECTORS = 2;
const COLUMNS = 4 * VECTORS;

/**
 * The variant for an arrangement. A transposed B is transposed back first, because lanes read adjacent elements of its
 * rows; on lavapipe this is a third faster than reading it directly.
 *
 * @param lanes - the size of a subgroup
 */
export function lanesVariant(arrangement: Arrangement, lanes: number): MatmulVariant {
  return {
    name: 'lanes',
    tile: [ROWS, COLUMNS * lanes],
    steps: { a: arrangement === 'tn' ? 4 : 1, b: 4, product: 4 },
    transposesB: arrangement === 'nt',
    enables: ['subgroups'],
    main: () => mainOf(arrangement, lanes),
  };
}

/** An element of A; a row past the end repeats the last one. */
function rowOfA(i: number): string {
  return `load_a(min(row + ${i}u, sizes.M - 1u), place)`;
}

function eachSum(line: (i: number, j: number) => string): string {
  return lines(ROWS, (i) => joined(VECTORS, (j) => line(i, j), ' '));
}

// The inner loop is not unrolled, because it would then exceed the processor's cache of decoded instructions.
function mainOf(arrangement: Arrangement, lanes: number): string {
  const ofA =
    arrangement === 'tn'
      ? lines(ROWS / 4, (i) => `let a${i} = load_a(place, row + ${4 * i}u);`)
      : lines(ROWS / 4, (i) => `let a${i} = vec4f(${joined(4, (j) => rowOfA(4 * i + j))});`);
  return `@compute @workgroup_size(${lanes})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(subgroup_invocation_id) lane: u32) {
  let row = ${ROWS}u * group.y;
  let column = ${COLUMNS}u * (${lanes}u * group.x + lane);
  ${eachSum((i, j) => `var sum${i}_${j} = vec4f();`)}
  for (var k = 0u; k < sizes.K; k += ${lanes}u) {
    let place = min(k + lane, sizes.K - 1u);
    ${ofA}
    let turns = min(${lanes}u, sizes.K - k);
    for (var turn = 0u; turn < turns; turn++) {
      ${lines(VECTORS, (j) => `let b${j} = load_b(k + turn, column + ${4 * j}u);`)}
      ${lines(ROWS, (i) => `let x${i} = vec4f(subgroupShuffle(${component('a', i)}, turn));`)}
      ${eachSum((i, j) => `sum${i}_${j} = fma(x${i}, b${j}, sum${i}_${j});`)}
    }
  }
  ${eachSum((i, j) => `store(row + ${i}u, column + ${4 * j}u, sum${i}_${j});`)}
}`;
}
