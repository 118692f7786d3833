import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type BandPoint, columnsOf, extentWith, placedLabels } from '../../../../../src/ui/parts/charts/chart-data.ts';

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

describe('placedLabels', () => {
  const label = fc.record({ middle: fc.integer({ min: -50, max: 250 }), height: fc.integer({ min: 8, max: 30 }) });

  it('covers no label with another, keeps the order of the lines, and stays within the room if there is enough', () => {
    fc.assert(
      fc.property(fc.array(label, { maxLength: 6 }), (labels) => {
        const tops = placedLabels(labels, 200);
        const order = labels.map((_, i) => i).toSorted((a, b) => (labels[a]?.middle ?? 0) - (labels[b]?.middle ?? 0));
        let end = 0;
        for (const i of order) {
          expect(tops[i]).toBeGreaterThanOrEqual(end);
          end = (tops[i] ?? 0) + (labels[i]?.height ?? 0);
        }
        expect(end).toBeLessThanOrEqual(200);
      }),
    );
  });

  it('leaves labels beside their lines where they do not meet', () => {
    expect(placedLabels([{ middle: 150, height: 20 }, { middle: 50, height: 10 }], 200)).toEqual([140, 45]); // prettier-ignore
    expect(placedLabels([{ middle: 50, height: 20 }, { middle: 55, height: 20 }], 200)).toEqual([40, 60]); // prettier-ignore
  });
});

describe('extentWith', () => {
  const band = (...pairs: [number, number][]): BandPoint[] => pairs.map(([low, high], step) => ({ step, low, high }));

  it('has curves and bands in it, as far as they can be drawn', () => {
    expect(extentWith(0.4, 0.6, [])).toEqual([0.4, 0.6]);
    expect(extentWith(0.4, 0.6, [band([0.35, 0.65]), band([0.5, 0.7])])).toEqual([0.35, 0.7]);
    expect(extentWith(0.4, 0.6, [band([-Infinity, Infinity])])).toEqual([0.4, 0.6]);
  });
});
