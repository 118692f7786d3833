/**
 * Measured values as people read them. English number format throughout, as is the rest of the page.
 */

/** A share as a percentage: "78 %", "0.4 %", "< 0.1 %". */
export function formatPercent(share: number): string {
  const percent = share * 100;
  if (percent > 0 && percent < 0.1) return '< 0.1 %';
  // Never round up to certainty.
  if (percent > 99.9 && percent < 100) return '> 99.9 %';
  return `${percent.toFixed(percent < 10 || percent > 99 ? 1 : 0)} %`;
}

/** A duration in milliseconds: "4.2 ms", "130 ms", "2.4 s". */
export function formatDuration(ms: number): string {
  if (ms >= 1000) return `${(ms / 1000).toFixed(1)} s`;
  return `${ms < 10 ? ms.toFixed(1) : ms.toFixed(0)} ms`;
}

/** A number of bytes: "640 kB", "1.2 MB". */
export function formatBytes(bytes: number): string {
  if (bytes < 1e6) return `${Math.ceil(bytes / 1e3)} kB`;
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

/** A count of parameters: "0.13 M", "5.4 M", "1.2 B". */
export function formatParameters(count: number): string {
  if (count >= 1e9) return `${(count / 1e9).toFixed(1)} B`;
  return `${(count / 1e6).toFixed(count < 1e6 ? 2 : 1)} M`;
}

/** The name of a backend as its makers write it. */
export function backendName(backend: 'webgpu' | 'wasm' | 'cpu'): string {
  return { webgpu: 'WebGPU', wasm: 'WebAssembly', cpu: 'JavaScript' }[backend];
}
