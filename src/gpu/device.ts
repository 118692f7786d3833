/**
 * Chooses the backend: WebGPU on a real GPU, else WebAssembly, else plain JavaScript. A backend that computes a known
 * case wrong is not used. If the workload is known and several backends are candidates, each is timed and the fastest
 * is taken, because a small model on a big GPU is dominated by kernel launches and may run faster elsewhere.
 *
 * A software WebGPU adapter (a CPU emulating a GPU) is far slower than WebAssembly, so it is used only when requested
 * by name. This room holds the layer between tfjs and the lab's ops: backends, dispatches, buffers, time and memory.
 */
import * as tf from '@tensorflow/tfjs-core';
import { LabError, messageOf } from '../common/errors.ts';
import { describeAdapter, findHardwareGpu } from './adapter.ts';
import { type BackendRates, type KernelOps, measureRates, predictStepMs } from './calibration.ts';
import type { ComputedBy } from './step-cost.ts';
import type { StepCost } from './step-work.ts';
import { canUseThreads, hasStarted } from './threads.ts';
import { openWasmKernels } from './wasm-calls.ts';
import { replaceWasmKernels } from './wasm-kernels.ts';
import { registerWebGpu } from './webgpu-backend.ts';

/** The backends, best first. */
export const BACKENDS = ['webgpu', 'wasm', 'cpu'] as const;
export type Backend = (typeof BACKENDS)[number];

/** The running backend and why it was chosen. */
export interface OpenedBackend {
  readonly backend: Backend;
  /** One clause for display. */
  readonly reason: string;
  /** The name of the GPU, or of the CPU backend. */
  readonly device: string;
  /** Backends that did not start or computed wrong results, one sentence each. */
  readonly problems: readonly string[];
  /** Its speed; measured if there was a workload to choose for. */
  readonly rates: BackendRates | undefined;
}

/** Options for opening a backend. */
export interface BackendRequest {
  /** A backend by name; if absent, the best working one is used. */
  readonly backend?: Backend | undefined;
  /** The location of tfjs's .wasm files: a folder ending in "/", or the URL of each file. */
  readonly wasmPaths: string | Record<string, string>;
  /** Describes a wrong result of the current backend, if any (self-check.ts). Default: no check. */
  readonly findFault?: (() => Promise<string | undefined>) | undefined;
  /** The work to be done; if given, backends are timed. */
  readonly workload?: Workload | undefined;
}

/** The work that backends are compared by. */
export interface Workload {
  readonly cost: (by: ComputedBy) => StepCost;
  /** The kernels to time. */
  readonly ops: KernelOps;
}

/** A working backend. */
interface Trial {
  readonly backend: Backend;
  readonly device: string;
  readonly rates: BackendRates | undefined;
  /** Predicted for the workload. */
  readonly stepMs: number;
}

const DISPLAY_NAMES: Record<Backend, string> = { webgpu: 'the GPU', wasm: 'WebAssembly', cpu: 'plain JavaScript' };

/**
 * Opens a backend and makes it tfjs's current one.
 *
 * @throws {LabError} `no-backend` if the requested backend fails to start or computes wrong results, or if all do.
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
    // Without a workload the first working backend is used; plain JavaScript never wins a comparison.
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
    return `a step takes about ${inMs(fastest.stepMs)}, on ${DISPLAY_NAMES[slower.backend]} ${inMs(slower.stepMs)}`;
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
      fix: 'Update the browser or its graphics driver, or choose another backend.',
    });
  }
  const rates = workload === undefined ? undefined : await measureRates(workload.ops);
  const stepMs = workload === undefined || rates === undefined ? NaN : predictStepMs(workload.cost(rates.by), rates);
  const without = backend === 'wasm' && threadsFailed ? ', on one thread because others do not start' : '';
  const device = backend === 'webgpu' ? await describeAdapter() : `CPU through ${DISPLAY_NAMES[backend]}${without}`;
  return { backend, device, rates, stepMs };
}

async function start(backend: Backend, wasmPaths: BackendRequest['wasmPaths']): Promise<void> {
  try {
    await load(backend, wasmPaths);
    const started = backend === 'wasm' ? await setWasm() : await tf.setBackend(backend);
    if (!started) throw new Error('it did not initialise');
    await tf.ready();
    if (backend === 'wasm') await openWasmKernels();
  } catch (error) {
    throw new LabError('no-backend', {
      message: `The ${backend} backend does not start: ${messageOf(error)}.`,
      fix: `Omit the backend to use the best working one (${BACKENDS.join(', ')}).`,
      cause: error,
    });
  }
}

/** Whether threads were begun that have not started. */
let threadsFailed = false;

/** Without threads where some of them do not start, because tfjs waits for all of them for ever. */
async function setWasm(): Promise<boolean> {
  const starting = tf.setBackend('wasm');
  if (!tf.env().getBool('WASM_HAS_MULTITHREAD_SUPPORT') || (await hasStarted(starting))) return starting;
  threadsFailed = true;
  tf.env().set('WASM_HAS_MULTITHREAD_SUPPORT', false);
  return tf.setBackend('wasm');
}

/** tfjs reads the paths of its files once, before the backend first starts. */
let wasmLoaded: Promise<void> | undefined;

async function loadWasm(wasmPaths: BackendRequest['wasmPaths']): Promise<void> {
  (await import('@tensorflow/tfjs-backend-wasm')).setWasmPaths(wasmPaths);
  replaceWasmKernels();
  tf.env().set('WASM_HAS_MULTITHREAD_SUPPORT', await canUseThreads());
}

// Loaded on demand, so that a page that computes on the GPU never fetches the others.
async function load(backend: Backend, wasmPaths: BackendRequest['wasmPaths']): Promise<void> {
  switch (backend) {
    case 'webgpu':
      await registerWebGpu();
      // Ops must not silently move to the CPU, because results and timings would mix two backends.
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
