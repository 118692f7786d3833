/**
 * The history of one rule: how often prompts need it, how often completions cite it, and whether citing it paid.
 */
import { css, html, nothing } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import type { GrpoEventOf } from '../../protocol/grpo.ts';
import { branchLook } from '../parts/charts/branch-looks.ts';
import type { BranchState } from './collapse-state.ts';
import { fieldStyles } from '../parts/forms/field-styles.ts';
import { formatCount, twoDecimals } from '../parts/format.ts';
import '../parts/charts/lab-chart.ts';
import type { ChartLine } from '../parts/charts/lab-chart.ts';
import { advantageCurve, citationCurve, orderedRules, ruleSums } from './rule-series.ts';
import { LabElement } from '../parts/lab-element.ts';
import { baseStyles, headingStyles, tableStyles } from '../parts/shared-styles.ts';

/** Steps at the beginning and at the end that are compared. */
const WINDOW = 10;

/**
 * @fires rule-choose - the index of a rule as `detail`.
 */
@customElement('lab-rule-autopsy')
export class LabRuleAutopsy extends LabElement {
  static override readonly styles = [
    baseStyles,
    headingStyles,
    fieldStyles,
    tableStyles,
    css`
      section {
        display: grid;
        grid-template-columns: minmax(0, 1fr);
        gap: var(--space-3);
      }
      label {
        font-size: var(--text-small);
      }
      select.control {
        max-width: 100%;
        width: auto;
      }
      option {
        background: var(--surface);
      }
      .charts {
        display: grid;
        grid-template-columns: repeat(auto-fit, minmax(min(100%, 19rem), 1fr));
        gap: var(--space-5);
      }
      th,
      td {
        padding: 0.2rem var(--space-3) 0.2rem 0;
        text-align: right;
      }
      th:first-child {
        text-align: left;
      }
      tbody th {
        font-weight: 400;
      }
    `,
  ];

  @property({ attribute: false }) branches: readonly BranchState[] = [];
  @property({ attribute: false }) prepared: GrpoEventOf<'prepared'> | undefined;
  @property({ type: Number }) rule = 0;

  override render(): unknown {
    const { branches, prepared, rule } = this;
    const info = prepared?.rules[rule];
    if (prepared === undefined || info === undefined) return nothing;
    const steps = Math.max(1, ...branches.map((branch) => branch.steps));
    const linesOf = (curve: typeof citationCurve): ChartLine[] =>
      branches.map(({ id, name, history }) => ({ name, look: branchLook(id), curve: curve(history, rule, steps) }));
    const advantages = linesOf(advantageCurve);
    const highest = Math.max(
      0.5,
      ...advantages.flatMap(({ curve }) => curve.points.map(({ value }) => Math.abs(value))),
    );
    return html`<section aria-label="Rule autopsy">
      <h2 class="heading">What became of one rule</h2>
      <label
        >Rule
        <select class="control" @change=${this.#chosen}>
          ${orderedRules(prepared.rules).map((index) => {
            const each = prepared.rules[index];
            return html`<option .value=${String(index)} .selected=${index === rule}>
              ${each?.id}${each?.isTail === true ? ' (rare)' : ''}
            </option>`;
          })}
        </select></label
      >
      <p>
        ${info.text} ${info.isTail ? 'A rare rule.' : 'A common rule.'} It implies
        <em>${prepared.labelNames[info.cap] ?? `label ${info.cap}`}</em> at most.
      </p>
      <div class="table" tabindex="0" role="group" aria-label="The rule in each branch">
        <table>
          <thead>
            <tr>
              <th scope="col">Branch</th>
              <th scope="col">Prompts that need it</th>
              <th scope="col">Cited in the first ${WINDOW} steps</th>
              <th scope="col">in the last ${WINDOW}</th>
              <th scope="col">Mean advantage of citing it</th>
            </tr>
          </thead>
          <tbody>
            ${branches.map(({ name, history }) => {
              const { gold, meanAdvantage } = ruleSums(history, rule);
              return html`<tr>
                <th scope="row">${name}</th>
                <td>${formatCount(gold)}</td>
                <td>${formatCount(ruleSums(history.slice(0, WINDOW), rule).cited)}</td>
                <td>${formatCount(ruleSums(history.slice(-WINDOW), rule).cited)}</td>
                <td>${meanAdvantage === null ? '\u2013' : meanAdvantage.toFixed(2)}</td>
              </tr>`;
            })}
          </tbody>
        </table>
      </div>
      <div class="charts">
        <lab-chart
          heading="Citations per 100 completions"
          .steps=${steps}
          .format=${oneDecimal}
          .formatTick=${String}
          .lines=${linesOf(citationCurve)}
        ></lab-chart>
        <lab-chart
          heading="Mean advantage of citing it"
          .steps=${steps}
          .range=${[-highest, highest] as const}
          .format=${twoDecimals}
          .formatTick=${twoDecimals}
          .lines=${advantages}
        ></lab-chart>
      </div>
    </section>`;
  }

  readonly #chosen = (event: Event): void => {
    const { currentTarget: select } = event;
    if (!(select instanceof HTMLSelectElement)) return;
    this.dispatchEvent(new CustomEvent<number>('rule-choose', { detail: Number(select.value) }));
  };
}

function oneDecimal(value: number): string {
  return value.toFixed(1);
}

declare global {
  interface HTMLElementTagNameMap {
    'lab-rule-autopsy': LabRuleAutopsy;
  }
}
