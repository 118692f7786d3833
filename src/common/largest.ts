/**
 * The largest of any number of values, because `Math.max(...values)` is limited by the engine's number of arguments.
 */

/** The largest value; `-Infinity` if there are none, NaN if one is NaN. */
export function largest(values: Iterable<number>): number {
  let most = -Infinity;
  for (const value of values) most = Math.max(most, value);
  return most;
}
