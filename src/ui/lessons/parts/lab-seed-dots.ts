/**
 * One metric of several arms on one axis: a dot per seed, a line at the mean.
 */
import { css, html, nothing } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import type { ExperimentResults } from '../../../protocol/experiment-results.ts';
import { cssProperties } from '../../parts/css-properties.ts';
import { wholePercent } from '../../parts/format.ts';
import { LabElement } from '../../parts/lab-element.ts';
import { baseStyles } from '../../parts/shared-styles.ts';
import { armMean, type LambdaArm, seedsOf } from '../collapse/lesson-text.ts';

@customElement('lab-seed-dots')
export class LabSeedDots extends LabElement {
  static override readonly styles = [
    baseStyles,
    css`
      table {
        width: 100%;
        height: 100%;
        border-collapse: collapse;
        font-variant-numeric: tabular-nums;
        line-height: 1.2;
      }
      caption {
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

  @property({ attribute: false }) results: ExperimentResults | undefined;
  @property({ attribute: false }) arms: readonly LambdaArm[] = [];
  /** Only the first arm is shown as long as the others are to be guessed. */
  @property({ type: Boolean }) hidesOthers = false;

  override render(): unknown {
    const { results } = this;
    if (results === undefined) return nothing;
    return html`<table>
      <caption>
        Recall of rare rules at the end of a run, on the test split: a dot per seed, a line at the mean (experiment
        ${results.id})
      </caption>
      <tbody>
        ${this.arms.map((arm, i) => this.#row(results, arm, this.hidesOthers && i > 0))}
        <tr class="ticks" aria-hidden="true">
          <th></th>
          <td><span>0 %</span><span>50 %</span><span>100 %</span></td>
          <td></td>
        </tr>
      </tbody>
    </table>`;
  }

  #row(results: ExperimentResults, { arm, name, isRival }: LambdaArm, isHidden: boolean): unknown {
    const mean = armMean(results, arm, 'tailRecall');
    const look = isRival ? 'rival' : name === 'reward only' ? 'plain' : 'own';
    return html`<tr>
      <th scope="row" class=${look}>${name}</th>
      <td>
        <div class="axis ${look}">
          ${
            isHidden
              ? nothing
              : seedsOf(results, arm).map(
                  ({ metrics }) =>
                    html`<span class="dot" ${cssProperties({ '--share': String(metrics.tailRecall ?? 0) })}></span>`,
                )
          }
          ${isHidden ? nothing : html`<span class="line" ${cssProperties({ '--share': String(mean) })}></span>`}
        </div>
      </td>
      <td class="mean">${isHidden ? '?' : wholePercent(mean)}</td>
    </tr>`;
  }
}

declare global {
  interface HTMLElementTagNameMap {
    'lab-seed-dots': LabSeedDots;
  }
}
