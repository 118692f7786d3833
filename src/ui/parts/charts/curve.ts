/**
 * A curve that can grow for hours without exceeding the points of a screen. Points fall into buckets of equal width;
 * when there are too many, the width doubles and neighbouring points are merged into their mean.
 */

/** One point: the mean of `count` values, at the last of their steps. */
export interface CurvePoint {
  readonly step: number;
  readonly value: number;
  readonly count: number;
}

/** Points in the order of their steps; each covers `bucketSteps` steps. */
export interface Curve {
  readonly bucketSteps: number;
  readonly points: readonly CurvePoint[];
}

export const EMPTY_CURVE: Curve = { bucketSteps: 1, points: [] };

/** A chart on a large screen is about this many pixels wide. */
export const MAX_POINTS = 1000;

/** The curve with one more value, whose step must not be before the last. */
export function addPoint(curve: Curve, step: number, value: number): Curve {
  const added = bucketed(curve.bucketSteps, [...curve.points, { step, value, count: 1 }]);
  return added.points.length <= MAX_POINTS ? added : bucketed(2 * added.bucketSteps, added.points);
}

/** The curve up to a step, for a run that restarts there. */
export function cutAfter({ bucketSteps, points }: Curve, step: number): Curve {
  return { bucketSteps, points: points.filter((point) => point.step <= step) };
}

/** Only the last two points can share a bucket if the width has not changed, but checking all of them is cheap. */
function bucketed(bucketSteps: number, points: readonly CurvePoint[]): Curve {
  const merged: CurvePoint[] = [];
  for (const point of points) {
    const last = merged.at(-1);
    if (last === undefined || Math.floor(last.step / bucketSteps) !== Math.floor(point.step / bucketSteps)) {
      merged.push(point);
      continue;
    }
    const count = last.count + point.count;
    const value = (last.value * last.count + point.value * point.count) / count;
    merged[merged.length - 1] = { step: point.step, value, count };
  }
  return { bucketSteps, points: merged };
}
