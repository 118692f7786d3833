/** The time that a run has computed, by a simulated clock. */
import { describe, expect, it } from 'vitest';
import { ActiveTime } from '../../../src/runs/active-time.ts';

const HOUR_MS = 3_600_000;

/** Steps of given lengths, in milliseconds, with a wait of a second between them. */
function worked(stepsMs: readonly number[]): { readonly total: number | null; readonly marks: (number | undefined)[] } {
  let ms = 1e6;
  const time = new ActiveTime(() => ms);
  for (const [i, stepMs] of stepsMs.entries()) {
    time.go();
    ms += stepMs;
    time.mark(i + 1);
    time.halt();
    ms += 1000;
  }
  const curve = stepsMs.map((_, i) => ({ step: i + 1, measures: {} }));
  return { total: time.total(), marks: time.marked(curve).map(({ activeMs }) => activeMs) };
}

describe('the active time', () => {
  it('is that of steps, without waits', () => {
    expect(worked([100, 200, 300])).toEqual({ total: 600, marks: [100, 300, 600] });
  });

  it.each([
    ['a night in standby', 8 * HOUR_MS],
    ['a frozen tab', 6 * 60_000],
  ])('is not misled by %s in the middle of a step', (_, jumpMs) => {
    const usual = Array.from({ length: 12 }, () => 100);
    const { total, marks } = worked([...usual, 100 + jumpMs, ...usual]);
    expect(total).toBe(2500);
    expect(marks.at(-1)).toBe(2500);
    expect(marks[12]).toBe(1300);
  });

  it('is not misled by a clock that is set back', () => {
    expect(worked([100, -HOUR_MS, 100]).total).toBe(200);
  });

  it('counts steps that are slow without being asleep, and a run that is slow from its start', () => {
    expect(worked([60_000, 60_000, 10 * 60_000, 60_000]).total).toBe(13 * 60_000);
    expect(worked([HOUR_MS, HOUR_MS]).total).toBe(2 * HOUR_MS);
    expect(worked([100, 100, 100, 60_000]).total).toBe(60_300);
  });

  it('counts a lasting change after a while', () => {
    const { total } = worked([...Array.from({ length: 9 }, () => 100), ...Array.from({ length: 9 }, () => 6 * 60_000)]);
    expect(total).toBeGreaterThan(4 * 6 * 60_000);
  });

  it('shows a jump in a step that has not ended as usual time', () => {
    let ms = 0;
    const time = new ActiveTime(() => ms);
    time.go();
    ms += 100;
    time.halt();
    time.go();
    ms += HOUR_MS;
    expect(time.total()).toBe(200);
  });
});
