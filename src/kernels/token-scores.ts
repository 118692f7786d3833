/**
 * Statistics of logits for each row, without the probabilities in memory: `log Z`, the log-probability of a given token
 * or of some given labels, and the entropy. A workgroup reads a row once and keeps, relative to the largest logit so
 * far (the online softmax of arXiv 1805.02867), the sum of exponentials and, for the entropy, their sum times the
 * logits:
 *
 *     u_v = z_v - max        S = sum exp(u_v)        A = sum u_v exp(u_v)        log Z = max + log S        H = log S - A / S
 *
 * Forward: logits `[N,V]` and targets `[N]` -> log-probabilities `[N]` and `log Z` `[N]`; or scores `[2,N]`,
 * log-probabilities and then entropies, and `log Z`; or, from R ids, their log-probabilities `[N,R]`. Grid: a workgroup
 * per row, one barrier. Backward: dY, logits, targets, `log Z` (and scores) -> dLogits `[N,V]`. Grid: a workgroup per
 * segment of a row, without a barrier. Outputs are overwritten. No optional feature.
 *
 * A row is summed in 32 parts, each in order, then over the parts: by 32 invocations with one part each or, if V is a
 * multiple of four, by 8 invocations that read vectors and have four parts each. Both give the same bits.
 */
import type * as tf from '@tensorflow/tfjs-core';
import { allocate, dispatch, type Program } from '../gpu/dispatch.ts';
import { callWasm, hasWasmKernels } from '../gpu/wasm-calls.ts';

/** The outputs of a forward pass, which the backward pass needs. */
export interface ScoredRows {
  /** From {@link tokenLogProbsForward} `[N]`, from {@link tokenScoresForward} `[2,N]`; in nats. */
  readonly scores: tf.Tensor;
  /** `[N]` */
  readonly logZ: tf.Tensor1D;
}

/** `log softmax(logits)[n, targets[n]]`. */
export function tokenLogProbsForward(logits: tf.Tensor2D, targets: tf.Tensor1D): ScoredRows {
  const [N] = logits.shape;
  return scoreRows('log-probs', logits, targets, allocate<tf.Rank.R1>([N]));
}

/** The same, followed by the entropy of each row. */
export function tokenScoresForward(logits: tf.Tensor2D, targets: tf.Tensor1D): ScoredRows {
  const [N] = logits.shape;
  return scoreRows('scores', logits, targets, allocate<tf.Rank.R2>([2, N]));
}

/** `log softmax(logits)[n, ids[r]]`, `[N,R]`. */
export function labelLogProbsForward(logits: tf.Tensor2D, ids: tf.Tensor1D): tf.Tensor2D {
  const [N, V] = logits.shape;
  const [R] = ids.shape;
  const logProbs = allocate<tf.Rank.R2>([N, R]);
  if (hasWasmKernels()) {
    callWasm('labelLogProbs', [logits, ids, logProbs], [N, V, R]);
    return logProbs;
  }
  const tensors = [logits, ids, logProbs];
  dispatch({ program: FORWARD[widthOf(V)].labels, tensors, parameters: [N, V, R], ...rowGrid(N, V) });
  return logProbs;
}

/** The gradient of the logits, `[N,V]`. @param dY - the gradient of the log-probabilities, `[N]` */
export function tokenLogProbsBackward(
  dY: tf.Tensor1D,
  logits: tf.Tensor2D,
  targets: tf.Tensor1D,
  { logZ }: Pick<ScoredRows, 'logZ'>,
): tf.Tensor2D {
  return slopes('log-probs', [dY, logits, targets, logZ], logits.shape);
}

/** The gradient of the logits, `[N,V]`. @param dY - the gradient of the scores, `[2,N]` */
export function tokenScoresBackward(
  dY: tf.Tensor2D,
  logits: tf.Tensor2D,
  targets: tf.Tensor1D,
  { logZ, scores }: ScoredRows,
): tf.Tensor2D {
  return slopes('scores', [dY, logits, targets, logZ, scores], logits.shape);
}

type Differentiated = 'log-probs' | 'scores';
type Forward = Differentiated | 'labels';
type Width = 'wide' | 'narrow';

function scoreRows(kind: Differentiated, logits: tf.Tensor2D, targets: tf.Tensor1D, scores: tf.Tensor): ScoredRows {
  const [N, V] = logits.shape;
  const logZ = allocate<tf.Rank.R1>([N]);
  const tensors = [logits, targets, scores, logZ];
  if (hasWasmKernels()) {
    callWasm('tokenScoresForward', tensors, [N, V, kind === 'scores' ? 1 : 0]);
    return { scores, logZ };
  }
  dispatch({ program: FORWARD[widthOf(V)][kind], tensors, parameters: [N, V], ...rowGrid(N, V) });
  return { scores, logZ };
}

function slopes(kind: Differentiated, inputs: readonly tf.Tensor[], [N, V]: [number, number]): tf.Tensor2D {
  const dLogits = allocate<tf.Rank.R2>([N, V]);
  if (hasWasmKernels()) {
    const [dY, logits, targets, logZ, scores] = inputs;
    callWasm('tokenScoresBackward', [dY, logits, targets, logZ, scores, dLogits], [N, V]);
    return dLogits;
  }
  const segments = Math.ceil(V / SEGMENT);
  dispatch({
    program: BACKWARD[widthOf(V)][kind],
    tensors: [...inputs, dLogits],
    parameters: [N, V, segments],
    size: [N * segments * BACKWARD_LANES],
    workgroupSize: [BACKWARD_LANES],
  });
  return dLogits;
}

/** The number of parts that a row is summed in. */
const PARTS = 32;
/** Elements of a row per workgroup of the backward pass. */
const SEGMENT = 1024;
const BACKWARD_LANES = 64;

function widthOf(V: number): Width {
  return V % 4 === 0 ? 'wide' : 'narrow';
}

/** Invocations per row. */
function lanesOf(width: Width): number {
  return width === 'wide' ? PARTS / 4 : PARTS;
}

function rowGrid(N: number, V: number) {
  const lanes = lanesOf(widthOf(V));
  return { size: [N * lanes] as const, workgroupSize: [lanes] as const };
}

/** Rows as single numbers, or as vectors of four. */
const ELEMENT: Readonly<Record<Width, string>> = {
  narrow: `alias Element = f32;
const STEP = 1u;
fn numberAt(i: u32) -> f32 { return logits[i]; }
fn largestOf(x: Element) -> f32 { return x; }
fn addedTo(sum: f32, x: Element) -> f32 { return sum + x; }
fn isAt(v: u32, id: u32) -> Element { return select(0.0, 1.0, v == id); }`,
  wide: `alias Element = vec4f;
const STEP = 4u;
fn numberAt(i: u32) -> f32 { return logits[i / 4u][i % 4u]; }
fn largestOf(x: Element) -> f32 { return max(max(x.x, x.y), max(x.z, x.w)); }
fn addedTo(sum: f32, x: Element) -> f32 { return (((sum + x.x) + x.y) + x.z) + x.w; }
fn isAt(v: u32, id: u32) -> Element {
  return select(vec4f(), vec4f(1), 4u * v + vec4u(0u, 1u, 2u, 3u) == vec4u(id));
}`,
};

/** Bindings in order; those in `written` are writable. */
function bindings(names: readonly string[], written: readonly string[]): string {
  const types: Readonly<Record<string, string>> = {
    logits: 'Element',
    dLogits: 'Element',
    targets: 'u32',
    ids: 'u32',
  };
  return names
    .map((name, i) => {
      const access = written.includes(name) ? 'read_write' : 'read';
      return `@group(0) @binding(${i}) var<storage, ${access}> ${name}: array<${types[name] ?? 'f32'}>;`;
    })
    .join('\n');
}

/** The outputs for a row, from the start of its logits, their normaliser and, for the entropy, S and A. */
const OUTPUTS: Readonly<Record<Forward, string>> = {
  'log-probs': `scores[n] = numberAt(start + targets[n]) - rowLogZ;
  logZ[n] = rowLogZ;`,
  scores: `scores[n] = numberAt(start + targets[n]) - rowLogZ;
  scores[sizes.N + n] = log(sum) - tilt / sum;
  logZ[n] = rowLogZ;`,
  labels: `for (var r = 0u; r < sizes.R; r++) { logProbs[n * sizes.R + r] = numberAt(start + ids[r]) - rowLogZ; }`,
};

function forwardProgram(kind: Forward, width: Width): Program {
  const written = kind === 'labels' ? ['logProbs'] : ['scores', 'logZ'];
  const names = ['logits', kind === 'labels' ? 'ids' : 'targets', ...written];
  const lanes = lanesOf(width);
  const withEntropy = (text: string): string => (kind === 'scores' ? text : '');
  return {
    key: `token-scores forward ${kind} ${width}`,
    source: () => `
${ELEMENT[width]}
${bindings(names, written)}
struct Sizes { N: u32, V: u32, R: u32 }
@group(0) @binding(${names.length}) var<uniform> sizes: Sizes;

const LOWEST = -3.4e38;
const LANES = ${lanes}u;
var<workgroup> largest: array<Element, ${lanes}>;
var<workgroup> sums: array<Element, ${lanes}>;
${withEntropy(`var<workgroup> tilts: array<Element, ${lanes}>;`)}

@compute @workgroup_size(${lanes})
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let n = group.x + group.y * groups.x;
  let start = min(n, sizes.N - 1u) * sizes.V; // a workgroup past the last row repeats it
  var highs = Element(LOWEST);
  var parts = Element();
  ${withEntropy('var tilted = Element();')}
  for (var v = lane; v < sizes.V / STEP; v += LANES) {
    let z = logits[start / STEP + v];
    let gap = -abs(z - highs); // NaN stays NaN
    let shrink = exp(gap);
    ${withEntropy('tilted = select(tilted + shrink * gap, shrink * (tilted + gap * parts), z > highs);')}
    parts = select(parts + shrink, parts * shrink + 1.0, z > highs);
    highs = max(z, highs);
  }
  largest[lane] = highs;
  sums[lane] = parts;
  ${withEntropy('tilts[lane] = tilted;')}
  workgroupBarrier();
  if (lane > 0u || n >= sizes.N) { return; }
  var high = LOWEST;
  for (var other = 0u; other < LANES; other++) { high = max(high, largestOf(largest[other])); }
  var sum = 0.0;
  ${withEntropy('var tilt = 0.0;')}
  for (var other = 0u; other < LANES; other++) {
    let gap = largest[other] - high;
    sum = addedTo(sum, sums[other] * exp(gap));
    ${withEntropy('tilt = addedTo(tilt, exp(gap) * (tilts[other] + gap * sums[other]));')}
  }
  let rowLogZ = high + log(sum);
  ${OUTPUTS[kind]}
}`,
  };
}

/** The gradient at one element: of log p(target) `onehot - p`, of the entropy `-p (log p + H)`. */
const SLOPE: Readonly<Record<Differentiated, { readonly ofRow: string; readonly atPlace: string }>> = {
  'log-probs': { ofRow: '', atPlace: 'dLogProb * (isAt(v, id) - exp(logP))' },
  scores: {
    ofRow: `let dEntropy = dY[sizes.N + n];
  let entropy = scores[sizes.N + n];`,
    atPlace: 'dLogProb * (isAt(v, id) - exp(logP)) - dEntropy * exp(logP) * (logP + entropy)',
  },
};

function backwardProgram(kind: Differentiated, width: Width): Program {
  const names = ['dY', 'logits', 'targets', 'logZ', ...(kind === 'scores' ? ['scores'] : []), 'dLogits'];
  const { ofRow, atPlace } = SLOPE[kind];
  return {
    key: `token-scores backward ${kind} ${width}`,
    source: () => `
${ELEMENT[width]}
${bindings(names, ['dLogits'])}
struct Sizes { N: u32, V: u32, segments: u32 }
@group(0) @binding(${names.length}) var<uniform> sizes: Sizes;

@compute @workgroup_size(${BACKWARD_LANES})
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let place = group.x + group.y * groups.x;
  let n = place / sizes.segments;
  if (n >= sizes.N) { return; }
  let first = (place % sizes.segments) * (${SEGMENT}u / STEP);
  let end = min(first + ${SEGMENT}u / STEP, sizes.V / STEP);
  let start = n * (sizes.V / STEP);
  // Values that are constant along the row are read once.
  let dLogProb = dY[n];
  let id = targets[n];
  let rowLogZ = logZ[n];
  ${ofRow}
  for (var v = first + lane; v < end; v += ${BACKWARD_LANES}u) {
    let logP = logits[start + v] - rowLogZ;
    dLogits[start + v] = ${atPlace};
  }
}`,
  };
}

/** Builds the programs of both widths. */
function bothWidths<T>(make: (width: Width) => T): Readonly<Record<Width, T>> {
  return { wide: make('wide'), narrow: make('narrow') };
}

const FORWARD = bothWidths((width) => ({
  'log-probs': forwardProgram('log-probs', width),
  scores: forwardProgram('scores', width),
  labels: forwardProgram('labels', width),
}));

const BACKWARD = bothWidths((width) => ({
  'log-probs': backwardProgram('log-probs', width),
  scores: backwardProgram('scores', width),
}));
