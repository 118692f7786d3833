/**
 * The surroundings of a benchmark in a page: the process that drives the browser provides two functions and calls
 * `benchPage`.
 */
import threadedSimdUrl from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-threaded-simd.wasm?url';
import simdUrl from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm?url';
import plainUrl from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm.wasm?url';
import { openBackend } from '../../../src/gpu/device.ts';
import { choicesInBrowser } from '../../../src/gpu/choices-in-browser.ts';
import { keepVariantChoices } from '../../../src/gpu/kept-choices.ts';
import { findDisagreement } from '../../../src/gpu/self-check.ts';
import { DECODER_CHECK } from '../../../src/runs/decoder-check.ts';
import { fetchModel } from '../../../src/infer/model-fetch.ts';
import { type BenchBackend, openBackendPair } from '../backend-pair.ts';
import { measurePart, type PartResult } from '../device/device-parts.ts';
import { benchKernels, type KernelResult, type KernelsBench } from '../kernels-bench.ts';
import { benchProducts, type ProductResult, type ProductsBench } from '../products-bench.ts';
import type { PartName } from '../../../src/protocol/device-report.ts';
import type { Surroundings } from '../surroundings.ts';
import { runContest, type TrainContest, type TrainOutcome } from '../train-contest.ts';

/** The functions of the page for the driving process. */
export interface BenchPage {
  readonly train: (contest: TrainContest) => Promise<TrainOutcome>;
  readonly kernels: (bench: KernelsBench) => Promise<KernelResult[]>;
  readonly products: (bench: ProductsBench) => Promise<ProductResult[]>;
  readonly device: (part: PartName, backend: BenchBackend) => Promise<PartResult>;
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
const WASM_PATHS = {
  'tfjs-backend-wasm-threaded-simd.wasm': threadedSimdUrl,
  'tfjs-backend-wasm-simd.wasm': simdUrl,
  'tfjs-backend-wasm.wasm': plainUrl,
};
const surroundings: Surroundings = {
  openBackends: (backend) => openBackendPair(backend, WASM_PATHS),
  openLab: (backend) => {
    return openBackend({ backend, wasmPaths: WASM_PATHS, findFault: () => findDisagreement(DECODER_CHECK) });
  },
  machine: { engine: navigator.userAgent, processors: navigator.hardwareConcurrency },
  say: (line) => void benchSay(line),
  cpuMs: benchCpuMs,
  readModel: (name) => fetchModel(new URL(`models/${name}/`, document.baseURI).href, () => undefined),
};

window.benchPage = {
  train: (contest) => runContest(contest, surroundings),
  kernels: (bench) => benchKernels(bench, surroundings),
  products: (bench) => benchProducts(bench, surroundings),
  device: (part, backend) => {
    keepVariantChoices(choicesInBrowser());
    return measurePart(part, backend, surroundings);
  },
};
