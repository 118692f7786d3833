/**
 * The sampler of the CPU: its statistics over many rows with a fixed seed, and its limits.
 */
import { describe, expect, it } from 'vitest';
import { Rng } from '../../../src/common/rng.ts';
import { checkSampler, GREEDY, sampleToken, type SamplerConfig } from '../../../src/infer/sampler.ts';
import { at } from '../../reference/tensor64.ts';

const LOGITS = Float32Array.of(0.5, 2, -1, 1.5, 0, -3, 1, 2);
const DRAWS = 4000;
/** The 99.9 % quantiles of chi-square with n - 1 degrees of freedom, by n. */
const LARGEST_CHI_SQUARE: Readonly<Record<number, number>> = { 2: 10.83, 3: 13.82, 4: 16.27, 8: 24.32 };

function countDraws(sampler: SamplerConfig): number[] {
  const counts = Array.from(LOGITS, () => 0);
  for (let row = 0; row < DRAWS; row++) {
    const { id } = sampleToken(LOGITS, sampler, row, row % 7);
    counts[id] = at(counts, id) + 1;
  }
  return counts;
}

/** Expects draws to be from the softmax at a temperature over some tokens. */
function expectSoftmax(counts: readonly number[], kept: readonly number[], temperature: number): void {
  const weights = kept.map((id) => Math.exp(at(LOGITS, id) / temperature));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const chiSquare = kept.reduce((sum, id, i) => {
    const expected = (DRAWS * at(weights, i)) / total;
    return sum + (at(counts, id) - expected) ** 2 / expected;
  }, 0);
  expect(kept.reduce((sum, id) => sum + at(counts, id), 0)).toBe(DRAWS);
  expect(chiSquare).toBeLessThan(LARGEST_CHI_SQUARE[kept.length] ?? NaN);
}

const ALL = [0, 1, 2, 3, 4, 5, 6, 7];

describe('the sampler', () => {
  it.each([1, 0.5, 2])('draws from the softmax at temperature %d', (temperature) => {
    expectSoftmax(countDraws({ temperature, seed: 11 }), ALL, temperature);
  });

  it('draws from the k most likely tokens, of equal ones those of lower id', () => {
    expectSoftmax(countDraws({ temperature: 1, seed: 12, topK: 3 }), [1, 7, 3], 1);
    expectSoftmax(countDraws({ temperature: 2, seed: 13, topK: 2 }), [1, 7], 2);
  });

  it('draws from the fewest tokens whose mass is p, at the temperature and after top-k', () => {
    // Of all at temperature 1 the shares are .31, .31, .19, .11 and less: the third passes .7, at temperature 2 the
    // fourth.
    expectSoftmax(countDraws({ temperature: 1, seed: 14, topP: 0.7 }), [1, 7, 3], 1);
    expectSoftmax(countDraws({ temperature: 2, seed: 15, topP: 0.7 }), [1, 7, 3, 6], 2);
    // Of the first three the shares are .38, .38 and .23.
    expectSoftmax(countDraws({ temperature: 1, seed: 16, topK: 3, topP: 0.7 }), [1, 7], 1);
  });

  it('takes the most likely token with top-k 1, next to no mass or temperature 0', () => {
    for (let position = 0; position < 50; position++) {
      const greedy = sampleToken(LOGITS, GREEDY, 3, position);
      expect(greedy.id).toBe(1);
      expect(sampleToken(LOGITS, { temperature: 1, seed: 1, topK: 1 }, 3, position)).toEqual(greedy);
      expect(sampleToken(LOGITS, { temperature: 1, seed: 1, topP: 1e-6 }, 3, position)).toEqual(greedy);
    }
  });

  it('draws the same with top-p 1 and top-k V as without, and by inverting the distribution in the order of ids', () => {
    const weights = Array.from(LOGITS, (logit) => Math.exp(logit));
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    for (let row = 0; row < 200; row++) {
      const plain = sampleToken(LOGITS, { temperature: 1, seed: 5 }, row, 2);
      expect(sampleToken(LOGITS, { temperature: 1, seed: 5, topK: LOGITS.length, topP: 1 }, row, 2)).toEqual(plain);
      let remaining = new Rng(`5/${row}/2`).next() * total;
      expect(plain.id).toBe(weights.findIndex((weight) => (remaining -= weight) < 0));
      expect(plain.logProb).toBeCloseTo(Math.log(at(weights, plain.id) / total), 12);
    }
  });

  it('refuses settings that mean nothing', () => {
    for (const bad of [{ temperature: -1 }, { topK: 0 }, { topP: 0 }, { topP: 1.5 }]) {
      expect(() => checkSampler({ temperature: 1, seed: 0, ...bad })).toThrow(/top-p above 0/);
    }
  });
});
