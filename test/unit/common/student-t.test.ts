import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { meanInterval, studentQuantile } from '../../../src/common/student-t.ts';

/** p, degrees of freedom and scipy.stats.t.ppf(p, df), SciPy 1.17.1. */
const SCIPY_QUANTILES = [
  [0.975, 1, 12.706204736174694],
  [0.975, 2, 4.302652729749462],
  [0.975, 5, 2.5705818356363146],
  [0.975, 20, 2.085963447265864],
  [0.975, 21, 2.0796138447276795],
  [0.975, 25, 2.0595385527532972],
  [0.975, 30, 2.0422724563012378],
  [0.975, 31, 2.039513446396408],
  [0.975, 40, 2.021075390306273],
  [0.975, 60, 2.0002978220142604],
  [0.975, 99, 1.9842169515864174],
  [0.975, 100, 1.9839715185235518],
  [0.975, 499, 1.9647293909876886],
  [0.975, 1000, 1.9623390808264083],
  [0.9, 21, 1.3231878738651728],
  [0.995, 50, 2.677793270940844],
  [0.6, 3, 0.2766706623326898],
  [0.75, 1.5, 0.8725946625415716],
  [0.975, 7.25, 2.348194849105371],
  [0.9995, 2.5, 18.277893528131457],
  [0.999, 120, 3.15953874331711],
] as const;

describe('studentQuantile', () => {
  it.each(SCIPY_QUANTILES)("equals SciPy's for p = %d and %d degrees of freedom", (p, df, expected) => {
    expect(Math.abs(studentQuantile(p, df) / expected - 1)).toBeLessThan(1e-10);
    expect(studentQuantile(1 - p, df)).toBeCloseTo(-expected, 6);
  });

  it('has the closed forms of 1 and 2 degrees of freedom', () => {
    fc.assert(
      fc.property(fc.double({ min: 0.501, max: 0.9999, noNaN: true }), (p) => {
        const [cauchy, two] = [Math.tan(Math.PI * (p - 0.5)), (2 * p - 1) / Math.sqrt(2 * p * (1 - p))];
        expect(Math.abs(studentQuantile(p, 1) / cauchy - 1)).toBeLessThan(1e-9);
        expect(Math.abs(studentQuantile(p, 2) / two - 1)).toBeLessThan(1e-9);
      }),
    );
  });

  it('falls with the degrees of freedom, towards the normal quantile', () => {
    fc.assert(
      fc.property(fc.double({ min: 1, max: 1e6, noNaN: true }), (df) => {
        expect(studentQuantile(0.975, df)).toBeGreaterThan(studentQuantile(0.975, df * 1.01));
        expect(studentQuantile(0.975, df)).toBeGreaterThan(1.959963984);
      }),
    );
    expect(studentQuantile(0.975, 1e7)).toBeCloseTo(1.959964, 6);
  });

  it('is 0 in the middle, and rejects invalid arguments', () => {
    expect(studentQuantile(0.5, 3)).toBeCloseTo(0, 12);
    for (const [p, df] of [
      [0, 3],
      [1, 3],
      [NaN, 3],
      [0.9, 0.5],
      [0.9, Infinity],
    ] as const) {
      expect(() => studentQuantile(p, df)).toThrow(/degree of freedom/);
    }
  });
});

describe('meanInterval', () => {
  it('equals a published example', () => {
    // scipy.stats.t.interval(0.95, 4, loc=mean, scale=sem) of these five values, SciPy 1.14.
    const { n, mean, low, high } = meanInterval([2.1, 2.5, 1.9, 2.8, 2.2]);
    expect(n).toBe(5);
    expect(mean).toBeCloseTo(2.3, 12);
    expect(low).toBeCloseTo(1.861, 3);
    expect(high).toBeCloseTo(2.739, 3);
  });

  it("has the width of Student's t with 40 values, not of a normal distribution", () => {
    const values = Array.from({ length: 40 }, (_, i) => (i % 2 === 0 ? 1 : -1));
    const { high } = meanInterval(values);
    // Standard error sqrt(40 / 39 / 40); scipy.stats.t.ppf(0.975, 39) = 2.022690920036761.
    expect(high).toBeCloseTo(2.022690920036761 / Math.sqrt(39), 9);
  });

  it('is unbounded for one value, and has width 0 for equal ones', () => {
    expect(meanInterval([0.4])).toEqual({ n: 1, mean: 0.4, low: -Infinity, high: Infinity });
    expect(meanInterval([2, 2, 2])).toEqual({ n: 3, mean: 2, low: 2, high: 2 });
  });

  it('narrows with more seeds', () => {
    const width = (values: readonly number[]): number => meanInterval(values).high - meanInterval(values).low;
    expect(width([1, 2, 1, 2, 1, 2, 1, 2])).toBeLessThan(width([1, 2, 1, 2]));
  });
});
