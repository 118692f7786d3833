/**
 * One pair of a file: its texts with marked evidence, the label with its probabilities, the person's grade, and on
 * request the model's reasons with each step checked.
 */
import { html, nothing } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import { classMap } from 'lit/directives/class-map.js';
import { failureOf } from '../../protocol/failure.ts';
import type { EvidenceSpan } from '../../protocol/scoring.ts';
import { largest } from '../../common/largest.ts';
import type { Explained, Without } from '../../protocol/files.ts';
import { attributeValueText } from '../../relevance/pair/document-text.ts';
import { argMaxLabel, expectedLabel } from '../../relevance/pair/labels.ts';
import type { Pair } from '../../relevance/pair/pair.ts';
import { failureNotice } from '../parts/failure-notice.ts';
import { formatPercent, formatTime } from '../parts/format.ts';
import { LabElement } from '../parts/lab-element.ts';
import { cutByMarks, type Mark } from '../parts/marked-text.ts';
import { markStyles } from '../parts/mark-styles.ts';
import { baseStyles, buttonStyles, headingStyles } from '../parts/shared-styles.ts';
import { AnswerController } from '../score/answer-controller.ts';
import '../score/lab-label-gauge.ts';
import '../score/lab-trace.ts';
import { ModelController, type ModelOrigin } from '../score/model-controller.ts';
import type { ScoringClient } from '../score/scoring-client.ts';
import type { JudgedTable } from './judged-table.ts';
import { pairPanelStyles } from './pair-panel-styles.ts';

/** The source of reasons: the same model in another thread. */
export interface ReasonSource {
  readonly openClient: () => ScoringClient;
  readonly origin: ModelOrigin;
}

/** Scores a pair without pieces of its document; without any, gives the words that its query has too. */
export type ScoreWithout = (place: number, removed: readonly string[]) => Promise<Without | undefined>;

/**
 * @fires grade-choice - a label as `detail`, or null to remove the grade.
 * @fires reason-toggle - the reader shows or hides reasons.
 */
@customElement('lab-pair-panel')
export class LabPairPanel extends LabElement {
  static override readonly styles = [baseStyles, buttonStyles, headingStyles, markStyles, pairPanelStyles];

  @property({ attribute: false }) table: JudgedTable | undefined;
  /** Increases with each change of the table, which stays the same object. */
  @property({ type: Number }) version = 0;
  @property({ attribute: false }) place: number | undefined;
  /** Fetches a pair by its place. */
  @property({ attribute: false }) fetchPair: ((place: number) => Promise<Pair>) | undefined;
  /** Scores a pair without some of its words. */
  @property({ attribute: false }) scoreWithout: ScoreWithout | undefined;
  /** What rules say of a pair, where they score the file. */
  @property({ attribute: false }) explain: ((place: number) => Promise<Explained | null>) | undefined;
  /** Whether the file is being scored. */
  @property({ type: Boolean }) scoring = false;
  @property({ attribute: false }) reasonSource: ReasonSource | undefined;
  /** Whether reasons are shown for every pair. */
  @property({ type: Boolean }) reasons = false;
  @state() private pair: Pair | undefined;
  @state() private problem = '';
  @state() private shared: readonly string[] = [];
  @state() private explained: Explained | null = null;
  @state() private removed: readonly string[] = [];
  @state() private without: readonly number[] | undefined;
  #isRescoring = false;
  @state() private activeStep: number | undefined;
  readonly #model = new ModelController(this);
  readonly #answer = new AnswerController(this);
  #isLoaded = false;
  #askedPair: Pair | undefined;

  override willUpdate(changed: Map<PropertyKey, unknown>): void {
    if (changed.has('table')) this.#isLoaded = false;
    if (changed.has('place') || changed.has('table')) void this.#fetch();
    this.#askIfReady();
  }

  override render(): unknown {
    const { table, place } = this;
    if (table === undefined || place === undefined) return html`<p class="empty">No pair is chosen.</p>`;
    const { labelNames, rubric } = table.file.scoring;
    const label = table.labels[place] ?? -1;
    const probabilities = table.probabilitiesOf(place);
    return html`${this.#texts(table, place)}
    ${
      label < 0
        ? html`<p class="muted">This pair has no score yet.</p>`
        : html`<section aria-label="Label">
            <p class="answer">
              <strong>${labelNames[label] ?? ''}</strong>
              <span class="muted">${formatPercent(probabilities[label] ?? 0)} sure</span>
            </p>
            <p class="muted rubric">${rubric[label] ?? ''}</p>
            <lab-label-gauge
              .names=${labelNames}
              .probabilities=${this.without ?? probabilities}
              .answer=${this.without === undefined ? label : argMaxLabel(this.without)}
              .score=${this.without === undefined ? (table.scores[place] ?? 0) : expectedLabel(this.without)}
            ></lab-label-gauge>
            ${this.#evidence(table, place)}
            ${table.isCut(place) ? html`<p class="muted">Too long for the model: its last words were cut.</p>` : nothing}
          </section>`
    }
    ${this.#grades(table, place)} ${this.#reasons(table)} ${this.#fields(table, place)}`;
  }

  #texts(table: JudgedTable, place: number): unknown {
    const { file } = table;
    const { document, query } = this.pair ?? {};
    const queryText = query ?? file.queries[table.queryOf(place)]?.text ?? '';
    const title = document?.title ?? file.titles[place] ?? '';
    return html`<section class="texts" aria-label="Pair">
      <p class="query"><span class="heading">Query</span> ${this.#marked(queryText, 'query')}</p>
      <h3>${this.#marked(title, 'title')}</h3>
      ${this.problem === '' ? nothing : html`<p class="muted" role="alert">${this.problem}</p>`}
    </section>`;
  }

  /** The fields of the document, except its title. */
  #fields(table: JudgedTable, place: number): unknown {
    const { file } = table;
    const rest = this.pair === undefined ? [] : fieldsOf(this.pair.document);
    return html`<section class="texts" aria-label="Document">
      <dl>
        ${rest.map(
          ({ name, field, attribute, text }) =>
            html`<div>
              <dt>${name}</dt>
              <dd>${this.#marked(text, field, attribute)}</dd>
            </div>`,
        )}
        <div>
          <dt>Row</dt>
          <dd>${file.rows[place]}, document ${file.docIds[place]}</dd>
        </div>
      </dl>
    </section>`;
  }

  #marked(text: string, field: EvidenceSpan['field'], attribute?: string): unknown {
    const marks = this.#answer.state.steps.flatMap(({ index, check, spans }) =>
      spans
        .filter((span) => span.field === field && span.attribute === attribute)
        .map(({ start, end }): Mark => ({ start, end, tone: check, active: index === this.activeStep })),
    );
    if (marks.length === 0) return text;
    return cutByMarks(text, marks).map(({ text: piece, mark }) =>
      mark === undefined
        ? piece
        : html`<mark class=${classMap({ [mark.tone]: true, active: mark.active })}>${piece}</mark>`,
    );
  }

  /** Pieces of evidence that can be taken away, and what the label is without them. */
  #evidence(table: JudgedTable, place: number): unknown {
    const pieces = this.#pieces();
    if (pieces.length === 0 || this.scoreWithout === undefined) return nothing;
    const { labelNames } = table.file.scoring;
    const { removed, without } = this;
    const ranked = without === undefined ? 0 : expectedLabel(without);
    const others = table.rankedOf(table.queryOf(place)).filter((other) => other !== place);
    const rank = 1 + others.filter((other) => (table.scores[other] ?? -1) > ranked).length;
    return html`<div class="evidence" role="group" aria-label="Evidence to take away">
        <span class="muted">Without</span>
        ${pieces.map(
          (piece) =>
            html`<button
              class="piece"
              aria-pressed=${removed.includes(piece) ? 'true' : 'false'}
              ?disabled=${this.scoring}
              @click=${() => this.#toggle(piece)}
            >
              ${piece}
            </button>`,
        )}
      </div>
      <p role="status" class="muted">
        ${
          without === undefined
            ? nothing
            : `Without ${removed.map((piece) => `“${piece}”`).join(', ')}: ` +
              `${labelNames[argMaxLabel(without)] ?? ''}, ${formatPercent(largest(without))} sure, at rank ${rank}.`
        }
      </p>`;
  }

  /** What reasons quote of the document, or else the words that the query has too. */
  #pieces(): string[] {
    const quoted = this.#answer.state.steps.flatMap(({ step }) =>
      step.evidence.flatMap(({ source, text }) => (source === 'document' ? [text] : [])),
    );
    const { evidence = [] } = this.explained ?? {};
    return [...new Set([quoted, evidence, this.shared].find((texts) => texts.length > 0) ?? [])];
  }

  #toggle(piece: string): void {
    const { removed } = this;
    this.removed = removed.includes(piece) ? removed.filter((other) => other !== piece) : [...removed, piece];
    void this.#rescore();
  }

  /** Scores again until the score is that of what is removed, one request after the other. */
  async #rescore(): Promise<void> {
    if (this.#isRescoring) return;
    this.#isRescoring = true;
    try {
      for (;;) {
        const { place, removed, table } = this;
        if (place === undefined || removed.length === 0) {
          this.without = undefined;
          return;
        }
        const scored = await this.scoreWithout?.(place, removed);
        if (removed !== this.removed || place !== this.place || table !== this.table) continue;
        this.without = scored?.probabilities ?? undefined;
        return;
      }
    } catch (thrown) {
      this.problem = failureOf(thrown).message;
    } finally {
      this.#isRescoring = false;
    }
  }

  #grades(table: JudgedTable, place: number): unknown {
    const { gradeNames } = table.file.scoring;
    const grade = table.gradeOf(place);
    const judgment = table.judgmentOf(place);
    const original = table.file.golds[place] ?? -1;
    return html`<section aria-label="Grade">
      <h3 class="heading" id="grade">Your grade</h3>
      <div class="grades" role="group" aria-labelledby="grade">
        ${gradeNames.map(
          (name, label) =>
            html`<button aria-pressed=${label === grade ? 'true' : 'false'} @click=${() => this.#dispatch(label)}>
              <kbd>${label}</kbd> ${name}
            </button>`,
        )}
        ${grade < 0 ? nothing : html`<button @click=${() => this.#dispatch(null)}><kbd>x</kbd> No grade</button>`}
      </div>
      ${
        judgment === undefined
          ? nothing
          : table.isCorrected(place)
            ? html`<p class="muted">
                By ${judgment.author}, ${formatTime(judgment.at)}. The file says
                ${original < 0 ? 'nothing' : (gradeNames[original] ?? original)}.
              </p>`
            : html`<p class="muted">Confirmed by ${judgment.author}, ${formatTime(judgment.at)}.</p>`
      }
    </section>`;
  }

  #reasons(table: JudgedTable): unknown {
    const { sentences = [] } = this.explained ?? {};
    if (table.file.scoring.choice.kind === 'rules') {
      return html`<section aria-label="Reasons">
        <h3 class="heading">Rules that decide</h3>
        ${sentences.map((sentence) => html`<p>${sentence}</p>`)}
      </section>`;
    }
    if (!table.file.scoring.givesReasons || this.reasonSource === undefined) return nothing;
    const model = this.#model.state;
    const answer = this.#answer.state;
    return html`<section aria-label="Reasons">
      <button
        aria-pressed=${this.reasons ? 'true' : 'false'}
        @click=${() => this.dispatchEvent(new Event('reason-toggle'))}
      >
        <kbd>e</kbd> Reasons
      </button>
      ${
        !this.reasons
          ? nothing
          : model.kind === 'failed'
            ? failureNotice(model.failure)
            : model.kind === 'loading'
              ? html`<p class="muted" role="status">Loading the model for its reasons.</p>`
              : html`${failureNotice(answer.failure)}
                  <lab-trace
                    .answer=${answer}
                    .labelNames=${table.file.scoring.labelNames}
                    .givesReasons=${true}
                    @step-select=${(event: CustomEvent<number | undefined>) => (this.activeStep = event.detail)}
                    @stop=${() => this.#answer.stop()}
                  ></lab-trace>`
      }
    </section>`;
  }

  /** Asks for reasons once they are wanted and both pair and model are loaded. */
  #askIfReady(): void {
    const { reasons, reasonSource, table, pair } = this;
    const isWanted =
      table?.file.scoring.choice.kind !== 'rules' &&
      reasons &&
      table?.file.scoring.givesReasons === true &&
      reasonSource !== undefined;
    if (!isWanted) {
      if (this.#askedPair !== undefined) {
        this.#askedPair = undefined;
        this.#answer.clear();
      }
      return;
    }
    if (!this.#isLoaded) {
      this.#isLoaded = true;
      this.#askedPair = undefined;
      // Reasons use the backend of the scores, so that both belong to the same answer.
      void this.#model.load(reasonSource.openClient, reasonSource.origin, table.file.scoring.backend);
    }
    if (this.#model.state.kind !== 'ready' || pair === undefined || pair === this.#askedPair) return;
    this.#askedPair = pair;
    this.activeStep = undefined;
    this.#answer.ask(this.#model.state.client, pair);
  }

  async #fetch(): Promise<void> {
    const { place, table } = this;
    this.pair = undefined;
    this.problem = '';
    this.shared = [];
    this.explained = null;
    this.removed = [];
    this.without = undefined;
    if (this.#answer.state.phase !== 'idle') this.#answer.clear();
    this.#askedPair = undefined;
    if (place === undefined || this.fetchPair === undefined) return;
    try {
      const pair = await this.fetchPair(place);
      if (place !== this.place || table !== this.table) return;
      this.pair = pair;
      const shared = await this.scoreWithout?.(place, []);
      const explained = (await this.explain?.(place)) ?? null;
      if (place === this.place && table === this.table)
        [this.shared, this.explained] = [shared?.words ?? [], explained];
    } catch (thrown) {
      if (place === this.place) this.problem = failureOf(thrown).message;
    }
  }

  #dispatch(label: number | null): void {
    this.dispatchEvent(new CustomEvent<number | null>('grade-choice', { detail: label }));
  }
}

interface ShownField {
  readonly name: string;
  readonly field: EvidenceSpan['field'];
  readonly attribute?: string;
  readonly text: string;
}

/** The fields of a document that are not empty, except its title. */
function fieldsOf({ brand, type, attributes, text }: Pair['document']): ShownField[] {
  const fields: ShownField[] = [
    { name: 'Brand', field: 'brand', text: brand },
    { name: 'Type', field: 'type', text: type },
    ...Object.entries(attributes).map(([name, value]): ShownField => ({
      name,
      field: 'attributes',
      attribute: name,
      text: attributeValueText(value),
    })),
    { name: 'Text', field: 'text', text },
  ];
  return fields.filter((field) => field.text !== '');
}

declare global {
  interface HTMLElementTagNameMap {
    'lab-pair-panel': LabPairPanel;
  }
}
