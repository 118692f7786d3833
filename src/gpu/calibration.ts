/**
 * The speed of the current backend from three short measurements, and the resulting prediction for a training step.
 *
 * A step is modelled as products, bytes moved and kernels launched, one after another; each kind of work is timed
 * separately on sizes typical of small models. Real kernels overlap and share caches, so a prediction is right within a
 * factor of about two: enough to choose a backend and to say "a minute" or "an hour". Once a run has started, its own
 * steps are measured.
 *
 * If the lab's kernels compute, they are timed, through ops passed in because they belong to a room above this one.
 */
import * as tf from '@tensorflow/tfjs-core';
import { waitForBackend } from './current-backend.ts';
import { measureVariants, usesKernels } from './dispatch.ts';
import { type ComputedBy, computedBy } from './step-cost.ts';
import type { WorkCost } from './step-work.ts';

/** The speed of a backend. */
export interface BackendRates {
  /** The timed implementation of the ops; work must be counted for the same one. */
  readonly by: ComputedBy;
  /** For products of two matrices. */
  readonly flopsPerSec: number;
  /** For many small products at once, as in attention. */
  readonly batchedFlopsPerSec: number;
  /** For everything else, read and written. */
  readonly bytesPerSec: number;
  /** Milliseconds to launch a kernel with almost no work. */
  readonly launchMs: number;
}

/** Ops of the lab with kernels, one dispatch each. */
export interface KernelOps {
  /** `x W^T`, `[N,I]` and `[O,I]` -> `[N,O]` */
  readonly product: (x: tf.Tensor2D, weight: tf.Tensor2D) => tf.Tensor2D;
  /** Causal attention of `[B,T,H,D]` over itself. */
  readonly attention: (heads: tf.Tensor4D) => tf.Tensor4D;
  /** RMS norm of rows, `[N,C]`: reads and writes all of them. */
  readonly norm: (x: tf.Tensor2D, gain: tf.Tensor1D) => tf.Tensor2D;
  /** Element-wise, of two tensors of one shape. */
  readonly gate: (x: tf.Tensor2D, y: tf.Tensor2D) => tf.Tensor2D;
}

/** The expected milliseconds of a step or other work. */
export function predictStepMs(cost: WorkCost, rates: BackendRates): number {
  const { flopsPerSec, batchedFlopsPerSec, bytesPerSec, launchMs } = rates;
  const productSeconds = cost.matmulFlops / flopsPerSec + cost.attentionFlops / batchedFlopsPerSec;
  return 1000 * (productSeconds + cost.trafficBytes / bytesPerSec) + cost.launches * launchMs;
}

/** A round lasts several ticks of a browser's clock, which may be as coarse as 1 ms. */
const ROUND_MS = 6;
/** The best of these rounds counts, because the first ones compile and a busy machine disturbs others. */
const ROUNDS = 4;
const MAX_REPEATS = 4096;
/** Work that takes longer than this is timed in two rounds only. */
const ENOUGH_MS = 60;
/** Ten times the launch time of a slow GPU. */
const SLOW_LAUNCH_MS = 0.5;
/** Size of the tensors that measure only the launch of a kernel. */
const TINY = 8;

/**
 * Measures the current backend in about a sixth of a second. Where kernels compute, their variants are tuned first.
 *
 * @param ops - the kernels to time, where kernels compute
 * @param now - a clock in milliseconds, default `performance.now`
 */
export async function measureRates(
  ops: KernelOps | undefined,
  now: () => number = () => performance.now(),
): Promise<BackendRates> {
  const kernels = usesKernels() ? ops : undefined;
  const tiny = tf.ones<tf.Rank.R2>([1, TINY]);
  const launchMs = await timeOf(() => kernels?.gate(tiny, tiny) ?? tf.add(tiny, tiny), now);
  // The sizes exceed the caches, as the tensors of a step do. Plain JavaScript and an emulated GPU would need seconds
  // for them, so they get smaller ones.
  const isSlow = tf.getBackend() === 'cpu' || launchMs > SLOW_LAUNCH_MS;
  const scale = isSlow ? 1 : 32;
  const x = tf.ones<tf.Rank.R2>([128 * scale, 128]);
  const weights = tf.ones<tf.Rank.R2>([128, 128]);
  const heads = tf.ones<tf.Rank.R3>([4 * scale, 80, 16]);
  const gain = tf.ones<tf.Rank.R1>([128]);
  try {
    const rate: Rate = async (work, launches, run) => {
      const totalMs = await timeOf(run, now);
      // If launches took all of the time, the work counts as a tenth of it.
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

/** The rate of some work per second, after subtracting the launches. */
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
    tf.dispose([product(x, weights), attention(heads)]); // registers their variants
    await measureVariants();
    return {
      by: computedBy(),
      flopsPerSec: await rate(2 * x.size * x.shape[1], 1, () => product(x, weights)),
      // Two products, half of which the mask skips.
      batchedFlopsPerSec: await rate(2 * heads.size * T, 1, () => attention(heads)),
      bytesPerSec: await rate(4 * (2 + 3) * x.size, 2, () => tf.tidy(() => gate(norm(x, gain), x))),
    };
  } finally {
    heads.dispose();
  }
}

/** The kernels of {@link mixedPass}, and the floats that they read and write per input element. */
const MIX_LAUNCHES = 5;
const MIX_FLOATS = 3 + 2 + 2 + 2 + 1;

/** The work of a step other than products: element-wise ops, reductions along rows, and transposes. */
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

/** Milliseconds of one undisturbed run. */
async function timeOf(run: () => tf.Tensor, now: () => number): Promise<number> {
  const startMs = now();
  let bestMs = Infinity;
  for (let round = 0; round < 2 || (round < ROUNDS && now() - startMs < ENOUGH_MS); round++) {
    bestMs = Math.min(bestMs, await timeRound(run, now));
  }
  return Math.max(bestMs, Number.EPSILON);
}

/** Milliseconds per run, averaged over enough runs for a measurable time. */
async function timeRound(run: () => tf.Tensor, now: () => number): Promise<number> {
  for (let repeats = 1; ; repeats *= 2) {
    const startMs = now();
    for (let i = 0; i < repeats; i++) run().dispose();
    await waitForBackend();
    const elapsedMs = now() - startMs;
    if (elapsedMs >= ROUND_MS || repeats >= MAX_REPEATS) return elapsedMs / repeats;
  }
}
