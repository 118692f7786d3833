/**
 * Queries on the running backend beyond tfjs's interface: whether its queue is empty, how much memory it has allocated,
 * its limits, and whether its device is still alive.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';

/** Why a backend can no longer be used. */
export interface BackendFault {
  /** `lost`: a new device may work. `invalid`: it rejected a command, so later results are meaningless. */
  readonly kind: 'lost' | 'out-of-memory' | 'invalid';
  /** The message of the browser. */
  readonly message: string;
}

/** Whether a backend is tfjs's current one; a dropped backend is not. */
export function isCurrentBackend(name: string): boolean {
  return tf.getBackend() === name;
}

/** Resolves when the backend has finished all its work. Only a GPU computes asynchronously. */
export async function waitForBackend(): Promise<void> {
  const gpu = webGpu();
  if (gpu === undefined) return;
  // tfjs batches passes before it submits them, so the open pass must be ended first.
  gpu.ensureCommandEncoderReady();
  gpu.endComputePassEncoder();
  gpu.submitQueue();
  await gpu.queue.onSubmittedWorkDone();
}

/** The memory of the backend. On a GPU and in WebAssembly it is all that is reserved, which never shrinks. */
export function backendMemory(): { readonly tensors: number; readonly bytes: number } {
  const { numTensors, numBytes } = tf.memory();
  const gpu = webGpu();
  if (gpu !== undefined) return { tensors: numTensors, bytes: gpu.memory().numBytesAllocatedInGPU };
  if (tf.getBackend() !== 'wasm') return { tensors: numTensors, bytes: numBytes };
  // The type declared by tfjs lacks the members of Emscripten's module.
  const { wasm } = tf.backend() as unknown as { readonly wasm: { readonly HEAPU8: Uint8Array } };
  return { tensors: numTensors, bytes: wasm.HEAPU8.byteLength };
}

/** WebAssembly has 32-bit addresses, less one page. */
const WASM_BYTES = 2 ** 32 - 2 ** 16;

/** The most bytes in total and in one tensor; null if unknown. */
export function memoryLimits(): { readonly totalBytes: number | null; readonly tensorBytes: number | null } {
  const gpu = webGpu();
  if (gpu !== undefined) return { totalBytes: null, tensorBytes: gpu.device.limits.maxStorageBufferBindingSize };
  return { totalBytes: tf.getBackend() === 'wasm' ? WASM_BYTES : null, tensorBytes: null };
}

/** The health of a backend, kept up to date. */
export interface BackendHealth {
  /** The first fault, if any. Only a GPU has faults. */
  readonly fault: BackendFault | undefined;
}

/** Watches the current backend from now on. */
export function watchBackend(): BackendHealth {
  const health: { fault: BackendFault | undefined } = { fault: undefined };
  const gpu = webGpu();
  if (gpu !== undefined) void noteFault(gpu.device, health);
  return health;
}

async function noteFault(device: GPUDevice, health: { fault: BackendFault | undefined }): Promise<void> {
  device.addEventListener('uncapturederror', ({ error }) => {
    health.fault ??= {
      kind: error instanceof GPUOutOfMemoryError ? 'out-of-memory' : 'invalid',
      message: error.message,
    };
  });
  const { message, reason } = await device.lost;
  // A loss overrides earlier faults, because a new device may work.
  health.fault = { kind: 'lost', message: message === '' ? reason : message };
}

/**
 * Drops the current backend with all its tensors, so that opening it again creates a new one. A lost device never
 * recovers.
 */
export function dropBackend(): void {
  const name = tf.getBackend();
  const factory = tf.findBackendFactory(name);
  tf.removeBackend(name);
  tf.registerBackend(name, factory);
}

function webGpu(): WebGPUBackend | undefined {
  const backend = tf.backend();
  return 'submitQueue' in backend ? (backend as WebGPUBackend) : undefined;
}
