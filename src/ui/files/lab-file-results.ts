/**
 * The results of a file: queries on the left, their pairs in the middle, one pair on the right, and the measures above
 * them. Everything can be done with keys.
 */
import { html, nothing } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import type { Explained, FileMeasures } from '../../protocol/files.ts';
import type { Pair } from '../../relevance/pair/pair.ts';
import { fieldStyles } from '../parts/forms/field-styles.ts';
import { formatCount } from '../parts/format.ts';
import { LabElement } from '../parts/lab-element.ts';
import { baseStyles, buttonStyles, headingStyles } from '../parts/shared-styles.ts';
import { fileResultsStyles } from './file-results-styles.ts';
import type { JudgedTable, QueryOrder } from './judged-table.ts';
import './lab-file-keys.ts';
import './lab-pair-panel.ts';
import type { ReasonSource, ScoreWithout } from './lab-pair-panel.ts';
import './lab-pair-table.ts';
import type { FetchReasons } from './lab-pair-table.ts';
import './lab-query-list.ts';
import './lab-trust-strip.ts';
import { actionOf, type KeyAction } from './result-keys.ts';
import { NO_FILTER, type PairFilter, shownPairs } from './shown-pairs.ts';

/** A grade that a person gives or, if null, removes. */
export interface GivenGrade {
  readonly place: number;
  readonly label: number | null;
}

/** The number of pairs that "most doubtful" shows at first. */
const DOUBTFUL = 20;
/** The least time between two updates of the lists while scores arrive. */
const REFRESH_MS = 300;
/** Updates take at most 1 / this of the time. */
const LISTING_SHARE = 20;

/**
 * @fires file-grade - the {@link GivenGrade} as `detail`.
 * @fires file-undo - the last grade is to be undone.
 */
@customElement('lab-file-results')
export class LabFileResults extends LabElement {
  static override readonly styles = [baseStyles, buttonStyles, headingStyles, fieldStyles, fileResultsStyles];

  @property({ attribute: false }) table: JudgedTable | undefined;
  /** Increases with each change of the table, which stays the same object. */
  @property({ type: Number }) version = 0;
  @property({ attribute: false }) measures: FileMeasures | null | undefined;
  @property({ type: Boolean }) scoring = false;
  /** Whether the view is shown and receives keys. */
  @property({ type: Boolean }) active = false;
  @property({ attribute: false }) fetchPair: ((place: number) => Promise<Pair>) | undefined;
  @property({ attribute: false }) explain: ((place: number) => Promise<Explained | null>) | undefined;
  @property({ attribute: false }) fetchReasons: FetchReasons | undefined;
  @property({ attribute: false }) scoreWithout: ScoreWithout | undefined;
  @property({ attribute: false }) reasonSource: ReasonSource | undefined;
  @state() private filter: PairFilter = { ...NO_FILTER, query: 0 };
  @state() private order: QueryOrder = 'file';
  @state() private chosen: number | undefined;
  @state() private hasReasons = false;
  @state() private announcement = '';
  @state() private doubtful = DOUBTFUL;
  #queries: readonly number[] = [];
  #places: readonly number[] = [];
  #confusion: readonly (readonly number[])[] = [];
  #isChosen = false;
  #listedAtMs = -Infinity;
  /** The duration of the last update of the lists. */
  #listingMs = 0;
  #later: ReturnType<typeof setTimeout> | undefined;

  override connectedCallback(): void {
    super.connectedCallback();
    addEventListener('keydown', this.#keyPressed);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    removeEventListener('keydown', this.#keyPressed);
    clearTimeout(this.#later);
  }

  override willUpdate(changed: Map<PropertyKey, unknown>): void {
    const { table } = this;
    if (table === undefined) return;
    if (changed.has('table')) {
      this.filter = { ...NO_FILTER, query: 0 };
      this.order = 'file';
      this.#isChosen = false;
      this.#listedAtMs = -Infinity;
    }
    const isAsked = changed.has('filter') || changed.has('order') || changed.has('table') || !this.scoring;
    if (isAsked || performance.now() - this.#listedAtMs >= this.#refreshMs) this.#list(table, changed.has('order'));
    else this.#listLater();
    // Until a person chooses a pair, the first one is shown.
    if (!this.#isChosen) this.chosen = this.#places[0];
  }

  override render(): unknown {
    const { table, filter } = this;
    if (table === undefined) return nothing;
    return html`<lab-trust-strip
        .measures=${this.measures}
        .scoring=${table.file.scoring}
        .confusion=${this.#confusion}
        .cell=${filter.cell}
        ?unfinished=${table.scored < table.file.scoring.pairs}
        @cell-choice=${(event: CustomEvent<PairFilter['cell']>) => this.#showOnly({ cell: event.detail })}
        @below-choice=${(event: CustomEvent<number>) => this.#showOnly({ below: event.detail })}
      ></lab-trust-strip>
      <div class="tools" role="toolbar" aria-label="What is shown">
        <input
          class="control search"
          type="search"
          aria-label="Filter by words"
          placeholder="Filter by words"
          autocomplete="off"
          .value=${filter.text}
          @input=${this.#searched}
          @keydown=${this.#searchKeyPressed}
        />
        <button
          aria-pressed=${filter.doubtful === null ? 'false' : 'true'}
          @click=${() => this.#showOnly({ doubtful: filter.doubtful === null ? this.doubtful : null })}
        >
          Most doubtful
        </button>
        <input
          class="control many"
          type="number"
          min="1"
          max=${table.size}
          aria-label="How many of the most doubtful"
          .value=${String(this.doubtful)}
          @change=${this.#doubtfulAsked}
        />
        <button ?disabled=${!table.hasGrades} @click=${() => this.#perform({ kind: 'disagreement' })}>
          Next disagreement
        </button>
        ${
          filter.cell === null && filter.doubtful === null && filter.below === null && filter.text === ''
            ? nothing
            : html`<button @click=${() => this.#show({ ...NO_FILTER, query: this.#queries[0] ?? 0 })}>
                Show all again
              </button>`
        }
        <button class="keys" @click=${() => this.#perform({ kind: 'help' })}><kbd>?</kbd> Keys</button>
        <span class="count">${formatCount(this.#places.length)} ${this.#places.length === 1 ? 'pair' : 'pairs'}</span>
      </div>
      <div class="panes">
        <lab-query-list
          class="pane"
          .table=${table}
          .version=${this.version}
          .queries=${this.#queries}
          .chosen=${filter.query}
          .order=${this.order}
          @query-choice=${(event: CustomEvent<number | null>) => this.#showOnly({ query: event.detail })}
          @query-order=${(event: CustomEvent<QueryOrder>) => (this.order = event.detail)}
        ></lab-query-list>
        <lab-pair-table
          class="pane"
          .table=${table}
          .version=${this.version}
          .places=${this.#places}
          .chosen=${this.chosen}
          .fetchReasons=${this.fetchReasons}
          ?mixed=${filter.query === null}
          @pair-choice=${(event: CustomEvent<number>) => this.#choose(event.detail)}
        ></lab-pair-table>
        <lab-pair-panel
          class="pane"
          .table=${table}
          .version=${this.version}
          .place=${this.chosen}
          .fetchPair=${this.fetchPair}
          .reasonSource=${this.reasonSource}
          .scoreWithout=${this.scoreWithout}
          .explain=${this.explain}
          ?scoring=${this.scoring}
          ?reasons=${this.hasReasons}
          @grade-choice=${(event: CustomEvent<number | null>) => this.#grade(event.detail, 0)}
          @reason-toggle=${() => this.#perform({ kind: 'reason' })}
        ></lab-pair-panel>
      </div>
      <p class="visually-hidden" role="status">${this.announcement}</p>
      <lab-file-keys .grades=${this.table?.file.scoring.gradeNames.length ?? 0}></lab-file-keys>`;
  }

  /** Selects a pair; lists the pairs of its query if the present list does not have it. */
  reveal(place: number): void {
    const { table } = this;
    if (table === undefined) return;
    if (!this.#places.includes(place)) this.filter = { ...NO_FILTER, query: table.queryOf(place) };
    this.#choose(place);
  }

  /** Updates the lists. @param isReordered - whether a person chose another order; otherwise a visible order is kept */
  #list(table: JudgedTable, isReordered: boolean): void {
    clearTimeout(this.#later);
    this.#later = undefined;
    this.#listedAtMs = performance.now();
    if (isReordered || this.#queries.length !== table.queryCount || (this.scoring && this.order !== 'file')) {
      this.#queries = table.queriesBy(this.order);
    }
    this.#places = shownPairs(table, this.filter, this.#queries);
    this.#confusion = table.confusion();
    this.#listingMs = performance.now() - this.#listedAtMs;
  }

  /** Long lists are updated less often, so that the page stays responsive. */
  get #refreshMs(): number {
    return Math.max(REFRESH_MS, LISTING_SHARE * this.#listingMs);
  }

  #listLater(): void {
    this.#later ??= setTimeout(() => {
      this.#later = undefined;
      this.#listedAtMs = -Infinity;
      this.requestUpdate();
    }, this.#refreshMs);
  }

  #show(change: Partial<PairFilter>): void {
    this.filter = { ...this.filter, ...change };
    this.#isChosen = false;
  }

  /** Filters by nothing but this and the text that was searched. */
  #showOnly(filter: Partial<PairFilter>): void {
    this.#show({ ...NO_FILTER, text: this.filter.text, ...filter });
  }

  #choose(place: number): void {
    this.chosen = place;
    this.#isChosen = true;
  }

  #grade(label: number | null, step: number): void {
    const { table, chosen } = this;
    if (table === undefined || chosen === undefined) return;
    const { gradeNames } = table.file.scoring;
    if (label !== null && gradeNames[label] === undefined) {
      this.announcement = `There is no grade ${label}: the grades here are 0 to ${gradeNames.length - 1}.`;
      return;
    }
    if (label === null && table.gradeOf(chosen) < 0) {
      this.announcement = 'This pair has no grade.';
      return;
    }
    this.announcement = label === null ? 'The grade is removed.' : `Graded ${gradeNames[label] ?? ''}.`;
    // The next pair is taken from the present list, because the pair may leave the list with its new grade.
    const next = this.#places[this.#places.indexOf(chosen) + step];
    this.dispatchEvent(new CustomEvent<GivenGrade>('file-grade', { detail: { place: chosen, label } }));
    this.#choose(next ?? chosen);
  }

  readonly #keyPressed = (event: KeyboardEvent): void => {
    const action = this.active ? actionOf(event) : undefined;
    if (action === undefined) return;
    event.preventDefault();
    this.#perform(action);
  };

  #perform(action: KeyAction): void {
    switch (action.kind) {
      case 'pair':
        this.#step(action.step);
        break;
      case 'query':
        this.#stepQuery(action.step);
        break;
      case 'grade':
        this.#grade(action.label, 1);
        break;
      case 'undo':
        this.announcement =
          this.table?.lastOwn === undefined ? 'No grade is left to undo.' : 'The last grade is undone.';
        this.dispatchEvent(new Event('file-undo'));
        break;
      case 'reason':
        this.hasReasons = !this.hasReasons;
        if (this.table?.file.scoring.givesReasons === false) this.announcement = 'This model gives no reasons.';
        break;
      case 'disagreement':
        this.#nextDisagreement();
        break;
      case 'filter':
        this.renderRoot.querySelector<HTMLInputElement>('.search')?.focus();
        break;
      case 'help':
        this.renderRoot.querySelector('lab-file-keys')?.show();
        break;
      default:
        action satisfies never;
    }
  }

  #step(step: number): void {
    const at = this.chosen === undefined ? -1 : this.#places.indexOf(this.chosen);
    const next = this.#places[Math.min(this.#places.length - 1, Math.max(0, at + step))];
    if (next !== undefined) this.#choose(next);
  }

  #stepQuery(step: number): void {
    const { query } = this.filter;
    const at = query === null ? -1 : this.#queries.indexOf(query);
    const next = this.#queries[Math.min(this.#queries.length - 1, Math.max(0, at + step))];
    if (next !== undefined) this.#show({ ...NO_FILTER, query: next });
  }

  /** Selects the next disagreement in the present list, or else in the queries that follow. */
  #nextDisagreement(): void {
    const { table, chosen, filter } = this;
    if (table === undefined) return;
    const at = chosen === undefined ? -1 : this.#places.indexOf(chosen);
    const here = this.#places.slice(at + 1).find((place) => table.disagrees(place));
    if (here !== undefined) {
      this.#choose(here);
      return;
    }
    if (filter.query !== null) {
      for (const query of this.#queries.slice(this.#queries.indexOf(filter.query) + 1)) {
        const place = table.rankedOf(query).find((each) => table.disagrees(each));
        if (place === undefined) continue;
        this.filter = { ...NO_FILTER, query };
        this.#choose(place);
        return;
      }
    }
    this.announcement = 'No further label differs from its grade.';
  }

  readonly #doubtfulAsked = ({ currentTarget: input }: Event): void => {
    if (!(input instanceof HTMLInputElement)) return;
    this.doubtful = Math.max(1, Math.trunc(Number(input.value)) || DOUBTFUL);
    input.value = String(this.doubtful);
    this.#showOnly({ doubtful: this.doubtful });
  };

  readonly #searched = ({ currentTarget: input }: Event): void => {
    if (!(input instanceof HTMLInputElement)) return;
    // A search covers the whole file.
    this.#show({ text: input.value, query: input.value === '' ? this.filter.query : null });
  };

  #searchKeyPressed(event: KeyboardEvent): void {
    if (event.key !== 'Escape' && event.key !== 'Enter') return;
    event.preventDefault();
    if (event.key === 'Escape') this.#show({ text: '' });
    this.renderRoot.querySelector('lab-pair-table')?.focus();
  }
}

declare global {
  interface HTMLElementTagNameMap {
    'lab-file-results': LabFileResults;
  }
}
