/**
 * The gated activation of Llama-like feed-forward layers, in double precision.
 */
import { zipWith, type Tensor64 } from './tensor64.ts';

/** silu(gate) * up, element by element, with silu(x) = x / (1 + e^-x) (arXiv 2002.05202). */
export function swiGluReference(gate: Tensor64, up: Tensor64): Tensor64 {
  return zipWith(gate, up, (g, u) => (g / (1 + Math.exp(-g))) * u);
}
