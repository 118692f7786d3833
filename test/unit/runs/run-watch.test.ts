/** The rule by which runs of a sweep end early. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bestCheckpoint, bestPoint, endsAt, isExhausted, trainWatched } from '../../../src/runs/run-watch.ts';

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

describe('the checkpoints of a watched run', () => {
  const watch = { metric: 'accuracy', patience: 2 };
  const runAt = (step: number, values: readonly number[]) => {
    return { kind: 'sft' as const, step, steps: 9, settings: { 'sft.checkpointEvery': 2 }, curve: curveOf(values) };
  };

  it('end it where an uninterrupted run has one, not where a stop has made one', () => {
    const values = [0.5, 0.4, 0.4, 0.4, 0.4];
    expect(endsAt(watch, runAt(2, values.slice(0, 2)))).toBe(false);
    expect(endsAt(watch, runAt(3, values.slice(0, 4)))).toBe(false);
    expect(endsAt(watch, runAt(4, values))).toBe(true);
    expect(endsAt(null, runAt(4, values))).toBe(false);
    expect(endsAt(watch, runAt(9, values))).toBe(false); // it has ended by itself
  });

  it('have the best one among them, whatever was measured between them', () => {
    expect(bestCheckpoint(watch, runAt(4, [0.9, 0.8, 0.4, 0.7, 0.5]))).toEqual({ step: 4, value: 0.5 });
    expect(bestCheckpoint(watch, runAt(1, [0.9, 0.8]))).toBeUndefined();
    expect(bestCheckpoint(watch, runAt(9, [0, 0, 0.3, 0, 0.3, 0, 0, 0, 0, 0.6]))).toEqual({ step: 9, value: 0.6 });
  });

  it('are kept before the run ends at one, and a run killed there does not begin again', async () => {
    const kept: number[] = [];
    let begun = 0;
    const run = {
      train: async (onCheckpoint: (step: number) => Promise<void>) => {
        begun += 1;
        for (const step of [2, 4, 6]) await onCheckpoint(step);
        return 'whole';
      },
      keep: (step: number) => Promise.resolve(void kept.push(step)),
      endsAt: (step: number) => step === 4,
      finishedAt: (step: number) => `ended at ${step}`,
    };
    expect(await trainWatched(undefined, run)).toBe('ended at 4');
    expect(kept).toEqual([2, 4]);
    expect(await trainWatched(4, run)).toBe('ended at 4');
    expect(begun).toBe(1);
    expect(await trainWatched(2, { ...run, endsAt: () => false })).toBe('whole');
    const broken = { ...run, train: () => Promise.reject(new Error('broken')) };
    await expect(trainWatched(undefined, broken)).rejects.toThrow('broken');
  });
});
