/**
 * How fast the matrix products of a step could run: each of its shapes by itself, on every implementation at hand, in
 * every arrangement of operands; the fastest counts. The time of a step against the sum of these is what is left to gain
 * without a faster product.
 */
import { blockUntilReady, jit, numpy as np, tree } from '@jax-js/jax';
import * as tf from '@tensorflow/tfjs';
import { waitForBackend } from '../../src/gpu/current-backend.ts';
import type { NamedBackend } from './backends.ts';
import { type Product, productFlops } from './work.ts';

/** The fastest that a product was seen. */
export interface ProductRate {
  readonly product: Product;
  /** Milliseconds of one product. */
  readonly bestMs: number;
  /** Which implementation that was. */
  readonly by: string;
  readonly gigaflopsPerSec: number;
}

/** A product, ready to run. */
interface Candidate {
  readonly by: string;
  /** Resolves when all repeats have been computed. */
  readonly run: (repeats: number) => Promise<void>;
  readonly dispose: () => void;
}

/** A measurement lasts about this long, and is made so often. */
const MEASURE_MS = 40;
const MEASUREMENTS = 3;

/** Times products on tfjs backends and, if it has been started, on jax-js. */
export async function measureProducts(
  products: readonly Product[],
  backends: readonly NamedBackend[],
  withJaxJs: boolean,
): Promise<ProductRate[]> {
  const implementations = [...backends.map(tfjsCandidates), ...(withJaxJs ? [jaxCandidates] : [])];
  const rates: ProductRate[] = [];
  for (const product of products) {
    let [bestMs, by] = [Infinity, ''];
    for (const makeCandidates of implementations) {
      for (const candidate of await makeCandidates(product)) {
        const ms = await leastMs(candidate);
        if (ms < bestMs) [bestMs, by] = [ms, candidate.by];
        candidate.dispose();
      }
    }
    rates.push({ product, bestMs, by, gigaflopsPerSec: productFlops({ ...product, times: 1 }) / bestMs / 1e6 });
  }
  return rates;
}

/** Milliseconds that all products of a step take at their fastest. */
export function idealMs(rates: readonly ProductRate[]): number {
  return rates.reduce((sum, { product, bestMs }) => sum + product.times * bestMs, 0);
}

async function leastMs({ run }: Candidate): Promise<number> {
  await run(1); // compiles
  const startMs = performance.now();
  await run(1);
  const repeats = Math.max(1, Math.round(MEASURE_MS / (performance.now() - startMs)));
  let least = Infinity;
  for (let i = 0; i < MEASUREMENTS; i++) {
    const beforeMs = performance.now();
    await run(repeats);
    least = Math.min(least, (performance.now() - beforeMs) / repeats);
  }
  return least;
}

function tfjsCandidates({ owner, name }: NamedBackend): (product: Product) => Promise<Candidate[]> {
  return async ({ batch, rows, inner, columns }) => {
    await tf.setBackend(name);
    const single = batch === 1;
    const filled = (height: number, width: number): tf.Tensor =>
      tf.fill(single ? [height, width] : [batch, height, width], 0.5);
    const arrangements = [
      { how: '', a: filled(rows, inner), b: filled(inner, columns), transposeA: false, transposeB: false },
      { how: ' a^T', a: filled(inner, rows), b: filled(inner, columns), transposeA: true, transposeB: false },
      { how: ' b^T', a: filled(rows, inner), b: filled(columns, inner), transposeA: false, transposeB: true },
    ];
    return arrangements.map(({ how, a, b, transposeA, transposeB }) => ({
      by: `${owner}${how}`,
      run: async (repeats) => {
        for (let i = 0; i < repeats; i++) tf.matMul(a, b, transposeA, transposeB).dispose();
        await waitForBackend();
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
  const candidate = (by: string, product: typeof plain, right: np.Array): Candidate => ({
    by,
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
  const candidates = [candidate('jax-js', plain, b), candidate('jax-js b^T', transposed, bTransposed)];
  // The left operand belongs to both, and goes with the last.
  return candidates.map((each, i) => ({
    ...each,
    dispose: () => {
      each.dispose();
      if (i === candidates.length - 1) a.dispose();
    },
  }));
}
