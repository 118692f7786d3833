/** One op of each kind, for timing the kernels on a device (gpu/calibration.ts). */
import type { KernelOps } from '../gpu/calibration.ts';
import { causalAttention } from './attention.ts';
import { linear } from './linear.ts';
import { rmsNorm } from './rms-norm.ts';
import { swiGlu } from './swiglu.ts';

export const TIMED_OPS: KernelOps = {
  product: (x, weight) => linear(x, weight),
  attention: (heads) => causalAttention(heads, heads, heads),
  norm: (x, gain) => rmsNorm(x, gain, 1e-6),
  gate: swiGlu,
};
