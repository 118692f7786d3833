/**
 * Two tfjs backends side by side in one process: one as the lab opens it, one as tfjs ships it. The lab may replace
 * kernels or bring its own GPU device, so plain tfjs gets the stock kernels under a name of its own, and on a GPU a device
 * of its own, which keeps their memory apart. In WebAssembly both compute in the same memory.
 *
 * Runs in Node and in a page, as whatever else peers are made of.
 */
import * as tf from '@tensorflow/tfjs';
import type { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';
import { LabError } from '../../src/common/errors.ts';
import { type BackendRequest, openBackend } from '../../src/gpu/device.ts';

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

/**
 * Opens both; ours is the current one afterwards.
 *
 * @param adapter - what computes, in words, where the backend does not say it
 * @throws {LabError} `no-backend`
 */
export async function openBackendPair(
  backend: BenchBackend,
  wasmPaths: BackendRequest['wasmPaths'],
  adapter?: string,
): Promise<BenchBackends> {
  // Loaded before the lab opens it, so that the copied kernels are the stock ones.
  await (backend === 'wasm' ? import('@tensorflow/tfjs-backend-wasm') : import('@tensorflow/tfjs-backend-webgpu'));
  const plainName = `${backend}-plain`;
  for (const kernel of tf.getKernelsForBackend(backend)) tf.registerKernel({ ...kernel, backendName: plainName });
  const newBackend = tf.findBackendFactory(backend);

  const opened = await openBackend({ backend, wasmPaths });
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
  return { ours, plain, adapter: adapter ?? opened.device };
}

function currentDevice(): GPUDevice | undefined {
  const backend = tf.backend();
  return 'device' in backend ? (backend as WebGPUBackend).device : undefined;
}
