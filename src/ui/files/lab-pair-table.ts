/**
 * A table of pairs with their labels, scores and grades. Only the visible rows are drawn.
 */
import { css, html, nothing } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import { classMap } from 'lit/directives/class-map.js';
import { cssProperties } from '../parts/css-properties.ts';
import { formatCount } from '../parts/format.ts';
import { LabElement } from '../parts/lab-element.ts';
import { baseStyles } from '../parts/shared-styles.ts';
import type { JudgedTable } from './judged-table.ts';
import { labelTone, labelToneStyles } from './label-tone.ts';
import { VirtualRows } from './virtual-rows.ts';

const ROW_PX = 40;
/** From this width on there is room for reasons. */
const REASONS_PX = 660;

/** Asks for the sentence of each pair (protocol/files.ts, reasonsAt); undefined if there is none to be had. */
export type FetchReasons = (places: readonly number[]) => Promise<readonly (string | null)[] | undefined>;

/** @fires pair-choice - the place of a pair as `detail`. */
@customElement('lab-pair-table')
export class LabPairTable extends LabElement {
  static override readonly styles = [
    baseStyles,
    labelToneStyles,
    css`
      :host {
        display: grid;
        grid-template-rows: minmax(0, 1fr);
        min-height: 0;
        container-type: inline-size;
      }
      .box {
        position: relative;
        overflow: auto;
        overscroll-behavior: contain;
      }
      .box:focus-visible {
        outline-offset: -2px;
      }
      .row {
        display: grid;
        grid-template-columns: 2.6rem minmax(0, 1fr) minmax(0, 7.2rem) 2.8rem 3rem minmax(0, 6.6rem);
        gap: var(--space-3);
        align-items: center;
        padding: 0 var(--space-3);
        border-bottom: 1px solid var(--line);
        font-size: var(--text-small);
        font-variant-numeric: tabular-nums;
      }
      .reasoned .row {
        grid-template-columns: 2.4rem minmax(0, 3fr) minmax(0, 6.2rem) minmax(0, 2fr) 2.4rem 2.8rem minmax(0, 5.6rem);
        gap: var(--space-2);
      }
      .chip {
        display: inline-block;
        max-width: 100%;
        padding: 0 var(--space-2);
        border-radius: 999px;
        overflow: hidden;
        background: var(--field);
        color: var(--muted);
        line-height: 1.7;
        text-overflow: ellipsis;
        vertical-align: middle;
      }
      .pair:hover .chip,
      .pair[aria-selected='true'] .chip {
        background: var(--surface);
      }
      .head {
        position: sticky;
        top: 0;
        z-index: 1;
        height: 40px;
        background: var(--surface);
        color: var(--muted);
        font-weight: 600;
      }
      .all {
        position: relative;
        height: var(--height);
      }
      .pair {
        position: absolute;
        inset: 0 0 auto;
        height: 40px;
        cursor: pointer;
        transform: translateY(var(--top));
      }
      .pair:hover {
        background: var(--field);
      }
      .pair[aria-selected='true'] {
        background: var(--field);
        box-shadow: inset 3px 0 0 var(--accent);
      }
      [role='gridcell'],
      [role='columnheader'] {
        overflow: hidden;
        text-overflow: ellipsis;
        white-space: nowrap;
      }
      .number {
        text-align: right;
      }
      .label,
      .grade {
        display: flex;
        gap: var(--space-2);
        align-items: center;
      }
      .name {
        overflow: hidden;
        text-overflow: ellipsis;
      }
      .of {
        color: var(--muted);
      }
      .differs .grade {
        color: var(--wrong);
        font-weight: 600;
      }
      .corrected {
        text-decoration: underline;
        text-underline-offset: 0.2em;
      }
      .none {
        color: var(--muted);
      }
      .empty {
        padding: var(--space-5);
        color: var(--muted);
      }
      @container (width < 40rem) {
        .row {
          grid-template-columns: 2.2rem minmax(0, 1fr) minmax(0, 6rem) 2.4rem 2.8rem minmax(0, 5.2rem);
          gap: var(--space-2);
        }
      }
      @container (width < 30rem) {
        .row {
          grid-template-columns: 2.4rem minmax(0, 1fr) minmax(0, 6.2rem) minmax(0, 6.2rem);
        }
        .wide {
          display: none;
        }
      }
    `,
  ];

  @property({ attribute: false }) table: JudgedTable | undefined;
  /** Increases with each change of the table, which stays the same object. */
  @property({ type: Number }) version = 0;
  /** The places of the pairs, in order. */
  @property({ attribute: false }) places: readonly number[] = [];
  @property({ attribute: false }) chosen: number | undefined;
  /** Whether the pairs are of several queries. */
  @property({ type: Boolean }) mixed = false;
  @property({ attribute: false }) fetchReasons: FetchReasons | undefined;
  #isAsking = false;
  /** The table for which no reasons are to be had. */
  #silent: JudgedTable | undefined;
  readonly #rows: VirtualRows = new VirtualRows(this, ROW_PX, () => this.renderRoot.querySelector('.box'));

  override updated(changed: Map<PropertyKey, unknown>): void {
    if (changed.has('chosen') && this.#chosenRow >= 0) this.#rows.reveal(this.#chosenRow, ROW_PX);
    void this.#askReasons();
  }

  override focus(): void {
    this.renderRoot.querySelector<HTMLElement>('.box')?.focus();
  }

  get #hasReasons(): boolean {
    return (this.table?.reasons.size ?? 0) > 0 && this.offsetWidth >= REASONS_PX;
  }

  /** Asks for the reasons of the rows that are drawn, once for each. */
  async #askReasons(): Promise<void> {
    const { table, places, fetchReasons } = this;
    if (table === undefined || fetchReasons === undefined || this.#isAsking || this.#silent === table) return;
    if (!table.file.scoring.givesReasons || this.offsetWidth < REASONS_PX) return;
    const { first, end } = this.#rows.window(places.length);
    const asked = places
      .slice(first, end)
      .filter((place) => !table.reasons.has(place) && (table.labels[place] ?? -1) >= 0);
    if (asked.length === 0) return;
    this.#isAsking = true;
    const reasons = await fetchReasons(asked).catch(() => undefined);
    this.#isAsking = false;
    if (reasons === undefined) this.#silent = table;
    for (const [i, place] of asked.entries()) table.reasons.set(place, reasons?.[i] ?? null);
    this.requestUpdate();
  }

  get #chosenRow(): number {
    return this.chosen === undefined ? -1 : this.places.indexOf(this.chosen);
  }

  override render(): unknown {
    const { table, places } = this;
    if (table === undefined) return nothing;
    const { first, end } = this.#rows.window(places.length);
    const active = this.#chosenRow;
    const hasReasons = this.#hasReasons;
    return html`<div
      class=${classMap({ box: true, reasoned: hasReasons })}
      role="grid"
      tabindex="0"
      aria-label="Pairs"
      aria-rowcount=${places.length + 1}
      aria-activedescendant=${active < 0 ? nothing : `pair-${active}`}
      @keydown=${this.#keyPressed}
    >
      <div role="rowgroup">
        <div class="row head" role="row" aria-rowindex="1">
          <span role="columnheader" class="number">Rank</span>
          <span role="columnheader">Title</span>
          <span role="columnheader">Label</span>
          ${hasReasons ? html`<span role="columnheader">Reason</span>` : nothing}
          <span role="columnheader" class="number wide">Score</span>
          <span role="columnheader" class="number wide">BM25</span>
          <span role="columnheader">Grade</span>
        </div>
      </div>
      ${places.length === 0 ? html`<p class="empty">No pair matches.</p>` : nothing}
      <div class="all" role="rowgroup" ${cssProperties({ '--height': `${places.length * ROW_PX}px` })}>
        ${places.slice(first, end).map((place, i) => this.#row(table, place, { row: first + i, hasReasons }))}
      </div>
    </div>`;
  }

  #row(
    table: JudgedTable,
    place: number,
    { row, hasReasons }: { readonly row: number; readonly hasReasons: boolean },
  ): unknown {
    const { file } = table;
    const { labelNames, gradeNames } = file.scoring;
    const label = table.labels[place] ?? -1;
    const bm25Rank = table.bm25Ranks?.[place];
    const grade = table.gradeOf(place);
    const isCorrected = table.isCorrected(place);
    const query = this.mixed ? `${file.queries[table.queryOf(place)]?.text ?? ''}: ` : '';
    return html`<div
      class=${classMap({ row: true, pair: true, differs: table.disagrees(place) })}
      role="row"
      id=${`pair-${row}`}
      aria-rowindex=${row + 2}
      aria-selected=${place === this.chosen ? 'true' : 'false'}
      ${cssProperties({ '--top': `${row * ROW_PX}px` })}
      @click=${() => this.#dispatch(place)}
    >
      <span role="gridcell" class="number">${label < 0 ? '' : formatCount(table.rankOf(place))}</span>
      <span role="gridcell"><span class="of">${query}</span>${file.titles[place] ?? ''}</span>
      ${
        label < 0
          ? html`<span role="gridcell" class="none">not yet</span>`
          : html`<span role="gridcell" class="label tone" ${cssProperties(labelTone(label, labelNames.length))}
              ><span class="name">${labelNames[label] ?? ''}</span></span
            >`
      }
      ${hasReasons ? html`<span role="gridcell">${this.#reason(table.reasons.get(place))}</span>` : nothing}
      <span role="gridcell" class="number wide">${label < 0 ? '' : (table.scores[place] ?? 0).toFixed(2)}</span>
      <span role="gridcell" class="number wide">${bm25Rank === undefined ? '' : formatCount(bm25Rank)}</span>
      ${
        grade < 0
          ? html`<span role="gridcell" class="none">${isCorrected ? 'none' : '\u2013'}</span>`
          : html`<span role="gridcell" class="grade"
              ><span class=${classMap({ name: true, corrected: isCorrected })}>${gradeNames[grade] ?? ''}</span
              >${isCorrected ? html`<span class="visually-hidden">, corrected</span>` : nothing}${
                table.disagrees(place) ? html`<span class="visually-hidden">, differs from the label</span>` : nothing
              }</span
            >`
      }
    </div>`;
  }

  #reason(sentence: string | null | undefined): unknown {
    return sentence === null || sentence === undefined
      ? nothing
      : html`<span class="chip" title=${sentence}>${sentence}</span>`;
  }

  #keyPressed(event: KeyboardEvent): void {
    const row = this.#rows.rowAfter(event.key, this.#chosenRow, this.places.length);
    if (row === undefined) return;
    event.preventDefault();
    this.#dispatch(this.places[row] ?? 0);
  }

  #dispatch(place: number): void {
    this.dispatchEvent(new CustomEvent<number>('pair-choice', { detail: place }));
  }
}

declare global {
  interface HTMLElementTagNameMap {
    'lab-pair-table': LabPairTable;
  }
}
