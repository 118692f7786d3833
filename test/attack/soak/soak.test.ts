/** The soak tells what grows from what does not, and in a short run nothing does. */
import { expect, it } from 'vitest';
import { Rng } from '../../../src/common/rng.ts';
import { type Sample, slopesOf } from './slopes.ts';

const NOISE = 0.01;

function samples(valueAt: (minute: number) => number): Sample[] {
  const rng = new Rng(1);
  return Array.from({ length: 60 }, (_, i) => ({
    minutes: i / 6,
    answers: i * 50,
    steps: i,
    values: { held: valueAt(i / 6) * (1 + NOISE * (rng.next() - 0.5)) },
  }));
}

it.each<[string, boolean, (minute: number) => number]>([
  ['a constant', false, () => 1e8],
  ['what grows in the warm-up only', false, (minute) => 1e8 * Math.min(1, 0.5 + minute / 4)],
  ['what rises and falls', false, (minute) => 1e8 * (1 + 0.2 * Math.sin(minute * 6))],
  ['what shrinks', false, (minute) => 1e8 - 1e6 * minute],
  ['a leak', true, (minute) => 1e8 + 2e6 * minute],
  ['a node a second', true, (minute) => 500 + 60 * minute],
])('%s grows: %s', (_, grows, valueAt) => {
  expect(slopesOf(samples(valueAt)).map((slope) => slope.grows)).toEqual([grows]);
});

it('gives slopes per minute and per thousand answers', () => {
  const [slope] = slopesOf(samples((minute) => 1000 + 300 * minute));
  expect(slope?.perMinute).toBeCloseTo(300, -1);
  expect(slope?.perAnswers).toBeCloseTo(1000, -2);
  expect(slopesOf(samples(() => 1).slice(0, 3))).toEqual([]);
});
