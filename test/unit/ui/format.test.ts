/** Measured values in words, at the edges where rounding could mislead. */
import { describe, expect, it } from 'vitest';
import { formatBytes, formatDuration, formatParameters, formatPercent } from '../../../src/ui/format.ts';
import { routeOf } from '../../../src/ui/routes.ts';

describe('formats', () => {
  it.each([
    [0, '0.0 %'],
    [0.0004, '< 0.1 %'],
    [0.0123, '1.2 %'],
    [0.784, '78 %'],
    [0.9962, '99.6 %'],
    [0.99996, '> 99.9 %'],
    [1, '100.0 %'],
  ])('share %d is %s', (share, text) => {
    expect(formatPercent(share)).toBe(text);
  });

  it('durations, bytes and parameters carry their unit', () => {
    expect([4.23, 61.2, 2350].map(formatDuration)).toEqual(['4.2 ms', '61 ms', '2.4 s']);
    expect([1, 640_000, 1_250_000].map(formatBytes)).toEqual(['1 kB', '640 kB', '1.3 MB']);
    expect([131_840, 5_400_000, 1.2e9].map(formatParameters)).toEqual(['0.13 M', '5.4 M', '1.2 B']);
  });
});

describe('routes', () => {
  it('an unknown address is the first view', () => {
    expect(['#/score', '#score', '', '#/nowhere'].map(routeOf)).toEqual(['score', 'score', 'score', 'score']);
  });
});
