/**
 * AdamW (arXiv 1711.05101) over one vector of all parameters on the GPU, with clipping by global norm: two dispatches sum the
 * squares of the gradient, one takes the root and the share that is kept, one updates. Moments and weights change in place.
 *
 * In: gradient, weights, both moments `[P]`; a bit per parameter that says whether it decays; the constants of the step.
 * Out: weights and moments, changed in place; the norm and the share of the gradient that is kept, `[2]`. Grid: an invocation
 * per parameter; sums by a fixed number of invocations, each in order, so that they give the same bits every time. No
 * optional feature.
 */
import * as tf from '@tensorflow/tfjs-core';
import { allocate, dispatch, FLAT_MAIN, FLAT_WORKGROUP, flatIndex, forgetRead, type Program } from '../gpu/dispatch.ts';

/** The vectors of an update, `[P]` each. */
export interface AdamWVectors {
  readonly gradient: tf.Tensor1D;
  readonly weights: tf.Tensor1D;
  readonly firstMoment: tf.Tensor1D;
  readonly secondMoment: tf.Tensor1D;
  /** `[ceil(P/32)]`: bit p % 32 of number p / 32 says whether parameter p decays. */
  readonly decays: tf.Tensor1D;
}

/** The numbers of one update. */
export interface AdamWNumbers {
  readonly learningRate: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly eps: number;
  readonly weightDecay: number;
  readonly maxGradNorm: number;
  /** `1 - beta^step` of both moments. */
  readonly correction1: number;
  readonly correction2: number;
}

/** Updates in place; gives the global norm of the gradient before clipping. */
export function adamWKernel(vectors: AdamWVectors, numbers: AdamWNumbers): tf.Scalar {
  const { gradient, weights, firstMoment, secondMoment, decays } = vectors;
  const P = gradient.size;
  return tf.tidy(() => {
    const constants = tf.tensor1d(constantsOf(numbers));
    const partial = allocate<tf.Rank.R1>([PARTIAL_SUMS]);
    const sums = allocate<tf.Rank.R1>([FINAL_SUMS]);
    const norm = allocate<tf.Rank.R0>([]);
    const share = allocate<tf.Rank.R0>([]);
    const flat = { workgroupSize: [FLAT_WORKGROUP] } as const;
    dispatch({ program: SQUARES, tensors: [gradient, partial], parameters: [P], size: [PARTIAL_SUMS], ...flat });
    dispatch({ program: FOLD, tensors: [partial, sums], size: [FINAL_SUMS], ...flat });
    dispatch({ program: NORM, tensors: [sums, constants, norm, share], size: [1], workgroupSize: [1] });
    for (const tensor of [weights, firstMoment, secondMoment]) forgetRead(tensor);
    dispatch({
      program: UPDATE,
      tensors: [gradient, decays, constants, share, weights, firstMoment, secondMoment],
      parameters: [P],
      size: [P],
      ...flat,
    });
    return norm;
  });
}

/** In the order of the shader's constants. */
function constantsOf(numbers: AdamWNumbers): number[] {
  const { learningRate, beta1, beta2, eps, weightDecay, maxGradNorm, correction1, correction2 } = numbers;
  return [
    learningRate / correction1,
    beta1,
    1 - beta1,
    beta2,
    1 - beta2,
    eps,
    learningRate * weightDecay,
    maxGradNorm,
    correction2,
  ];
}

/** Invocations that sum squares, and those that sum their sums; the last is the square of the former's root. */
const PARTIAL_SUMS = 4096;
const FINAL_SUMS = 64;

const SQUARES: Program = {
  key: 'adamw squares',
  source: () => `
@group(0) @binding(0) var<storage, read> gradient: array<f32>;
@group(0) @binding(1) var<storage, read_write> partial: array<f32>;
@group(0) @binding(2) var<uniform> count: u32;

${FLAT_MAIN} {
  ${flatIndex(`${PARTIAL_SUMS}u`)}
  var sum = 0.0;
  for (var p = i; p < count; p += ${PARTIAL_SUMS}u) { sum += gradient[p] * gradient[p]; }
  partial[i] = sum;
}`,
};

const FOLD: Program = {
  key: 'adamw fold',
  source: () => `
@group(0) @binding(0) var<storage, read> partial: array<f32>;
@group(0) @binding(1) var<storage, read_write> sums: array<f32>;

${FLAT_MAIN} {
  ${flatIndex(`${FINAL_SUMS}u`)}
  var sum = 0.0;
  for (var p = i; p < ${PARTIAL_SUMS}u; p += ${FINAL_SUMS}u) { sum += partial[p]; }
  sums[i] = sum;
}`,
};

const CONSTANTS = `struct Constants {
  rate: f32, beta1: f32, rest1: f32, beta2: f32, rest2: f32, eps: f32, decay: f32, maxNorm: f32, correction2: f32,
}`;

const NORM: Program = {
  key: 'adamw norm',
  source: () => `
@group(0) @binding(0) var<storage, read> sums: array<f32>;
${CONSTANTS}
@group(0) @binding(1) var<storage, read> constants: Constants;
@group(0) @binding(2) var<storage, read_write> norm: f32;
@group(0) @binding(3) var<storage, read_write> share: f32;

@compute @workgroup_size(1)
fn main() {
  var sum = 0.0;
  for (var i = 0u; i < ${FINAL_SUMS}u; i++) { sum += sums[i]; }
  norm = sqrt(sum);
  share = constants.maxNorm / max(norm, constants.maxNorm);
}`,
};

const UPDATE: Program = {
  key: 'adamw update',
  source: () => `
@group(0) @binding(0) var<storage, read> gradient: array<f32>;
@group(0) @binding(1) var<storage, read> decays: array<u32>;
${CONSTANTS}
@group(0) @binding(2) var<storage, read> constants: Constants;
@group(0) @binding(3) var<storage, read> share: f32;
@group(0) @binding(4) var<storage, read_write> weights: array<f32>;
@group(0) @binding(5) var<storage, read_write> firstMoment: array<f32>;
@group(0) @binding(6) var<storage, read_write> secondMoment: array<f32>;
@group(0) @binding(7) var<uniform> count: u32;

${FLAT_MAIN} {
  ${flatIndex('count')}
  let g = gradient[i] * share;
  let m = firstMoment[i] * constants.beta1 + g * constants.rest1;
  let v = secondMoment[i] * constants.beta2 + g * g * constants.rest2;
  firstMoment[i] = m;
  secondMoment[i] = v;
  let decay = select(0.0, constants.decay, ((decays[i / 32u] >> (i % 32u)) & 1u) == 1u);
  let step = constants.rate * m / (sqrt(v / constants.correction2) + constants.eps);
  weights[i] = weights[i] * (1.0 - decay) - step;
}`,
};
