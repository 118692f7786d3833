/**
 * Causal attention with grouped queries on the GPU, without a matrix of scores in memory (flash attention, arXiv 2307.08691).
 *
 * Forward, one invocation takes four queries of a head past all their keys, four at a time, with a running maximum and sum
 * (arXiv 1805.02867). Kept for the backward pass are the result and the logarithm of each query's normaliser; scores are
 * computed again. Backward, one pass goes along the keys of four queries and gives dQ; another along the queries of four
 * keys, over all heads that share them, and gives dK and dV. So nothing is added by two invocations, and no barrier or atomic
 * is needed. A block of 4 x 4 scores reads eight vectors for sixteen products of them.
 *
 * q, y `[B,T,H,D]`, k, v `[B,T,K,D]`, K divides H; log normaliser and delta (the inner product of dY and y) `[B,T,H]`. All
 * outputs are overwritten. Grid: x over B and heads, so that neighbours have equally long ways to go; y over blocks of four
 * positions. Sums of vectors grow in the outputs themselves: an array of an invocation's own would have to be indexed, for
 * which software adapters compile and run much code. D must be a multiple of four. No optional feature.
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
  readonly logZ: tf.Tensor3D;
}

/** `softmax(q k^T / sqrt(D)) v` over the keys up to each query. */
export function attentionForward({ q, k, v }: Heads): Attended {
  const [B, T, H, D] = q.shape;
  const y = allocate<tf.Rank.R4>([B, T, H, D]);
  const logZ = allocate<tf.Rank.R3>([B, T, H]);
  dispatch({ program: FORWARD, tensors: [q, k, v, y, logZ], ...gridOf(q, k, H) });
  return { y, logZ };
}

/** The gradients of queries, keys and values. */
export function attentionBackward(dY: tf.Tensor4D, { q, k, v }: Heads, { y, logZ }: Attended): Heads {
  const [B, T, H, D] = q.shape;
  const K = k.shape[2];
  const dQ = allocate<tf.Rank.R4>([B, T, H, D]);
  const delta = allocate<tf.Rank.R3>([B, T, H]);
  const queryTensors = [q, k, v, dY, y, logZ, dQ, delta];
  dispatch({ program: QUERIES, tensors: queryTensors, ...gridOf(q, k, H) });
  const dK = allocate<tf.Rank.R4>([B, T, K, D]);
  const dV = allocate<tf.Rank.R4>([B, T, K, D]);
  dispatch({ program: KEYS, tensors: [q, k, v, dY, logZ, delta, dK, dV], ...gridOf(q, k, K) });
  delta.dispose();
  return { q: dQ, k: dK, v: dV };
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

/** A pass: its bindings, with functions that load and store four dimensions of a head, and its body. */
function program(pass: string, inputs: readonly string[], outputs: readonly string[], body: string): Program {
  // One number per query has no vectors.
  const hasVectors = (name: string): boolean => !['logZ', 'delta'].includes(name);
  const names = [...inputs, ...outputs];
  const declared = names.map((name, i) => {
    const access = inputs.includes(name) ? 'read' : 'read_write';
    return `@group(0) @binding(${i}) var<storage, ${access}> ${name}: array<${hasVectors(name) ? 'vec4f' : 'f32'}>;`;
  });
  const source = `
${declared.join('\n')}
struct Sizes { B: u32, T: u32, H: u32, K: u32, vectors: u32 }
@group(0) @binding(${names.length}) var<uniform> sizes: Sizes;

const HIDDEN = -1e30; // the score of a key that a query does not see: finite, so that no difference is NaN

// The number of a head of a token among all heads of all tokens. A token past the end repeats the last.
fn queryRow(b: u32, t: u32, h: u32) -> u32 { return (b * sizes.T + min(t, sizes.T - 1u)) * sizes.H + h; }
fn keyRow(b: u32, s: u32, h: u32) -> u32 { return (b * sizes.T + min(s, sizes.T - 1u)) * sizes.K + h; }

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

/** Scores of keys after their query are hidden. */
const SCALED_SCORES = `let keys = vec4u(s, s + 1u, s + 2u, s + 3u);
  ${four((i) => `score[${i}] = select(vec4f(HIDDEN), scale * score[${i}], keys <= vec4u(t + ${i}u));`)}`;

/** Four rows at a place d, side by side: times a vector of weights it is their weighted sum. */
function rows(name: string, row: string): string {
  return `mat4x4f(${LANES.map((i) => `${name}[${row}${i} * vectors + d]`).join(', ')})`;
}

const FORWARD = program(
  'forward',
  ['q', 'k', 'v'],
  ['y', 'logZ'],
  `${QUERY_BLOCK}
  var high = vec4f(HIDDEN);
  var total = vec4f();
  for (var i = 0u; i < count; i++) {
    for (var d = 0u; d < vectors; d++) { y[queryRow(b, t + i, h) * vectors + d] = vec4f(); }
  }
  for (var s = 0u; s < t + count; s += 4u) {
    ${four((j) => `let key${j} = keyRow(b, s + ${j}u, g);`)}
    ${products('score', 'q', 'k')}
    ${SCALED_SCORES}
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
    logZ[row] = logs[i];
    for (var d = 0u; d < vectors; d++) { y[row * vectors + d] = y[row * vectors + d] / total[i]; }
  }`,
);

const QUERIES = program(
  'queries',
  ['q', 'k', 'v', 'dY', 'y', 'logZ'],
  ['dQ', 'delta'],
  `${QUERY_BLOCK}
  let logs = vec4f(${LANES.map((i) => `logZ[row${i}]`).join(', ')});
  var along = vec4f();
  for (var i = 0u; i < count; i++) {
    let row = queryRow(b, t + i, h);
    for (var d = 0u; d < vectors; d++) {
      along[i] += dot(dY[row * vectors + d], y[row * vectors + d]);
      dQ[row * vectors + d] = vec4f();
    }
    delta[row] = along[i];
  }
  for (var s = 0u; s < t + count; s += 4u) {
    ${four((j) => `let key${j} = keyRow(b, s + ${j}u, g);`)}
    ${products('score', 'q', 'k')}
    ${products('slope', 'dY', 'v')}
    ${SCALED_SCORES}
    ${four((i) => `let dScore${i} = scale * exp(score[${i}] - logs[${i}]) * (slope[${i}] - along[${i}]);`)}
    let dScore = mat4x4f(dScore0, dScore1, dScore2, dScore3);
    for (var d = 0u; d < vectors; d++) {
      let keyRows = ${rows('k', 'key')};
      for (var i = 0u; i < count; i++) {
        let row = queryRow(b, t + i, h);
        dQ[row * vectors + d] = dQ[row * vectors + d] + keyRows * dScore[i];
      }
    }
  }`,
);

const KEYS = program(
  'keys',
  ['q', 'k', 'v', 'dY', 'logZ', 'delta'],
  ['dK', 'dV'],
  `${KEY_BLOCK}
  for (var j = 0u; j < count; j++) {
    let key = keyRow(b, s + j, g);
    for (var d = 0u; d < vectors; d++) {
      dK[key * vectors + d] = vec4f();
      dV[key * vectors + d] = vec4f();
    }
  }
  for (var h = g * (sizes.H / sizes.K); h < (g + 1u) * (sizes.H / sizes.K); h++) {
    for (var t = s; t < sizes.T; t += 4u) {
      ${four((i) => `let row${i} = queryRow(b, t + ${i}u, h);`)}
      ${products('score', 'q', 'k')}
      ${products('slope', 'dY', 'v')}
      ${SCALED_SCORES}
      ${four(
        (i) => `// A query past the last one repeats it, and must not count again.
      let p${i} = select(vec4f(), exp(score[${i}] - logZ[row${i}]), t + ${i}u < sizes.T);
      let dScore${i} = scale * p${i} * (slope[${i}] - delta[row${i}]);`,
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
  }`,
);
