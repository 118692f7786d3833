/**
 * Comparison of arrays with a stated tolerance and a message that says where they differ most.
 */
import { expect } from 'vitest';

/** Values agree if |got - expected| <= absolute + relative * |expected|. */
export interface Tolerance {
  readonly absolute: number;
  /** Default 0. */
  readonly relative?: number;
}

/** Expects two arrays to agree element by element; a value that is not finite never agrees. */
export function expectClose(
  got: ArrayLike<number>,
  expected: ArrayLike<number>,
  tolerance: Tolerance,
  what = 'values',
): void {
  expect(got.length, `number of ${what}`).toBe(expected.length);
  const { absolute, relative = 0 } = tolerance;
  let worst = { index: -1, excess: 0, error: 0 };
  for (let i = 0; i < expected.length; i++) {
    const [g, e] = [got[i] ?? NaN, expected[i] ?? NaN];
    const error = Math.abs(g - e);
    const excess = error === 0 ? 0 : error / (absolute + relative * Math.abs(e));
    if (!(excess <= worst.excess)) worst = { index: i, excess, error };
    if (Number.isNaN(excess)) break;
  }
  const { index, excess, error } = worst;
  const place = `${what}: index ${index}, got ${String(got[index])}, expected ${String(expected[index])}, error ${error}`;
  expect(excess <= 1, `${place}, ${excess.toFixed(2)} times the tolerance`).toBe(true);
}

/** The largest |got - expected|; NaN if any difference is. For reporting how much of a tolerance is used. */
export function maxError(got: ArrayLike<number>, expected: ArrayLike<number>): number {
  let worst = 0;
  for (let i = 0; i < expected.length; i++) worst = Math.max(worst, Math.abs((got[i] ?? NaN) - (expected[i] ?? NaN)));
  return worst;
}
