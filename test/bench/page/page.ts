/**
 * The surroundings of a benchmark in a page: the process that drives the browser provides two functions and calls
 * `benchPage`.
 */
import threadedSimdUrl from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-threaded-simd.wasm?url';
import simdUrl from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm?url';
import plainUrl from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm.wasm?url';
import { openBackendPair } from '../backend-pair.ts';
import { benchKernels, type KernelResult, type KernelsBench } from '../kernels-bench.ts';
import { benchProducts, type ProductResult, type ProductsBench } from '../products-bench.ts';
import type { Surroundings } from '../surroundings.ts';
import { runContest, type TrainContest, type TrainOutcome } from '../train-contest.ts';

/** The functions of the page for the driving process. */
export interface BenchPage {
  readonly train: (contest: TrainContest) => Promise<TrainOutcome>;
  readonly kernels: (bench: KernelsBench) => Promise<KernelResult[]>;
  readonly products: (bench: ProductsBench) => Promise<ProductResult[]>;
}

declare global {
  interface Window {
    /** Provided by the driving process before the page loads: prints a line. */
    benchSay: (line: string) => Promise<void>;
    /** Provided by the driving process: the browser's CPU time so far, in milliseconds. */
    benchCpuMs: () => Promise<number>;
    benchPage: BenchPage;
  }
}

const { benchSay, benchCpuMs } = window;
const surroundings: Surroundings = {
  openBackends: (backend) =>
    openBackendPair(backend, {
      'tfjs-backend-wasm-threaded-simd.wasm': threadedSimdUrl,
      'tfjs-backend-wasm-simd.wasm': simdUrl,
      'tfjs-backend-wasm.wasm': plainUrl,
    }),
  say: (line) => void benchSay(line),
  cpuMs: benchCpuMs,
};

window.benchPage = {
  train: (contest) => runContest(contest, surroundings),
  kernels: (bench) => benchKernels(bench, surroundings),
  products: (bench) => benchProducts(bench, surroundings),
};
