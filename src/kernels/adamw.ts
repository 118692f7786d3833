/**
 * AdamW (arXiv 1711.05101) over one vector of all parameters on the GPU, with clipping by global norm: two dispatches
 * sum the squares of the gradient, one takes the root and plans the update, and one applies it. Moments and weights
 * change in place. With a scaled loss the plan also divides by the scale, adjusts it (optim/loss-scale.ts), and may
 * skip the update.
 *
 * In: gradient, weights, both moments `[P]`; a weight-decay bit per parameter; the constants of the step; the state of
 * the loss scale, `[3]`. Out: weights, moments and loss scale, changed in place; the norm. Grid: an invocation per
 * parameter; sums use a fixed number of invocations, each in order, so that they always give the same bits. No optional
 * feature.
 */
import * as tf from '@tensorflow/tfjs-core';
import { allocate, dispatch, FLAT_MAIN, FLAT_WORKGROUP, flatIndex, forgetRead, type Program } from '../gpu/dispatch.ts';
import { callWasm, hasWasmKernels } from '../gpu/wasm-calls.ts';

/** The vectors of an update, `[P]` each. */
export interface AdamWVectors {
  readonly gradient: tf.Tensor1D;
  readonly weights: tf.Tensor1D;
  readonly firstMoment: tf.Tensor1D;
  readonly secondMoment: tf.Tensor1D;
  /** `[ceil(P/32)]`: bit p % 32 of entry p / 32 is set if parameter p decays. */
  readonly decays: tf.Tensor1D;
}

/** The hyperparameters of one update. */
interface Constants {
  readonly learningRate: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly eps: number;
  readonly weightDecay: number;
  readonly maxGradNorm: number;
}
export interface AdamWNumbers extends Constants {
  /** `1 - beta^step` of both moments. */
  readonly correction1: number;
  readonly correction2: number;
}
export interface ScaledAdamWNumbers extends Constants {
  /** Updates requested, including this one; the loss scale has the number of skipped ones. */
  readonly updates: number;
  /** Good updates after which the scale doubles. */
  readonly growthInterval: number;
}

/** Updates in place; returns the global norm of the gradient before clipping. */
export function adamWKernel(vectors: AdamWVectors, numbers: AdamWNumbers): tf.Scalar {
  if (hasWasmKernels()) return updateOnWasm(vectors, numbers);
  const { learningRate, correction1, correction2 } = numbers;
  return update(vectors, [learningRate / correction1, ...constantsOf(numbers), correction2], (tensors, norm) => {
    dispatch({ program: PLAN, tensors: [...tensors, norm], size: [1], workgroupSize: [1] });
  });
}

/**
 * The same update from the gradient of a scaled loss. If the gradient is not finite, only the scale changes.
 *
 * @param lossScale - `[3]`: scale, good updates since it changed, updates skipped
 */
export function scaledAdamWKernel(
  vectors: AdamWVectors,
  lossScale: tf.Tensor1D,
  numbers: ScaledAdamWNumbers,
): tf.Scalar {
  forgetRead(lossScale);
  return update(vectors, [numbers.learningRate, ...constantsOf(numbers), 1], (tensors, norm) => {
    dispatch({
      program: SCALED_PLAN,
      tensors: [...tensors, norm, lossScale],
      parameters: [numbers.updates, numbers.growthInterval],
      size: [1],
      workgroupSize: [1],
    });
  });
}

/** The norm is summed in float64. */
function updateOnWasm(vectors: AdamWVectors, numbers: AdamWNumbers): tf.Scalar {
  const { gradient, weights, firstMoment, secondMoment, decays } = vectors;
  const { learningRate, beta1, beta2, eps, weightDecay, maxGradNorm, correction1, correction2 } = numbers;
  const P = gradient.size;
  const norm = Math.sqrt(callWasm('innerProduct', [gradient, gradient], [P]));
  const scale = maxGradNorm / Math.max(norm, maxGradNorm);
  const constants = [beta1, 1 - beta1, beta2, 1 - beta2, eps, learningRate / correction1, correction2];
  const tensors = [gradient, weights, firstMoment, secondMoment, decays];
  callWasm('adamW', tensors, [P, scale, ...constants, learningRate * weightDecay]);
  return tf.scalar(norm);
}

/** @param plan - dispatches the program that writes plan and norm, given the tensors of sums, constants and plan */
function update(
  { gradient, weights, firstMoment, secondMoment, decays }: AdamWVectors,
  numbers: readonly number[],
  plan: (tensors: readonly tf.Tensor[], norm: tf.Scalar) => void,
): tf.Scalar {
  const P = gradient.size;
  return tf.tidy(() => {
    const constants = tf.tensor1d([...numbers]);
    const partial = allocate<tf.Rank.R1>([PARTIAL_SUMS]);
    const sums = allocate<tf.Rank.R1>([FINAL_SUMS]);
    const norm = allocate<tf.Rank.R0>([]);
    const planned = allocate<tf.Rank.R1>([PLAN_NUMBERS]);
    const flat = { workgroupSize: [FLAT_WORKGROUP] } as const;
    dispatch({ program: SQUARES, tensors: [gradient, partial], parameters: [P], size: [PARTIAL_SUMS], ...flat });
    dispatch({ program: FOLD, tensors: [partial, sums], size: [FINAL_SUMS], ...flat });
    plan([sums, constants, planned], norm);
    for (const tensor of [weights, firstMoment, secondMoment]) forgetRead(tensor);
    dispatch({
      program: UPDATE,
      tensors: [gradient, decays, constants, planned, weights, firstMoment, secondMoment],
      parameters: [P],
      size: [P],
      ...flat,
    });
    return norm;
  });
}

/** In the order of the shader's constants, except the first and the last. */
function constantsOf({ learningRate, beta1, beta2, eps, weightDecay, maxGradNorm }: Constants): number[] {
  return [beta1, 1 - beta1, beta2, 1 - beta2, eps, learningRate * weightDecay, maxGradNorm];
}

/** Numbers of invocations that sum squares, and that sum those sums; FINAL_SUMS is the root of PARTIAL_SUMS. */
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

/** `rate` and `correction2` are before correction; the plan has the final values. */
const CONSTANTS = `struct Constants {
  rate: f32, beta1: f32, rest1: f32, beta2: f32, rest2: f32, eps: f32, decay: f32, maxNorm: f32, correction2: f32,
}`;

const PLAN_NUMBERS = 3;
/** A negative share means that there is no update. */
const PLAN_STRUCT = `struct Plan { share: f32, rate: f32, correction2: f32 }`;

const PLAN_HEAD = `
@group(0) @binding(0) var<storage, read> sums: array<f32>;
${CONSTANTS}
@group(0) @binding(1) var<storage, read> constants: Constants;
${PLAN_STRUCT}
@group(0) @binding(2) var<storage, read_write> plan: Plan;
@group(0) @binding(3) var<storage, read_write> norm: f32;

fn rootOfSums() -> f32 {
  var sum = 0.0;
  for (var i = 0u; i < ${FINAL_SUMS}u; i++) { sum += sums[i]; }
  return sqrt(sum);
}
fn shareOf(length: f32) -> f32 { return constants.maxNorm / max(length, constants.maxNorm); }
`;

const PLAN: Program = {
  key: 'adamw plan',
  source: () => `${PLAN_HEAD}
@compute @workgroup_size(1)
fn main() {
  norm = rootOfSums();
  plan = Plan(shareOf(norm), constants.rate, constants.correction2);
}`,
};

const SCALED_PLAN: Program = {
  key: 'adamw scaled plan',
  source: () => `${PLAN_HEAD}
struct LossScale { scale: f32, good: f32, skipped: f32 }
@group(0) @binding(4) var<storage, read_write> loss: LossScale;
struct Counts { updates: u32, growthInterval: u32 }
@group(0) @binding(5) var<uniform> counts: Counts;

/** By squaring, because the built-in power is too inaccurate for 1 - power. */
fn power(base: f32, exponent: u32) -> f32 {
  var product = 1.0;
  var square = base;
  for (var rest = exponent; rest > 0u; rest >>= 1u) {
    if ((rest & 1u) == 1u) { product *= square; }
    square *= square;
  }
  return product;
}

@compute @workgroup_size(1)
fn main() {
  let scale = loss.scale;
  norm = rootOfSums() / scale;
  // Tested by its bits, because shader compilers may assume that no value is infinite.
  if ((bitcast<u32>(norm) & 0x7f800000u) == 0x7f800000u) {
    loss = LossScale(scale * 0.5, 0.0, loss.skipped + 1.0);
    plan = Plan(-1.0, 0.0, 1.0);
    return;
  }
  let made = counts.updates - u32(loss.skipped);
  let rate = constants.rate / (1.0 - power(constants.beta1, made));
  plan = Plan(shareOf(norm) / scale, rate, 1.0 - power(constants.beta2, made));
  let isDue = loss.good + 1.0 >= f32(counts.growthInterval);
  loss = LossScale(select(scale, scale * 2.0, isDue), select(loss.good + 1.0, 0.0, isDue), loss.skipped);
}`,
};

const UPDATE: Program = {
  key: 'adamw update',
  source: () => `
@group(0) @binding(0) var<storage, read> gradient: array<f32>;
@group(0) @binding(1) var<storage, read> decays: array<u32>;
${CONSTANTS}
@group(0) @binding(2) var<storage, read> constants: Constants;
${PLAN_STRUCT}
@group(0) @binding(3) var<storage, read> plan: Plan;
@group(0) @binding(4) var<storage, read_write> weights: array<f32>;
@group(0) @binding(5) var<storage, read_write> firstMoment: array<f32>;
@group(0) @binding(6) var<storage, read_write> secondMoment: array<f32>;
@group(0) @binding(7) var<uniform> count: u32;

${FLAT_MAIN} {
  ${flatIndex('count')}
  if (plan.share < 0.0) { return; }
  let g = gradient[i] * plan.share;
  let m = firstMoment[i] * constants.beta1 + g * constants.rest1;
  let v = secondMoment[i] * constants.beta2 + g * g * constants.rest2;
  firstMoment[i] = m;
  secondMoment[i] = v;
  let decay = select(0.0, constants.decay, ((decays[i / 32u] >> (i % 32u)) & 1u) == 1u);
  let step = plan.rate * m / (sqrt(v / plan.correction2) + constants.eps);
  weights[i] = weights[i] * (1.0 - decay) - step;
}`,
};
