import { describe, expect, it } from 'vitest';
import { withGapClosed } from '../../../src/studies/gap-closed.ts';
import type { ExperimentResults, SeedResult } from '../../../src/protocol/experiment-results.ts';

function seed(number: number, accuracy: number | null): SeedResult {
  return { seed: number, metrics: { accuracy }, curve: [], tokens: { generated: 0, learned: 0, expert: 0 } };
}

const ARMS: ExperimentResults['arms'] = [
  { name: 'teacher', seeds: [seed(1, 0.9), seed(2, 0.9), seed(3, 0.9)] },
  { name: 'alone', seeds: [seed(1, 0.5), seed(2, 0.7), seed(3, 0.895)] },
  { name: 'taught', seeds: [seed(1, 0.7), seed(2, 0.65), seed(3, 0.9), seed(4, 0.9)] },
  { name: 'unmeasured', seeds: [seed(1, null)] },
];

const gaps = (arms: ExperimentResults['arms'], name: string): unknown[] =>
  arms.find((arm) => arm.name === name)?.seeds.map(({ metrics }) => metrics.gapClosed) ?? [];

describe('withGapClosed', () => {
  const arms = withGapClosed(ARMS, { floor: 'alone', ceiling: 'teacher' });

  it('is the share of the gap, for the same seed; below 0 for a student that got worse', () => {
    expect(gaps(arms, 'taught').slice(0, 2)).toEqual([0.5, -0.25]);
    expect(gaps(arms, 'alone').slice(0, 2)).toEqual([0, 0]);
    expect(gaps(arms, 'teacher').slice(0, 2)).toEqual([1, 1]);
  });

  it('is absent without a gap, a floor of that seed, or an accuracy', () => {
    expect(gaps(arms, 'taught').slice(2)).toEqual([undefined, undefined]);
    expect(gaps(arms, 'unmeasured')).toEqual([undefined]);
    expect(withGapClosed(ARMS, { floor: 'alone', ceiling: 'nobody' })).toEqual(ARMS);
  });
});
