/**
 * The passes of attention.ts on any device: an invocation processes four positions of a head against all rows of the
 * other side, four at a time. A block of 4 x 4 scores reads eight vectors for sixteen products. Grid: x over B and
 * heads, so that neighbours have equally long loops; y over blocks of four positions. No optional feature.
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

const WORKGROUP = [8, 8] as const;

/** The variant. */
export const BLOCKS_VARIANT: PassVariant = {
  name: 'blocks',
  workgroupSize: WORKGROUP,
  size: (heads, T) => [heads, Math.ceil(T / 4)],
  source: (pass, form) =>
    passShader(pass, form, {
      parameters: '@builtin(global_invocation_id) id: vec3u',
      workgroupSize: WORKGROUP,
      body: BODIES[pass](form),
    }),
};

/** A block of `count` positions from `own` of a head. */
function ownBlock(own: string, heads: 'H' | 'K'): string {
  return `let ${own} = 4u * id.y;
  if (id.x >= sizes.B * sizes.${heads} || ${own} >= sizes.T) { return; }
  let b = id.x / sizes.${heads};
  let head = id.x % sizes.${heads};
  let count = min(4u, sizes.T - ${own});`;
}

const QUERY_BLOCK = `${ownBlock('t', 'H')}
  ${QUERY_ROWS}`;

/** Four rows of a tensor at vector d, as columns of a matrix. */
function rows(name: string, row: string): string {
  return side((i) => `${name}[${row}${i} * vectors + d]`);
}

/** `into[i][j] = left_i . right_j` for queries i and keys j. */
function products(into: string, left: string, right: string): string {
  return `var ${into} = mat4x4f();
  for (var d = 0u; d < vectors; d++) {
    let right = ${rows(right, 'key')};
    ${four((i) => `${into}[${i}] = inners(${into}[${i}], ${left}[row${i} * vectors + d], right);`)}
  }`;
}

/** Scales scores, and hides those of keys that the query does not see. */
function scaledScores(isPacked: boolean): string {
  const seen = (i: number): string => seenKeys(isPacked, `span${i}`, i);
  return `let keys = vec4u(s, s + 1u, s + 2u, s + 3u);
  ${four((i) => `score[${i}] = select(vec4f(HIDDEN), scale * score[${i}], ${seen(i)});`)}`;
}

/** The keys that a block of queries sees: those before `sharedEnd`, and those from the block at `own` on. */
const SPANS = `${four((i) => `let span${i} = spans[tokenRow(b, t + ${i}u)];`)}
  let sharedEnd = max(max(span0.x, span1.x), max(span2.x, span3.x));
  let own = 4u * (min(min(span0.y, span1.y), min(span2.y, span3.y)) / 4u);`;

/** The next block of keys that a block of queries sees. */
const NEXT_KEYS = `select(s + 4u, max(s + 4u, own), s + 4u >= sharedEnd)`;

/** The loop head over the blocks of keys that a block of queries sees. */
function alongKeys(isPacked: boolean): string {
  const head = isPacked
    ? `${SPANS}
  for (var s = select(own, 0u, sharedEnd > 0u); s < t + count; s = ${NEXT_KEYS}) {`
    : `for (var s = 0u; s < t + count; s += 4u) {`;
  return `${head}
    ${four((j) => `let key${j} = keyRow(b, s + ${j}u, g);`)}`;
}

function forwardBody({ isPacked }: PassForm): string {
  return `${QUERY_BLOCK}
  var high = vec4f(HIDDEN);
  var total = vec4f();
  for (var d = 0u; d < vectors; d++) { ${ownRows('y', 'row', () => 'vec4f()')} }
  ${alongKeys(isPacked)}
    ${products('score', 'q', 'k')}
    ${scaledScores(isPacked)}
    // A query that has seen no key yet counts hidden ones; its first visible key scales their sum to 0.
    let before = high;
    ${four((i) => `high[${i}] = max(high[${i}], largestOf(score[${i}]));`)}
    let shrink = exp(before - high);
    ${four((i) => `let p${i} = exp(score[${i}] - high[${i}]);`)}
    total = fma(total, shrink, vec4f(sumOf(p0), sumOf(p1), sumOf(p2), sumOf(p3)));
    for (var d = 0u; d < vectors; d++) {
      let values = ${rows('v', 'key')};
      ${ownRows('y', 'row', (i, held) => `weighted(${held} * shrink[${i}], values, p${i})`)}
    }
  }
  let logs = high + log(total);
  ${four((i) => `if (count > ${i}u) { stats[row${i}] = vec2f(logs[${i}], 0.0); }`)}
  for (var d = 0u; d < vectors; d++) { ${ownRows('y', 'row', (i, held) => `${held} / total[${i}]`)} }`;
}

function queriesBody({ isPacked }: PassForm): string {
  return `${QUERY_BLOCK}
  ${four((i) => `let log${i} = stats[row${i}].x; var along${i} = 0.0;`)}
  for (var d = 0u; d < vectors; d++) {
    ${four((i) => `along${i} = inner(along${i}, dY[row${i} * vectors + d], y[row${i} * vectors + d]);`)}
    ${ownRows('dQ', 'row', () => 'vec4f()')}
  }
  ${four((i) => `if (count > ${i}u) { stats[row${i}] = vec2f(log${i}, along${i}); }`)}
  ${alongKeys(isPacked)}
    ${products('score', 'q', 'k')}
    ${products('slope', 'dY', 'v')}
    ${scaledScores(isPacked)}
    ${four((i) => `let dScore${i} = scale * exp(score[${i}] - log${i}) * (slope[${i}] - along${i});`)}
    for (var d = 0u; d < vectors; d++) {
      let keyRows = ${rows('k', 'key')};
      ${ownRows('dQ', 'row', (i, held) => `weighted(${held}, keyRows, dScore${i})`)}
    }
  }`;
}

function keysBody({ isPacked }: PassForm): string {
  return `${ownBlock('s', 'K')}
  let g = head;
  ${four((j) => `let key${j} = keyRow(b, s + ${j}u, g);`)}
  for (var d = 0u; d < vectors; d++) { ${['dK', 'dV'].map((into) => ownRows(into, 'key', () => 'vec4f()')).join('\n')} }
  for (var h = g * (sizes.H / sizes.K); h < (g + 1u) * (sizes.H / sizes.K); h++) {
    for (var t = s; t < sizes.T; t += 4u) {
      ${
        isPacked
          ? `${SPANS}
      if (s >= sharedEnd && s + 4u <= own) { continue; }`
          : ''
      }
      ${four((i) => `let row${i} = queryRow(b, t + ${i}u, h);`)}
      ${products('score', 'q', 'k')}
      ${products('slope', 'dY', 'v')}
      ${scaledScores(isPacked)}
      ${four(
        (i) => `// A query past the end repeats the last one, and must not count again.
      let stats${i} = stats[row${i}];
      let p${i} = select(vec4f(), exp(score[${i}] - stats${i}.x), t + ${i}u < sizes.T);
      let dScore${i} = scale * p${i} * (slope[${i}] - stats${i}.y);`,
      )}
      let p = transpose(${side((i) => `p${i}`)});
      let dScore = transpose(${side((i) => `dScore${i}`)});
      for (var d = 0u; d < vectors; d++) {
        let queryRows = ${rows('q', 'row')};
        let slopeRows = ${rows('dY', 'row')};
        ${ownRows('dK', 'key', (j, held) => `weighted(${held}, queryRows, dScore[${j}])`)}
        ${ownRows('dV', 'key', (j, held) => `weighted(${held}, slopeRows, p[${j}])`)}
      }
    }
  }`;
}

const BODIES: Readonly<Record<Pass, (form: PassForm) => string>> = {
  forward: forwardBody,
  queries: queriesBody,
  keys: keysBody,
};
