/**
 * Root-mean-square normalisation, in double precision.
 */
import { at, rowsOf, tensor64, type Tensor64 } from './tensor64.ts';

/**
 * y_c = x_c / sqrt(mean_c(x_c^2) + eps) * w_c over the last axis (arXiv 1910.07467).
 *
 * @param x - [..., C]
 * @param weight - [C]
 */
export function rmsNormReference(x: Tensor64, weight: Tensor64, eps: number): Tensor64 {
  const y = tensor64(x.shape, x.data);
  for (const row of rowsOf(y)) {
    const meanSquare = row.reduce((sum, value) => sum + value * value, 0) / row.length;
    const scale = 1 / Math.sqrt(meanSquare + eps);
    for (const [c, value] of row.entries()) row[c] = value * scale * at(weight.data, c);
  }
  return y;
}
