/** Gaussians fitted to mixtures, against closed forms. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Component,
  density,
  expectation,
  forwardFit,
  forwardKl,
  logDensity,
  reverseFits,
  reverseKl,
} from '../../../src/common/gaussian-mixture.ts';

const component = fc.record({
  weight: fc.double({ min: 0.05, max: 1, noNaN: true }),
  mean: fc.double({ min: -4, max: 4, noNaN: true }),
  sd: fc.double({ min: 0.3, max: 2, noNaN: true }),
});
const mixtures = fc.array(component, { minLength: 1, maxLength: 3 });

describe('a mixture', () => {
  it('has a density that integrates to 1, and a finite log-density far out', () => {
    const mixture: Component[] = [
      { weight: 3, mean: -2, sd: 0.5 },
      { weight: 1, mean: 2, sd: 1 },
    ];
    let total = 0;
    for (let x = -12; x < 12; x += 0.01) total += 0.01 * density(mixture, x);
    expect(total).toBeCloseTo(1, 6);
    expect(logDensity(mixture, 1e3)).toBeCloseTo(Math.log(0.25) - 0.5 * 998 ** 2 - 0.5 * Math.log(2 * Math.PI), 3);
  });

  it('gives the moments of a Gaussian by quadrature', () => {
    const q = { mean: 1.5, sd: 0.4 };
    expect(expectation(q, () => 1)).toBeCloseTo(1, 12);
    expect(expectation(q, (x) => x)).toBeCloseTo(1.5, 12);
    expect(expectation(q, (x) => x ** 4)).toBeCloseTo(1.5 ** 4 + 6 * 1.5 ** 2 * 0.16 + 3 * 0.16 ** 2, 10);
  });
});

describe('the forward fit', () => {
  it('is a minimum of KL(p || q), with divergences that are never negative', () => {
    fc.assert(
      fc.property(mixtures, (mixture) => {
        const { mean, sd, klNats } = forwardFit(mixture);
        expect(klNats).toBeGreaterThan(-1e-9);
        for (const q of [
          { mean: mean + 0.05, sd },
          { mean: mean - 0.05, sd },
          { mean, sd: sd * 1.05 },
          { mean, sd: sd / 1.05 },
        ]) {
          expect(forwardKl(mixture, q)).toBeGreaterThan(klNats);
        }
      }),
      { numRuns: 50 },
    );
  });
});

describe('the reverse fit', () => {
  it('of one Gaussian is that Gaussian', () => {
    const fits = reverseFits([{ weight: 0.2, mean: -1.25, sd: 0.6 }]);
    expect(fits).toHaveLength(1);
    expect(fits[0]?.mean).toBeCloseTo(-1.25, 6);
    expect(fits[0]?.sd).toBeCloseTo(0.6, 6);
    expect(fits[0]?.klNats).toBeCloseTo(0, 9);
  });

  it('of two distant components is either one, at the cost of -log of its weight', () => {
    const fits = reverseFits([
      { weight: 0.6, mean: -6, sd: 0.8 },
      { weight: 0.4, mean: 6, sd: 0.5 },
    ]);
    expect(fits.map(({ mean }) => Math.round(mean * 1e3) / 1e3).slice(0, 2)).toEqual([-6, 6]);
    expect(fits[0]?.sd).toBeCloseTo(0.8, 4);
    expect(fits[0]?.klNats).toBeCloseTo(-Math.log(0.6), 5);
    expect(fits[1]?.klNats).toBeCloseTo(-Math.log(0.4), 5);
  });

  it('of two overlapping components is one in the middle, near the forward fit', () => {
    const mixture = [
      { weight: 1, mean: -0.4, sd: 1 },
      { weight: 1, mean: 0.4, sd: 1 },
    ];
    const fits = reverseFits(mixture);
    expect(fits).toHaveLength(1);
    expect(fits[0]?.mean).toBeCloseTo(0, 6);
    expect(fits[0]?.sd).toBeCloseTo(forwardFit(mixture).sd, 2);
  });

  it('is a minimum of KL(q || p), at least as low as at the forward fit', () => {
    fc.assert(
      fc.property(mixtures, (mixture) => {
        const fits = reverseFits(mixture);
        for (const { mean, sd, klNats } of fits) {
          expect(klNats).toBeGreaterThan(-1e-9);
          for (const [m, s] of [
            [0.02, 1],
            [-0.02, 1],
            [0, 1.02],
            [0, 1 / 1.02],
          ] as const) {
            // prettier-ignore
            expect(reverseKl(mixture, { mean: mean + m, sd: sd * s })).toBeGreaterThan(klNats - 1e-9);
          }
        }
        expect(fits[0]?.klNats).toBeLessThanOrEqual(reverseKl(mixture, forwardFit(mixture)) + 1e-9);
      }),
      { numRuns: 40 },
    );
  });
});
