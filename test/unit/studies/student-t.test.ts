import { describe, expect, it } from 'vitest';
import { meanInterval } from '../../../src/studies/student-t.ts';

describe('meanInterval', () => {
  it('gives the interval of a published example', () => {
    // scipy.stats.t.interval(0.95, 4, loc=mean, scale=sem) of these five values, SciPy 1.14.
    const { n, mean, low, high } = meanInterval([2.1, 2.5, 1.9, 2.8, 2.2]);
    expect(n).toBe(5);
    expect(mean).toBeCloseTo(2.3, 12);
    expect(low).toBeCloseTo(1.861, 3);
    expect(high).toBeCloseTo(2.739, 3);
  });

  it('knows nothing of the spread of one value, and all of equal ones', () => {
    expect(meanInterval([0.4])).toEqual({ n: 1, mean: 0.4, low: -Infinity, high: Infinity });
    expect(meanInterval([2, 2, 2])).toEqual({ n: 3, mean: 2, low: 2, high: 2 });
  });

  it('narrows with more seeds', () => {
    const width = (values: readonly number[]): number => meanInterval(values).high - meanInterval(values).low;
    expect(width([1, 2, 1, 2, 1, 2, 1, 2])).toBeLessThan(width([1, 2, 1, 2]));
  });
});
