/**
 * Seeded test data.
 */
import { Rng } from '../../src/common/rng.ts';
import { tensor64, type Tensor64 } from './tensor64.ts';

/**
 * A tensor of standard normal values, rounded to float32 so that both sides of a comparison start from the same
 * numbers.
 */
export function randomTensor64(shape: readonly number[], seed: number | string, scale = 1): Tensor64 {
  const rng = new Rng(seed);
  const { data } = tensor64(shape);
  return { shape, data: data.map(() => Math.fround(scale * rng.normal())) };
}
