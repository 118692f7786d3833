/**
 * Runs compared: the settings in which they differ, their curves by group with intervals over seeds, and the
 * differences seed by seed.
 */
import { css, html, nothing } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import type { ComparisonAxis, ReportPart, RunsComparison } from '../../protocol/runs.ts';
import { branchLook } from '../parts/charts/branch-looks.ts';
import { EMPTY_CURVE } from '../parts/charts/curve.ts';
import '../parts/charts/lab-chart.ts';
import '../parts/charts/lab-figure-files.ts';
import type { ChartAxis, ChartLine } from '../parts/charts/lab-chart.ts';
import { formatCount } from '../parts/format.ts';
import { LabElement } from '../parts/lab-element.ts';
import { baseStyles, buttonStyles, headingStyles, tableStyles } from '../parts/shared-styles.ts';
import { metricName, valueText } from './run-text.ts';

const AXIS_NAMES: Readonly<Record<ComparisonAxis, string>> = { step: 'Steps', tokens: 'Tokens', time: 'Time' };
/** Units of time, each for axes that are at least this many milliseconds long. */
const UNITS = [
  [2 * 3_600_000, 3_600_000, 'h'],
  [120_000, 60_000, 'min'],
  [0, 1000, 's'],
] as const;

/** How the places on an axis are written, and what they are divided by so that ticks are round numbers. */
function axisOf(axis: ComparisonAxis, end: number): ChartAxis & { readonly unit: number } {
  switch (axis) {
    case 'step':
      return { at: (step) => `step ${step}`, tick: String, unit: 1 };
    case 'tokens':
      return { at: (tokens) => `${formatCount(tokens)} tokens`, tick: shortCount, unit: 1 };
    case 'time': {
      const [, unit, name] = UNITS.find(([least]) => end >= least) ?? [0, 1000, 's'];
      const text = (time: number): string => `${Number(time.toPrecision(3))} ${name}`;
      return { at: (time) => `${text(time)} of computing`, tick: text, unit };
    }
    default:
      return axis satisfies never;
  }
}

/**
 * @fires metrics-choice - the names of the metrics to show as `detail`.
 * @fires axis-choice - the axis of the curves as `detail`.
 */
@customElement('lab-run-comparison')
export class LabRunComparison extends LabElement {
  static override readonly styles = [
    baseStyles,
    buttonStyles,
    headingStyles,
    tableStyles,
    css`
      :host {
        display: grid;
        grid-template-columns: minmax(0, 1fr);
        gap: var(--space-4);
      }
      .metrics {
        display: flex;
        flex-wrap: wrap;
        gap: var(--space-2);
      }
      .metrics button {
        min-height: 2rem;
      }
      .metrics [aria-pressed='true'] {
        border-color: var(--accent);
        color: var(--accent);
        font-weight: 600;
      }
      .charts {
        display: grid;
        grid-template-columns: repeat(auto-fit, minmax(min(100%, 22rem), 1fr));
        gap: var(--space-4) var(--space-5);
      }
      figure {
        min-width: 0;
        margin: 0;
      }
      th,
      td {
        padding: var(--space-1) var(--space-4) var(--space-1) 0;
        text-align: left;
        vertical-align: top;
      }
      th {
        color: var(--muted);
        font-weight: 600;
      }
      p {
        max-width: 44rem;
        color: var(--muted);
        font-size: var(--text-small);
      }
      ul {
        padding-left: var(--space-4);
      }
    `,
  ];

  @property({ attribute: false }) comparison: RunsComparison | undefined;

  override render(): unknown {
    const { comparison } = this;
    if (comparison === undefined) return nothing;
    const shown = comparison.panels.map(({ metric }) => metric);
    return html`${
        comparison.metrics.length === 0
          ? html`<p>Nothing was measured in these runs yet.</p>`
          : html`<div class="metrics" role="group" aria-label="Metrics">
              ${comparison.metrics.map(
                (metric) =>
                  html`<button
                    aria-pressed=${shown.includes(metric) ? 'true' : 'false'}
                    @click=${() => this.#toggle(metric, shown)}
                  >
                    ${metricName(metric)}
                  </button>`,
              )}
            </div>`
      }
      ${comparison.axes.length < 2 || comparison.metrics.length === 0 ? nothing : this.#axes(comparison)}
      <div class="charts">${comparison.panels.map((panel) => this.#chart(panel, comparison))}</div>
      ${
        comparison.panels.some(({ lines }) => lines.some((line) => line.some(({ least, most }) => least < most)))
          ? html`<p>
              Means over seeds, with a band from the lowest to the highest of them. Saved figures have the 95 % interval
              of the mean.
            </p>`
          : nothing
      }
      ${comparison.parts.map(partOf)}`;
  }

  #axes({ axes, axis }: RunsComparison): unknown {
    return html`<div class="metrics" role="group" aria-label="Curves over">
      ${axes.map(
        (one) =>
          html`<button
            aria-pressed=${one === axis ? 'true' : 'false'}
            @click=${() => this.dispatchEvent(new CustomEvent<ComparisonAxis>('axis-choice', { detail: one }))}
          >
            ${AXIS_NAMES[one]}
          </button>`,
      )}
    </div>`;
  }

  #chart({ metric, svg, lines }: RunsComparison['panels'][number], { groups, axis }: RunsComparison): unknown {
    const end = Math.max(1, ...lines.flatMap((line) => line.map(({ at }) => at)));
    const words = axisOf(axis, end);
    const drawn = lines.map((line, i): ChartLine => {
      const points = line.map(({ at, mean }) => ({ step: at / words.unit, value: mean, count: 1 }));
      const band = line.map(({ at, least, most }) => ({ step: at / words.unit, low: least, high: most }));
      return { name: groups[i] ?? '', look: branchLook(i), curve: { ...EMPTY_CURVE, points }, band };
    });
    return html`<figure>
      <lab-chart
        heading=${metricName(metric)}
        .lines=${drawn}
        .steps=${end / words.unit}
        .axis=${words}
        .format=${valueText}
        .formatTick=${(value: number) => String(Number(value.toPrecision(3)))}
      ></lab-chart>
      <lab-figure-files name=${metric} what=${metricName(metric)} prompt="" .svg=${() => svg}></lab-figure-files>
    </figure>`;
  }

  #toggle(metric: string, shown: readonly string[]): void {
    const detail = shown.includes(metric) ? shown.filter((one) => one !== metric) : [...shown, metric];
    if (detail.length > 0) this.dispatchEvent(new CustomEvent<readonly string[]>('metrics-choice', { detail }));
  }
}

/** "1.5 M", "20 k". */
function shortCount(count: number): string {
  return new Intl.NumberFormat('en', { notation: 'compact' }).format(count);
}

function partOf(part: ReportPart): unknown {
  switch (part.kind) {
    case 'heading':
      return html`<h3 class="heading">${part.text}</h3>`;
    case 'paragraph':
      return html`<p>${part.text}</p>`;
    case 'list':
      return html`<ul>
        ${part.items.map((item) => html`<li>${item}</li>`)}
      </ul>`;
    case 'table':
      return html`<div class="table" tabindex="0" role="group" aria-label=${part.head.join(', ')}>
        <table>
          <thead>
            <tr>
              ${part.head.map((cell) => html`<th>${cell}</th>`)}
            </tr>
          </thead>
          <tbody>
            ${part.rows.map(
              (row) =>
                html`<tr>
                  ${row.map((cell) => html`<td>${cell}</td>`)}
                </tr>`,
            )}
          </tbody>
        </table>
      </div>`;
    default:
      return part satisfies never;
  }
}

declare global {
  interface HTMLElementTagNameMap {
    'lab-run-comparison': LabRunComparison;
  }
}
