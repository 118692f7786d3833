/**
 * The tfjs backends that the tests compare with the references. `cpu` is tfjs's plain JavaScript, `wasm` what a page
 * without a GPU uses; both are opened as the lab opens them. The two WebGPU devices stand for a capable one and for the
 * least that the standard allows.
 */
import '@tensorflow/tfjs'; // the gradients of tfjs's own ops
import * as tf from '@tensorflow/tfjs-core';
import { inject } from 'vitest';
import { openNodeBackend } from '../../src/cli/node-backend.ts';
import { LabError } from '../../src/common/errors.ts';
import { backendOn } from '../../src/gpu/webgpu-backend.ts';

/** A WebGPU device as a test wants it: everything the adapter has, or default limits and no features. */
export type DeviceKind = 'full' | 'least';

/** Where tests go on with interrupted runs: plain JavaScript is slow, so only `npm run test:all` tries it besides. */
export const RESUMED_ON: readonly ('cpu' | 'wasm')[] = inject('isWhole') ? ['cpu', 'wasm'] : ['wasm'];

/** Makes a backend that needs no GPU the current one. */
export async function useBackend(backend: 'cpu' | 'wasm'): Promise<void> {
  await openNodeBackend(backend);
}

/**
 * Makes tfjs's WebGPU backend on a device of the given kind the current one.
 *
 * @param gpu - as `openGpu()` of the test set-up gives it
 * @returns the device, for a look at its limits and features
 */
export async function useWebGpu(gpu: GPU, kind: DeviceKind): Promise<GPUDevice> {
  const adapter = await gpu.requestAdapter();
  if (adapter === null) throw new LabError('no-backend', { message: 'There is no WebGPU adapter.' });
  const device = await adapter.requestDevice(kind === 'full' ? everythingOf(adapter) : {});
  const backend = await backendOn(device, adapter.info);
  // Otherwise tfjs computes small tensors on the CPU, and a test of small shapes would not test the GPU.
  tf.env().set('WEBGPU_CPU_FORWARD', false);
  const name = `webgpu-${kind}`;
  for (const kernel of tf.getKernelsForBackend('webgpu')) tf.registerKernel({ ...kernel, backendName: name });
  tf.registerBackend(name, () => backend);
  await tf.setBackend(name);
  await tf.ready();
  return device;
}

function everythingOf(adapter: GPUAdapter): GPUDeviceDescriptor {
  const requiredLimits: Record<string, number> = {};
  for (const name of Object.keys(Object.getPrototypeOf(adapter.limits) as object)) {
    const limit = (adapter.limits as unknown as Record<string, unknown>)[name];
    if (typeof limit === 'number') requiredLimits[name] = limit;
  }
  return { requiredFeatures: [...adapter.features] as GPUFeatureName[], requiredLimits };
}
