/** The pace of scoring, by a simulated clock. */
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { ScoringPace } from '../../../../src/ui/files/scoring-pace.ts';

beforeEach(() => vi.useFakeTimers({ toFake: ['performance'] }));
afterEach(() => vi.useRealTimers());

it('is that of all batches, and of none before the first', () => {
  const pace = new ScoringPace();
  pace.begin();
  vi.advanceTimersByTime(500);
  expect(pace.msPerPair).toBeUndefined();
  pace.add(100);
  expect(pace.msPerPair).toBe(5);
  vi.advanceTimersByTime(1500);
  pace.add(100);
  expect(pace.msPerPair).toBe(10);
  pace.begin();
  expect(pace.msPerPair).toBeUndefined();
});

it('is not misled by a night in standby', () => {
  const pace = new ScoringPace();
  pace.begin();
  for (let batch = 0; batch < 10; batch++) {
    vi.advanceTimersByTime(batch === 6 ? 8 * 3_600_000 : 1000);
    pace.add(100);
  }
  expect(pace.msPerPair).toBe(10);
});
