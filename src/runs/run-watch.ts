/**
 * The rule by which a run of a sweep ends early, and which of its measurements is the best. Both follow from the curve
 * alone, so a run that was interrupted ends where an uninterrupted one does.
 */
import { isLowerBetter, type RunPoint, type RunWatch } from '../protocol/tracked-run.ts';

/** A value of a metric after a step. */
interface Measured {
  readonly step: number;
  readonly value: number;
}

/** The best measurement, the first of equal ones; undefined if the metric was not measured. */
export function bestPoint({ metric }: Pick<RunWatch, 'metric'>, curve: readonly RunPoint[]): Measured | undefined {
  const sign = isLowerBetter(metric) ? -1 : 1;
  const measured = measuredIn(metric, curve);
  return measured.reduce<Measured | undefined>(
    (best, point) => (best === undefined || sign * point.value > sign * best.value ? point : best),
    undefined,
  );
}

/** Whether the last measurements, as many as the patience, are all no better than the best before them. */
export function isExhausted({ metric, patience }: RunWatch, curve: readonly RunPoint[]): boolean {
  const measured = measuredIn(metric, curve);
  if (patience === 0 || measured.length <= patience) return false;
  const best = bestPoint({ metric }, curve);
  return measured.slice(-patience).every(({ step }) => step !== best?.step);
}

function measuredIn(metric: string, curve: readonly RunPoint[]): Measured[] {
  return curve.flatMap(({ step, measures }) => {
    const value = measures[metric] ?? null;
    return value === null ? [] : [{ step, value }];
  });
}
