/**
 * How fast the matrix products of a step could run: each of its shapes by itself, on every implementation at hand (the lab's
 * own kernel, tfjs's, jax-js's), in every arrangement of operands; the fastest counts. The time of a step against the sum of
 * these is what is left to gain without a faster product.
 */
import { blockUntilReady, jit, numpy as np, tree } from '@jax-js/jax';
import * as tf from '@tensorflow/tfjs';
import { waitForBackend } from '../../src/gpu/current-backend.ts';
import { measureVariants, usesKernels } from '../../src/gpu/dispatch.ts';
import { matmulKernel } from '../../src/kernels/matmul.ts';
import type { NamedBackend } from './backend-pair.ts';
import type { Surroundings } from './surroundings.ts';
import { type Product, productFlops } from './work.ts';

/** Whose product it is. */
type Maker = NamedBackend['owner'] | 'jaxjs';

/** The fastest that a product was seen. */
export interface ProductRate {
  readonly product: Product;
  /** Milliseconds of one product. */
  readonly bestMs: number;
  /** Which implementation that was, in which arrangement. */
  readonly by: string;
  readonly gigaflopsPerSec: number;
  /** Of one product, by each maker who has it: the least of its arrangements. */
  readonly least: Readonly<Partial<Record<Maker, ProductTime>>>;
}

/** Milliseconds of one product. */
export interface ProductTime {
  /** The least of some measurements. */
  readonly ms: number;
  /** Processor time, on average of all: a browser tells it in steps of 10 ms. */
  readonly cpuMs: number;
}

/** A product, ready to run. */
interface Candidate {
  readonly maker: Maker;
  /** The arrangement, where it is not the plain one. */
  readonly how: string;
  /** Resolves when all repeats have been computed. */
  readonly run: (repeats: number) => Promise<void>;
  readonly dispose: () => void;
}

/** A measurement lasts about this long, and is made so often. */
const MEASURE_MS = 40;
const MEASUREMENTS = 3;
/** Where a product is slow, fewer have to do. */
const ENOUGH_MS = 1000;

/** Times products on tfjs backends and, if it has been started, on jax-js. */
export async function measureProducts(
  products: readonly Product[],
  backends: readonly NamedBackend[],
  withJaxJs: boolean,
  cpuMs: Surroundings['cpuMs'],
): Promise<ProductRate[]> {
  const implementations = [...backends.map(tfjsCandidates), ...(withJaxJs ? [jaxCandidates] : [])];
  const rates: ProductRate[] = [];
  for (const product of products) {
    let [bestMs, by] = [Infinity, ''];
    const least: Partial<Record<Maker, ProductTime>> = {};
    for (const makeCandidates of implementations) {
      for (const candidate of await makeCandidates(product)) {
        const { maker, how } = candidate;
        const times = await timeOne(candidate, cpuMs);
        least[maker] = lesser(times, least[maker]);
        if (times.ms < bestMs) [bestMs, by] = [times.ms, `${maker}${how}`];
        candidate.dispose();
      }
    }
    const gigaflopsPerSec = productFlops({ ...product, times: 1 }) / bestMs / 1e6;
    rates.push({ product, bestMs, by, gigaflopsPerSec, least });
  }
  return rates;
}

/**
 * What all products of a step take at their fastest, in milliseconds.
 *
 * @param makers - whose products count; default: everybody's
 * @param of - default: on the clock
 */
export function idealMs(
  rates: readonly ProductRate[],
  makers: readonly Maker[] = ['ours', 'tfjs', 'jaxjs'],
  of: keyof ProductTime = 'ms',
): number {
  return rates.reduce((sum, { product, least }) => {
    return sum + product.times * Math.min(...makers.map((maker) => least[maker]?.[of] ?? Infinity));
  }, 0);
}

/** The time of one product. */
async function timeOne({ run }: Candidate, cpuMs: Surroundings['cpuMs']): Promise<ProductTime> {
  await run(1); // compiles
  const [startMs, startCpuMs] = [performance.now(), await cpuMs()];
  await run(1);
  let [ms, runs] = [performance.now() - startMs, 1];
  const repeats = Math.max(1, Math.round(MEASURE_MS / ms));
  for (let i = 0; i < MEASUREMENTS && performance.now() - startMs < ENOUGH_MS; i++) {
    const beforeMs = performance.now();
    await run(repeats);
    ms = Math.min(ms, (performance.now() - beforeMs) / repeats);
    runs += repeats;
  }
  return { ms, cpuMs: ((await cpuMs()) - startCpuMs) / runs };
}

function lesser(a: ProductTime, b: ProductTime = a): ProductTime {
  return { ms: Math.min(a.ms, b.ms), cpuMs: Math.min(a.cpuMs, b.cpuMs) };
}

/** The lab's own kernel where its backend has one, else tfjs's on that backend; batches are tfjs's alone. */
function tfjsCandidates({ owner, name }: NamedBackend): (product: Product) => Promise<Candidate[]> {
  return async ({ batch, rows, inner, columns }) => {
    await tf.setBackend(name);
    const hasKernel = owner === 'ours' && usesKernels();
    if (hasKernel && batch > 1) return [];
    const filled = (height: number, width: number): tf.Tensor =>
      tf.fill(batch === 1 ? [height, width] : [batch, height, width], 0.5);
    const arrangements = [
      { how: '', a: filled(rows, inner), b: filled(inner, columns), arrangement: 'nn' },
      { how: ' a^T', a: filled(inner, rows), b: filled(inner, columns), arrangement: 'tn' },
      { how: ' b^T', a: filled(rows, inner), b: filled(columns, inner), arrangement: 'nt' },
    ] as const;
    return arrangements.map(({ how, a, b, arrangement }) => ({
      maker: owner,
      how,
      run: async (repeats) => {
        for (let i = 0; i < repeats; i++) {
          const product = hasKernel
            ? matmulKernel(a as tf.Tensor2D, b as tf.Tensor2D, arrangement)
            : tf.matMul(a, b, arrangement === 'tn', arrangement === 'nt');
          product.dispose();
        }
        await waitForBackend();
        if (hasKernel) await measureVariants(); // after the first run, which is not timed
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
  const candidate = (how: string, product: typeof plain, right: np.Array): Candidate => ({
    maker: 'jaxjs',
    how,
    run: async (repeats) => {
      // Kept until all are ready: jax-js computes late, and never what was disposed before.
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
  // The left operand belongs to both, and goes with the last.
  return candidates.map((each, i) => ({
    ...each,
    dispose: () => {
      each.dispose();
      if (i === candidates.length - 1) a.dispose();
    },
  }));
}
