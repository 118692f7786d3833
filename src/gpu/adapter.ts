/**
 * The GPU that the browser offers: whether there is one, whether it is real hardware, and its name.
 */

/** A usable GPU, or why there is none. */
export type FoundGpu = { readonly found: true } | { readonly found: false; readonly why: string };

/** Looks for a hardware GPU, as opposed to software emulation. */
export async function findHardwareGpu(): Promise<FoundGpu> {
  const gpu = (globalThis.navigator as Navigator | undefined)?.gpu;
  if (gpu === undefined) {
    const insecure = 'isSecureContext' in globalThis && !globalThis.isSecureContext;
    return { found: false, why: insecure ? 'WebGPU needs https or localhost' : 'this browser has no WebGPU' };
  }
  const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
  if (adapter === null) return { found: false, why: 'WebGPU finds no GPU' };
  if (isSoftware(adapter.info)) return { found: false, why: 'the GPU is emulated in software, which is slower' };
  return { found: true };
}

/** The display name of the GPU. */
export async function describeAdapter(): Promise<string> {
  const info = (await navigator.gpu.requestAdapter({ powerPreference: 'high-performance' }))?.info;
  if (info === undefined) return 'unknown GPU';
  const name = info.description || info.device || info.architecture || 'GPU';
  return `${name}${info.vendor === '' ? '' : ` (${info.vendor})`}`;
}

/** Whether an adapter emulates a GPU. Not every such driver says so itself, so the names of known ones are checked too. */
export function isSoftware(info: GPUAdapterInfo): boolean {
  const text = `${info.vendor} ${info.architecture} ${info.device} ${info.description}`;
  return info.isFallbackAdapter || /swiftshader|llvmpipe|lavapipe|basic render|software/i.test(text);
}
