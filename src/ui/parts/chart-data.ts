/**
 * Curves as uPlot draws them: one column of steps for all, and a column of values for each curve with gaps where it has no
 * point.
 */
import type { Curve } from './curve.ts';

/** The first column is the steps; null is a gap. */
export type ChartColumns = [number[], ...(number | null)[][]];

/** Lays curves beside each other. */
export function columnsOf(curves: readonly Curve[]): ChartColumns {
  const steps = [...new Set(curves.flatMap(({ points }) => points.map(({ step }) => step)))].sort((a, b) => a - b);
  const rowOf = new Map(steps.map((step, row) => [step, row]));
  const columns = curves.map(({ points }) => {
    const column = Array.from<number | null>({ length: steps.length }).fill(null);
    for (const { step, value } of points) column[rowOf.get(step) ?? 0] = value;
    return column;
  });
  return [steps, ...columns];
}

/** The value of a curve at a step, or the last one before it. */
export function valueAt({ points }: Curve, step: number): number | undefined {
  return points.findLast((point) => point.step <= step)?.value;
}
