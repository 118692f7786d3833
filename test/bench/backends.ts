/**
 * Two tfjs backends side by side in one process: one as the lab opens it, one as tfjs ships it. The lab may replace
 * kernels or bring its own GPU device, so plain tfjs gets the stock kernels under a name of its own, and on a GPU a device
 * of its own, which keeps their memory apart. In WebAssembly both compute in the same memory.
 */
import { createRequire } from 'node:module';
import { cpus } from 'node:os';
import { dirname } from 'node:path';
import process from 'node:process';
import * as tf from '@tensorflow/tfjs';
import type { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';
import { pollPatiently } from '../../src/cli/patient-polling.ts';
import { LabError } from '../../src/common/errors.ts';
import { openBackend } from '../../src/gpu/device.ts';

export const BENCH_BACKENDS = ['wasm', 'webgpu'] as const;
export type BenchBackend = (typeof BENCH_BACKENDS)[number];

/** A tfjs backend that is ready. */
export interface NamedBackend {
  /** Whose it is, in reports. */
  readonly owner: 'ours' | 'tfjs';
  readonly name: string;
  readonly device: GPUDevice | undefined;
}

/** Where the peers compute. */
export interface BenchBackends {
  readonly ours: NamedBackend;
  readonly plain: NamedBackend;
  /** What computes, in words. */
  readonly adapter: string;
}

/** Vulkan drivers by name, where Debian puts them. */
const DRIVERS: Readonly<Record<string, string>> = {
  lavapipe: '/usr/share/vulkan/icd.d/lvp_icd.json',
  swiftshader: '/usr/lib/chromium/vk_swiftshader_icd.json',
};

/**
 * Opens the backends of a benchmark; ours is the current one afterwards.
 *
 * @param adapter - for webgpu: `lavapipe`, `swiftshader` or the file of a Vulkan driver; default: the system's choice
 * @throws {LabError} `no-backend`
 */
export async function openBenchBackends(backend: BenchBackend, adapter?: string): Promise<BenchBackends> {
  if (backend === 'webgpu') await provideGpu(adapter);
  // Loaded before the lab opens it, so that the copied kernels are the stock ones.
  await (backend === 'wasm' ? import('@tensorflow/tfjs-backend-wasm') : import('@tensorflow/tfjs-backend-webgpu'));
  const plainName = `${backend}-plain`;
  for (const kernel of tf.getKernelsForBackend(backend)) tf.registerKernel({ ...kernel, backendName: plainName });
  const newBackend = tf.findBackendFactory(backend);

  const opened = await openBackend({ backend, wasmPaths: wasmFolder() });
  const oursName = tf.getBackend();
  const lab = tf.backend();
  // A second WebAssembly module is not possible: tfjs-wasm's kernels are bound to one.
  tf.registerBackend(plainName, backend === 'wasm' ? () => lab : newBackend);
  if (!(await tf.setBackend(plainName))) {
    throw new LabError('no-backend', { message: `Plain tfjs does not start on ${backend}.` });
  }
  const plain = { owner: 'tfjs', name: plainName, device: currentDevice() } as const;
  await tf.setBackend(oursName);
  const ours = { owner: 'ours', name: oursName, device: currentDevice() } as const;
  return { ours, plain, adapter: backend === 'wasm' ? describeCpu() : opened.device };
}

function currentDevice(): GPUDevice | undefined {
  const backend = tf.backend();
  return 'device' in backend ? (backend as WebGPUBackend).device : undefined;
}

function describeCpu(): string {
  return `wasm, one thread, ${cpus()[0]?.model.trim() ?? 'unknown CPU'}`;
}

function wasmFolder(): string {
  const file = '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm';
  return `${dirname(createRequire(import.meta.url).resolve(file))}/`;
}

async function provideGpu(adapter: string | undefined): Promise<void> {
  // Read by the Vulkan loader itself, when the first adapter is asked for.
  if (adapter !== undefined) process.env['VK_ICD_FILENAMES'] = DRIVERS[adapter] ?? adapter;
  process.env['XDG_RUNTIME_DIR'] ??= '/tmp';
  const { create, globals } = await import('webgpu');
  pollPatiently(); // of all peers alike: else waiting takes a processor from a software adapter
  Object.assign(globalThis, globals);
  // jax-js reads the user agent to tune its kernels.
  const navigator = { gpu: create([]), userAgent: 'node' };
  Object.defineProperty(globalThis, 'navigator', { value: navigator, configurable: true });
}
