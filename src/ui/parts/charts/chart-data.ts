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

/** The spread around a curve at a step. */
export interface BandPoint {
  readonly step: number;
  readonly low: number;
  readonly high: number;
}

/** The values that curves from `low` to `high` and their bands take. */
export function extentWith(low: number, high: number, bands: readonly (readonly BandPoint[])[]): [number, number] {
  const points = bands.flat().filter((point) => isDrawable(point.low) && isDrawable(point.high));
  return [
    points.reduce((least, point) => Math.min(least, point.low), low),
    points.reduce((most, point) => Math.max(most, point.high), high),
  ];
}

/** A label beside a line: where its middle would be best, and how high it is. */
export interface EndLabel {
  readonly middle: number;
  readonly height: number;
}

/**
 * The tops of labels, each as near to its line as it can be without covering another, in the order in which the lines
 * end; all between 0 and `room` where there is room for all of them.
 */
export function placedLabels(labels: readonly EndLabel[], room: number): number[] {
  const tops = labels.map(({ middle, height }) => middle - height / 2);
  const order = labels.map((_, i) => i).toSorted((a, b) => (labels[a]?.middle ?? 0) - (labels[b]?.middle ?? 0));
  const heightOf = (i: number): number => labels[i]?.height ?? 0;
  let free = 0;
  for (const i of order) {
    tops[i] = Math.max(free, tops[i] ?? 0);
    free = tops[i] + heightOf(i);
  }
  let end = Math.max(room, labels.reduce((sum, { height }) => sum + height, 0)); // prettier-ignore
  for (const i of order.toReversed()) {
    tops[i] = Math.min(end - heightOf(i), tops[i] ?? 0);
    end = tops[i];
  }
  return tops;
}
