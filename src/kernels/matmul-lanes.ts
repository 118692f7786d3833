/**
 * Products by subgroups: every lane reads another place of A along the inner axis, and hands it to all others when its turn
 * comes. So a number of A is read once for all columns of the subgroup, and only B is read lane by lane. Needs the feature
 * `subgroups` with one size of subgroups known beforehand; a workgroup is one subgroup.
 */
import { type Arrangement, component, lines, type MatmulVariant, upTo } from './matmul-shader.ts';

/**
 * The variant for an arrangement.
 *
 * @param lanes - of a subgroup
 */
export function lanesVariant(arrangement: Arrangement, lanes: number): MatmulVariant {
  return arrangement === 'nt' ? stridedVariant(lanes) : vectorVariant(arrangement, lanes);
}

/** B has columns along its rows: a lane takes two vectors of four columns. */
function vectorVariant(arrangement: 'nn' | 'tn', lanes: number): MatmulVariant {
  const [rows, vectors] = [16, 2];
  const each = (line: (i: number, j: number) => string): string =>
    lines(rows, (i) =>
      upTo(vectors)
        .map((j) => line(i, j))
        .join(' '),
    );
  return {
    name: 'lanes',
    tile: [rows, 4 * vectors * lanes],
    workgroupSize: [lanes, 1],
    steps: { a: arrangement === 'tn' ? 4 : 1, b: 4, product: 4 },
    enables: ['subgroups'],
    main: mainOf(lanes, {
      head: `let row = ${rows}u * group.y;
  let column = ${4 * vectors}u * (${lanes}u * group.x + lane);
  ${each((i, j) => `var sum${i}_${j} = vec4f();`)}`,
      ofA:
        arrangement === 'tn'
          ? lines(rows / 4, (i) => `let a${i} = load_a(place, row + ${4 * i}u);`)
          : lines(
              rows / 4,
              (i) =>
                `let a${i} = vec4f(${upTo(4)
                  .map((j) => rowOfA(4 * i + j))
                  .join(', ')});`,
            ),
      step: `${lines(vectors, (j) => `let b${j} = load_b(k + turn, column + ${4 * j}u);`)}
      ${lines(rows, (i) => `let x${i} = vec4f(subgroupShuffle(${component('a', i)}, turn));`)}
      ${each((i, j) => `sum${i}_${j} = fma(x${i}, b${j}, sum${i}_${j});`)}`,
      end: each((i, j) => `store(row + ${i}u, column + ${4 * j}u, sum${i}_${j});`),
    }),
  };
}

/** B has the inner axis along its rows: a lane takes three columns as far apart as there are lanes. */
function stridedVariant(lanes: number): MatmulVariant {
  const [rows, columns] = [24, 3];
  const each = (line: (i: number, j: number) => string): string =>
    lines(rows, (i) =>
      upTo(columns)
        .map((j) => line(i, j))
        .join(' '),
    );
  return {
    name: 'lanes',
    tile: [rows, columns * lanes],
    workgroupSize: [lanes, 1],
    steps: { a: 1, b: 1, product: 1 },
    enables: ['subgroups'],
    main: mainOf(lanes, {
      head: `let row = ${rows}u * group.y;
  let column = ${columns * lanes}u * group.x + lane;
  ${lines(columns, (j) => `let column${j} = min(column + ${lanes * j}u, sizes.N - 1u);`)}
  ${each((i, j) => `var sum${i}_${j} = 0.0;`)}`,
      ofA: lines(rows, (i) => `let a${i} = ${rowOfA(i)};`),
      step: `${lines(columns, (j) => `let b${j} = load_b(column${j}, k + turn);`)}
      ${lines(rows, (i) => `let x${i} = subgroupShuffle(a${i}, turn);`)}
      ${each((i, j) => `sum${i}_${j} = fma(x${i}, b${j}, sum${i}_${j});`)}`,
      end: each((i, j) => `store(row + ${i}u, column + ${lanes * j}u, sum${i}_${j});`),
    }),
  };
}

/** A number of A; a row past the end repeats the last one. */
function rowOfA(i: number): string {
  return `load_a(min(row + ${i}u, sizes.M - 1u), place)`;
}

/** Parts of an entry point; `place` is the lane's own place on the inner axis, `k + turn` the one whose turn it is. */
interface Parts {
  readonly head: string;
  readonly ofA: string;
  readonly step: string;
  readonly end: string;
}

// The inner loop is kept a loop: written out, it no longer fits where processors keep decoded instructions.
function mainOf(lanes: number, { head, ofA, step, end }: Parts): string {
  return `@compute @workgroup_size(${lanes})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(subgroup_invocation_id) lane: u32) {
  ${head}
  for (var k = 0u; k < sizes.K; k += ${lanes}u) {
    let place = min(k + lane, sizes.K - 1u);
    ${ofA}
    let turns = min(${lanes}u, sizes.K - k);
    for (var turn = 0u; turn < turns; turn++) {
      ${step}
    }
  }
  ${end}
}`;
}
