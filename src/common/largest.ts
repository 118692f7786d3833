/**
 * The largest of any number of values. `Math.max(...values)` takes no more of them than the engine takes arguments.
 */

/** The largest value; `-Infinity` of none, NaN if one is NaN. */
export function largest(values: Iterable<number>): number {
  let most = -Infinity;
  for (const value of values) most = Math.max(most, value);
  return most;
}
