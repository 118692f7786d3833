/**
 * The best rates of a device, which everything else is measured by: products of two large matrices, copies of memory,
 * and how long a launch takes. gpu/calibration.ts measures quickly, to predict; here the largest of several sizes counts.
 */
import * as tf from '@tensorflow/tfjs-core';
import { waitForBackend } from '../gpu/current-backend.ts';
import { measureRates } from '../gpu/calibration.ts';
import { copyParts, measureVariants, usesKernels } from '../gpu/dispatch.ts';
import { linear } from '../ops/linear.ts';
import { TIMED_OPS } from '../ops/timed-ops.ts';
import type { Figure } from '../protocol/device-report.ts';

/** Rows, columns and inner axis of the products, small ones first. */
const PRODUCT_SIZES = [256, 512, 1024, 2048, 4096];
/** Floats of the copies, small ones first; the last is 256 MB. */
const COPY_FLOATS = [2 ** 20, 2 ** 22, 2 ** 24, 2 ** 26];
/** No larger size is tried once one run has taken this long, because each is several times the work of the one before. */
const ENOUGH_MS = 50;
const ROUND_MS = 60;
const ROUNDS = 4;
const MAX_REPEATS = 4096;

/** The rates under the names that figures refer to. */
export async function rateFigures(): Promise<Figure[]> {
  const products = await best(PRODUCT_SIZES, async (size) => {
    const [a, b]: tf.Tensor2D[] = [tf.randomUniform([size, size], -1, 1), tf.randomUniform([size, size], -1, 1)];
    if (a === undefined || b === undefined) return { rate: 0, ms: Infinity };
    linear(a, b).dispose();
    await measureVariants();
    const ms = await timeOf(() => linear(a, b).dispose());
    tf.dispose([a, b]);
    return { rate: (2 * size ** 3) / ms / 1e6, ms };
  });
  const copies = await best(COPY_FLOATS, async (floats) => {
    const [from, to] = [tf.zeros<tf.Rank.R1>([floats]), tf.zeros<tf.Rank.R1>([floats])];
    const copy = usesKernels()
      ? (): void => copyParts([{ from, fromStart: 0, to, toStart: 0, size: floats }])
      : (): void => tf.add(from, 1).dispose(); // without kernels nothing copies but an op that computes
    const ms = await timeOf(copy);
    tf.dispose([from, to]);
    return { rate: (2 * 4 * floats) / ms / 1e6, ms };
  });
  const { launchMs, batchedFlopsPerSec, bytesPerSec } = await measureRates(TIMED_OPS);
  return [
    { name: 'products', value: products, unit: 'GFLOP/s' },
    { name: 'copies', value: copies, unit: 'GB/s' },
    { name: 'attention of short rows', value: batchedFlopsPerSec / 1e9, unit: 'GFLOP/s' },
    { name: 'norms and gates', value: bytesPerSec / 1e9, unit: 'GB/s' },
    { name: 'launch of a kernel', value: launchMs, unit: 'ms' },
  ];
}

/** The highest rate of sizes that the device has memory and time for. */
async function best(
  sizes: readonly number[],
  measure: (size: number) => Promise<{ rate: number; ms: number }>,
): Promise<number> {
  let highest = 0;
  for (const size of sizes) {
    try {
      const { rate, ms } = await measure(size);
      highest = Math.max(highest, rate);
      if (ms > ENOUGH_MS) break;
    } catch (thrown) {
      if (highest === 0) throw thrown; // a larger size may not fit, the smallest must
      break;
    }
  }
  return highest;
}

/** Milliseconds of one run: the least of some rounds. */
async function timeOf(run: () => void): Promise<number> {
  run();
  await waitForBackend();
  let [leastMs, repeats] = [Infinity, 1];
  for (let round = 0; round < ROUNDS;) {
    const startMs = performance.now();
    for (let i = 0; i < repeats; i++) run();
    await waitForBackend();
    const elapsedMs = performance.now() - startMs;
    if (elapsedMs < ROUND_MS && repeats < MAX_REPEATS) {
      repeats *= 2;
      continue;
    }
    leastMs = Math.min(leastMs, elapsedMs / repeats);
    if (elapsedMs > 10 * ROUND_MS) break;
    round += 1;
  }
  return leastMs;
}
