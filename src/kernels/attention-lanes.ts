/**
 * The passes of attention.ts with subgroups. The lanes of a subgroup process adjacent blocks of four positions of one
 * head, so that they read the same rows of the other side (keys for queries, queries for keys): each lane reads one of
 * eight such rows, or two if there are four lanes, and shuffles broadcast them. Because eight rows are processed at a
 * time, a lane reads its own rows and its accumulators in the outputs half as often. In total it reads a third of what
 * attention-blocks.ts does.
 *
 * Rows that only other lanes need add zeros, so the bits are the same. A workgroup is one subgroup; grid: x over B and
 * heads, y over blocks of four positions times lanes. Needs the feature `subgroups` with a single known subgroup size
 * of at least four lanes.
 */
import {
  four,
  ownRows,
  type Pass,
  type PassForm,
  passShader,
  type PassVariant,
  QUERY_ROWS,
  seenKeys,
  side,
} from './attention-shader.ts';

/** The minimum number of lanes; each then reads two of eight rows. */
export const MIN_LANES = 4;

/** Rows of the other side that are processed at a time, in two blocks of four. */
const SHARED = [0, 1, 2, 3, 4, 5, 6, 7] as const;
const BLOCKS = [0, 1] as const;

/**
 * The variant.
 *
 * @param lanes - the size of a subgroup
 */
export function lanesVariant(lanes: number): PassVariant {
  return {
    name: `${lanes} lanes`,
    workgroupSize: [lanes, 1],
    size: (heads, T) => [lanes * heads, Math.ceil(T / (4 * lanes))],
    source: (pass, form) =>
      passShader(pass, form, {
        enables: ['subgroups'],
        // In packed rows the loop bounds come from a maximum over the subgroup, so they are uniform, but the analysis
        // cannot know.
        diagnostics: ['subgroup_uniformity'],
        declarations: `const LANES = ${lanes}u;`,
        parameters: '@builtin(workgroup_id) group: vec3u, @builtin(subgroup_invocation_id) lane: u32',
        workgroupSize: [lanes, 1],
        body: BODIES[pass](form, lanes),
      }),
  };
}

/** A lane's block of `count` positions (possibly 0) from `own`; the subgroup has those from `first` to `end`. */
function ownBlock(own: string, heads: 'H' | 'K'): string {
  return `let b = group.x / sizes.${heads};
  let head = group.x % sizes.${heads};
  let first = 4u * LANES * group.y;
  let end = min(first + 4u * LANES, sizes.T);
  let ${own} = first + 4u * lane;
  let count = min(4u, max(sizes.T, ${own}) - ${own});`;
}

const QUERY_BLOCK = `${ownBlock('t', 'H')}
  ${QUERY_ROWS}`;

/** Lines of shader text, one per row or block. */
function lines(over: readonly number[], line: (n: number) => string): string {
  return over.map(line).join('\n');
}

/** The reads per lane for eight rows. */
function reads(lanes: number): readonly number[] {
  return lanes < SHARED.length ? BLOCKS : [0];
}

/** An element of a shared row, which a lane has read as `name0` or, with four lanes, `name1`. */
function broadcast(name: string, j: number, lanes: number): string {
  const perRead = Math.min(lanes, SHARED.length);
  return `subgroupShuffle(${name}${Math.floor(j / perRead)}, ${j % perRead}u)`;
}

/** The row numbers that a lane reads, of eight from `from` on: `name0` and so on. */
function ownReads(name: string, from: string, lanes: number, row: (at: string) => string): string {
  const turn = `min(lane, ${Math.min(lanes, SHARED.length) - 1}u)`;
  return lines(reads(lanes), (r) => `let ${name}${r} = ${row(`${from} + ${4 * r}u + ${turn}`)};`);
}

/** Reads eight rows at vector d into the columns of two matrices, `name0` and `name1`. */
function shared(name: string, from: string, lanes: number): string {
  return `${lines(reads(lanes), (r) => `let ${name}Read${r} = ${from}[shared_row${r} * vectors + d];`)}
    ${lines(SHARED, (j) => `let ${name}Row${j} = ${broadcast(`${name}Read`, j, lanes)};`)}
    ${lines(BLOCKS, (n) => `let ${name}${n} = ${side((i) => `${name}Row${4 * n + i}`)};`)}`;
}

/** `into[i][j] = left_i . right_j` for the queries of a lane and the keys of two blocks. */
function products(into: string, left: string, right: string, lanes: number): string {
  return `${lines(BLOCKS, (n) => `var ${into}${n} = mat4x4f();`)}
  for (var d = 0u; d < vectors; d++) {
    ${shared('right', right, lanes)}
    ${four(
      (i) => `{ let left = ${left}[row${i} * vectors + d];
      ${lines(BLOCKS, (n) => `${into}${n}[${i}] = inners(${into}${n}[${i}], left, right${n});`)} }`,
    )}
  }`;
}

/** Scales scores, and hides those of keys that the query does not see. */
function scaledScores(isPacked: boolean): string {
  const seen = (i: number): string => seenKeys(isPacked, `span${i}`, i);
  return lines(
    BLOCKS,
    (n) => `{ let keys = vec4u(s, s + 1u, s + 2u, s + 3u) + ${4 * n}u;
    ${four((i) => `score${n}[${i}] = select(vec4f(HIDDEN), scale * score${n}[${i}], ${seen(i)});`)} }`,
  );
}

/** The union of the keys seen by the lanes: those before `sharedEnd`, and those from the eight at `own` on. */
function spansOf(nearest: string, farthest: string): string {
  return `let sharedEnd = subgroupMax(${farthest});
  let own = 8u * (subgroupMin(${nearest}) / 8u);`;
}

const QUERY_SPANS = `${four((i) => `let span${i} = spans[tokenRow(b, t + ${i}u)];`)}
  ${spansOf('min(min(span0.y, span1.y), min(span2.y, span3.y))', 'max(max(span0.x, span1.x), max(span2.x, span3.x))')}`;

const NEXT_KEYS = `select(s + 8u, max(s + 8u, own), s + 8u >= sharedEnd)`;

/** The loop head over the keys that any query of the subgroup sees. */
function alongKeys(isPacked: boolean, lanes: number): string {
  const head = isPacked
    ? `${QUERY_SPANS}
  for (var s = select(own, 0u, sharedEnd > 0u); s < end; s = ${NEXT_KEYS}) {`
    : `for (var s = 0u; s < end; s += 8u) {`;
  return `${head}
    ${ownReads('shared_row', 's', lanes, (at) => `keyRow(b, ${at}, g)`)}`;
}

function forwardBody({ isPacked }: PassForm, lanes: number): string {
  return `${QUERY_BLOCK}
  var high = vec4f(HIDDEN);
  var total = vec4f();
  for (var d = 0u; d < vectors; d++) { ${ownRows('y', 'row', () => 'vec4f()')} }
  ${alongKeys(isPacked, lanes)}
    ${products('score', 'q', 'k', lanes)}
    ${scaledScores(isPacked)}
    ${lines(
      BLOCKS,
      (n) => `let before${n} = high;
    ${four((i) => `high[${i}] = max(high[${i}], largestOf(score${n}[${i}]));`)}
    let shrink${n} = exp(before${n} - high);
    ${four((i) => `let p${n}${i} = exp(score${n}[${i}] - high[${i}]);`)}
    total = fma(total, shrink${n}, vec4f(sumOf(p${n}0), sumOf(p${n}1), sumOf(p${n}2), sumOf(p${n}3)));`,
    )}
    for (var d = 0u; d < vectors; d++) {
      ${shared('values', 'v', lanes)}
      ${ownRows(
        'y',
        'row',
        (i, held) => `weighted(weighted(${held} * shrink0[${i}], values0, p0${i}) * shrink1[${i}], values1, p1${i})`,
      )}
    }
  }
  let logs = high + log(total);
  ${four((i) => `if (count > ${i}u) { stats[row${i}] = vec2f(logs[${i}], 0.0); }`)}
  for (var d = 0u; d < vectors; d++) { ${ownRows('y', 'row', (i, held) => `${held} / total[${i}]`)} }`;
}

function queriesBody({ isPacked }: PassForm, lanes: number): string {
  return `${QUERY_BLOCK}
  ${four((i) => `let log${i} = stats[row${i}].x; var along${i} = 0.0;`)}
  for (var d = 0u; d < vectors; d++) {
    ${four((i) => `along${i} = inner(along${i}, dY[row${i} * vectors + d], y[row${i} * vectors + d]);`)}
    ${ownRows('dQ', 'row', () => 'vec4f()')}
  }
  ${four((i) => `if (count > ${i}u) { stats[row${i}] = vec2f(log${i}, along${i}); }`)}
  ${alongKeys(isPacked, lanes)}
    ${products('score', 'q', 'k', lanes)}
    ${products('slope', 'dY', 'v', lanes)}
    ${scaledScores(isPacked)}
    ${lines(BLOCKS, (n) =>
      four((i) => `let dScore${n}${i} = scale * exp(score${n}[${i}] - log${i}) * (slope${n}[${i}] - along${i});`),
    )}
    for (var d = 0u; d < vectors; d++) {
      ${shared('keyRows', 'k', lanes)}
      ${ownRows('dQ', 'row', (i, held) => `weighted(weighted(${held}, keyRows0, dScore0${i}), keyRows1, dScore1${i})`)}
    }
  }`;
}

/** `into[i][j]` for the queries of two blocks and the keys of a lane. */
function productsWithOwnKeys(into: string, left: string, right: string, lanes: number): string {
  return `${lines(BLOCKS, (n) => `var ${into}${n} = mat4x4f();`)}
  for (var d = 0u; d < vectors; d++) {
    let right = ${side((j) => `${right}[key${j} * vectors + d]`)};
    ${lines(reads(lanes), (r) => `let leftRead${r} = ${left}[shared_row${r} * vectors + d];`)}
    ${lines(BLOCKS, (n) =>
      four((i) => `${into}${n}[${i}] = inners(${into}${n}[${i}], ${broadcast('leftRead', 4 * n + i, lanes)}, right);`),
    )}
  }`;
}

function keysBody({ isPacked }: PassForm, lanes: number): string {
  const span = (j: number): string => broadcast('spanRead', j, lanes);
  const seen = (j: number): string => seenKeys(isPacked, span(j), j);
  const [nearest, farthest] =
    reads(lanes).length === 1
      ? ['spanRead0.y', 'spanRead0.x']
      : ['min(spanRead0.y, spanRead1.y)', 'max(spanRead0.x, spanRead1.x)'];
  return `${ownBlock('s', 'K')}
  let g = head;
  let keys = vec4u(s, s + 1u, s + 2u, s + 3u);
  ${four((j) => `let key${j} = keyRow(b, s + ${j}u, g);`)}
  for (var d = 0u; d < vectors; d++) { ${['dK', 'dV'].map((into) => ownRows(into, 'key', () => 'vec4f()')).join('\n')} }
  for (var h = g * (sizes.H / sizes.K); h < (g + 1u) * (sizes.H / sizes.K); h++) {
    for (var t = first; t < sizes.T; t += 8u) {
      ${
        isPacked
          ? `${ownReads('token', 't', lanes, (at) => `tokenRow(b, ${at})`)}
      ${lines(reads(lanes), (r) => `let spanRead${r} = spans[token${r}];`)}
      ${spansOf(nearest, farthest)}
      if (first >= sharedEnd && end <= own) { continue; }`
          : ''
      }
      ${ownReads('shared_row', 't', lanes, (at) => `queryRow(b, ${at}, h)`)}
      ${lines(reads(lanes), (r) => `let statsRead${r} = stats[shared_row${r}];`)}
      ${productsWithOwnKeys('score', 'q', 'k', lanes)}
      ${productsWithOwnKeys('slope', 'dY', 'v', lanes)}
      ${lines(
        BLOCKS,
        (n) => `${four((i) => {
          const j = 4 * n + i;
          return `let stats${j} = ${broadcast('statsRead', j, lanes)};
      score${n}[${i}] = select(vec4f(HIDDEN), scale * score${n}[${i}], ${seen(j)});
      // A query past the end repeats the last one, and must not count again.
      let p${j} = select(vec4f(), exp(score${n}[${i}] - stats${j}.x), t + ${j}u < sizes.T);
      let dScore${j} = scale * p${j} * (slope${n}[${i}] - stats${j}.y);`;
        })}
      let weights${n} = transpose(${side((i) => `p${4 * n + i}`)});
      let dScores${n} = transpose(${side((i) => `dScore${4 * n + i}`)});`,
      )}
      for (var d = 0u; d < vectors; d++) {
        ${shared('queryRows', 'q', lanes)}
        ${shared('slopeRows', 'dY', lanes)}
        ${ownRows('dK', 'key', (j, held) => `weighted(weighted(${held}, queryRows0, dScores0[${j}]), queryRows1, dScores1[${j}])`)}
        ${ownRows('dV', 'key', (j, held) => `weighted(weighted(${held}, slopeRows0, weights0[${j}]), slopeRows1, weights1[${j}])`)}
      }
    }
  }`;
}

const BODIES: Readonly<Record<Pass, (form: PassForm, lanes: number) => string>> = {
  forward: forwardBody,
  queries: queriesBody,
  keys: keysBody,
};
