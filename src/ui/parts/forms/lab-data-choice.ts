/**
 * The choice of training data: the rule world, or the user's own file of judged pairs. A file is chosen or dropped, and
 * its summary is shown at once, including rows left out; the user's own rules can be chosen with it.
 */
import { counted } from '../../../common/counted.ts';
import { css, html, nothing } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import { classMap } from 'lit/directives/class-map.js';
import type { ColumnWishes, DataPlan, DataSummary, RulesSummary } from '../../../protocol/imported-data.ts';
import type { DataKind } from '../../../protocol/sft-experiment.ts';
import { type DataState, NO_DATA } from './data-controller.ts';
import { formatCount } from '../format.ts';
import './lab-column-choice.ts';
import './lab-grade-choice.ts';
import '../lab-notice.ts';
import type { RulesState } from './rules-controller.ts';
import { LabElement } from '../lab-element.ts';
import { baseStyles, buttonStyles } from '../shared-styles.ts';

const KINDS: readonly { readonly kind: DataKind; readonly name: string }[] = [
  { kind: 'world', name: 'Rule world' },
  { kind: 'file', name: 'Your own file' },
];

/**
 * @fires data-kind - the chosen {@link DataKind} as `detail`.
 * @fires data-files - the chosen files as `detail`.
 * @fires data-columns - the column assignments as `detail`, names by role.
 * @fires data-grades - the meanings of grades as `detail`, as in protocol/grade-meanings.ts.
 * @fires rules-files - the chosen rule files as `detail`.
 * @fires rules-drop - the rules are no longer wanted.
 */
@customElement('lab-data-choice')
export class LabDataChoice extends LabElement {
  static override readonly styles = [
    baseStyles,
    buttonStyles,
    css`
      :host {
        display: grid;
        gap: var(--space-3);
      }
      .kinds {
        display: flex;
        flex-wrap: wrap;
        gap: var(--space-2) var(--space-5);
        font-size: var(--text-small);
      }
      .kinds label {
        display: inline-flex;
        gap: var(--space-2);
        align-items: center;
        min-height: 1.5rem;
      }
      input[type='radio'] {
        width: 1.1rem;
        height: 1.1rem;
        margin: 0;
        accent-color: var(--accent);
      }
      .drop {
        display: grid;
        gap: var(--space-2);
        justify-items: start;
        padding: var(--space-3) var(--space-4);
        border: 1px dashed var(--line-strong);
        border-radius: var(--radius);
      }
      .rules {
        display: grid;
        gap: var(--space-2);
        justify-items: start;
      }
      .over {
        border-color: var(--accent);
        background: var(--field);
      }
      .name {
        font-weight: 600;
        overflow-wrap: anywhere;
      }
      .help,
      .counts,
      details {
        color: var(--muted);
        font-size: var(--text-small);
      }
      .counts {
        display: grid;
        gap: var(--space-1);
        list-style: none;
        font-variant-numeric: tabular-nums;
      }
      .refusals {
        display: grid;
        gap: var(--space-1);
        padding-top: var(--space-2);
        list-style: none;
        overflow-wrap: anywhere;
      }
      summary {
        width: fit-content;
        border-radius: var(--radius);
        cursor: pointer;
      }
    `,
  ];

  @property() kind: DataKind = 'world';
  /** The name of the file in the settings; empty where there is none yet. */
  @property() fileName = '';
  @property() fileHash = '';
  /** The meanings of its grades in the settings. */
  @property() grades = '';
  @property({ attribute: false }) data: DataState = NO_DATA;
  /** The user's own rules; undefined where none can be chosen. */
  @property({ attribute: false }) rules: RulesState | undefined;
  /** The file under the present settings. */
  @property({ attribute: false }) plan: DataPlan | undefined;
  @property({ type: Boolean }) disabled = false;
  @state() private isOver = false;

  override render(): unknown {
    return html`<div class="kinds" role="radiogroup" aria-label="What the model learns from">
        ${KINDS.map(
          ({ kind, name }) =>
            html`<label>
              <input
                type="radio"
                name="kind"
                ?disabled=${this.disabled}
                .checked=${kind === this.kind}
                @change=${() => this.dispatchEvent(new CustomEvent<DataKind>('data-kind', { detail: kind }))}
              />
              ${name}
            </label>`,
        )}
      </div>
      ${this.kind === 'file' ? this.#file() : nothing}`;
  }

  #file(): unknown {
    const { reading, summary, failure, columns, wishes } = this.data;
    const isChosen = this.fileHash !== '';
    return html`<div
        class=${classMap({ drop: true, over: this.isOver })}
        @dragover=${this.#draggedOver}
        @dragleave=${() => (this.isOver = false)}
        @drop=${this.#dropped}
      >
        ${isChosen ? html`<p class="name">${this.fileName}</p>` : nothing}
        <button type="button" ?disabled=${this.disabled || reading !== undefined} @click=${() => this.#open('.pairs')}>
          ${reading === undefined ? (isChosen ? 'Choose another file' : 'Choose a file') : `Reading ${reading}`}
        </button>
        <p class="help">
          Or drop it here: TSV, CSV, JSON, Excel or Parquet, also .gz and .zip, with a query, a title and a grade in
          each row. Documents may be in a second file, by docId; then choose both together. Nothing leaves this machine.
        </p>
        <input
          class="pairs"
          type="file"
          hidden
          multiple
          accept=".tsv,.csv,.txt,.json,.jsonl,.ndjson,.gz,.zip,.xlsx,.parquet"
          @change=${this.#chosen}
        />
      </div>
      <div role="status">
        ${summary?.sha256 === this.fileHash ? this.#found(summary) : nothing} ${isChosen ? this.#split() : nothing}
      </div>
      ${
        failure === undefined
          ? nothing
          : html`<lab-notice kind="failure" heading="This file cannot be used">
              ${failure.message} ${isChosen ? `The data is still ${this.fileName}, as it was read before.` : nothing}
            </lab-notice>`
      }
      <lab-column-choice
        .columns=${columns}
        .wishes=${wishes}
        ?open=${failure !== undefined}
        ?disabled=${this.disabled}
        @data-columns=${(event: CustomEvent<ColumnWishes>) => this.#pass('data-columns', event.detail)}
      ></lab-column-choice>
      ${
        failure === undefined && summary?.sha256 === this.fileHash
          ? html`<lab-grade-choice
              .grades=${summary.grades}
              .meanings=${this.grades}
              ?disabled=${this.disabled}
              @data-grades=${(event: CustomEvent<string>) => this.#pass('data-grades', event.detail)}
            ></lab-grade-choice>`
          : nothing
      }
      ${isChosen && this.rules !== undefined ? this.#ownRules(this.rules) : nothing}`;
  }

  #ownRules({ reading, summary, failure }: RulesState): unknown {
    return html`<div class="rules">
      <div class="actions">
        <button type="button" ?disabled=${this.disabled || reading !== undefined} @click=${() => this.#open('.own')}>
          ${reading === undefined ? (summary === undefined ? 'Choose own rules' : 'Choose other rules') : `Reading ${reading}`}
        </button>
        ${
          summary === undefined
            ? nothing
            : html`<button type="button" ?disabled=${this.disabled} @click=${() => this.#fire('rules-drop')}>
                Without rules
              </button>`
        }
      </div>
      <div role="status">${summary === undefined ? nothing : this.#rulesFound(summary)}</div>
      ${
        failure === undefined
          ? nothing
          : html`<lab-notice kind="failure" heading="These rules cannot be used">${failure.message}</lab-notice>`
      }
      <p class="help">
        An instruction as "lab piar" writes it, .json or .txt, and lexicon.json with its words; choose both together. Or
        a task in one file, with labels, grades, prompt and rules. Where the rules lead to the judged label, the model
        learns their reasons too.
      </p>
      <input class="own" type="file" hidden multiple accept=".json,.txt" @change=${this.#rulesChosen} />
    </div>`;
  }

  #rulesFound({ name, ruleCount, tailCount, traced, pairs, isLexiconInduced }: RulesSummary): unknown {
    return html`<ul class="counts">
      <li>${name}: ${counted(ruleCount, 'rule')}, ${formatCount(tailCount)} of them rare</li>
      <li>Reasons for ${formatCount(traced)} of ${counted(pairs, 'training label')}</li>
      ${isLexiconInduced ? html`<li>Their words come from the training documents, because no lexicon.json was chosen</li>` : nothing}
    </ul>`;
  }

  #found({ pairs, queries, documents, grades, gradeCount, refused, refusals, findings }: DataSummary): unknown {
    const listed = grades.map(({ grade, pairs: count }) => `${grade}: ${formatCount(count)}`).join(', ');
    const more = gradeCount > grades.length ? ` and ${formatCount(gradeCount - grades.length)} more` : '';
    return html`<ul class="counts">
        <li>${counted(pairs, 'pair')} of ${counted(queries, 'query', 'queries')}, ${counted(documents, 'document')}</li>
        <li>Pairs by grade: ${listed}${more}</li>
        ${findings.map((finding) => html`<li>${finding}</li>`)}
      </ul>
      ${
        refused === 0
          ? nothing
          : html`<details>
              <summary>${counted(refused, 'row')} left out</summary>
              <ul class="refusals">
                ${refusals.map((refusal) => html`<li>${refusal}</li>`)}
                ${refused > refusals.length ? html`<li>And ${formatCount(refused - refusals.length)} more.</li>` : nothing}
              </ul>
            </details>`
      }`;
  }

  #split(): unknown {
    if (this.plan === undefined) return nothing;
    const { train, dev, test, withoutLabel, shortenedDocuments, shortenedQueries } = this.plan;
    const shortened = [
      ...(shortenedDocuments > 0 ? [counted(shortenedDocuments, 'document')] : []),
      ...(shortenedQueries > 0 ? [counted(shortenedQueries, 'query', 'queries')] : []),
    ];
    return html`<ul class="counts">
      <li>
        ${counted(train.pairs, 'training pair')}, ${formatCount(dev.pairs)} held out, ${formatCount(test.pairs)} for a
        test; no query is in two of these
      </li>
      ${withoutLabel === 0 ? nothing : html`<li>${counted(withoutLabel, 'pair')} left out: their grade has no label</li>`}
      ${
        shortened.length === 0
          ? nothing
          : html`<li>${shortened.join(' and ')} longer than the prompt allows: their last words are cut</li>`
      }
    </ul>`;
  }

  /** File inputs cannot be styled, so a button opens them. */
  #open(input: '.pairs' | '.own'): void {
    this.renderRoot.querySelector<HTMLInputElement>(input)?.click();
  }

  readonly #chosen = (event: Event): void => this.#take(filesIn(event));

  readonly #rulesChosen = (event: Event): void => {
    const files = filesIn(event);
    if (files.length > 0) this.#fire('rules-files', files);
  };

  #draggedOver(event: DragEvent): void {
    if (this.disabled) return;
    event.preventDefault();
    this.isOver = true;
  }

  #dropped(event: DragEvent): void {
    event.preventDefault(); // otherwise the browser opens the file
    this.isOver = false;
    if (!this.disabled) this.#take([...(event.dataTransfer?.files ?? [])]);
  }

  #take(files: readonly File[]): void {
    if (files.length > 0) this.#fire('data-files', files);
  }

  #fire(name: string, files: readonly File[] = []): void {
    this.#pass(name, files);
  }

  #pass(name: string, detail: unknown): void {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}

/** The chosen files; resets the input so that the same files can be chosen again. */
function filesIn({ currentTarget: input }: Event): readonly File[] {
  if (!(input instanceof HTMLInputElement)) return [];
  const files = [...(input.files ?? [])];
  input.value = '';
  return files;
}

declare global {
  interface HTMLElementTagNameMap {
    'lab-data-choice': LabDataChoice;
  }
}
