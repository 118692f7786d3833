/** The predicted time of a run grows with everything that the run will do. */
import { describe, expect, it } from 'vitest';
import { MODEL_PRESETS } from '../../../src/config/presets.ts';
import { predictRun, type RunExtras } from '../../../src/sessions/run-backend.ts';

const RATES = {
  by: 'composites',
  flopsPerSec: 4e10,
  batchedFlopsPerSec: 1e10,
  bytesPerSec: 2e10,
  launchMs: 0.003,
} as const;
const SHAPE = { B: 32, T: 64, scoredRows: 512, microBatches: 1 };
const EXTRAS: RunExtras = { evaluateEvery: 100, devPairs: 200, reasons: true, unpreparedPairs: 18_000 };

function runMs(change: Partial<RunExtras> = {}, steps = 500): number {
  return predictRun(MODEL_PRESETS['lab-nano'], SHAPE, steps, RATES, { ...EXTRAS, ...change }).runMs;
}

describe('the predicted time of a run', () => {
  it.each<[string, Partial<RunExtras>]>([
    ['more frequent evaluations', { evaluateEvery: 50 }],
    ['more held-out pairs', { devPairs: 400 }],
    ['more pairs to make ready', { unpreparedPairs: 36_000 }],
  ])('grows with %s', (_, change) => {
    expect(runMs(change)).toBeGreaterThan(runMs());
  });

  it('is less without completions to sample, and with prepared pairs', () => {
    expect(runMs({ reasons: false })).toBeLessThan(runMs());
    expect(runMs({ unpreparedPairs: 0 })).toBeLessThan(runMs({ unpreparedPairs: 1 }));
  });

  it('counts the evaluation at the end, and evaluates as often as a run does', () => {
    const once = runMs({ evaluateEvery: 500 });
    expect(runMs({ evaluateEvery: 10_000 })).toBe(once);
    const evaluationMs = runMs({ evaluateEvery: 250 }) - once;
    expect(runMs({ evaluateEvery: 100 }) - once).toBeCloseTo(4 * evaluationMs, 6);
  });

  it('is that of the steps alone where nothing else is done', () => {
    const { stepMs, runMs: wholeMs } = predictRun(MODEL_PRESETS['lab-nano'], SHAPE, 0, RATES, {
      ...EXTRAS,
      unpreparedPairs: 0,
    });
    expect(wholeMs).toBe(0);
    expect(stepMs).toBeGreaterThan(0);
  });
});
