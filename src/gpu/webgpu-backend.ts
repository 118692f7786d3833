/**
 * tfjs's WebGPU backend as the lab runs it: on a device created here, with the features and limits of the adapter, and
 * with buffers that are freed (buffer-pool.ts). Everything else also works on a device with default limits and no
 * features.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';
import { LabError } from '../common/errors.ts';
import { BufferPool } from './buffer-pool.ts';

/** Features that are requested if available. */
const WANTED_FEATURES = ['timestamp-query', 'shader-f16', 'subgroups'] as GPUFeatureName[]; // tfjs's types lack the last

/** Limits that are raised to those of the adapter. */
const RAISED_LIMITS = [
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxStorageBuffersPerShaderStage',
  'maxComputeWorkgroupStorageSize',
  'maxComputeWorkgroupsPerDimension',
  'maxComputeWorkgroupSizeX',
  'maxComputeInvocationsPerWorkgroup',
] as const satisfies (keyof GPUSupportedLimits)[];

/**
 * Makes the lab's backend the one that tfjs knows as `webgpu`. Does nothing if tfjs has none, because there is no
 * WebGPU, or if it was already done.
 */
export async function registerWebGpu(): Promise<void> {
  await import('@tensorflow/tfjs-backend-webgpu');
  const known: unknown = tf.findBackendFactory('webgpu');
  if (known === null || known === openAdapter) return;
  tf.removeBackend('webgpu');
  tf.registerBackend('webgpu', openAdapter, PRIORITY);
}

/** tfjs's own priority, by which it chooses a backend by default. */
const PRIORITY = 3;

async function openAdapter(): Promise<WebGPUBackend> {
  const adapter = await navigator.gpu.requestAdapter({ powerPreference: 'high-performance' });
  if (adapter === null) throw new LabError('no-backend', { message: 'WebGPU finds no adapter.' });
  const device = await adapter.requestDevice({
    requiredFeatures: WANTED_FEATURES.filter((feature) => adapter.features.has(feature)),
    requiredLimits: Object.fromEntries(RAISED_LIMITS.map((name) => [name, adapter.limits[name]])),
  });
  return backendOn(device, adapter.info);
}

/** A backend on a device. */
export async function backendOn(device: GPUDevice, info: GPUAdapterInfo): Promise<WebGPUBackend> {
  // Imported late, because the module accesses navigator.gpu when it loads.
  const webgpu = await import('@tensorflow/tfjs-backend-webgpu');

  class PooledBackend extends webgpu.WebGPUBackend {
    /** A buffer may be larger than its tensor, but tfjs reads all of it. */
    override async read(dataId: object): ReturnType<WebGPUBackend['read']> {
      const values = await super.read(dataId);
      if (!this.tensorMap.has(dataId)) return values;
      const data = this.tensorMap.get(dataId);
      const size = tf.util.sizeFromShape(data.shape);
      if (!ArrayBuffer.isView(values) || values.length <= size) return values;
      data.values = values.slice(0, size);
      return data.values;
    }
  }

  const backend = new PooledBackend(device, info);
  // The cast is needed because its type has private members; the pool has all the methods that are called.
  backend.bufferManager = new BufferPool(device) as unknown as WebGPUBackend['bufferManager'];
  return backend;
}
