/**
 * The claims that a finished experiment supports: each with its difference, interval and number of seeds, and all arms
 * below. The numbers are those of the committed results file.
 */
import { formatDifference } from '../parts/format.ts';
import { css, html, nothing } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import { messageOf } from '../../common/errors.ts';
import type { ExperimentResults, Finding, MetricName } from '../../protocol/experiment-results.ts';
import { disclosureStyles } from '../parts/forms/field-styles.ts';
import '../parts/lab-notice.ts';
import { LabElement } from '../parts/lab-element.ts';
import { baseStyles, headingStyles, tableStyles } from '../parts/shared-styles.ts';

/** The columns of the table of arms. */
const COLUMNS = [
  ['rewardGain', 'Reward gained'],
  ['tailRecall', 'Rare rules recalled'],
  ['headRecall', 'Common rules recalled'],
  ['distinctRules', 'Rules cited'],
  ['accuracy', 'Labels right'],
  ['collapsed', 'Seeds collapsed'],
] as const satisfies readonly (readonly [MetricName, string])[];

/** Metrics in words. */
const SPOKEN: Readonly<Partial<Record<MetricName, string>>> = {
  rewardGain: 'reward',
  tailRecall: 'recall of rare rules',
  headRecall: 'recall of common rules',
  macroF1: 'macro-F1',
};

@customElement('lab-findings')
export class LabFindings extends LabElement {
  static override readonly styles = [
    baseStyles,
    headingStyles,
    disclosureStyles,
    tableStyles,
    css`
      section {
        display: grid;
        gap: var(--space-4);
      }
      .note {
        max-width: 46rem;
        color: var(--muted);
        font-size: var(--text-small);
      }
      code {
        font-family: var(--mono);
        font-size: 0.9375em;
        overflow-wrap: anywhere;
      }
      th,
      td {
        padding: 0.3rem var(--space-4) 0.3rem 0;
        text-align: left;
        vertical-align: top;
      }
      th {
        color: var(--muted);
        font-weight: 600;
      }
      th[scope='row'] {
        min-width: 11rem;
        color: var(--ink);
        font-weight: 400;
      }
      .number {
        white-space: nowrap;
      }
      .outcome {
        font-weight: 600;
      }
      details {
        min-width: 0;
      }
    `,
  ];

  /** Loads the results; called once. */
  @property({ attribute: false }) load: (() => Promise<ExperimentResults>) | undefined;
  @state() private results: ExperimentResults | undefined;
  @state() private problem = '';

  override willUpdate(changed: Map<PropertyKey, unknown>): void {
    if (changed.has('load')) void this.#read();
  }

  override render(): unknown {
    if (this.problem !== '') {
      return html`<lab-notice kind="failure" heading="The results cannot be shown">${this.problem}</lab-notice>`;
    }
    if (this.results === undefined) return html`<p class="note">Fetching the results.</p>`;
    const { id, question, device, commit, findings, arms } = this.results;
    const seeds = Math.max(0, ...arms.map((arm) => arm.seeds.length));
    return html`<section aria-label="What the runs support">
      <div>
        <h2 class="heading">What the runs support (${id})</h2>
        <p>${question}</p>
      </div>
      <div class="table" tabindex="0" role="region" aria-label="Claims">
        <table>
          <thead>
            <tr>
              <th scope="col">Claim</th>
              <th scope="col">Outcome</th>
              <th scope="col">Difference, 95 % interval</th>
            </tr>
          </thead>
          <tbody>
            ${findings.map(findingRow)}
          </tbody>
        </table>
      </div>
      <details>
        <summary>All arms</summary>
        <div class="table" tabindex="0" role="region" aria-label="All arms">
          <table>
            <thead>
              <tr>
                <th scope="col">Arm</th>
                ${COLUMNS.map(([, name]) => html`<th scope="col">${name}</th>`)}
              </tr>
            </thead>
            <tbody>
              ${arms.map((arm) => armRow(arm))}
            </tbody>
          </table>
        </div>
      </details>
      <p class="note">
        ${seeds} seeds per arm, each with its own start; differences are paired by seed, and metrics of held-out pairs
        are measured on test pairs. The number of steps and the step size were chosen after two trial runs of GRPO on
        another start, one of which collapsed while the other fell short; that favours seeing a collapse. ${device},
        commit ${commit}. Reproduce with <code>npm run lab -- experiment ${id} --seeds ${seeds}</code>. A tiny model on
        a made-up world says little about larger ones.
      </p>
    </section>`;
  }

  async #read(): Promise<void> {
    try {
      this.results = await this.load?.();
    } catch (error) {
      this.problem = messageOf(error);
    }
  }
}

function findingRow({ claim, outcome, metric, mean, low, high, n }: Finding): unknown {
  const interval =
    low === null || high === null ? nothing : html` (${formatDifference(low)} to ${formatDifference(high)})`;
  return html`<tr>
    <th scope="row">${claim}</th>
    <td class="outcome">${outcome}</td>
    <td class="number">${SPOKEN[metric] ?? metric} ${formatDifference(mean)}${interval}, n = ${n}</td>
  </tr>`;
}

function armRow({ name, seeds }: ExperimentResults['arms'][number]): unknown {
  return html`<tr>
    <th scope="row">${name}</th>
    ${COLUMNS.map(([metric]) => {
      const values = seeds.flatMap(({ metrics }) => metrics[metric] ?? []);
      return html`<td class="number">${values.length === 0 ? '' : metricText(metric, values)}</td>`;
    })}
  </tr>`;
}

function metricText(metric: MetricName, values: readonly number[]): string {
  const sum = values.reduce((total, value) => total + value, 0);
  if (metric === 'collapsed') return `${sum} of ${values.length}`;
  const mean = sum / values.length;
  return metric === 'rewardGain' ? formatDifference(mean) : mean.toFixed(metric === 'distinctRules' ? 1 : 2);
}

declare global {
  interface HTMLElementTagNameMap {
    'lab-findings': LabFindings;
  }
}
