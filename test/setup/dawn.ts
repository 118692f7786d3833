/**
 * WebGPU in Node for the `gpu` tests, by Dawn (npm `webgpu`). Tests wrap themselves in `describeGpu`, which skips them
 * where no driver was found (the set-up has printed why), and call `openGpu()` before their first use of a device:
 *
 *     describeGpu('rms norm on WebGPU', () => {
 *       beforeAll(openGpu);
 */
import { create, globals } from 'webgpu';
import { describe, inject } from 'vitest';
import type { DeviceKind } from '../reference/backends.ts';

/** Where kernels are tried in all their forms, which software adapters take seconds each to compile. */
export const DEVICES: readonly DeviceKind[] = inject('isWhole') ? ['full', 'least'] : ['full'];

/** `describe` where WebGPU can run, `describe.skip` elsewhere. */
export const describeGpu = describe.skipIf(inject('vulkanDriver') === null);

/**
 * Puts `navigator.gpu` and the WebGPU constants on the global object, as a browser has them; once per process.
 *
 * The driver is chosen by an environment variable that the Vulkan loader reads natively, so this must run in a forked
 * process (the `gpu` project does), not in a thread.
 */
export function openGpu(): GPU {
  const opened: GPU | undefined = globalThis.navigator?.gpu;
  if (opened !== undefined) return opened;
  const driver = inject('vulkanDriver');
  if (driver !== null && driver !== '') process.env['VK_ICD_FILENAMES'] = driver;
  process.env['XDG_RUNTIME_DIR'] ??= inject('runtimeFolder');
  const gpu = create([]);
  Object.assign(globalThis, globals);
  Object.defineProperty(globalThis, 'navigator', { value: { gpu, userAgent: 'node' }, configurable: true });
  return gpu;
}
