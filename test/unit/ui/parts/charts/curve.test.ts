/** Curves stay small however long a run is, and correct: every value contributes to a mean, and steps stay ordered. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { columnsOf, valueAt } from '../../../../../src/ui/parts/charts/chart-data.ts';
import { addPoint, type Curve, cutAfter, EMPTY_CURVE, MAX_POINTS } from '../../../../../src/ui/parts/charts/curve.ts';

const curveOf = (values: readonly number[], every = 1): Curve =>
  values.reduce((curve, value, index) => addPoint(curve, (index + 1) * every, value), EMPTY_CURVE);

describe('a curve', () => {
  it('keeps every point while they fit', () => {
    expect(curveOf([3, 2, 1], 10).points).toEqual([
      { step: 10, value: 3, count: 1 },
      { step: 20, value: 2, count: 1 },
      { step: 30, value: 1, count: 1 },
    ]);
  });

  it('averages two values of one step', () => {
    expect(addPoint(addPoint(EMPTY_CURVE, 5, 1), 5, 3).points).toEqual([{ step: 5, value: 2, count: 2 }]);
  });

  it('never has more points than fit, preserves the mean of all values, and has buckets of equal width', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 4 * MAX_POINTS }), fc.integer({ min: 1, max: 7 }), (length, every) => {
        const values = Array.from({ length }, (_, index) => Math.sin(index) + index / 100);
        const { points, bucketSteps } = curveOf(values, every);
        expect(points.length).toBeLessThanOrEqual(MAX_POINTS);
        expect(points.reduce((sum, { count }) => sum + count, 0)).toBe(length);
        const sum = points.reduce((total, { value, count }) => total + value * count, 0);
        expect(sum).toBeCloseTo(
          values.reduce((total, value) => total + value, 0),
          3,
        );
        const buckets = points.map(({ step }) => Math.floor(step / bucketSteps));
        expect(new Set(buckets).size).toBe(points.length);
        expect(points.map(({ step }) => step)).toEqual(points.map(({ step }) => step).toSorted((a, b) => a - b));
        expect(points.at(-1)?.step).toBe(length * every);
      }),
      { numRuns: 20 },
    );
  });

  it('is cut after a step, which it keeps', () => {
    expect(cutAfter(curveOf([1, 2, 3], 10), 20).points.map(({ step }) => step)).toEqual([10, 20]);
  });
});

describe('columns', () => {
  it('align curves by step, with gaps where one has no point', () => {
    expect(columnsOf([curveOf([5, 4, 3, 2], 5), curveOf([9, 8], 10)])).toEqual([
      [5, 10, 15, 20],
      [5, 4, 3, 2],
      [null, 9, null, 8],
    ]);
    expect(columnsOf([EMPTY_CURVE])).toEqual([[], []]);
  });

  it('give the value at a step or at the last one before it', () => {
    const curve = curveOf([9, 8], 10);
    expect([5, 10, 19, 20, 99].map((step) => valueAt(curve, step))).toEqual([undefined, 9, 9, 8, 8]);
  });
});
