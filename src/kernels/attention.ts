/**
 * Causal attention with grouped queries on the GPU, without a matrix of scores in memory (flash attention, arXiv 2307.08691);
 * in packed rows (data/packed-rows.ts) a query sees two stretches of keys, and blocks that none of its block sees are
 * stepped over.
 *
 * Forward, one invocation takes four queries of a head past all their keys, four at a time, with a running maximum and sum
 * (arXiv 1805.02867). Kept for the backward pass are the result and the logarithm of each query's normaliser; scores are
 * computed again. Backward, one pass goes along the keys of four queries and gives dQ; another along the queries of four
 * keys, over all heads that share them, and gives dK and dV. So nothing is added by two invocations, and no barrier or atomic
 * is needed. A block of 4 x 4 scores reads eight vectors for sixteen products of them.
 *
 * q, y `[B,T,H,D]`, k, v `[B,T,K,D]`, K divides H; spans `[B,T,2]`, whole numbers. Row statistics `[B,T,H,2]`: the log
 * normaliser, written forward, and the inner product of dY and y, written by the backward pass along keys into the same
 * tensor, since a shader may be given no more than eight. All else is overwritten. Grid: x over B and heads, so that
 * neighbours have equally long ways to go; y over blocks of four positions. Sums of vectors grow in the outputs themselves:
 * an array of an invocation's own would have to be indexed, for which software adapters compile and run much code. D must be
 * a multiple of four. No optional feature.
 */
import type * as tf from '@tensorflow/tfjs-core';
import { allocate, dispatch, type Program } from '../gpu/dispatch.ts';

/** Queries, keys and values. */
export interface Heads {
  readonly q: tf.Tensor4D;
  readonly k: tf.Tensor4D;
  readonly v: tf.Tensor4D;
}

/** What attention gives, and what its backward pass needs of it. */
export interface Attended {
  readonly y: tf.Tensor4D;
  readonly stats: tf.Tensor4D;
}

/**
 * `softmax(q k^T / sqrt(D)) v` over the keys up to each query, or over those it sees.
 *
 * @param spans - of packed rows: the keys `s < sharedEnd` and `ownStart <= s <= t`, with `sharedEnd <= ownStart <= t`
 */
export function attentionForward({ q, k, v }: Heads, spans?: tf.Tensor3D): Attended {
  const [B, T, H, D] = q.shape;
  const y = allocate<tf.Rank.R4>([B, T, H, D]);
  const stats = allocate<tf.Rank.R4>([B, T, H, 2]);
  run('forward', [q, k, v], spans, [y, stats], gridOf(q, k, H));
  return { y, stats };
}

/** The gradients of queries, keys and values. */
export function attentionBackward(
  dY: tf.Tensor4D,
  { q, k, v }: Heads,
  { y, stats }: Attended,
  spans?: tf.Tensor3D,
): Heads {
  const [B, T, H, D] = q.shape;
  const K = k.shape[2];
  const dQ = allocate<tf.Rank.R4>([B, T, H, D]);
  run('queries', [q, k, v, dY, y], spans, [stats, dQ], gridOf(q, k, H));
  const dK = allocate<tf.Rank.R4>([B, T, K, D]);
  const dV = allocate<tf.Rank.R4>([B, T, K, D]);
  run('keys', [q, k, v, dY, stats], spans, [dK, dV], gridOf(q, k, K));
  return { q: dQ, k: dK, v: dV };
}

function run(
  pass: Pass,
  inputs: readonly tf.Tensor[],
  spans: tf.Tensor3D | undefined,
  outputs: readonly tf.Tensor[],
  grid: ReturnType<typeof gridOf>,
): void {
  const tensors = [...inputs, ...(spans === undefined ? [] : [spans]), ...outputs];
  dispatch({ program: spans === undefined ? WHOLE[pass] : PACKED[pass], tensors, ...grid });
}

const BLOCK = 4;
const WORKGROUP = [8, 8] as const;

function gridOf(q: tf.Tensor4D, k: tf.Tensor4D, heads: number) {
  const [B, T, H, D] = q.shape;
  return {
    parameters: [B, T, H, k.shape[2], D / 4],
    size: [B * heads, Math.ceil(T / BLOCK)] as const,
    workgroupSize: WORKGROUP,
  };
}

const LANES = [0, 1, 2, 3] as const;

/** Lines of shader text, one for each of four. */
function four(line: (i: 0 | 1 | 2 | 3) => string): string {
  return LANES.map(line).join('\n');
}

/** The programs by pass. */
type Pass = 'forward' | 'queries' | 'keys';

const ELEMENTS: Readonly<Record<string, string>> = { stats: 'vec2f', spans: 'vec2u' };

/** A pass: its bindings, with functions that number the heads of tokens, and its body. */
function program(pass: string, inputs: readonly string[], outputs: readonly string[], body: string): Program {
  const names = [...inputs, ...outputs];
  const declared = names.map((name, i) => {
    const access = inputs.includes(name) ? 'read' : 'read_write';
    return `@group(0) @binding(${i}) var<storage, ${access}> ${name}: array<${ELEMENTS[name] ?? 'vec4f'}>;`;
  });
  const source = `
${declared.join('\n')}
struct Sizes { B: u32, T: u32, H: u32, K: u32, vectors: u32 }
@group(0) @binding(${names.length}) var<uniform> sizes: Sizes;

const HIDDEN = -1e30; // the score of a key that a query does not see: finite, so that no difference is NaN

// The number of a head of a token among all heads of all tokens. A token past the end repeats the last.
fn queryRow(b: u32, t: u32, h: u32) -> u32 { return (b * sizes.T + min(t, sizes.T - 1u)) * sizes.H + h; }
fn keyRow(b: u32, s: u32, h: u32) -> u32 { return (b * sizes.T + min(s, sizes.T - 1u)) * sizes.K + h; }
fn tokenRow(b: u32, t: u32) -> u32 { return b * sizes.T + min(t, sizes.T - 1u); }

@compute @workgroup_size(${WORKGROUP.join(', ')})
fn main(@builtin(global_invocation_id) id: vec3u) {
  let vectors = sizes.vectors;
  let scale = 1.0 / sqrt(f32(4u * vectors));
  ${body}
}`;
  return { key: `attention ${pass}`, source: () => source };
}

/** A block of `count` queries from `t` of head `h`, which reads key-value head `g`. */
const QUERY_BLOCK = `let t = 4u * id.y;
  if (id.x >= sizes.B * sizes.H || t >= sizes.T) { return; }
  let b = id.x / sizes.H;
  let h = id.x % sizes.H;
  let g = h / (sizes.H / sizes.K);
  let count = min(4u, sizes.T - t);
  ${four((i) => `let row${i} = queryRow(b, t + ${i}u, h);`)}`;

/** A block of `count` keys from `s` of key-value head `g`. */
const KEY_BLOCK = `let s = 4u * id.y;
  if (id.x >= sizes.B * sizes.K || s >= sizes.T) { return; }
  let b = id.x / sizes.K;
  let g = id.x % sizes.K;
  let count = min(4u, sizes.T - s);
  ${four((j) => `let key${j} = keyRow(b, s + ${j}u, g);`)}`;

/** `into[i][j] = left_i . right_j` for queries i and keys j. */
function products(into: string, left: string, right: string): string {
  return `var ${into} = mat4x4f();
  for (var d = 0u; d < vectors; d++) {
    ${four((j) => `let right${j} = ${right}[key${j} * vectors + d];`)}
    ${four(
      (i) => `{ let left = ${left}[row${i} * vectors + d];
      ${into}[${i}] += vec4f(${LANES.map((j) => `dot(left, right${j})`).join(', ')}); }`,
    )}
  }`;
}

/** Scores of keys that their query does not see are hidden. */
function scaledScores(isPacked: boolean): string {
  const seen = (i: number): string =>
    isPacked
      ? `(keys < vec4u(span${i}.x)) | ((keys >= vec4u(span${i}.y)) & (keys <= vec4u(t + ${i}u)))`
      : `keys <= vec4u(t + ${i}u)`;
  return `let keys = vec4u(s, s + 1u, s + 2u, s + 3u);
  ${four((i) => `score[${i}] = select(vec4f(HIDDEN), scale * score[${i}], ${seen(i)});`)}`;
}

/** What a block of queries sees: keys before `sharedEnd` and from the block at `own` on. */
const SPANS = `${four((i) => `let span${i} = spans[tokenRow(b, t + ${i}u)];`)}
  let sharedEnd = max(max(span0.x, span1.x), max(span2.x, span3.x));
  let own = 4u * (min(min(span0.y, span1.y), min(span2.y, span3.y)) / 4u);`;

/** From one block of keys to the next that a block of queries sees. */
const NEXT_KEYS = `select(s + 4u, max(s + 4u, own), s + 4u >= sharedEnd)`;

/** The loop head over the blocks of keys that a block of queries sees. */
function alongKeys(isPacked: boolean): string {
  return isPacked
    ? `${SPANS}
  for (var s = select(own, 0u, sharedEnd > 0u); s < t + count; s = ${NEXT_KEYS}) {`
    : `for (var s = 0u; s < t + count; s += 4u) {`;
}

/** Four rows at a place d, side by side: times a vector of weights it is their weighted sum. */
function rows(name: string, row: string): string {
  return `mat4x4f(${LANES.map((i) => `${name}[${row}${i} * vectors + d]`).join(', ')})`;
}

/** The programs for whole sequences, or those for packed rows. */
function programsOf(isPacked: boolean): Record<Pass, Program> {
  const prefix = isPacked ? 'packed ' : '';
  const withSpans = (inputs: readonly string[]): string[] => [...inputs, ...(isPacked ? ['spans'] : [])];
  return {
    forward: program(`${prefix}forward`, withSpans(['q', 'k', 'v']), ['y', 'stats'], forwardBody(isPacked)),
    queries: program(`${prefix}queries`, withSpans(['q', 'k', 'v', 'dY', 'y']), ['stats', 'dQ'], queriesBody(isPacked)),
    keys: program(`${prefix}keys`, withSpans(['q', 'k', 'v', 'dY', 'stats']), ['dK', 'dV'], keysBody(isPacked)),
  };
}

function forwardBody(isPacked: boolean): string {
  return `${QUERY_BLOCK}
  var high = vec4f(HIDDEN);
  var total = vec4f();
  for (var i = 0u; i < count; i++) {
    for (var d = 0u; d < vectors; d++) { y[queryRow(b, t + i, h) * vectors + d] = vec4f(); }
  }
  ${alongKeys(isPacked)}
    ${four((j) => `let key${j} = keyRow(b, s + ${j}u, g);`)}
    ${products('score', 'q', 'k')}
    ${scaledScores(isPacked)}
    // A query that has seen no key yet counts hidden ones; the first it sees shrinks them to nothing.
    let before = high;
    ${four((i) => `high[${i}] = max(high[${i}], max(max(score[${i}].x, score[${i}].y), max(score[${i}].z, score[${i}].w)));`)}
    let shrink = exp(before - high);
    ${four((i) => `let p${i} = exp(score[${i}] - high[${i}]);`)}
    let p = mat4x4f(p0, p1, p2, p3);
    total = total * shrink + vec4f(1) * p;
    for (var d = 0u; d < vectors; d++) {
      let values = ${rows('v', 'key')};
      for (var i = 0u; i < count; i++) {
        let row = queryRow(b, t + i, h);
        y[row * vectors + d] = y[row * vectors + d] * shrink[i] + values * p[i];
      }
    }
  }
  let logs = high + log(total);
  for (var i = 0u; i < count; i++) {
    let row = queryRow(b, t + i, h);
    stats[row] = vec2f(logs[i], 0.0);
    for (var d = 0u; d < vectors; d++) { y[row * vectors + d] = y[row * vectors + d] / total[i]; }
  }`;
}

function queriesBody(isPacked: boolean): string {
  return `${QUERY_BLOCK}
  let logs = vec4f(${LANES.map((i) => `stats[row${i}].x`).join(', ')});
  var along = vec4f();
  for (var i = 0u; i < count; i++) {
    let row = queryRow(b, t + i, h);
    for (var d = 0u; d < vectors; d++) {
      along[i] += dot(dY[row * vectors + d], y[row * vectors + d]);
      dQ[row * vectors + d] = vec4f();
    }
    stats[row] = vec2f(logs[i], along[i]);
  }
  ${alongKeys(isPacked)}
    ${four((j) => `let key${j} = keyRow(b, s + ${j}u, g);`)}
    ${products('score', 'q', 'k')}
    ${products('slope', 'dY', 'v')}
    ${scaledScores(isPacked)}
    ${four((i) => `let dScore${i} = scale * exp(score[${i}] - logs[${i}]) * (slope[${i}] - along[${i}]);`)}
    let dScore = mat4x4f(dScore0, dScore1, dScore2, dScore3);
    for (var d = 0u; d < vectors; d++) {
      let keyRows = ${rows('k', 'key')};
      for (var i = 0u; i < count; i++) {
        let row = queryRow(b, t + i, h);
        dQ[row * vectors + d] = dQ[row * vectors + d] + keyRows * dScore[i];
      }
    }
  }`;
}

function keysBody(isPacked: boolean): string {
  return `${KEY_BLOCK}
  for (var j = 0u; j < count; j++) {
    let key = keyRow(b, s + j, g);
    for (var d = 0u; d < vectors; d++) {
      dK[key * vectors + d] = vec4f();
      dV[key * vectors + d] = vec4f();
    }
  }
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
        (i) => `// A query past the last one repeats it, and must not count again.
      let stats${i} = stats[row${i}];
      let p${i} = select(vec4f(), exp(score[${i}] - stats${i}.x), t + ${i}u < sizes.T);
      let dScore${i} = scale * p${i} * (slope[${i}] - stats${i}.y);`,
      )}
      let p = transpose(mat4x4f(p0, p1, p2, p3));
      let dScore = transpose(mat4x4f(dScore0, dScore1, dScore2, dScore3));
      for (var d = 0u; d < vectors; d++) {
        let queryRows = ${rows('q', 'row')};
        let slopeRows = ${rows('dY', 'row')};
        for (var j = 0u; j < count; j++) {
          let key = keyRow(b, s + j, g);
          dK[key * vectors + d] = dK[key * vectors + d] + queryRows * dScore[j];
          dV[key * vectors + d] = dV[key * vectors + d] + slopeRows * p[j];
        }
      }
    }
  }`;
}

const WHOLE = programsOf(false);
const PACKED = programsOf(true);
