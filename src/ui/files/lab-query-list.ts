/**
 * The queries of a file in a chosen order. Only the visible rows are drawn.
 */
import { css, html, nothing } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import { cssProperties } from '../parts/css-properties.ts';
import { fieldStyles } from '../parts/forms/field-styles.ts';
import { formatCount } from '../parts/format.ts';
import { LabElement } from '../parts/lab-element.ts';
import { baseStyles } from '../parts/shared-styles.ts';
import type { JudgedTable, QueryOrder } from './judged-table.ts';
import { VirtualRows } from './virtual-rows.ts';

const ROW_PX = 52;

const ORDER_NAMES: Readonly<Record<QueryOrder, string>> = {
  file: 'as in the file',
  ndcg: 'worst NDCG first',
  disagreement: 'most disagreements first',
  doubt: 'most doubt first',
};

/**
 * @fires query-choice - the number of a query as `detail`, or null for all.
 * @fires query-order - the {@link QueryOrder} as `detail`.
 */
@customElement('lab-query-list')
export class LabQueryList extends LabElement {
  static override readonly styles = [
    baseStyles,
    fieldStyles,
    css`
      :host {
        display: grid;
        grid-template-rows: auto minmax(0, 1fr);
        min-height: 0;
      }
      label {
        display: grid;
        gap: var(--space-1);
        padding: var(--space-2) var(--space-3);
        border-bottom: 1px solid var(--line);
        color: var(--muted);
        font-size: var(--text-small);
      }
      .control {
        font-size: var(--text-small);
      }
      option {
        background: var(--surface);
      }
      .box {
        position: relative;
        overflow-y: auto;
        overscroll-behavior: contain;
      }
      .box:focus-visible {
        outline-offset: -2px;
      }
      .all {
        position: relative;
        height: var(--height);
      }
      .query {
        position: absolute;
        inset: 0 0 auto;
        display: grid;
        align-content: center;
        height: 52px;
        padding: 0 var(--space-3);
        border-bottom: 1px solid var(--line);
        cursor: pointer;
        transform: translateY(var(--top));
      }
      .query:hover {
        background: var(--field);
      }
      .query[aria-selected='true'] {
        background: var(--field);
        box-shadow: inset 3px 0 0 var(--accent);
      }
      .text,
      .facts {
        overflow: hidden;
        text-overflow: ellipsis;
        white-space: nowrap;
        font-size: var(--text-small);
        line-height: 1.35;
      }
      [aria-selected='true'] .text {
        font-weight: 600;
      }
      .facts {
        color: var(--muted);
        font-variant-numeric: tabular-nums;
      }
    `,
  ];

  @property({ attribute: false }) table: JudgedTable | undefined;
  /** Increases with each change of the table, which stays the same object. */
  @property({ type: Number }) version = 0;
  /** The numbers of the queries, in order. */
  @property({ attribute: false }) queries: readonly number[] = [];
  @property({ attribute: false }) chosen: number | null = null;
  @property({ attribute: false }) order: QueryOrder = 'file';
  readonly #rows: VirtualRows = new VirtualRows(this, ROW_PX, () => this.renderRoot.querySelector('.box'));

  override updated(changed: Map<PropertyKey, unknown>): void {
    if (changed.has('chosen')) this.#rows.reveal(this.#chosenRow);
  }

  /** The row of the chosen query; the first row is for all queries. */
  get #chosenRow(): number {
    return this.chosen === null ? 0 : this.queries.indexOf(this.chosen) + 1;
  }

  override render(): unknown {
    const { table, queries } = this;
    if (table === undefined) return nothing;
    const rows = queries.length + 1;
    const { first, end } = this.#rows.window(rows);
    return html`<label>
        Queries
        <select class="control" @change=${this.#ordered}>
          ${(Object.keys(ORDER_NAMES) as QueryOrder[]).map(
            (order) =>
              html`<option
                .value=${order}
                .selected=${order === this.order}
                ?disabled=${order !== 'file' && order !== 'doubt' && !table.hasGrades}
              >
                ${ORDER_NAMES[order]}
              </option>`,
          )}
        </select>
      </label>
      <div
        class="box"
        role="listbox"
        tabindex="0"
        aria-label="Queries"
        aria-activedescendant=${`query-${this.#chosenRow}`}
        @keydown=${this.#keyPressed}
      >
        <div class="all" role="presentation" ${cssProperties({ '--height': `${rows * ROW_PX}px` })}>
          ${Array.from({ length: end - first }, (_, i) => this.#row(table, first + i, rows))}
        </div>
      </div>`;
  }

  #row(table: JudgedTable, row: number, rows: number): unknown {
    const query = row === 0 ? null : (this.queries[row - 1] ?? 0);
    return html`<div
      class="query"
      role="option"
      id=${`query-${row}`}
      aria-selected=${query === this.chosen ? 'true' : 'false'}
      aria-setsize=${rows}
      aria-posinset=${row + 1}
      ${cssProperties({ '--top': `${row * ROW_PX}px` })}
      @click=${() => this.#dispatch(query)}
    >
      <span class="text">${query === null ? 'All queries' : (table.file.queries[query]?.text ?? '')}</span>
      <span class="facts"
        >${query === null ? `${formatCount(rows - 1)} ${rows === 2 ? 'query' : 'queries'}` : factsOf(table, query)}</span
      >
    </div>`;
  }

  #keyPressed(event: KeyboardEvent): void {
    const row = this.#rows.rowAfter(event.key, this.#chosenRow, this.queries.length + 1);
    if (row === undefined) return;
    event.preventDefault();
    this.#dispatch(row === 0 ? null : (this.queries[row - 1] ?? null));
  }

  readonly #ordered = ({ currentTarget: select }: Event): void => {
    if (!(select instanceof HTMLSelectElement)) return;
    this.dispatchEvent(new CustomEvent('query-order', { detail: select.value }));
  };

  #dispatch(query: number | null): void {
    this.dispatchEvent(new CustomEvent<number | null>('query-choice', { detail: query }));
  }
}

function factsOf(table: JudgedTable, query: number): string {
  const { pairs, scored, ndcg, disagreements, doubt } = table.summaryOf(query);
  const count = `${formatCount(pairs)} ${pairs === 1 ? 'pair' : 'pairs'}`;
  if (scored === 0) return count;
  const differ = disagreements === 0 ? [] : [`${formatCount(disagreements)} differ`];
  const measured = ndcg === null ? `doubt ${doubt.toFixed(2)}` : `NDCG ${ndcg.toFixed(2)}`;
  return [count, measured, ...differ].join(' · ');
}

declare global {
  interface HTMLElementTagNameMap {
    'lab-query-list': LabQueryList;
  }
}
