/** The rule by which runs of a sweep end early. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bestPoint, isExhausted } from '../../../src/runs/run-watch.ts';

const curveOf = (values: readonly (number | null)[], metric = 'accuracy') =>
  values.map((value, step) => ({ step, measures: { [metric]: value } }));

describe('a watched run', () => {
  it.each([
    [[0.5, 0.5], 1, true],
    [[0.5, 0.6], 1, false],
    [[0.5, 0.6, 0.6], 1, true],
    [[0.5, 0.6, 0.6], 2, false],
    [[0.5, 0.6, 0.5, 0.55], 2, true],
    [[0.5, 0.6, 0.5, null, null], 2, false], // what was not measured is no measurement
    [[0.5, 0.4, 0.3, 0.2], 0, false],
    [[], 1, false],
  ])('with accuracies %j and patience %i has ended: %s', (values, patience, isEnded) => {
    expect(isExhausted({ metric: 'accuracy', patience }, curveOf(values))).toBe(isEnded);
  });

  it('has its best where no other is better, the first of equals, by the sense of the metric', () => {
    const values = fc.array(fc.oneof(fc.integer({ min: 0, max: 4 }), fc.constant(null)), { minLength: 1 });
    fc.assert(
      fc.property(values, fc.constantFrom('accuracy', 'lossNats'), (drawn, metric) => {
        const numbers = drawn.filter((value) => value !== null);
        const wanted = metric === 'lossNats' ? Math.min(...numbers) : Math.max(...numbers);
        const best = bestPoint({ metric }, curveOf(drawn, metric));
        expect(best).toEqual(numbers.length === 0 ? undefined : { step: drawn.indexOf(wanted), value: wanted });
      }),
    );
  });

  it('ends where a run that was cut there ends, because the rule reads nothing but the curve', () => {
    const values = fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(values, fc.integer({ min: 1, max: 4 }), (drawn, patience) => {
        const endOf = (from: number): number => {
          for (let length = from; length <= drawn.length; length++) {
            if (isExhausted({ metric: 'accuracy', patience }, curveOf(drawn.slice(0, length)))) return length;
          }
          return Infinity;
        };
        const end = endOf(1);
        fc.pre(end < Infinity);
        expect(endOf(end - 1)).toBe(end);
        // No improvement among the last, and one at their beginning.
        const last = drawn.slice(end - patience, end);
        expect(Math.max(...last)).toBeLessThanOrEqual(Math.max(...drawn.slice(0, end - patience)));
      }),
    );
  });
});
