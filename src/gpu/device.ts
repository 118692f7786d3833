/**
 * Which backend computes: WebGPU where a real GPU answers, else WebAssembly, else plain JavaScript. A backend that
 * computes a known case wrong is not used. Where the work is known and more than one backend is worth it, each is timed
 * and the fastest taken: a small model on a big GPU spends its time on starting kernels, and may run faster without.
 *
 * A software WebGPU adapter (a CPU pretending to be a GPU) loses to WebAssembly by a wide margin, so it is taken only
 * when asked for by name.
 */
import * as tf from '@tensorflow/tfjs-core';
import { LabError, messageOf } from '../common/errors.ts';
import { describeAdapter, findHardwareGpu } from './adapter.ts';
import { type BackendRates, type KernelOps, measureRates, predictStepMs } from './calibration.ts';
import type { ComputedBy } from './step-cost.ts';
import type { StepCost } from './step-work.ts';
import { canUseThreads } from './threads.ts';
import { replaceWasmKernels } from './wasm-kernels.ts';
import { registerWebGpu } from './webgpu-backend.ts';

/** The backends, best first. */
export const BACKENDS = ['webgpu', 'wasm', 'cpu'] as const;
export type Backend = (typeof BACKENDS)[number];

/** The backend that runs and why. */
export interface OpenedBackend {
  readonly backend: Backend;
  /** One clause for people. */
  readonly reason: string;
  /** The GPU, or what stands in for it. */
  readonly device: string;
  /** Backends that did not start or computed wrong, in a sentence each. */
  readonly problems: readonly string[];
  /** How fast it is; measured where there was a workload to choose for. */
  readonly rates: BackendRates | undefined;
}

/** How to open a backend. */
export interface BackendRequest {
  /** A backend by name; without it the best one that works is taken. */
  readonly backend?: Backend | undefined;
  /** Where tfjs finds its .wasm files: a folder ending in "/", or the URL of each file. */
  readonly wasmPaths: string | Record<string, string>;
  /** Says what the current backend computes wrong, if it does (self-check.ts). Default: every backend is believed. */
  readonly findFault?: (() => Promise<string | undefined>) | undefined;
  /** What is to be computed; with it, backends are timed. */
  readonly workload?: Workload | undefined;
}

/** Work to compare backends by. */
export interface Workload {
  readonly cost: (by: ComputedBy) => StepCost;
  /** By which kernels are timed. */
  readonly ops: KernelOps;
}

/** A backend that works. */
interface Trial {
  readonly backend: Backend;
  readonly device: string;
  readonly rates: BackendRates | undefined;
  /** Of the workload. */
  readonly stepMs: number;
}

const SPOKEN: Record<Backend, string> = { webgpu: 'the GPU', wasm: 'WebAssembly', cpu: 'plain JavaScript' };

/**
 * Opens a backend and makes it tfjs's current one.
 *
 * @throws {LabError} `no-backend` if the one asked for does not start or computes wrong, or if none does.
 */
export async function openBackend(request: BackendRequest): Promise<OpenedBackend> {
  if (request.backend !== undefined) {
    const { backend, device, rates } = await tryOut(request.backend, request);
    return { backend, device, rates, reason: 'chosen by name', problems: [] };
  }
  const gpu = await findHardwareGpu();
  const problems: string[] = [];
  const trials: Trial[] = [];
  for (const backend of gpu.found ? BACKENDS : BACKENDS.slice(1)) {
    // The first that works is taken unless there is work to compare by; plain JavaScript never wins a comparison.
    if (trials.length > 0 && (request.workload === undefined || backend === 'cpu')) break;
    try {
      trials.push(await tryOut(backend, request));
    } catch (error) {
      problems.push(messageOf(error));
    }
  }
  const [fastest, slower] = trials.toSorted((a, b) => a.stepMs - b.stepMs);
  if (fastest === undefined) {
    throw new LabError('no-backend', { message: `No backend works: ${problems.join(' ')}` });
  }
  if (tf.getBackend() !== fastest.backend) await tf.setBackend(fastest.backend);
  const { backend, device, rates } = fastest;
  return {
    backend,
    device,
    rates,
    reason: reasonFor(fastest, slower, gpu.found ? problems : [gpu.why, ...problems]),
    problems,
  };
}

function reasonFor(fastest: Trial, slower: Trial | undefined, against: readonly string[]): string {
  if (slower !== undefined) {
    return `a step takes about ${inMs(fastest.stepMs)}, on ${SPOKEN[slower.backend]} ${inMs(slower.stepMs)}`;
  }
  return against.length > 0 ? against.join('; ') : 'a GPU is available';
}

function inMs(ms: number): string {
  return `${Number(ms.toPrecision(2))} ms`;
}

async function tryOut(backend: Backend, { wasmPaths, findFault, workload }: BackendRequest): Promise<Trial> {
  await start(backend, wasmPaths);
  const fault = await findFault?.();
  if (fault !== undefined) {
    throw new LabError('no-backend', {
      message: `The ${backend} backend is not used: ${fault}.`,
      fix: 'Update the browser or its graphics driver, or take another backend.',
    });
  }
  const rates = workload === undefined ? undefined : await measureRates(workload.ops);
  const stepMs = workload === undefined || rates === undefined ? NaN : predictStepMs(workload.cost(rates.by), rates);
  const device = backend === 'webgpu' ? await describeAdapter() : `CPU through ${SPOKEN[backend]}`;
  return { backend, device, rates, stepMs };
}

async function start(backend: Backend, wasmPaths: BackendRequest['wasmPaths']): Promise<void> {
  try {
    await load(backend, wasmPaths);
    const started = await tf.setBackend(backend);
    if (!started) throw new Error('it did not initialise');
    await tf.ready();
  } catch (error) {
    throw new LabError('no-backend', {
      message: `The ${backend} backend does not start: ${messageOf(error)}.`,
      fix: `Leave the backend out to take the best one that works (${BACKENDS.join(', ')}).`,
      cause: error,
    });
  }
}

/** tfjs takes the paths of its files once, before the backend starts for the first time. */
let wasmLoaded: Promise<void> | undefined;

async function loadWasm(wasmPaths: BackendRequest['wasmPaths']): Promise<void> {
  (await import('@tensorflow/tfjs-backend-wasm')).setWasmPaths(wasmPaths);
  replaceWasmKernels();
  tf.env().set('WASM_HAS_MULTITHREAD_SUPPORT', await canUseThreads());
}

// Loaded only when needed: a page that computes on the GPU never fetches the others.
async function load(backend: Backend, wasmPaths: BackendRequest['wasmPaths']): Promise<void> {
  switch (backend) {
    case 'webgpu':
      await registerWebGpu();
      // Parts of a computation must not silently move to the CPU: results and timings would mix two backends.
      tf.env().set('WEBGPU_CPU_FORWARD', false);
      return;
    case 'wasm':
      await (wasmLoaded ??= loadWasm(wasmPaths));
      return;
    case 'cpu':
      await import('@tensorflow/tfjs-backend-cpu');
      return;
    default:
      backend satisfies never;
  }
}
