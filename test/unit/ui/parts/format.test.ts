/** Measured values as text, at the edges where rounding could mislead. */
import { describe, expect, it } from 'vitest';
import {
  formatBytes,
  formatCount,
  formatDuration,
  formatNats,
  formatParameters,
  formatPercent,
  formatSpan,
  formatTime,
} from '../../../../src/ui/parts/format.ts';

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
    expect([148_400_000, 2_147_483_648].map(formatBytes)).toEqual(['148 MB', '2.1 GB']);
    expect([131_840, 5_400_000, 1.2e9].map(formatParameters)).toEqual(['0.13 M', '5.4 M', '1.2 B']);
  });

  it('waiting times are no finer than useful', () => {
    expect([0, 7.6, 89, 91, 3600].map(formatSpan)).toEqual(['1 s', '8 s', '89 s', '2 min', '60 min']);
    expect([5399, 5700, 7230, 86_400].map(formatSpan)).toEqual(['1 h 30 min', '1 h 35 min', '2 h', '24 h']);
  });

  it('times and counts of any record become text', () => {
    expect([8.64e15, 8.64e15 + 1, 1e308, NaN].map(formatTime).slice(1)).toEqual(
      Array.from({ length: 3 }, () => 'at an unknown time'),
    );
    expect([-0, 1240].map(formatCount)).toEqual(['0', '1,240']);
  });

  it('losses keep three digits', () => {
    expect([4.866, 0.4123].map(formatNats)).toEqual(['4.87', '0.412']);
  });
});
