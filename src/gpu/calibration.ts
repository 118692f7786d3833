/**
 * How fast the current backend is, from three short measurements, and what follows for a training step.
 *
 * A step is products, bytes moved and kernels started, one after the other; each kind of work is timed by itself on
 * sizes that small models have. Real kernels overlap and share caches, so a prediction is right within a factor of about
 * two: enough to choose a backend and to say "a minute" or "an hour". Once a run has begun, its own steps are the measure.
 *
 * Where the lab's kernels compute, they are what is timed, by ops that are handed in: they stand in a room above this one.
 */
import * as tf from '@tensorflow/tfjs-core';
import { waitForBackend } from './current-backend.ts';
import { measureVariants, usesKernels } from './dispatch.ts';
import type { ComputedBy } from './step-cost.ts';
import type { WorkCost } from './step-work.ts';

/** The speed of a backend. */
export interface BackendRates {
  /** What was timed; work is to be counted by the same. */
  readonly by: ComputedBy;
  /** Of products of two matrices. */
  readonly flopsPerSec: number;
  /** Of many small products at once, as attention has them. */
  readonly batchedFlopsPerSec: number;
  /** Of everything else, read and written. */
  readonly bytesPerSec: number;
  /** Milliseconds to start a kernel that has almost nothing to do. */
  readonly launchMs: number;
}

/** Ops of the lab that have kernels, one dispatch each. */
export interface KernelOps {
  /** `x W^T`, `[N,I]` and `[O,I]` -> `[N,O]` */
  readonly product: (x: tf.Tensor2D, weight: tf.Tensor2D) => tf.Tensor2D;
  /** Causal attention of `[B,T,H,D]` over itself. */
  readonly attention: (heads: tf.Tensor4D) => tf.Tensor4D;
  /** Rows divided by their length, `[N,C]`: reads and writes all of them. */
  readonly norm: (x: tf.Tensor2D, gain: tf.Tensor1D) => tf.Tensor2D;
  /** Element by element, from two of a shape. */
  readonly gate: (x: tf.Tensor2D, y: tf.Tensor2D) => tf.Tensor2D;
}

/** The expected milliseconds of a step or other work. */
export function predictStepMs(cost: WorkCost, rates: BackendRates): number {
  const { flopsPerSec, batchedFlopsPerSec, bytesPerSec, launchMs } = rates;
  const productSeconds = cost.matmulFlops / flopsPerSec + cost.attentionFlops / batchedFlopsPerSec;
  return 1000 * (productSeconds + cost.trafficBytes / bytesPerSec) + cost.launches * launchMs;
}

/** A round lasts some ticks of a browser's clock, which may be as coarse as 1 ms. */
const ROUND_MS = 6;
/** The best of these counts: the first ones compile, and a busy machine disturbs others. */
const ROUNDS = 4;
const MAX_REPEATS = 4096;
/** Two rounds must do for what takes longer than this. */
const ENOUGH_MS = 60;
/** Ten times what the start of a kernel takes on a slow GPU. */
const SLOW_LAUNCH_MS = 0.5;
/** Of the small tensors that only measure the start of a kernel. */
const TINY = 8;

/**
 * Measures the current backend, in about a sixth of a second; where kernels compute, their variants are tried out first.
 *
 * @param ops - by which kernels are timed where they compute
 * @param now - a clock in milliseconds, default `performance.now`
 */
export async function measureRates(
  ops: KernelOps | undefined,
  now: () => number = () => performance.now(),
): Promise<BackendRates> {
  const kernels = usesKernels() ? ops : undefined;
  const tiny = tf.ones<tf.Rank.R2>([1, TINY]);
  const launchMs = await timeOf(() => kernels?.gate(tiny, tiny) ?? tf.add(tiny, tiny), now);
  // Sizes leave the caches, as the tensors of a step do; but plain JavaScript, and a GPU that is none, would need
  // seconds for them.
  const isSlow = tf.getBackend() === 'cpu' || launchMs > SLOW_LAUNCH_MS;
  const scale = isSlow ? 1 : 32;
  const x = tf.ones<tf.Rank.R2>([128 * scale, 128]);
  const weights = tf.ones<tf.Rank.R2>([128, 128]);
  const heads = tf.ones<tf.Rank.R3>([4 * scale, 80, 16]);
  const gain = tf.ones<tf.Rank.R1>([128]);
  try {
    const rate: Rate = async (work, launches, run) => {
      const totalMs = await timeOf(run, now);
      // Where all the time went into starting kernels, the work counts as taking a tenth of it.
      return (1000 * work) / Math.max(totalMs - launches * launchMs, totalMs / 10);
    };
    if (kernels !== undefined) return { ...(await kernelRates(kernels, rate, { x, weights, heads, gain })), launchMs };
    return {
      by: 'composites',
      flopsPerSec: await rate(2 * x.size * 128, 1, () => tf.matMul(x, weights)),
      batchedFlopsPerSec: await rate(2 * heads.size * 80, 1, () => tf.matMul(heads, heads, false, true)),
      bytesPerSec: await rate(4 * MIX_FLOATS * x.size, MIX_LAUNCHES, () => mixedPass(x, gain)),
      launchMs,
    };
  } finally {
    tf.dispose([x, weights, heads, gain, tiny]);
  }
}

/** What is left of the time of some work when its starts are taken off, as work per second. */
type Rate = (work: number, launches: number, run: () => tf.Tensor) => Promise<number>;

async function kernelRates(
  { product, attention, norm, gate }: KernelOps,
  rate: Rate,
  sample: {
    readonly x: tf.Tensor2D;
    readonly weights: tf.Tensor2D;
    readonly heads: tf.Tensor3D;
    readonly gain: tf.Tensor1D;
  },
): Promise<Omit<BackendRates, 'launchMs'>> {
  const { x, weights, gain } = sample;
  const [batch, T, D] = sample.heads.shape;
  const heads: tf.Tensor4D = tf.reshape(sample.heads, [batch / 4, T, 4, D]);
  try {
    tf.dispose([product(x, weights), attention(heads)]); // so that their variants are known
    await measureVariants();
    return {
      by: 'kernels',
      flopsPerSec: await rate(2 * x.size * x.shape[1], 1, () => product(x, weights)),
      // Two products, of which the mask leaves half.
      batchedFlopsPerSec: await rate(2 * heads.size * T, 1, () => attention(heads)),
      bytesPerSec: await rate(4 * (2 + 3) * x.size, 2, () => tf.tidy(() => gate(norm(x, gain), x))),
    };
  } finally {
    heads.dispose();
  }
}

/** The kernels of {@link mixedPass}, and the floats they read and write per element of their input. */
const MIX_LAUNCHES = 5;
const MIX_FLOATS = 3 + 2 + 2 + 2 + 1;

/** Work as a step has it besides products: element by element, along rows, and moving. */
function mixedPass(x: tf.Tensor, gain: tf.Tensor): tf.Tensor {
  return tf.tidy(() => {
    const [rows = 1, width = 1] = x.shape;
    const product = tf.mul(x, x);
    const scaled = tf.mul(product, gain);
    const activated = tf.sigmoid(scaled);
    const turned = tf.transpose(tf.reshape(activated, [rows / TINY, TINY, width]), [1, 0, 2]);
    return tf.sum(turned, -1);
  });
}

/** Milliseconds of one run when nothing disturbs it. */
async function timeOf(run: () => tf.Tensor, now: () => number): Promise<number> {
  const startMs = now();
  let bestMs = Infinity;
  for (let round = 0; round < 2 || (round < ROUNDS && now() - startMs < ENOUGH_MS); round++) {
    bestMs = Math.min(bestMs, await timeRound(run, now));
  }
  return Math.max(bestMs, Number.EPSILON);
}

/** Milliseconds of one run, from as many as make a measurable time. */
async function timeRound(run: () => tf.Tensor, now: () => number): Promise<number> {
  for (let repeats = 1; ; repeats *= 2) {
    const startMs = now();
    for (let i = 0; i < repeats; i++) run().dispose();
    await waitForBackend();
    const elapsedMs = now() - startMs;
    if (elapsedMs >= ROUND_MS || repeats >= MAX_REPEATS) return elapsedMs / repeats;
  }
}
