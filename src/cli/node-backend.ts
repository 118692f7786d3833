/**
 * Opens a backend in Node, where Dawn provides WebGPU as it does in Chrome.
 */
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { DECODER_CHECK } from '../runs/decoder-check.ts';
import { findDisagreement } from '../gpu/self-check.ts';
import { type Backend, type OpenedBackend, openBackend } from '../gpu/device.ts';
import type { BackendChoice } from '../protocol/scoring.ts';
import { pollPatiently } from './patient-polling.ts';

/**
 * Opens the backend of a command; `auto` takes a hardware GPU if there is one, else wasm.
 *
 * @throws {LabError} `no-backend`
 */
export async function openNodeBackend(name: BackendChoice): Promise<OpenedBackend> {
  // Registers the gradients of tfjs's own ops, which the core's Node build leaves out. Loaded only now, because what a
  // command checks first need not wait for it.
  await import('@tensorflow/tfjs');
  if (name === 'auto' || name === 'webgpu') await (webGpu ??= provideWebGpu());
  const wasmFile = createRequire(import.meta.url).resolve(
    '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm',
  );
  const backend: Backend | undefined = name === 'auto' ? undefined : name;
  return openBackend({
    backend,
    wasmPaths: `${dirname(wasmFile)}/`,
    findFault: () => findDisagreement(DECODER_CHECK),
  });
}

/** Installed once per process. */
let webGpu: Promise<void> | undefined;

async function provideWebGpu(): Promise<void> {
  // Dawn has no build for some platforms; there WebGPU is unavailable.
  const dawn = await import('webgpu').catch(() => undefined);
  if (dawn === undefined) return;
  pollPatiently();
  Object.assign(globalThis, dawn.globals);
  Object.defineProperty(globalThis, 'navigator', { value: { gpu: dawn.create([]) }, configurable: true });
}
