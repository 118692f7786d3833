/**
 * Plots of reports as SVG, two panels a row: curves with a band, or dots with an interval.
 */

/** A point of a curve, with the band around it. */
export interface CurvePoint {
  /** Its place on the axis, from 0. */
  readonly at: number;
  readonly mean: number;
  readonly low: number;
  readonly high: number;
  /** The extent of what the mean is of; that of the interval where it is not known. */
  readonly least?: number;
  readonly most?: number;
}

/** A value on [0, 1] with its interval, where it has them. */
export interface Dot {
  readonly name: string;
  readonly value: number | null;
  readonly low?: number | undefined;
  readonly high?: number | undefined;
}

/** The contents of a plot; `legend` names the lines, which have the same order in all panels. */
export type Plot =
  | {
      readonly kind: 'curves';
      readonly title: string;
      readonly legend: readonly string[];
      /** The end of the axis as text; by default its number. */
      readonly endText?: ((at: number) => string) | undefined;
      readonly panels: readonly { readonly heading: string; readonly lines: readonly (readonly CurvePoint[])[] }[];
    }
  | {
      readonly kind: 'dots';
      readonly title: string;
      readonly panels: readonly { readonly heading: string; readonly dots: readonly Dot[] }[];
    };

/** Distinct for most eyes (Okabe and Ito 2008), and by their dashes for all. */
const COLOURS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9', '#666666'] as const;
const DASHES = ['', '6 3', '2 2', '8 3 2 3'] as const;

const COLUMNS = 2;
const CURVES = { width: 420, height: 210, left: 46, right: 10, top: 28, bottom: 26 } as const;
const DOTS = { plotWidth: 300, left: 150, right: 30, row: 22, top: 34, bottom: 26 } as const;
const LEGEND_ROW = 18;

/**
 * The plot as a file of SVG.
 *
 * @param columns - panels in a row
 */
export function plotSvg(plot: Plot, columns = COLUMNS): string {
  switch (plot.kind) {
    case 'curves': {
      const top = Math.ceil(plot.panels.length / columns) * CURVES.height;
      const legend = plot.legend.map((name, i) => {
        const y = top + 20 + i * LEGEND_ROW;
        return `<path d="M46 ${y - 4}h28" ${stroke(i)}/><text x="82" y="${y}">${escaped(name)}</text>`;
      });
      return sheet(
        plot.title,
        CURVES,
        plot.panels.map((panel) => curvesPanel(panel, plot.endText)),
        legend,
        16 + legend.length * LEGEND_ROW,
        columns,
      );
    }
    case 'dots': {
      const rows = Math.max(0, ...plot.panels.map(({ dots }) => dots.length));
      const size = {
        width: DOTS.left + DOTS.plotWidth + DOTS.right,
        height: DOTS.top + rows * DOTS.row + DOTS.bottom,
      };
      return sheet(plot.title, size, plot.panels.map(dotsPanel), [], 0, columns);
    }
    default:
      return plot satisfies never;
  }
}

function sheet(
  title: string,
  { width, height }: { readonly width: number; readonly height: number },
  panels: readonly string[],
  below: readonly string[],
  heightBelow: number,
  columns: number,
): string {
  const total = Math.ceil(panels.length / columns) * height + heightBelow;
  const wide = columns * width;
  // A figure of one panel is drawn as pixels too, and needs a size for that.
  const size = columns === 1 ? ` width="${wide}" height="${total}"` : '';
  return [
    `<svg xmlns="http://www.w3.org/2000/svg"${size} viewBox="0 0 ${wide} ${total}" ` +
      'font-family="system-ui, sans-serif" font-size="12">',
    `<title>${escaped(title)}</title><rect width="100%" height="100%" fill="#fff"/>`,
    ...panels.map((panel, i) => {
      const [x, y] = [(i % columns) * width, Math.floor(i / columns) * height];
      return `<g transform="translate(${x} ${y})">${panel}</g>`;
    }),
    ...below,
    '</svg>\n',
  ].join('\n');
}

function curvesPanel(
  { heading, lines }: Extract<Plot, { kind: 'curves' }>['panels'][number],
  endText: (at: number) => string = String,
): string {
  const points = lines.flat();
  const [low, high] = rangeOf(points.flatMap((point) => [point.low, point.high]));
  const end = Math.max(1, ...points.map(({ at }) => at));
  const { width, height, left, right, top, bottom } = CURVES;
  const x = (at: number): number => left + (at / end) * (width - left - right);
  const y = (value: number): number => height - bottom - ((value - low) / (high - low)) * (height - top - bottom);
  const place = (at: number, value: number): string => `${x(at).toFixed(1)} ${y(value).toFixed(1)}`;
  const path = (line: readonly CurvePoint[], of: (point: CurvePoint) => number): string =>
    line.map((point, i) => `${i === 0 ? 'M' : 'L'}${place(point.at, of(point))}`).join('');
  const shapes = lines.map((line, i) => {
    if (line.length === 0) return '';
    const lower = line.toReversed().map((point) => `L${place(point.at, point.low)}`);
    const outline = `${path(line, (point) => point.high)}${lower.join('')}Z`;
    const area = `<path d="${outline}" fill="${colour(i)}" opacity="0.12"/>`;
    return `${area}<path d="${path(line, ({ mean }) => mean)}" ${stroke(i)}/>`;
  });
  const ticks = [low, (low + high) / 2, high].map(
    (value) =>
      `<path d="M${left} ${y(value).toFixed(1)}H${width - right}" stroke="#ddd"/>` +
      `<text x="${left - 6}" y="${(y(value) + 4).toFixed(1)}" text-anchor="end">${tick(value)}</text>`,
  );
  const ends = [
    `<text x="${x(0)}" y="${height - 8}" text-anchor="middle">0</text>`,
    `<text x="${x(end)}" y="${height - 8}" text-anchor="end">${escaped(endText(end))}</text>`,
  ];
  const title = `<text x="${left}" y="16" font-weight="600">${escaped(heading)}</text>`;
  return [title, ...ticks, ...ends, ...shapes].join('');
}

function dotsPanel({ heading, dots }: Extract<Plot, { kind: 'dots' }>['panels'][number]): string {
  const { left, plotWidth, row, top } = DOTS;
  const xOf = (value: number): string => (left + Math.max(0, value) * plotWidth).toFixed(1);
  const bottom = top + dots.length * row;
  const marks = dots.map(({ name, value, low, high }, i) => {
    const y = top + i * row + 8;
    const bar =
      low === undefined || high === undefined
        ? ''
        : `<path d="M${xOf(low)} ${y}H${xOf(high)}" stroke="${colour(0)}" stroke-width="2"/>`;
    const dot = value === null ? '' : `<circle cx="${xOf(value)}" cy="${y}" r="4" fill="${colour(0)}"/>`;
    return `<text x="${left - 8}" y="${y + 4}" text-anchor="end">${escaped(name)}</text>${bar}${dot}`;
  });
  const ticks = [0, 0.25, 0.5, 0.75, 1].map(
    (value) =>
      `<path d="M${xOf(value)} ${top - 6}V${bottom}" stroke="#ddd"/>` +
      `<text x="${xOf(value)}" y="${bottom + 14}" text-anchor="middle">${value}</text>`,
  );
  return `<text x="${left}" y="18" font-weight="600">${escaped(heading)}</text>${ticks.join('')}${marks.join('')}`;
}

function rangeOf(values: readonly number[]): [number, number] {
  const finite = values.filter((value) => Number.isFinite(value));
  if (finite.length === 0) return [0, 1];
  const [low, high] = [Math.min(...finite), Math.max(...finite)];
  const margin = Math.max(0.01, (high - low) * 0.05);
  return [low - margin, high + margin];
}

function colour(line: number): string {
  return COLOURS[line % COLOURS.length] ?? COLOURS[0];
}

function stroke(line: number): string {
  const dash = DASHES[Math.floor(line / COLOURS.length) % DASHES.length] ?? '';
  return `fill="none" stroke="${colour(line)}" stroke-width="2"${dash === '' ? '' : ` stroke-dasharray="${dash}"`}`;
}

function tick(value: number): string {
  return Math.abs(value) >= 10 ? value.toFixed(0) : value.toFixed(2);
}

/** Text for HTML and SVG. */
export function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
