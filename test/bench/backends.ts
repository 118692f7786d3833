/**
 * The backends of a benchmark in Node; WebGPU is provided by Dawn.
 */
import { createRequire } from 'node:module';
import { cpus } from 'node:os';
import { dirname } from 'node:path';
import process from 'node:process';
import { findDisagreement } from '../../src/gpu/self-check.ts';
import { openBackend, type OpenedBackend } from '../../src/gpu/device.ts';
import { DECODER_CHECK } from '../../src/runs/decoder-check.ts';
import { pollPatiently } from '../../src/cli/patient-polling.ts';
import { type BenchBackend, type BenchBackends, openBackendPair } from './backend-pair.ts';

/** Vulkan drivers by name, at Debian's paths. */
const DRIVERS: Readonly<Record<string, string>> = {
  lavapipe: '/usr/share/vulkan/icd.d/lvp_icd.json',
  swiftshader: '/usr/lib/chromium/vk_swiftshader_icd.json',
};

/**
 * Opens the backends of a benchmark; the lab's is current afterwards.
 *
 * @param adapter - for webgpu: `lavapipe`, `swiftshader` or the file of a Vulkan driver; default: the system's choice
 * @throws {LabError} `no-backend`
 */
export async function openBenchBackends(backend: BenchBackend, adapter?: string): Promise<BenchBackends> {
  if (backend === 'webgpu') await provideGpu(adapter);
  return openBackendPair(backend, wasmFolder(), backend === 'wasm' ? describeCpu() : undefined);
}

/** Opens the lab's backend alone, and checks it. Parameters as of {@link openBenchBackends}. */
export async function openLabBackend(backend: BenchBackend, adapter?: string): Promise<OpenedBackend> {
  if (backend === 'webgpu') await provideGpu(adapter);
  await import('@tensorflow/tfjs'); // the gradients of tfjs's own ops
  return openBackend({ backend, wasmPaths: wasmFolder(), findFault: () => findDisagreement(DECODER_CHECK) });
}

function describeCpu(): string {
  return `wasm, one thread, ${cpus()[0]?.model.trim() ?? 'unknown CPU'}`;
}

function wasmFolder(): string {
  const file = '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm';
  return `${dirname(createRequire(import.meta.url).resolve(file))}/`;
}

async function provideGpu(adapter: string | undefined): Promise<void> {
  // The Vulkan loader reads the variable when the first adapter is requested.
  if (adapter !== undefined) process.env['VK_ICD_FILENAMES'] = DRIVERS[adapter] ?? adapter;
  process.env['XDG_RUNTIME_DIR'] ??= '/tmp';
  const { create, globals } = await import('webgpu');
  pollPatiently(); // for all peers: otherwise polling takes a core from a software adapter
  Object.assign(globalThis, globals);
  // jax-js reads the user agent to tune its kernels.
  const navigator = { gpu: create([]), userAgent: 'node' };
  Object.defineProperty(globalThis, 'navigator', { value: navigator, configurable: true });
}
