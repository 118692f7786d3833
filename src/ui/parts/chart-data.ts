/**
 * Curves in uPlot's format: one column of steps for all curves, and a column of values per curve with gaps where it has
 * no point.
 */
import type { Curve } from './curve.ts';

/** The first column is the steps; null is a gap. */
export type ChartColumns = [number[], ...(number | null)[][]];

/** Beyond this value uPlot's axes have no ticks and its loop does not end; no step or measured value comes near it. */
export const LARGEST_DRAWN = 1e15;

/** Aligns curves by step. Points that cannot be drawn become gaps. */
export function columnsOf(curves: readonly Curve[]): ChartColumns {
  const drawn = curves.map(({ points }) => points.filter(({ step, value }) => isDrawable(step) && isDrawable(value)));
  const steps = [...new Set(drawn.flatMap((points) => points.map(({ step }) => step)))].sort((a, b) => a - b);
  const rowOf = new Map(steps.map((step, row) => [step, row]));
  const columns = drawn.map((points) => {
    const column = Array.from<number | null>({ length: steps.length }).fill(null);
    for (const { step, value } of points) column[rowOf.get(step) ?? 0] = value;
    return column;
  });
  return [steps, ...columns];
}

function isDrawable(value: number): boolean {
  return Math.abs(value) <= LARGEST_DRAWN;
}

/** The value of a curve at a step, or the last one before it. */
export function valueAt({ points }: Curve, step: number): number | undefined {
  return points.findLast((point) => point.step <= step)?.value;
}
