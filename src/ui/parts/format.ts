/**
 * Measured values as readable text, in English number format.
 */

/** A share as a percentage: "78 %", "0.4 %", "< 0.1 %". */
export function formatPercent(share: number): string {
  const percent = share * 100;
  if (percent > 0 && percent < 0.1) return '< 0.1 %';
  // Never rounds up to certainty.
  if (percent > 99.9 && percent < 100) return '> 99.9 %';
  return `${percent.toFixed(percent < 10 || percent > 99 ? 1 : 0)} %`;
}

/** A share as a percentage without decimals, for scales and progress: "78 %". */
export function wholePercent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

/** A duration in milliseconds: "4.2 ms", "130 ms", "2.4 s". */
export function formatDuration(ms: number): string {
  if (ms >= 1000) return `${(ms / 1000).toFixed(1)} s`;
  return `${ms < 10 ? ms.toFixed(1) : ms.toFixed(0)} ms`;
}

/** A number of bytes: "640 kB", "1.2 MB", "148 MB", "2.1 GB". */
export function formatBytes(bytes: number): string {
  if (bytes < 1e6) return `${Math.ceil(bytes / 1e3)} kB`;
  if (bytes < 1e9) return `${(bytes / 1e6).toFixed(bytes < 1e8 ? 1 : 0)} MB`;
  return `${(bytes / 1e9).toFixed(1)} GB`;
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

/** A waiting time, no finer than useful: "8 s", "40 s", "3 min", "1 h 20 min". */
export function formatSpan(seconds: number): string {
  if (seconds < 90) return `${Math.max(1, Math.round(seconds))} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 90) return `${minutes} min`;
  // From here on in steps of five minutes.
  const rounded = Math.round(minutes / 5) * 5;
  const [hours, rest] = [Math.floor(rounded / 60), rounded % 60];
  return rest === 0 ? `${hours} h` : `${hours} h ${rest} min`;
}

/** A count with thousands separators: "1,240". */
export function formatCount(count: number): string {
  // Avoids "-0".
  return (Math.round(count) + 0).toLocaleString('en');
}

/** A difference with its sign, to three decimals: "+0.037". */
export function formatDifference(value: number): string {
  return formatSigned(value, 3);
}

/** A number with its sign: "+0.04", "\u22120.12". */
export function formatSigned(value: number, decimals: number): string {
  return `${value < 0 ? '\u2212' : '+'}${Math.abs(value).toFixed(decimals)}`;
}

/** "0.41" */
export function twoDecimals(value: number): string {
  return value.toFixed(2);
}

/** A loss in nats: "4.87", "0.412". */
export function formatNats(nats: number): string {
  return nats.toFixed(nats < 1 ? 3 : 2);
}

/** A date and time: "24 Nov, 07:21". */
export function formatTime(msSince1970: number): string {
  if (Number.isNaN(new Date(msSince1970).getTime())) return 'at an unknown time';
  const options = { day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' } as const;
  return new Intl.DateTimeFormat('en-GB', options).format(msSince1970);
}
