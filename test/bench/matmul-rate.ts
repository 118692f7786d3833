/**
 * The fastest possible matrix products of a step: each shape is timed separately with every available implementation
 * (the lab's kernel, tfjs's, jax-js's) in every arrangement of operands; the fastest counts. The difference between the
 * time of a step and their sum is the possible gain without a faster product.
 */
import { blockUntilReady, jit, numpy as np, tree } from '@jax-js/jax';
import * as tf from '@tensorflow/tfjs';
import { waitForBackend } from '../../src/gpu/current-backend.ts';
import { measureVariants, usesKernels } from '../../src/gpu/dispatch.ts';
import { matmulKernel } from '../../src/kernels/matmul.ts';
import type { NamedBackend } from './backend-pair.ts';
import type { Surroundings } from './surroundings.ts';
import { type Product, productFlops } from './work.ts';

type Implementation = NamedBackend['owner'] | 'jaxjs';

/** The fastest measurement of a product. */
export interface ProductRate {
  readonly product: Product;
  /** Milliseconds of one product. */
  readonly bestMs: number;
  /** The fastest implementation and its arrangement. */
  readonly by: string;
  readonly gigaflopsPerSec: number;
  /** The time of one product by implementation: the minimum over its arrangements. */
  readonly fastest: Readonly<Partial<Record<Implementation, ProductTime>>>;
}

/** The times of one product, in milliseconds. */
export interface ProductTime {
  /** The minimum of several measurements. */
  readonly ms: number;
  /** Mean CPU time, because a browser reports it in steps of 10 ms. */
  readonly cpuMs: number;
}

/** A product in one implementation and arrangement. */
interface Candidate {
  readonly implementation: Implementation;
  /** The arrangement; empty for the plain one. */
  readonly suffix: string;
  /** Resolves when all repeats have been computed. */
  readonly run: (repeats: number) => Promise<void>;
  readonly dispose: () => void;
}

/** The target duration of a measurement, and the number of measurements. */
const MEASURE_MS = 40;
const MEASUREMENTS = 3;
/** Slow products stop measuring after this time. */
const MAX_TOTAL_MS = 1000;

/** Times products on tfjs backends and, if jax-js has been started, on jax-js. */
export async function measureProducts(
  products: readonly Product[],
  backends: readonly NamedBackend[],
  withJaxJs: boolean,
  cpuMs: Surroundings['cpuMs'],
): Promise<ProductRate[]> {
  const sources = [...backends.map(tfjsCandidates), ...(withJaxJs ? [jaxCandidates] : [])];
  const rates: ProductRate[] = [];
  for (const product of products) {
    let [bestMs, by] = [Infinity, ''];
    const fastest: Partial<Record<Implementation, ProductTime>> = {};
    for (const makeCandidates of sources) {
      for (const candidate of await makeCandidates(product)) {
        const { implementation, suffix } = candidate;
        const times = await timeOne(candidate, cpuMs);
        fastest[implementation] = minimum(times, fastest[implementation]);
        if (times.ms < bestMs) [bestMs, by] = [times.ms, `${implementation}${suffix}`];
        candidate.dispose();
      }
    }
    const gigaflopsPerSec = productFlops({ ...product, times: 1 }) / bestMs / 1e6;
    rates.push({ product, bestMs, by, gigaflopsPerSec, fastest });
  }
  return rates;
}

/**
 * The total time of all products of a step at their fastest, in milliseconds.
 *
 * @param implementations - default: all
 * @param of - default: wall time
 */
export function idealMs(
  rates: readonly ProductRate[],
  implementations: readonly Implementation[] = ['ours', 'tfjs', 'jaxjs'],
  of: keyof ProductTime = 'ms',
): number {
  return rates.reduce((sum, { product, fastest }) => {
    return sum + product.times * Math.min(...implementations.map((each) => fastest[each]?.[of] ?? Infinity));
  }, 0);
}

/** The time of one product. */
async function timeOne({ run }: Candidate, cpuMs: Surroundings['cpuMs']): Promise<ProductTime> {
  await run(1); // compiles
  const [startMs, startCpuMs] = [performance.now(), await cpuMs()];
  await run(1);
  let [ms, runs] = [performance.now() - startMs, 1];
  const repeats = Math.max(1, Math.round(MEASURE_MS / ms));
  for (let i = 0; i < MEASUREMENTS && performance.now() - startMs < MAX_TOTAL_MS; i++) {
    const beforeMs = performance.now();
    await run(repeats);
    ms = Math.min(ms, (performance.now() - beforeMs) / repeats);
    runs += repeats;
  }
  return { ms, cpuMs: ((await cpuMs()) - startCpuMs) / runs };
}

function minimum(a: ProductTime, b: ProductTime = a): ProductTime {
  return { ms: Math.min(a.ms, b.ms), cpuMs: Math.min(a.cpuMs, b.cpuMs) };
}

/** The lab's kernel where its backend has one, otherwise tfjs's on that backend; only tfjs has batched products. */
function tfjsCandidates({ owner, name }: NamedBackend): (product: Product) => Promise<Candidate[]> {
  return async ({ batch, rows, inner, columns }) => {
    await tf.setBackend(name);
    const hasKernel = owner === 'ours' && usesKernels();
    if (hasKernel && batch > 1) return [];
    const filled = (height: number, width: number): tf.Tensor =>
      tf.fill(batch === 1 ? [height, width] : [batch, height, width], 0.5);
    const arrangements = [
      { suffix: '', a: filled(rows, inner), b: filled(inner, columns), arrangement: 'nn' },
      { suffix: ' a^T', a: filled(inner, rows), b: filled(inner, columns), arrangement: 'tn' },
      { suffix: ' b^T', a: filled(rows, inner), b: filled(columns, inner), arrangement: 'nt' },
    ] as const;
    return arrangements.map(({ suffix, a, b, arrangement }) => ({
      implementation: owner,
      suffix,
      run: async (repeats) => {
        for (let i = 0; i < repeats; i++) {
          const product = hasKernel
            ? matmulKernel(a as tf.Tensor2D, b as tf.Tensor2D, arrangement)
            : tf.matMul(a, b, arrangement === 'tn', arrangement === 'nt');
          product.dispose();
        }
        await waitForBackend();
        if (hasKernel) await measureVariants(); // after the untimed first run
      },
      dispose: () => tf.dispose([a, b]),
    }));
  };
}

async function jaxCandidates({ batch, rows, inner, columns }: Product): Promise<Candidate[]> {
  const shape = (height: number, width: number): number[] => (batch === 1 ? [height, width] : [batch, height, width]);
  const filled = (height: number, width: number): np.Array => {
    const sizes = shape(height, width);
    return np.array(new Float32Array(sizes.reduce((product, size) => product * size, 1)).fill(0.5)).reshape(sizes);
  };
  const [a, b, bTransposed] = [filled(rows, inner), filled(inner, columns), filled(columns, inner)];
  const plain = jit((x: np.Array, y: np.Array) => np.matmul(x, y));
  const transposed = jit((x: np.Array, y: np.Array) => np.matmul(x, np.matrixTranspose(y)));
  await blockUntilReady([a, b, bTransposed]);
  const candidate = (suffix: string, product: typeof plain, right: np.Array): Candidate => ({
    implementation: 'jaxjs',
    suffix,
    run: async (repeats) => {
      // Kept until all are ready, because jax-js computes lazily and skips disposed results.
      const results = Array.from({ length: repeats }, () => product(a.ref, right.ref));
      await blockUntilReady(results);
      tree.dispose(results);
    },
    dispose: () => {
      right.dispose();
      product.dispose();
    },
  });
  const candidates = [candidate('', plain, b), candidate(' b^T', transposed, bTransposed)];
  // Both candidates share the left operand; the last one disposes it.
  return candidates.map((each, i) => ({
    ...each,
    dispose: () => {
      each.dispose();
      if (i === candidates.length - 1) a.dispose();
    },
  }));
}
