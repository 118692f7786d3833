/** E0 holds, and would fail otherwise. */
import { describe, expect, it } from 'vitest';
import { runE0 } from '../../../src/studies/theory.ts';

describe('E0', () => {
  it('finds every check in agreement with the analytic result, deterministically', () => {
    const report = runE0('abc');
    expect(report.checks.filter(({ holds }) => !holds)).toEqual([]);
    expect(report.holds).toBe(true);
    expect(report.checks.length).toBeGreaterThan(15);
    expect(runE0('abc')).toEqual(report);
    for (const { name, expected, got, tolerance } of report.checks) {
      expect(Math.abs(expected - got), name).toBeLessThanOrEqual(tolerance);
      expect(tolerance, name).toBeLessThan(0.01);
    }
  });
});
