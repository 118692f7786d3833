/**
 * Two tfjs backends in one process: the lab's and that of plain tfjs. The lab may replace kernels or use its own GPU
 * device, so plain tfjs gets the stock kernels under a separate backend name, and on a GPU a separate device, so that
 * memory is measured separately. In WebAssembly both share one memory.
 *
 * Runs in Node and in a page, like all code of the peers.
 */
import * as tf from '@tensorflow/tfjs';
import type { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';
import { LabError } from '../../src/common/errors.ts';
import { type BackendRequest, openBackend } from '../../src/gpu/device.ts';

export const BENCH_BACKENDS = ['wasm', 'webgpu'] as const;
export type BenchBackend = (typeof BENCH_BACKENDS)[number];

/** An initialised tfjs backend. */
export interface NamedBackend {
  /** The peer's name in reports. */
  readonly owner: 'ours' | 'tfjs';
  readonly name: string;
  readonly device: GPUDevice | undefined;
}

/** The backends of the peers. */
export interface BenchBackends {
  readonly ours: NamedBackend;
  readonly plain: NamedBackend;
  /** A description of the adapter or CPU. */
  readonly adapter: string;
}

/**
 * Opens both; the lab's is current afterwards.
 *
 * @param adapter - a description of the adapter or CPU; default: that of the backend
 * @throws {LabError} `no-backend`
 */
export async function openBackendPair(
  backend: BenchBackend,
  wasmPaths: BackendRequest['wasmPaths'],
  adapter?: string,
): Promise<BenchBackends> {
  // Imported before the lab opens its backend, so that the copied kernels are the stock ones.
  await (backend === 'wasm' ? import('@tensorflow/tfjs-backend-wasm') : import('@tensorflow/tfjs-backend-webgpu'));
  const plainName = `${backend}-plain`;
  for (const kernel of tf.getKernelsForBackend(backend)) tf.registerKernel({ ...kernel, backendName: plainName });
  const newBackend = tf.findBackendFactory(backend);

  const opened = await openBackend({ backend, wasmPaths });
  const oursName = tf.getBackend();
  const lab = tf.backend();
  // tfjs-wasm's kernels are bound to one WebAssembly module, so a second one is not possible.
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
