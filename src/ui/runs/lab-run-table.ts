/**
 * The runs as a table: what each is, how far it came, what sets it apart, and how a metric went.
 */
import { css, html, nothing } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import type { RunRow } from '../../protocol/runs.ts';
import { keyedList } from '../parts/keyed-list.ts';
import { fieldStyles } from '../parts/forms/field-styles.ts';
import { formatTime } from '../parts/format.ts';
import { LabElement } from '../parts/lab-element.ts';
import { baseStyles, buttonStyles, tableStyles } from '../parts/shared-styles.ts';
import { differsText, kindName, metricName, stateText, valueText } from './run-text.ts';
import { sparkline } from './sparkline.ts';

/**
 * @fires runs-choice - the ids of the chosen runs as `detail`.
 * @fires run-open - the id of a run whose remarks are wanted as `detail`; empty to close them.
 * @fires run-pin - the id of a run to be pinned or unpinned as `detail`.
 */
@customElement('lab-run-table')
export class LabRunTable extends LabElement {
  static override readonly styles = [
    baseStyles,
    buttonStyles,
    fieldStyles,
    tableStyles,
    css`
      th {
        padding: var(--space-1) var(--space-3) var(--space-1) 0;
        color: var(--muted);
        font-weight: 600;
        text-align: left;
        white-space: nowrap;
      }
      td {
        padding: var(--space-2) var(--space-3) var(--space-2) 0;
        vertical-align: top;
      }
      .tick {
        width: 1.8rem;
      }
      .name {
        min-width: 9rem;
        overflow-wrap: anywhere;
      }
      .name button {
        min-height: 0;
        padding: 0;
        border: 0;
        background: none;
        font-weight: 600;
        text-align: left;
        overflow-wrap: anywhere;
      }
      .name button:hover {
        text-decoration: underline;
      }
      .pin button {
        min-height: 1.6rem;
        padding: 0 var(--space-2);
      }
      .differs {
        min-width: 10rem;
        overflow-wrap: anywhere;
      }
      .muted {
        color: var(--muted);
      }
      .failed {
        color: var(--wrong);
      }
      .value {
        display: inline-flex;
        gap: var(--space-2);
        align-items: center;
      }
      svg {
        color: var(--accent);
      }
      .tag {
        display: inline-block;
        padding: 0 0.4em;
        border-radius: var(--radius);
        background: var(--field);
      }
      tr[aria-selected='true'] td {
        background: var(--field);
      }
    `,
  ];

  @property({ attribute: false }) runs: readonly RunRow[] = [];
  @property({ attribute: false }) chosen: ReadonlySet<string> = new Set();
  /** The run whose remarks are open. */
  @property() openId = '';
  @property() metric = 'accuracy';

  override render(): unknown {
    const all = this.runs.length > 0 && this.runs.every(({ id }) => this.chosen.has(id));
    return html`<div class="table">
      <table>
        <thead>
          <tr>
            <th class="tick">
              <input type="checkbox" aria-label="Choose all" .checked=${all} @change=${() => this.#chooseAll(!all)} />
            </th>
            <th>Run</th>
            <th>State</th>
            <th>Differs from its baseline</th>
            <th>${metricName(this.metric)}</th>
            <th>Started</th>
            <th><span class="visually-hidden">Pinned</span></th>
          </tr>
        </thead>
        <tbody>
          ${keyedList(
            this.runs,
            ({ id }) => id,
            (run) => this.#row(run),
          )}
        </tbody>
      </table>
    </div>`;
  }

  #row(run: RunRow): unknown {
    const { id, name, kind, seed, state, tags, isPinned, isArchived, startedAt, last, courses, baseline } = run;
    const value = last[this.metric];
    const course = courses[this.metric] ?? [];
    const isOpen = id === this.openId;
    return html`<tr aria-selected=${this.chosen.has(id) ? 'true' : 'false'}>
      <td class="tick">
        <input
          type="checkbox"
          aria-label=${`Choose ${name}`}
          .checked=${this.chosen.has(id)}
          @change=${() => this.#choose(id)}
        />
      </td>
      <td class="name">
        <button
          aria-expanded=${isOpen ? 'true' : 'false'}
          @click=${() => this.dispatchEvent(new CustomEvent<string>('run-open', { detail: isOpen ? '' : id }))}
        >
          ${name}
        </button>
        <div class="muted">${kindName(kind)}, seed ${seed}${isArchived ? ', archived' : nothing}</div>
        ${tags.map((tag) => html`<span class="tag">${tag}</span> `)}
      </td>
      <td class=${state === 'failed' ? 'failed' : ''}>${stateText(run)}</td>
      <td
        class="differs ${run.differs.length === 0 ? 'muted' : ''}"
        title=${baseline === null ? '' : `from ${baseline}`}
      >
        ${differsText(run)}
      </td>
      <td>
        ${
          value === undefined
            ? html`<span class="muted">not measured</span>`
            : html`<span class="value">${valueText(value)} ${course.length > 1 ? sparkline(course) : nothing}</span>`
        }
      </td>
      <td class="muted">${formatTime(startedAt)}</td>
      <td class="pin">
        <button
          aria-pressed=${isPinned ? 'true' : 'false'}
          aria-label=${`Pin ${name}`}
          title="A pinned run comes first, and others of its kind are compared with it."
          @click=${() => this.dispatchEvent(new CustomEvent<string>('run-pin', { detail: id }))}
        >
          ${isPinned ? 'Unpin' : 'Pin'}
        </button>
      </td>
    </tr>`;
  }

  #choose(id: string): void {
    const chosen = new Set(this.chosen);
    if (!chosen.delete(id)) chosen.add(id);
    this.#fire([...chosen]);
  }

  #chooseAll(isChosen: boolean): void {
    this.#fire(isChosen ? this.runs.map(({ id }) => id) : []);
  }

  #fire(ids: readonly string[]): void {
    this.dispatchEvent(new CustomEvent<readonly string[]>('runs-choice', { detail: ids }));
  }
}

declare global {
  interface HTMLElementTagNameMap {
    'lab-run-table': LabRunTable;
  }
}
