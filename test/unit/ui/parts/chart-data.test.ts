import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { columnsOf } from '../../../../src/ui/parts/chart-data.ts';

const anyNumber = fc.oneof(fc.double(), fc.integer({ min: 0, max: 50 }), fc.constantFrom(-0, 1e308, -1e308, Infinity));
const anyCurve = fc
  .array(fc.record({ step: anyNumber, value: anyNumber, count: fc.constant(1) }), { maxLength: 30 })
  .map((points) => ({ bucketSteps: 1, points }));

describe('columnsOf', () => {
  it('gives columns of equal length, ordered steps, and drawable numbers, for any curves', () => {
    fc.assert(
      fc.property(fc.array(anyCurve, { maxLength: 4 }), (curves) => {
        const [steps, ...columns] = columnsOf(curves);
        expect(columns).toHaveLength(curves.length);
        for (const [i, step] of steps.entries()) expect(step).toBeGreaterThan(steps[i - 1] ?? -Infinity);
        for (const column of [steps, ...columns]) {
          expect(column).toHaveLength(steps.length);
          for (const value of column) expect(Math.abs(value ?? 0)).toBeLessThanOrEqual(1e15);
        }
      }),
    );
  });

  it('has each drawable point once, with its last value', () => {
    const points = [2, 1, 2].map((step, value) => ({ step, value, count: 1 }));
    expect(columnsOf([{ bucketSteps: 1, points }])).toEqual([
      [1, 2],
      [1, 2],
    ]);
  });
});
