/**
 * `bench products`: the products of a step by every variant of the lab's kernel (kernels/matmul.ts), alternating, so
 * that a busy machine affects all equally. Reports the median speed over the rounds relative to the first variant, and
 * the best rate.
 *
 * Runs in Node and in a page.
 */
import * as tf from '@tensorflow/tfjs';
import { waitForBackend } from '../../src/gpu/current-backend.ts';
import { matmulBy, matmulVariants } from '../../src/kernels/matmul.ts';
import type { Arrangement, MatmulVariant } from '../../src/kernels/matmul-shader.ts';
import { median } from './median.ts';
import type { Surroundings } from './surroundings.ts';
import { makeWork, stepProducts, type WorkRequest } from './work.ts';

/** The settings of the benchmark. Plain data, because it is sent to a page. */
export interface ProductsBench {
  /** Determines the products. */
  readonly work: WorkRequest;
  readonly repeats: number;
}

/** The speed of a variant in one product. */
export interface VariantRate {
  readonly name: string;
  /** Medians over the rounds: speed relative to the first variant, by wall time and by CPU time. */
  readonly clockRatio: number;
  readonly cpuRatio: number;
  /** The best by wall time. */
  readonly gigaflopsPerSec: number;
}

/** A product of `rows` x `inner` by `inner` x `columns`. */
export interface ProductResult {
  readonly arrangement: Arrangement;
  readonly rows: number;
  readonly inner: number;
  readonly columns: number;
  readonly variants: readonly VariantRate[];
}

/** The target duration of a turn. */
const TURN_MS = 150;
const ARRANGEMENTS: readonly Arrangement[] = ['nt', 'nn', 'tn'];

/** Times every product of a step in every arrangement. */
export async function benchProducts(
  { work, repeats }: ProductsBench,
  { openBackends, say, cpuMs }: Surroundings,
): Promise<ProductResult[]> {
  const { ours, adapter } = await openBackends('webgpu');
  await tf.setBackend(ours.name);
  say(adapter);
  const results: ProductResult[] = [];
  for (const { batch, rows, inner, columns } of stepProducts(makeWork(work))) {
    if (batch > 1) continue; // attention, which has its own kernel
    for (const arrangement of ARRANGEMENTS) {
      say(`[${rows},${inner}] [${inner},${columns}] ${arrangement}`);
      const a = tf.randomNormal<tf.Rank.R2>(arrangement === 'tn' ? [inner, rows] : [rows, inner], 0, 1, 'float32', 1);
      const b = tf.randomNormal<tf.Rank.R2>(
        arrangement === 'nt' ? [columns, inner] : [inner, columns],
        0,
        1,
        'float32',
        2,
      );
      const run = (variant: MatmulVariant) => (): void => matmulBy(variant, a, b, arrangement).product.dispose();
      const timed = matmulVariants(arrangement).map((variant) => new TimedVariant(variant.name, run(variant), cpuMs));
      for (const each of timed) await each.warmUp();
      for (let i = 0; i < repeats; i++) for (const each of timed) await each.turn();
      const flops = 2 * rows * inner * columns;
      const variants = timed.map((each) => each.comparedWith(timed[0] ?? each, flops));
      results.push({ arrangement, rows, inner, columns, variants });
      tf.dispose([a, b]);
    }
  }
  return results;
}

/** A variant and the times of its turns. */
class TimedVariant {
  readonly name: string;
  readonly #run: () => void;
  readonly #cpuMs: Surroundings['cpuMs'];
  #runs = 1;
  /** Milliseconds of one run, by turn. */
  readonly #turns: { clockMs: number; cpuMs: number }[] = [];

  constructor(name: string, run: () => void, cpuMs: Surroundings['cpuMs']) {
    this.name = name;
    this.#run = run;
    this.#cpuMs = cpuMs;
  }

  /** Compiles the shaders and determines the runs per turn. */
  async warmUp(): Promise<void> {
    await this.turn();
    await this.turn();
    this.#runs = Math.max(1, Math.round(TURN_MS / (this.#turns.at(-1)?.clockMs ?? TURN_MS)));
    this.#turns.length = 0;
  }

  async turn(): Promise<void> {
    const [startMs, startCpuMs] = [performance.now(), await this.#cpuMs()];
    for (let i = 0; i < this.#runs; i++) this.#run();
    await waitForBackend();
    const clockMs = (performance.now() - startMs) / this.#runs;
    this.#turns.push({ clockMs, cpuMs: ((await this.#cpuMs()) - startCpuMs) / this.#runs });
  }

  comparedWith(first: TimedVariant, flops: number): VariantRate {
    const ratio = (of: 'clockMs' | 'cpuMs'): number =>
      median(this.#turns.map((turn, i) => (first.#turns[i]?.[of] ?? NaN) / turn[of]));
    return {
      name: this.name,
      clockRatio: ratio('clockMs'),
      cpuRatio: ratio('cpuMs'),
      gigaflopsPerSec: flops / Math.min(...this.#turns.map(({ clockMs }) => clockMs)) / 1e6,
    };
  }
}

/** The results as a table. */
export function productsReport(results: readonly ProductResult[]): string[] {
  const names = results[0]?.variants.map(({ name }) => name) ?? [];
  const cells = ({ clockRatio, cpuRatio, gigaflopsPerSec }: VariantRate): string =>
    `${clockRatio.toFixed(2).padStart(6)} ${cpuRatio.toFixed(2).padStart(6)} ${gigaflopsPerSec.toFixed(1).padStart(7)}`;
  return [
    'speed relative to the first, by wall time and by CPU time, and GFLOP/s',
    `${''.padEnd(32)}${names.map((name) => name.padStart(23)).join('')}`,
    ...results.map(({ arrangement, rows, inner, columns, variants }) => {
      const product = `${arrangement} [${rows},${inner}] [${inner},${columns}]`;
      return `${product.padEnd(32)}${variants.map((rate) => `  ${cells(rate)}`).join('')}`;
    }),
  ];
}
