/**
 * One metric of several arms on one axis: a dot per seed, a line at the mean, a bar for an interval.
 */
import { css, html, nothing } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import { cssProperties } from '../../parts/css-properties.ts';
import { wholePercent } from '../../parts/format.ts';
import { LabElement } from '../../parts/lab-element.ts';
import { baseStyles } from '../../parts/shared-styles.ts';

/** A row: dots, a line at their mean, and an interval where there is one. */
export interface DotsRow {
  readonly name: string;
  /** `plain` is what others are held against, `own` what the lesson is about. */
  readonly look: 'plain' | 'own' | 'rival';
  readonly values: readonly number[];
  readonly mean: number;
  readonly interval?: readonly [low: number, high: number] | undefined;
}

@customElement('lab-seed-dots')
export class LabSeedDots extends LabElement {
  static override readonly styles = [
    baseStyles,
    css`
      :host {
        display: grid;
        grid-template-rows: auto minmax(min-content, 1fr);
      }
      table {
        width: 100%;
        height: 100%;
        border-collapse: collapse;
        font-variant-numeric: tabular-nums;
        line-height: 1.2;
      }
      .caption {
        padding-bottom: var(--space-2);
        color: var(--muted);
        font-size: var(--text-small);
        text-align: left;
      }
      th {
        width: 1%;
        font-size: var(--text-small);
        padding-right: var(--space-3);
        font-weight: 400;
        text-align: right;
        white-space: nowrap;
      }
      th.own {
        font-weight: 600;
      }
      td {
        border-bottom: 1px solid var(--line);
      }
      .ticks td {
        border: 0;
        color: var(--muted);
        font-size: var(--text-small);
      }
      .ticks td:nth-child(2) {
        display: flex;
        justify-content: space-between;
      }
      .ticks span {
        white-space: nowrap;
      }
      .mean {
        width: 4.5rem;
        text-align: right;
      }
      @media (max-width: 40rem) {
        th {
          width: 38%;
          white-space: normal;
        }
        .mean {
          width: 3.5rem;
        }
      }
      .axis {
        position: relative;
        min-height: 1.2rem;
        height: 1.3em;
      }
      .dot,
      .line {
        position: absolute;
        left: calc(var(--share) * 100%);
      }
      .dot {
        top: 50%;
        width: 0.7rem;
        height: 0.7rem;
        margin: -0.35rem;
        border-radius: 50%;
        background: currentcolor;
        opacity: 0.62;
      }
      .line {
        top: 10%;
        bottom: 10%;
        border-left: 2px solid var(--ink);
      }
      .interval {
        position: absolute;
        top: 50%;
        left: calc(var(--share) * 100%);
        width: calc(var(--width) * 100%);
        border-top: 3px solid currentcolor;
        opacity: 0.5;
      }
      .own {
        color: var(--branch-1);
      }
      .plain {
        color: var(--branch-0);
      }
      .rival {
        color: var(--branch-2);
      }
    `,
  ];

  /** What is measured, of what. */
  @property() caption = '';
  @property({ attribute: false }) rows: readonly DotsRow[] = [];
  /** The ends of the axis. */
  @property({ attribute: false }) range: readonly [number, number] = [0, 1];
  @property({ attribute: false }) format: (value: number) => string = wholePercent;
  /** The number of rows that are shown, from the first; the others are still to be guessed. */
  @property({ type: Number }) shown = Infinity;

  override render(): unknown {
    const [low, high] = this.range;
    // A caption of the table would not count in its height.
    return html`<p id="caption" class="caption">${this.caption}</p>
      <table aria-labelledby="caption">
        <tbody>
          ${this.rows.map((row, i) => this.#row(row, i >= this.shown))}
          <tr class="ticks" aria-hidden="true">
            <th></th>
            <td>${[low, (low + high) / 2, high].map((tick) => html`<span>${this.format(tick)}</span>`)}</td>
            <td></td>
          </tr>
        </tbody>
      </table>`;
  }

  #row({ name, look, values, mean, interval }: DotsRow, isHidden: boolean): unknown {
    return html`<tr>
      <th scope="row" class=${look}>${name}</th>
      <td>
        <div class="axis ${look}">
          ${
            isHidden || interval === undefined
              ? nothing
              : html`<span
                  class="interval"
                  ${cssProperties({
                    '--share': String(this.#share(interval[0])),
                    '--width': String(this.#share(interval[1]) - this.#share(interval[0])),
                  })}
                ></span>`
          }
          ${
            isHidden
              ? nothing
              : values.map(
                  (value) =>
                    html`<span class="dot" ${cssProperties({ '--share': String(this.#share(value)) })}></span>`,
                )
          }
          ${
            isHidden
              ? nothing
              : html`<span class="line" ${cssProperties({ '--share': String(this.#share(mean)) })}></span>`
          }
        </div>
      </td>
      <td class="mean">${isHidden ? '?' : this.format(mean)}</td>
    </tr>`;
  }

  /** A place on the axis, from 0 to 1. */
  #share(value: number): number {
    const [low, high] = this.range;
    return Math.max(0, Math.min(1, (value - low) / (high - low)));
  }
}

declare global {
  interface HTMLElementTagNameMap {
    'lab-seed-dots': LabSeedDots;
  }
}
