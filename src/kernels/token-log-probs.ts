/**
 * Log-probabilities of given tokens on the GPU, without the probabilities of all others: a workgroup goes along a row once,
 * keeping the largest logit and the sum of exponentials relative to it (the online softmax of arXiv 1805.02867). Kept for
 * the backward pass is `log Z` of each row.
 *
 * Forward: logits `[N,V]`, targets `[N]` -> log-probabilities and log Z, `[N]` each; grid: a workgroup per row, one barrier.
 * Backward: dY `[N]`, logits, targets, log Z -> dLogits `[N,V]`; grid: an invocation per element. Outputs are overwritten.
 * No optional feature.
 */
import type * as tf from '@tensorflow/tfjs-core';
import { allocate, dispatch, FLAT_MAIN, FLAT_WORKGROUP, flatIndex, type Program } from '../gpu/dispatch.ts';

/** `log softmax(logits)[n, targets[n]]` and `log Z[n]`, `[N]` each, in nats. */
export function tokenLogProbsForward(
  logits: tf.Tensor2D,
  targets: tf.Tensor1D,
): { readonly logProbs: tf.Tensor1D; readonly logZ: tf.Tensor1D } {
  const [N, V] = logits.shape;
  const [logProbs, logZ] = [allocate<tf.Rank.R1>([N]), allocate<tf.Rank.R1>([N])];
  dispatch({
    program: FORWARD,
    tensors: [logits, targets, logProbs, logZ],
    parameters: [N, V],
    size: [N * LANES],
    workgroupSize: [LANES],
  });
  return { logProbs, logZ };
}

/** The gradient of the logits, `[N,V]`. */
export function tokenLogProbsBackward(
  dY: tf.Tensor1D,
  logits: tf.Tensor2D,
  targets: tf.Tensor1D,
  logZ: tf.Tensor1D,
): tf.Tensor2D {
  const [N, V] = logits.shape;
  const dLogits = allocate<tf.Rank.R2>([N, V]);
  dispatch({
    program: BACKWARD,
    tensors: [dY, logits, targets, logZ, dLogits],
    parameters: [N, V],
    size: [N * V],
    workgroupSize: [FLAT_WORKGROUP],
  });
  return dLogits;
}

/** Invocations that share a row. */
const LANES = 32;

const FORWARD: Program = {
  key: 'token-log-probs forward',
  source: () => `
@group(0) @binding(0) var<storage, read> logits: array<f32>;
@group(0) @binding(1) var<storage, read> targets: array<u32>;
@group(0) @binding(2) var<storage, read_write> logProbs: array<f32>;
@group(0) @binding(3) var<storage, read_write> logZ: array<f32>;
struct Sizes { N: u32, V: u32 }
@group(0) @binding(4) var<uniform> sizes: Sizes;

const LOWEST = -3.4e38;
var<workgroup> largest: array<f32, ${LANES}>;
var<workgroup> sums: array<f32, ${LANES}>;

@compute @workgroup_size(${LANES})
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let n = group.x + group.y * groups.x;
  let start = min(n, sizes.N - 1u) * sizes.V; // a workgroup past the last row repeats it
  var high = LOWEST;
  var sum = 0.0;
  for (var v = lane; v < sizes.V; v += ${LANES}u) {
    let z = logits[start + v];
    if (z > high) {
      sum = sum * exp(high - z) + 1.0;
      high = z;
    } else {
      sum += exp(z - high);
    }
  }
  largest[lane] = high;
  sums[lane] = sum;
  workgroupBarrier();
  if (lane > 0u || n >= sizes.N) { return; }
  for (var other = 1u; other < ${LANES}u; other++) { high = max(high, largest[other]); }
  sum = 0.0;
  for (var other = 0u; other < ${LANES}u; other++) { sum += sums[other] * exp(largest[other] - high); }
  logZ[n] = high + log(sum);
  logProbs[n] = logits[start + targets[n]] - logZ[n];
}`,
};

const BACKWARD: Program = {
  key: 'token-log-probs backward',
  source: () => `
@group(0) @binding(0) var<storage, read> dY: array<f32>;
@group(0) @binding(1) var<storage, read> logits: array<f32>;
@group(0) @binding(2) var<storage, read> targets: array<u32>;
@group(0) @binding(3) var<storage, read> logZ: array<f32>;
@group(0) @binding(4) var<storage, read_write> dLogits: array<f32>;
struct Sizes { N: u32, V: u32 }
@group(0) @binding(5) var<uniform> sizes: Sizes;

${FLAT_MAIN} {
  ${flatIndex('sizes.N * sizes.V')}
  let n = i / sizes.V;
  // d/dz log softmax(z)[y] = onehot(y) - softmax(z)
  let isTarget = select(0.0, 1.0, i % sizes.V == targets[n]);
  dLogits[i] = dY[n] * (isTarget - exp(logits[i] - logZ[n]));
}`,
};
