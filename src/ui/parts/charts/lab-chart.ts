/**
 * Curves over the steps of a run. uPlot draws them on a canvas, so that a curve of a thousand points takes a
 * millisecond. Each is labelled at its end, or above the plot where there is no room beside it. A text beside the
 * canvas describes them, because a canvas has no content for screen readers.
 *
 * The page's Content-Security-Policy forbids inline styles, so uPlot's stylesheet is adopted by this element, and the
 * colours of the canvas are read from elements that have them from theme.css.
 *
 * This room holds what draws curves in several views.
 */
import { css, html, nothing, type PropertyValues, unsafeCSS } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import uPlot from 'uplot';
import plotCss from 'uplot/dist/uPlot.min.css?inline';
import { BRANCH_DASHES, type BranchLook, branchLineStyles, isBranchLook } from './branch-looks.ts';
import { type BandPoint, columnsOf, extentWith, LARGEST_DRAWN, placedLabels, valueAt } from './chart-data.ts';
import type { Curve } from './curve.ts';
import { DrawingController } from './drawing-controller.ts';
import { LabElement } from '../lab-element.ts';
import { baseStyles } from '../shared-styles.ts';

/**
 * How a curve is drawn: `steady` is a line, `measured` a line with a dot at each point; those of a branch are measured,
 * each with a colour and a dash of its own.
 */
export type LineLook = 'steady' | 'measured' | BranchLook;

/** One curve of a chart. */
export interface ChartLine {
  readonly name: string;
  readonly look: LineLook;
  readonly curve: Curve;
  /** The spread around its points, drawn as a band. */
  readonly band?: readonly BandPoint[];
}

/** An event of a run. */
export interface ChartMark {
  readonly step: number;
  readonly text: string;
}

/** What the places of points are, as text: in a sentence and at a tick. */
export interface ChartAxis {
  readonly at: (place: number) => string;
  readonly tick: (place: number) => string;
}

const STEPS: ChartAxis = { at: (step) => `step ${step}`, tick: String };

/** How opaque a band is; several lie upon each other. */
const BAND_ALPHA = 0.12;

/** Of the room for the ticks of an axis, in sizes of their text. */
const AXIS_ROOM = { below: 2.2, beside: 4 } as const;

@customElement('lab-chart')
export class LabChart extends LabElement {
  static override readonly styles = [
    unsafeCSS(plotCss),
    baseStyles,
    branchLineStyles,
    css`
      header {
        margin-bottom: var(--space-1);
      }
      h3 {
        color: var(--muted);
        font-size: var(--text-small);
        font-weight: 600;
      }
      .drawing {
        display: grid;
        grid-template-columns: minmax(0, 1fr) fit-content(38%);
        align-items: start;
      }
      ul {
        position: relative;
        font-size: var(--figure-text, 0.75rem);
        line-height: 1.25;
        list-style: none;
      }
      li {
        display: flex;
        gap: 0.4em;
        color: var(--muted);
        transform: translateY(var(--by, 0));
      }
      .value {
        color: var(--ink);
        font-variant-numeric: tabular-nums;
        white-space: nowrap;
      }
      .key {
        flex: none;
        width: 0.9rem;
        margin-top: 0.55em;
        border-top: 2px solid currentcolor;
      }
      .crowded {
        grid-template-columns: minmax(0, 1fr);
      }
      .crowded ul {
        display: flex;
        flex-wrap: wrap;
        grid-row: 1;
        gap: 0 var(--space-3);
      }
      .crowded li {
        transform: none;
      }
      .steady {
        color: var(--line-strong);
      }
      .measured {
        color: var(--accent);
      }
      .key[class*='branch'] {
        width: 1.5rem;
        border-top-width: 3px;
      }
      .plot {
        min-width: 0;
        height: var(--plot-height, 168px);
        overflow: hidden;
        border-color: var(--line);
        color: var(--muted);
        font-size: var(--figure-text, 0.6875rem);
      }
      .u-cursor-x {
        border-right: 1px solid var(--line-strong);
      }
    `,
  ];

  /** The quantity of the curves. */
  @property() heading = '';
  @property({ attribute: false }) lines: readonly ChartLine[] = [];
  /** The last step of the run. */
  @property({ type: Number }) steps = 1;
  /** The values at the bottom and at the top; by default the extent of the curves. */
  @property({ attribute: false }) range: readonly [number, number] | undefined;
  /** Events, each a line across the plot. */
  @property({ attribute: false }) marks: readonly ChartMark[] = [];
  /** What the steps of curves are; other axes have other places than steps. */
  @property({ attribute: false }) axis: ChartAxis = STEPS;
  /** A measured value as text. */
  @property({ attribute: false }) format: (value: number) => string = String;
  /** An axis tick as text. */
  @property({ attribute: false }) formatTick: (value: number) => string = String;
  /** The step under the pointer. */
  @state() private pointedStep: number | undefined;
  /** Whether the labels are more than fit beside the plot. */
  @state() private isCrowded = false;
  #plot: uPlot | undefined;
  /** The looks that the plot was created with. */
  #drawnLooks = '';
  #drawnFontSize = '';
  #width = 0;

  constructor() {
    super();
    this.addController(
      new DrawingController(this, { resized: () => this.#fit(), recoloured: () => this.#plot?.redraw(false) }),
    );
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#forget();
  }

  override render(): unknown {
    const step = this.pointedStep ?? this.steps;
    return html`<header>
        <h3 id="heading">${this.heading}${this.pointedStep === undefined ? nothing : `, ${this.axis.at(step)}`}</h3>
      </header>
      <div class="drawing ${this.isCrowded ? 'crowded' : ''}">
        <div class="plot" role="img" aria-label=${this.#description()}></div>
        <ul>
          ${this.lines.map(({ name, look, curve }) => {
            const value = valueAt(curve, step);
            return html`<li>
              <span class="key ${look}"></span>
              <span>${name} <span class="value">${value === undefined ? '\u2013' : this.format(value)}</span></span>
            </li>`;
          })}
        </ul>
      </div>`;
  }

  override willUpdate(changed: PropertyValues<this>): void {
    const namesOf = (lines: readonly ChartLine[] = []): string => lines.map(({ name }) => name).join('\n');
    if (changed.has('lines') && namesOf(changed.get('lines')) !== namesOf(this.lines)) this.isCrowded = false;
  }

  override updated(changed: Map<PropertyKey, unknown>): void {
    if (['lines', 'steps', 'marks'].some((name) => changed.has(name))) this.#draw();
    // Labels that have become wider or narrower leave the plot less room or more.
    this.#fit();
    // They were placed where they were above the plot.
    if (changed.has('isCrowded') && !this.isCrowded) this.#plot?.redraw(false);
  }

  #description(): string {
    const described = this.lines.flatMap(({ name, curve: { points } }) => {
      const [first, last] = [points[0], points.at(-1)];
      if (first === undefined || last === undefined) return [];
      const { format, axis } = this;
      return [
        `${name} from ${format(first.value)} at ${axis.at(first.step)} to ${format(last.value)} at ${axis.at(last.step)}`,
      ];
    });
    const events = this.marks.map(({ step, text }) => `; ${text} at ${this.axis.at(step)}`).join('');
    return `${this.heading}: ${described.length === 0 ? 'nothing measured yet' : described.join('; ')}${events}.`;
  }

  #draw(): void {
    // A hidden chart has no size; it is drawn once it has one.
    const place = this.renderRoot.querySelector<HTMLElement>('.plot');
    if (this.clientWidth === 0 || place === null) return;
    const columns = columnsOf(this.lines.map(({ curve }) => curve));
    const looks = this.lines.map(({ look }) => look).join(' ');
    const { fontSize } = getComputedStyle(place);
    if (looks !== this.#drawnLooks || fontSize !== this.#drawnFontSize) this.#forget();
    this.#drawnLooks = looks;
    this.#drawnFontSize = fontSize;
    if (this.#plot === undefined) this.#plot = new uPlot(this.#options(place), columns, place);
    else this.#plot.setData(columns);
  }

  /** A plot keeps the lines that it was created with, so other lines need another plot. */
  #forget(): void {
    this.#plot?.destroy();
    this.#plot = undefined;
  }

  #fit(): void {
    const place = this.renderRoot.querySelector<HTMLElement>('.plot');
    if (this.clientWidth === 0 || place === null) return;
    if (getComputedStyle(place).fontSize !== this.#drawnFontSize) this.#draw();
    // There may be room for the labels again.
    if (this.#width !== this.clientWidth) this.isCrowded = false;
    this.#width = this.clientWidth;
    const { clientWidth: width, clientHeight: height } = place;
    if (this.#plot?.width !== width || this.#plot.height !== height) this.#plot?.setSize({ width, height });
  }

  /** Puts each label at the end of its line. */
  #label(plot: uPlot): void {
    const place = this.renderRoot.querySelector<HTMLElement>('.plot');
    if (place === null || this.isCrowded) return;
    const items = [...this.renderRoot.querySelectorAll('li')];
    const labels = items.map(({ offsetHeight: height }, i) => {
      const value = this.lines[i]?.curve.points.at(-1)?.value;
      const y = plot.over.offsetTop + plot.valToPos(value ?? NaN, 'y');
      return { height, middle: Number.isFinite(y) ? y : 0 };
    });
    this.isCrowded = labels.reduce((sum, { height }) => sum + height, 0) > place.clientHeight;
    const tops = placedLabels(labels, place.clientHeight);
    for (const [i, item] of items.entries()) {
      item.style.setProperty('--by', `${((tops[i] ?? 0) - item.offsetTop).toFixed(1)}px`);
    }
  }

  #options(place: HTMLElement): uPlot.Options {
    const inkOf = (selector: string): (() => string) => {
      const element = this.renderRoot.querySelector(selector);
      return () => (element === null ? 'gray' : getComputedStyle(element).color);
    };
    const grid = { stroke: () => getComputedStyle(place).borderTopColor, width: 1 };
    const { fontFamily, fontSize } = getComputedStyle(place);
    const fontPx = Number.parseFloat(fontSize);
    const axis = { stroke: inkOf('.plot'), font: `${fontSize} ${fontFamily}`, grid, ticks: { show: false }, gap: 6 };
    return {
      width: place.clientWidth,
      height: place.clientHeight,
      // The last tick is as wide as the others and half of it is beyond the axis.
      padding: [0.7 * fontPx, 1.2 * fontPx, 0, 0],
      legend: { show: false },
      cursor: { y: false, drag: { setScale: false, x: false, y: false }, points: { size: 7 } },
      scales: {
        x: { time: false, range: () => [0, Math.min(this.steps > 0 ? this.steps : 1, LARGEST_DRAWN)] },
        y: { range: (_plot, low, high) => this.#rangeOf(low, high) },
      },
      axes: [
        {
          ...axis,
          grid: { show: false },
          size: AXIS_ROOM.below * fontPx,
          space: AXIS_ROOM.beside * fontPx,
          values: (_plot, ticks) => ticks.map((tick) => this.axis.tick(tick)),
        },
        {
          ...axis,
          size: AXIS_ROOM.beside * fontPx,
          space: 3 * fontPx,
          values: (_plot, ticks) => ticks.map((tick) => this.formatTick(tick)),
        },
      ],
      series: [
        {},
        ...this.lines.map(({ look }) => ({
          stroke: inkOf(`.${look}`),
          width: look === 'steady' ? 1.25 : 2,
          points: { show: look !== 'steady', size: 5, fill: inkOf(`.${look}`) },
          ...(isBranchLook(look) ? { dash: [...BRANCH_DASHES[look]] } : {}),
          spanGaps: true,
        })),
      ],
      hooks: {
        drawAxes: [
          (plot) =>
            this.#drawBands(
              plot,
              this.lines.map(({ look }) => inkOf(`.${look}`)()),
            ),
        ],
        draw: [(plot) => this.#drawMarks(plot, getComputedStyle(place).color), (plot) => this.#label(plot)],
        setCursor: [({ cursor: { idx }, data: [steps] }) => this.#point(idx ?? undefined, steps)],
      },
    };
  }

  /** Behind the curves, so that these can be told apart where bands overlap. */
  #drawBands({ ctx, bbox: { left, top, width, height }, valToPos }: uPlot, inks: readonly string[]): void {
    ctx.save();
    ctx.beginPath();
    ctx.rect(left, top, width, height);
    ctx.clip();
    ctx.globalAlpha = BAND_ALPHA;
    for (const [i, { band = [] }] of this.lines.entries()) {
      const edge = (of: 'low' | 'high') => (point: BandPoint) =>
        [valToPos(point.step, 'x', true), valToPos(point[of], 'y', true)] as const;
      ctx.beginPath();
      for (const [x, y] of [...band.map(edge('low')), ...band.toReversed().map(edge('high'))]) ctx.lineTo(x, y);
      ctx.fillStyle = inks[i] ?? 'gray';
      ctx.fill();
    }
    ctx.restore();
  }

  #drawMarks({ ctx, bbox: { top, height }, valToPos }: uPlot, ink: string): void {
    ctx.save();
    ctx.strokeStyle = ink;
    ctx.setLineDash([4, 4]);
    for (const { step } of this.marks) {
      const x = valToPos(step, 'x', true);
      ctx.beginPath();
      ctx.moveTo(x, top);
      ctx.lineTo(x, top + height);
      ctx.stroke();
    }
    ctx.restore();
  }

  #point(row: number | undefined, steps: ArrayLike<number>): void {
    const step = row === undefined ? undefined : steps[row];
    if (step !== this.pointedStep) this.pointedStep = step;
  }

  /** The extent of the curves with a margin, or the requested range. */
  #rangeOf(low: number | null, high: number | null): [number, number] {
    if (this.range !== undefined) return [...this.range];
    if (low === null || high === null) return [0, 1];
    const [least, most] = extentWith(low, high, this.lines.map(({ band = [] }) => band)); // prettier-ignore
    const air = (most - least || Math.abs(most) || 1) * 0.06;
    return [Math.max(0, least - air), most + air];
  }
}

declare global {
  interface HTMLElementTagNameMap {
    'lab-chart': LabChart;
  }
}
