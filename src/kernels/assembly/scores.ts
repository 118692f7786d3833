/** Scores of tokens: log-probabilities, entropies and their gradients, each in one pass over a row of logits. */
import { exp1, exp4, FLOAT, indexAt, log, maxLanes, multiplyAdd, sumLanes } from './simd';

/** Logits whose sum is kept in four floats; blocks are added in float64. */
const BLOCK: usize = 1024;

/** Results of {@link reduceRow}: the largest logit, the sum of `e = exp(z - largest)`, and of `e (z - largest)`. */
let largest: f32 = 0;
let total: f64 = 0;
let moment: f64 = 0;

function reduceRow(z: usize, V: usize): void {
  let lanes = f32x4.splat(-Infinity);
  let i: usize = 0;
  for (; i + 4 <= V; i += 4) lanes = f32x4.pmax(lanes, v128.load(z + FLOAT * i));
  largest = maxLanes(lanes);
  for (; i < V; i++) largest = max(largest, load<f32>(z + FLOAT * i));

  const tops = f32x4.splat(largest);
  total = 0;
  moment = 0;
  for (let start: usize = 0; start < V; start += BLOCK) {
    const end = min(V, start + BLOCK);
    let sums = f32x4.splat(0);
    let moments = f32x4.splat(0);
    for (i = start; i + 4 <= end; i += 4) {
      const gap = f32x4.sub(v128.load(z + FLOAT * i), tops);
      const e = exp4(gap);
      sums = f32x4.add(sums, e);
      moments = multiplyAdd(e, gap, moments);
    }
    total += <f64>sumLanes(sums);
    moment += <f64>sumLanes(moments);
    for (; i < end; i++) {
      const gap = load<f32>(z + FLOAT * i) - largest;
      const e = exp1(gap);
      total += <f64>e;
      moment += <f64>(e * gap);
    }
  }
}

/**
 * logits `[N,V]`, targets `[N]` -> log Z `[N]`, and scores: log-probabilities `[N]`, or `[2,N]` with entropies.
 */
export function tokenScoresForward(
  logits: usize,
  targets: usize,
  scores: usize,
  logZ: usize,
  N: usize,
  V: usize,
  hasEntropies: bool,
): void {
  for (let n: usize = 0; n < N; n++) {
    const z = logits + FLOAT * n * V;
    reduceRow(z, V);
    const logTotal = log(total);
    const target = load<f32>(z + FLOAT * indexAt(targets + FLOAT * n, V));
    store<f32>(scores + FLOAT * n, <f32>(<f64>target - <f64>largest - logTotal));
    store<f32>(logZ + FLOAT * n, <f32>(<f64>largest + logTotal));
    if (hasEntropies) store<f32>(scores + FLOAT * (N + n), <f32>(logTotal - moment / total));
  }
}

/** logits `[N,V]`, ids `[R]` -> log-probabilities `[N,R]`. */
export function labelLogProbs(logits: usize, ids: usize, logProbs: usize, N: usize, V: usize, R: usize): void {
  for (let n: usize = 0; n < N; n++) {
    const z = logits + FLOAT * n * V;
    reduceRow(z, V);
    const logTotal = log(total);
    for (let r: usize = 0; r < R; r++) {
      const logit = load<f32>(z + FLOAT * indexAt(ids + FLOAT * r, V));
      store<f32>(logProbs + FLOAT * (n * R + r), <f32>(<f64>logit - <f64>largest - logTotal));
    }
  }
}

/**
 * The gradient of the logits, `[N,V]`: `dY (onehot - p)`, and for entropies H `- dH p (log p + H)`.
 *
 * @param dY - `[N]`, or `[2,N]` with the gradient of the entropies
 * @param scores - `[2,N]` from the forward pass, or 0
 */
export function tokenScoresBackward(
  dY: usize,
  logits: usize,
  targets: usize,
  logZ: usize,
  scores: usize,
  dLogits: usize,
  N: usize,
  V: usize,
): void {
  for (let n: usize = 0; n < N; n++) {
    const z = logits + FLOAT * n * V;
    const goal = dLogits + FLOAT * n * V;
    const ofLogProb = load<f32>(dY + FLOAT * n);
    const ofEntropy: f32 = scores == 0 ? 0 : load<f32>(dY + FLOAT * (N + n));
    const entropy: f32 = scores == 0 ? 0 : load<f32>(scores + FLOAT * (N + n));
    const normaliser = load<f32>(logZ + FLOAT * n);
    const norms = f32x4.splat(normaliser);
    const base = f32x4.splat(ofLogProb + ofEntropy * entropy);
    const slope = f32x4.splat(ofEntropy);
    let i: usize = 0;
    for (; i + 4 <= V; i += 4) {
      const logP = f32x4.sub(v128.load(z + FLOAT * i), norms);
      const rate = multiplyAdd(slope, logP, base);
      v128.store(goal + FLOAT * i, f32x4.neg(f32x4.mul(exp4(logP), rate)));
    }
    for (; i < V; i++) {
      const logP = load<f32>(z + FLOAT * i) - normaliser;
      store<f32>(goal + FLOAT * i, -exp1(logP) * (ofLogProb + ofEntropy * entropy + ofEntropy * logP));
    }
    const target = goal + FLOAT * indexAt(targets + FLOAT * n, V);
    store<f32>(target, load<f32>(target) + ofLogProb);
  }
}
