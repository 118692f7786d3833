/**
 * How fast the current backend is, from three short measurements, and what follows for a training step.
 *
 * A step is products, bytes moved and kernels started, one after the other; each kind of work is timed by itself on
 * sizes that small models have. Real kernels overlap and share caches, so a prediction is right within a factor of about
 * two: enough to choose a backend and to say "a minute" or "an hour". Once a run has begun, its own steps are the measure.
 */
import * as tf from '@tensorflow/tfjs-core';
import { waitForBackend } from './current-backend.ts';
import type { WorkCost } from './step-cost.ts';

/** The speed of a backend. */
export interface BackendRates {
  /** Of products of two matrices. */
  readonly flopsPerSec: number;
  /** Of many small products at once, as attention has them. */
  readonly batchedFlopsPerSec: number;
  /** Of everything else, read and written. */
  readonly bytesPerSec: number;
  /** Milliseconds to start a kernel that has almost nothing to do. */
  readonly launchMs: number;
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
 * Measures the current backend, in about a sixth of a second.
 *
 * @param now - a clock in milliseconds, default `performance.now`
 */
export async function measureRates(now: () => number = () => performance.now()): Promise<BackendRates> {
  const tiny = tf.ones([TINY]);
  const launchMs = await timeOf(() => tf.add(tiny, tiny), now);
  // Sizes leave the caches, as the tensors of a step do; but plain JavaScript, and a GPU that is none, would need
  // seconds for them.
  const isSlow = tf.getBackend() === 'cpu' || launchMs > SLOW_LAUNCH_MS;
  const scale = isSlow ? 1 : 32;
  const x = tf.ones<tf.Rank.R2>([128 * scale, 128]);
  const weights = tf.ones<tf.Rank.R2>([128, 128]);
  const heads = tf.ones<tf.Rank.R3>([4 * scale, 80, 16]);
  const gain = tf.ones([128]);
  try {
    const rate = async (work: number, launches: number, run: () => tf.Tensor): Promise<number> => {
      const totalMs = await timeOf(run, now);
      // Where all the time went into starting kernels, the work counts as taking a tenth of it.
      return (1000 * work) / Math.max(totalMs - launches * launchMs, totalMs / 10);
    };
    return {
      flopsPerSec: await rate(2 * x.size * 128, 1, () => tf.matMul(x, weights)),
      batchedFlopsPerSec: await rate(2 * heads.size * 80, 1, () => tf.matMul(heads, heads, false, true)),
      bytesPerSec: await rate(4 * MIX_FLOATS * x.size, MIX_LAUNCHES, () => mixedPass(x, gain)),
      launchMs,
    };
  } finally {
    tf.dispose([x, weights, heads, gain, tiny]);
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
