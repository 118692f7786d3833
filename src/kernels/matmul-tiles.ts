/**
 * Products by tiles in workgroup memory, as usual on hardware GPUs: 16 x 16 invocations read 64 rows of A and 64
 * columns of B for 16 steps of the inner axis once, and each computes 4 x 4 of the result from them. On software
 * adapters the barriers cost more than the tiles save.
 */
import { type Arrangement, component, lines, type MatmulVariant } from './matmul-shader.ts';

const SIDE = 16;
const TILE = 4 * SIDE;
/** Steps of the inner axis at a time. */
const DEPTH = 16;

/**
 * The variant for an arrangement. Works for any sizes on any device, with 256 invocations and 8 KiB of workgroup
 * memory.
 */
export function tilesVariant(arrangement: Arrangement): MatmulVariant {
  return {
    name: 'tiles',
    tile: [TILE, TILE],
    steps: { a: 4, b: 4, product: 4 },
    // Indexed by steps of the inner axis, then by vectors of four rows or columns.
    declarations: `var<workgroup> tile_a: array<vec4f, ${(DEPTH * TILE) / 4}>;
var<workgroup> tile_b: array<vec4f, ${(DEPTH * TILE) / 4}>;`,
    main: () => `@compute @workgroup_size(${SIDE}, ${SIDE})
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(local_invocation_id) local: vec3u,
  @builtin(local_invocation_index) index: u32,
) {
  let row = ${TILE}u * group.y;
  let column = ${TILE}u * group.x;
  ${lines(4, (i) => `var sum${i} = vec4f();`)}
  for (var k = 0u; k < sizes.K; k += ${DEPTH}u) {
    ${filled('a', arrangement === 'tn', 'row', 'M')}
    ${filled('b', arrangement !== 'nt', 'column', 'N')}
    workgroupBarrier();
    for (var place = 0u; place < ${DEPTH}u; place++) {
      let a0 = tile_a[${SIDE}u * place + local.y];
      let b = tile_b[${SIDE}u * place + local.x];
      ${lines(4, (i) => `sum${i} = fma(vec4f(${component('a', i)}), b, sum${i});`)}
    }
    workgroupBarrier();
  }
  ${lines(4, (i) => `store(row + 4u * local.y + ${i}u, column + 4u * local.x, sum${i});`)}
}`,
  };
}

/** Loads an invocation's share of a tile. Past the end of the inner axis it reads 0, past the last row that row. */
function filled(name: 'a' | 'b', isTransposed: boolean, start: 'row' | 'column', width: 'M' | 'N'): string {
  if (isTransposed) {
    return `{
      let place = k + index / ${SIDE}u;
      var four = vec4f();
      if (place < sizes.K) { four = load_${name}(place, ${start} + 4u * (index % ${SIDE}u)); }
      tile_${name}[index] = four;
    }`;
  }
  // Four rows by four steps each, transposed in registers, because two invocations must not write parts of one vector.
  return `if (index / ${DEPTH * 4}u == ${name === 'a' ? 0 : 1}u) {
      let quad = index % ${SIDE}u;
      let depth = 4u * (index / ${SIDE}u % ${DEPTH / 4}u);
      var block = mat4x4f();
      if (k + depth < sizes.K) {
        ${lines(4, (i) => `block[${i}] = load_${name}(min(${start} + 4u * quad + ${i}u, sizes.${width} - 1u), k + depth);`)}
      }
      block = transpose(block);
      ${lines(4, (i) => `tile_${name}[${SIDE}u * (depth + ${i}u) + quad] = block[${i}];`)}
    }`;
}
