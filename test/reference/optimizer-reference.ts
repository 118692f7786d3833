/**
 * One step of training after the gradients are known: clip, AdamW, learning rate. Double precision.
 */
import { at } from './tensor64.ts';

/** What AdamW remembers of one parameter tensor. */
export interface AdamWState {
  readonly parameter: Float64Array;
  /** First moment, the running mean of gradients. */
  readonly m: Float64Array;
  /** Second moment, the running mean of squared gradients. */
  readonly v: Float64Array;
  /** How many steps were taken; bias correction counts from 1. */
  readonly step: number;
}

export interface AdamWOptions {
  readonly learningRate: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly eps: number;
  readonly weightDecay: number;
}

/** The state of a parameter that was never updated. */
export function adamWStart(parameter: ArrayLike<number>): AdamWState {
  const size = parameter.length;
  return { parameter: Float64Array.from(parameter), m: new Float64Array(size), v: new Float64Array(size), step: 0 };
}

/**
 * One AdamW step (arXiv 1711.05101, as `torch.optim.AdamW`): the parameter shrinks by lr * weightDecay first, apart
 * from the gradient; both moments are corrected for their start at zero; eps is added outside the corrected root.
 */
export function adamWStepReference(state: AdamWState, gradient: ArrayLike<number>, options: AdamWOptions): AdamWState {
  const { learningRate, beta1, beta2, eps, weightDecay } = options;
  const step = state.step + 1;
  const m = state.m.map((value, i) => beta1 * value + (1 - beta1) * at(gradient, i));
  const v = state.v.map((value, i) => beta2 * value + (1 - beta2) * at(gradient, i) ** 2);
  const parameter = state.parameter.map((value, i) => {
    const mHat = at(m, i) / (1 - beta1 ** step);
    const vHat = at(v, i) / (1 - beta2 ** step);
    return value * (1 - learningRate * weightDecay) - (learningRate * mHat) / (Math.sqrt(vHat) + eps);
  });
  return { parameter, m, v, step };
}

/** The Euclidean norm of all gradients together. */
export function globalNormReference(gradients: readonly ArrayLike<number>[]): number {
  let squares = 0;
  for (const gradient of gradients) for (const value of Array.from(gradient)) squares += value * value;
  return Math.sqrt(squares);
}

/** All gradients scaled by one factor so that their global norm is at most `maxNorm`; unchanged if it already is. */
export function clipByGlobalNormReference(gradients: readonly ArrayLike<number>[], maxNorm: number): Float64Array[] {
  const norm = globalNormReference(gradients);
  const scale = norm > maxNorm ? maxNorm / norm : 1;
  return gradients.map((gradient) => Float64Array.from(gradient, (value) => value * scale));
}

export interface WarmupCosineOptions {
  readonly peak: number;
  /** The learning rate at `totalSteps` and after. Default 0. */
  readonly floor?: number;
  readonly warmupSteps: number;
  readonly totalSteps: number;
}

/**
 * The learning rate at `step`: linear from 0 to `peak` over the warm-up, then half a cosine down to `floor`, as in
 * Hugging Face's `get_cosine_schedule_with_warmup`.
 */
export function warmupCosineReference(
  step: number,
  { peak, floor = 0, warmupSteps, totalSteps }: WarmupCosineOptions,
): number {
  if (step < warmupSteps) return (peak * step) / warmupSteps;
  const progress = Math.min(1, (step - warmupSteps) / (totalSteps - warmupSteps));
  return floor + (peak - floor) * 0.5 * (1 + Math.cos(Math.PI * progress));
}
