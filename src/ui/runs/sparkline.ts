/** The course of a metric as a line of a few pixels. */
import { svg } from 'lit';

const [WIDTH, HEIGHT, AIR] = [72, 20, 2];

/**
 * An SVG line over the extent of the values, with a dot at the last one; the number beside it says what it shows.
 *
 * @param points - in the order of their steps
 */
export function sparkline(points: readonly { readonly step: number; readonly value: number }[]): unknown {
  const steps = points.map(({ step }) => step);
  const values = points.map(({ value }) => value);
  const x = scale(Math.min(...steps), Math.max(...steps), AIR, WIDTH - AIR);
  const y = scale(Math.min(...values), Math.max(...values), HEIGHT - AIR, AIR);
  const at = points.map(({ step, value }) => `${x(step).toFixed(1)},${y(value).toFixed(1)}`);
  const last = points.at(-1);
  if (last === undefined) return '';
  return svg`<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" width=${WIDTH} height=${HEIGHT} aria-hidden="true">
    <polyline points=${at.join(' ')} fill="none" stroke="currentColor" stroke-width="1.5" />
    <circle cx=${x(last.step).toFixed(1)} cy=${y(last.value).toFixed(1)} r="2" fill="currentColor" />
  </svg>`;
}

/** The middle where there is no extent. */
function scale(low: number, high: number, from: number, to: number): (value: number) => number {
  if (!(high > low)) return () => (from + to) / 2;
  return (value) => from + ((value - low) / (high - low)) * (to - from);
}
