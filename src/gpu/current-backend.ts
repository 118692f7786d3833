/**
 * What can be asked of the backend that runs, past tfjs's own interface: whether its queue is empty, how much memory it
 * holds, what it can hold, whether its device still lives.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';

/** Why a backend cannot be computed with any more. */
export interface BackendFault {
  /** `lost`: another device may work. `invalid`: it refused a command, so results since then mean nothing. */
  readonly kind: 'lost' | 'out-of-memory' | 'invalid';
  /** In the browser's words. */
  readonly message: string;
}

/** Whether a backend is tfjs's current one, which a dropped one is not. */
export function isCurrentBackend(name: string): boolean {
  return tf.getBackend() === name;
}

/** Resolves when the backend has done all it was given. Only a GPU computes after its kernels were called. */
export async function waitForBackend(): Promise<void> {
  const gpu = webGpu();
  if (gpu === undefined) return;
  // tfjs collects passes before it submits them; what it has begun must be brought to an end first.
  gpu.ensureCommandEncoderReady();
  gpu.endComputePassEncoder();
  gpu.submitQueue();
  await gpu.queue.onSubmittedWorkDone();
}

/** The memory that the backend takes: on a GPU and in WebAssembly all it has reserved, which never shrinks. */
export function backendMemory(): { readonly tensors: number; readonly bytes: number } {
  const { numTensors, numBytes } = tf.memory();
  const gpu = webGpu();
  if (gpu !== undefined) return { tensors: numTensors, bytes: gpu.memory().numBytesAllocatedInGPU };
  if (tf.getBackend() !== 'wasm') return { tensors: numTensors, bytes: numBytes };
  // The type that tfjs declares leaves out what Emscripten's type would have brought.
  const { wasm } = tf.backend() as unknown as { readonly wasm: { readonly HEAPU8: Uint8Array } };
  return { tensors: numTensors, bytes: wasm.HEAPU8.byteLength };
}

/** WebAssembly addresses 32 bits, less one page. */
const WASM_BYTES = 2 ** 32 - 2 ** 16;

/** The most bytes in all, and in one tensor; null where the browser does not tell. */
export function memoryLimits(): { readonly totalBytes: number | null; readonly tensorBytes: number | null } {
  const gpu = webGpu();
  if (gpu !== undefined) return { totalBytes: null, tensorBytes: gpu.device.limits.maxStorageBufferBindingSize };
  return { totalBytes: tf.getBackend() === 'wasm' ? WASM_BYTES : null, tensorBytes: null };
}

/** The state of a backend, kept up to date. */
export interface BackendHealth {
  /** The first fault, once there is one. Only a GPU has any. */
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
  // A loss comes first whatever went before: another device may work.
  health.fault = { kind: 'lost', message: message === '' ? reason : message };
}

/**
 * Drops the current backend with all its tensors, so that opening it again makes a new one. A lost device never comes
 * back by itself.
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
