/**
 * Equality of the weights of two models, bit by bit.
 */
import { expect } from 'vitest';

/** Weights by name, as a run saves them. */
type SavedWeights = ReadonlyMap<string, { readonly data: Float32Array }>;

/** Expects the same names, at least one, and the same bits under each. */
export function expectSameWeights(got: SavedWeights, expected: SavedWeights): void {
  expect(expected.size).toBeGreaterThan(0);
  expect([...got.keys()]).toEqual([...expected.keys()]);
  for (const [name, { data }] of expected) expect(bitsOf(got.get(name)?.data), name).toEqual(bitsOf(data));
}

function bitsOf(data: Float32Array | undefined): Int32Array {
  return new Int32Array(Float32Array.from(data ?? []).buffer);
}
