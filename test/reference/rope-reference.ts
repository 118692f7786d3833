/**
 * Rotary position embedding in the convention of Hugging Face's checkpoints ("rotate half"): dimension i is paired
 * with dimension i + D/2. Checkpoints that pair neighbours instead (2i, 2i + 1) hold permuted projection rows.
 */
import { at, axisOf, rowsOf, tensor64, type Tensor64 } from './tensor64.ts';

/**
 * Rotates the pair (x_i, x_{i + D/2}) at position p by the angle p * theta^(-2i/D) (arXiv 2104.09864).
 *
 * @param x - [..., T, D], D even
 * @param positions - one position per t in [0, T); `0..T-1` for a sequence that starts at its beginning.
 */
export function ropeReference(x: Tensor64, positions: readonly number[], theta: number): Tensor64 {
  const T = axisOf(x, -2);
  const half = axisOf(x, -1) / 2;
  const y = tensor64(x.shape, x.data);
  for (const [n, row] of rowsOf(y).entries()) {
    const position = at(positions, n % T);
    for (let i = 0; i < half; i++) {
      const angle = position * theta ** (-i / half);
      const first = at(row, i);
      const second = at(row, i + half);
      row[i] = first * Math.cos(angle) - second * Math.sin(angle);
      row[i + half] = second * Math.cos(angle) + first * Math.sin(angle);
    }
  }
  return y;
}
