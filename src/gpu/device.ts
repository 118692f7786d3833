/**
 * Which backend computes: WebGPU where a real GPU answers, else WebAssembly, else plain JavaScript.
 *
 * A software WebGPU adapter (a CPU pretending to be a GPU) loses to WebAssembly by a wide margin, so it is taken only
 * when asked for by name.
 */
import * as tf from '@tensorflow/tfjs-core';
import { LabError, messageOf } from '../common/errors.ts';

/** The backends, best first. */
export const BACKENDS = ['webgpu', 'wasm', 'cpu'] as const;
export type Backend = (typeof BACKENDS)[number];

/** The backend that runs and why. */
export interface OpenedBackend {
  readonly backend: Backend;
  /** One sentence for people. */
  readonly reason: string;
  /** The GPU, or what stands in for it. */
  readonly device: string;
}

/** How to open a backend. */
export interface BackendRequest {
  /** A backend by name; without it the best one that works is taken. */
  readonly backend?: Backend | undefined;
  /** Where tfjs finds its .wasm files: a folder ending in "/", or the URL of each file. */
  readonly wasmPaths: string | Record<string, string>;
}

/**
 * Opens a backend and makes it tfjs's current one.
 *
 * @throws {LabError} `no-backend` if the one asked for does not start.
 */
export async function openBackend({ backend, wasmPaths }: BackendRequest): Promise<OpenedBackend> {
  if (backend !== undefined) return await start(backend, wasmPaths, 'chosen by name');

  const gpu = await findHardwareGpu();
  const tried: string[] = [];
  if (gpu.found) {
    try {
      return await start('webgpu', wasmPaths, 'a GPU is available');
    } catch (error) {
      tried.push(messageOf(error));
    }
  } else {
    tried.push(gpu.why);
  }
  for (const fallback of ['wasm', 'cpu'] as const) {
    try {
      return await start(fallback, wasmPaths, tried.join('; '));
    } catch (error) {
      tried.push(messageOf(error));
    }
  }
  throw new LabError('no-backend', { message: `No backend starts: ${tried.join('; ')}.` });
}

async function start(
  backend: Backend,
  wasmPaths: BackendRequest['wasmPaths'],
  why: string,
): Promise<OpenedBackend> {
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
  return { backend, reason: why, device: backend === 'webgpu' ? await describeAdapter() : describeCpu(backend) };
}

// Loaded only when needed: a page that computes on the GPU never fetches the others.
async function load(backend: Backend, wasmPaths: BackendRequest['wasmPaths']): Promise<void> {
  switch (backend) {
    case 'webgpu':
      await import('@tensorflow/tfjs-backend-webgpu');
      // Parts of a computation must not silently move to the CPU: results and timings would mix two backends.
      tf.env().set('WEBGPU_CPU_FORWARD', false);
      return;
    case 'wasm':
      (await import('@tensorflow/tfjs-backend-wasm')).setWasmPaths(wasmPaths);
      return;
    case 'cpu':
      await import('@tensorflow/tfjs-backend-cpu');
      return;
    default:
      backend satisfies never;
  }
}

async function findHardwareGpu(): Promise<{ found: true } | { found: false; why: string }> {
  const gpu = (globalThis.navigator as Navigator | undefined)?.gpu;
  if (gpu === undefined) {
    const insecure = 'isSecureContext' in globalThis && !globalThis.isSecureContext;
    return { found: false, why: insecure ? 'WebGPU needs https or localhost' : 'this browser has no WebGPU' };
  }
  const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
  if (adapter === null) return { found: false, why: 'WebGPU finds no GPU' };
  if (isSoftware(adapter.info)) return { found: false, why: 'the GPU is emulated in software, which is slower' };
  return { found: true };
}

// isFallbackAdapter is not set by every software driver, so the names of the known ones are checked too.
function isSoftware(info: GPUAdapterInfo): boolean {
  const text = `${info.vendor} ${info.architecture} ${info.device} ${info.description}`;
  return info.isFallbackAdapter || /swiftshader|llvmpipe|lavapipe|basic render|software/i.test(text);
}

async function describeAdapter(): Promise<string> {
  const info = (await navigator.gpu.requestAdapter({ powerPreference: 'high-performance' }))?.info;
  if (info === undefined) return 'unknown GPU';
  const name = info.description || info.device || info.architecture || 'GPU';
  return `${name}${info.vendor === '' ? '' : ` (${info.vendor})`}`;
}

function describeCpu(backend: Backend): string {
  return backend === 'wasm' ? 'CPU through WebAssembly' : 'CPU through plain JavaScript';
}
