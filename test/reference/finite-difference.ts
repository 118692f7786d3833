/**
 * Gradients by central differences: the oracle that needs no calculus, only the function itself.
 */
import { at } from './tensor64.ts';

/**
 * The gradient of `f` at `x`, element by element: (f(x + eps e_i) - f(x - eps e_i)) / (2 eps).
 *
 * In double precision the error is about eps^2 f''' / 6 plus 1e-16 |f| / eps; the default eps of 1e-5 balances the two
 * near 1e-10 for functions of order one.
 *
 * @param f - a smooth function; it is given one array, changed between calls, and must not keep it.
 * @param indices - which elements to differentiate by; all by default. The others are NaN in the result, so that a
 * comparison with an element that was never computed fails.
 */
export function finiteDifference(
  f: (x: Float64Array) => number,
  x: ArrayLike<number>,
  eps = 1e-5,
  indices: Iterable<number> = Array.from({ length: x.length }, (_, i) => i),
): Float64Array {
  const probe = Float64Array.from(x);
  const gradient = new Float64Array(x.length).fill(NaN);
  for (const i of indices) {
    const centre = at(probe, i);
    probe[i] = centre + eps;
    const above = f(probe);
    probe[i] = centre - eps;
    const below = f(probe);
    probe[i] = centre;
    gradient[i] = (above - below) / (2 * eps);
  }
  return gradient;
}
