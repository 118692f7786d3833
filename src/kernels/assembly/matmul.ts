/** Products as ops call them: dense matrices, with bias, residual or gate added before they leave the cache. */
import { A_TURNED, B_TURNED, product } from './product';
import { add, swiGluForward } from './rows';
import { FLOAT } from './simd';

/**
 * `c = a b (+ bias) (+ residual)`, `[M,N]`; with a gate also `gated = silu(gate) c`.
 *
 * @param turned - 0 `a [M,K]`, `b [K,N]`; 1 `b [N,K]`; 2 `a [K,M]`
 * @param bias - `[N]` or 0
 * @param residual - `[M,N]` or 0, as gate and gated
 */
export function matmul(
  a: usize,
  b: usize,
  bias: usize,
  residual: usize,
  gate: usize,
  c: usize,
  gated: usize,
  M: usize,
  N: usize,
  K: usize,
  turned: u32,
  scratch: usize,
): void {
  const aBytes = FLOAT * (turned == A_TURNED ? M : K);
  const bBytes = FLOAT * (turned == B_TURNED ? K : N);
  const cBytes = FLOAT * N;
  product(a, aBytes, b, bBytes, c, cBytes, M, N, K, turned, false, scratch);
  if (bias != 0) for (let m: usize = 0; m < M; m++) add(c + m * cBytes, bias, c + m * cBytes, N);
  if (residual != 0) add(c, residual, c, M * N);
  if (gate != 0) swiGluForward(gate, c, gated, M * N);
}
