/**
 * The curves of an experiment as one SVG: a panel per metric, a line per arm with the band of its 95 % interval over seeds.
 */
import type { ExperimentResults, ResultPoint } from '../protocol/experiment-results.ts';
import { meanInterval } from './student-t.ts';

/** The panels, with their titles. */
const PANELS = [
  ['reward', 'Reward on the own prompts'],
  ['tailRecall', 'Tail recall'],
  ['headRecall', 'Head recall'],
  ['distinctRules', 'Distinct rules cited'],
  ['accuracy', 'Label accuracy'],
  ['pairAccuracy', 'Pair accuracy'],
  ['labelEntropy', 'Label entropy, nats'],
  ['reasoningEntropy', 'Reasoning entropy, nats'],
] as const satisfies readonly (readonly [keyof ResultPoint, string])[];

/** Distinct for most eyes (Okabe and Ito 2008), and by their dashes for all. */
const COLOURS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9', '#666666'] as const;
const DASHES = ['', '6 3', '2 2', '8 3 2 3'] as const;

const COLUMNS = 2;
const PANEL = { width: 420, height: 210, left: 46, right: 10, top: 28, bottom: 26 } as const;
const LEGEND_ROW = 18;

interface Band {
  readonly step: number;
  readonly mean: number;
  readonly low: number;
  readonly high: number;
}

/** The plot of an experiment; arms without a curve are left out. */
export function resultsSvg({ title, arms }: ExperimentResults): string {
  const drawn = arms.filter(({ seeds }) => seeds.some(({ curve }) => curve.length > 1));
  const shown = PANELS.filter(([name]) => drawn.some((arm) => bandOf(arm, name).length > 0));
  const rows = Math.ceil(shown.length / COLUMNS);
  const height = rows * PANEL.height + 16 + drawn.length * LEGEND_ROW;
  const panels = shown.map(([name, heading], i) => {
    const [x, y] = [(i % COLUMNS) * PANEL.width, Math.floor(i / COLUMNS) * PANEL.height];
    return `<g transform="translate(${x} ${y})">${panel(
      heading,
      drawn.map((arm) => bandOf(arm, name)),
    )}</g>`;
  });
  const legend = drawn.map(({ name }, i) => {
    const y = rows * PANEL.height + 20 + i * LEGEND_ROW;
    return `<path d="M46 ${y - 4}h28" ${stroke(i)}/><text x="82" y="${y}">${escaped(name)}</text>`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${COLUMNS * PANEL.width} ${height}" font-family="system-ui, sans-serif" font-size="12">`,
    `<title>${escaped(title)}</title><rect width="100%" height="100%" fill="#fff"/>`,
    ...panels,
    ...legend,
    '</svg>\n',
  ].join('\n');
}

function panel(heading: string, bands: readonly (readonly Band[])[]): string {
  const points = bands.flat();
  const [low, high] = rangeOf(points.flatMap((point) => [point.low, point.high]));
  const lastStep = Math.max(1, ...points.map(({ step }) => step));
  const { width, height, left, right, top, bottom } = PANEL;
  const x = (step: number): number => left + (step / lastStep) * (width - left - right);
  const y = (value: number): number => height - bottom - ((value - low) / (high - low)) * (height - top - bottom);
  const place = (step: number, value: number): string => `${x(step).toFixed(1)} ${y(value).toFixed(1)}`;
  const shapes = bands.map((band, i) => {
    if (band.length === 0) return '';
    const line = band.map(({ step, mean }, k) => `${k === 0 ? 'M' : 'L'}${place(step, mean)}`).join('');
    const upper = band.map(({ step, high: value }, k) => `${k === 0 ? 'M' : 'L'}${place(step, value)}`).join('');
    const lower = band.toReversed().map(({ step, low: value }) => `L${place(step, value)}`);
    const area = `<path d="${upper}${lower.join('')}Z" fill="${colour(i)}" opacity="0.12"/>`;
    return `${area}<path d="${line}" ${stroke(i)}/>`;
  });
  const ticks = [low, (low + high) / 2, high].map(
    (value) =>
      `<path d="M${left} ${y(value).toFixed(1)}H${width - right}" stroke="#ddd"/>` +
      `<text x="${left - 6}" y="${(y(value) + 4).toFixed(1)}" text-anchor="end">${tick(value)}</text>`,
  );
  const steps = [0, lastStep].map(
    (step) => `<text x="${x(step)}" y="${height - 8}" text-anchor="${step === 0 ? 'middle' : 'end'}">${step}</text>`,
  );
  return `<text x="${left}" y="16" font-weight="600">${heading}</text>${ticks.join('')}${steps.join('')}${shapes.join('')}`;
}

/** The mean over seeds at every step, with its interval; without one where there is a single seed. */
function bandOf({ seeds }: ExperimentResults['arms'][number], name: keyof ResultPoint): Band[] {
  const byStep = new Map<number, number[]>();
  for (const { curve } of seeds) {
    for (const point of curve) {
      const value = point[name];
      if (value === null || value === undefined) continue;
      byStep.set(point.step, [...(byStep.get(point.step) ?? []), value]);
    }
  }
  return [...byStep]
    .toSorted(([a], [b]) => a - b)
    .map(([step, values]) => {
      const { mean, low, high } = meanInterval(values);
      return { step, mean, low: Number.isFinite(low) ? low : mean, high: Number.isFinite(high) ? high : mean };
    });
}

function rangeOf(values: readonly number[]): [number, number] {
  const finite = values.filter((value) => Number.isFinite(value));
  if (finite.length === 0) return [0, 1];
  const [low, high] = [Math.min(...finite), Math.max(...finite)];
  const margin = Math.max(0.01, (high - low) * 0.05);
  return [low - margin, high + margin];
}

function colour(arm: number): string {
  return COLOURS[arm % COLOURS.length] ?? COLOURS[0];
}

function stroke(arm: number): string {
  const dash = DASHES[Math.floor(arm / COLOURS.length) % DASHES.length] ?? '';
  return `fill="none" stroke="${colour(arm)}" stroke-width="2"${dash === '' ? '' : ` stroke-dasharray="${dash}"`}`;
}

function tick(value: number): string {
  return Math.abs(value) >= 10 ? value.toFixed(0) : value.toFixed(2);
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
