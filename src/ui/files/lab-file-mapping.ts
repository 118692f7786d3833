/**
 * The mapping of a file: its first rows, a role for each column, and the meanings of its grades. Columns without a role
 * are kept and exported with the scores.
 */
import { css, html, nothing } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import type { Failure } from '../../protocol/failure.ts';
import type { FileReading, FileSurvey, OpenedFile, Preview } from '../../protocol/files.ts';
import { fieldStyles } from '../parts/forms/field-styles.ts';
import { formatCount } from '../parts/format.ts';
import '../parts/forms/lab-grade-choice.ts';
import { LabElement } from '../parts/lab-element.ts';
import '../parts/lab-notice.ts';
import { actionsStyles, baseStyles, buttonStyles, headingStyles, tableStyles } from '../parts/shared-styles.ts';

/** How a file is to be read. */
export interface Mapping {
  readonly columns: Record<string, string>;
  readonly grades: string;
  readonly isMapped: boolean;
  /** By default as before. */
  readonly reading?: FileReading;
}

const ROLE_NAMES: Readonly<Record<string, string>> = {
  query: 'Query',
  queryId: 'Id of the query',
  docId: 'Id of the document',
  title: 'Title',
  brand: 'Brand',
  type: 'Type',
  text: 'Text',
  attributes: 'Attributes',
  grade: 'Grade',
  judge: 'Judge, who gave the grade',
};

/** @fires file-mapping - the {@link Mapping} as `detail`. */
@customElement('lab-file-mapping')
export class LabFileMapping extends LabElement {
  static override readonly styles = [
    baseStyles,
    buttonStyles,
    actionsStyles,
    headingStyles,
    fieldStyles,
    tableStyles,
    css`
      :host {
        display: grid;
        grid-template-columns: minmax(0, 1fr);
        gap: var(--space-4);
      }
      .table {
        max-height: 24rem;
        overflow: auto;
        border: 1px solid var(--line);
        border-radius: var(--radius);
        background: var(--surface);
      }
      th,
      td {
        max-width: 22rem;
        padding: var(--space-2) var(--space-3);
        text-align: left;
        vertical-align: top;
      }
      td {
        overflow: hidden;
        text-overflow: ellipsis;
        white-space: nowrap;
      }
      thead th {
        position: sticky;
        top: 0;
        z-index: 1;
        min-width: 9.5rem;
        background: var(--surface);
        font-weight: 600;
      }
      th .control {
        margin-top: var(--space-1);
        font-size: var(--text-small);
        font-weight: 400;
      }
      option {
        background: var(--surface);
      }
      h3 {
        margin-bottom: var(--space-2);
      }
      .kept {
        color: var(--muted);
      }
      .given th,
      .given {
        color: var(--ink);
      }
      .facts {
        display: grid;
        gap: var(--space-1);
        color: var(--muted);
        font-size: var(--text-small);
        font-variant-numeric: tabular-nums;
        list-style: none;
      }
      .layout {
        display: flex;
        flex-wrap: wrap;
        gap: var(--space-2) var(--space-4);
        align-items: center;
        font-size: var(--text-small);
      }
      .found {
        display: grid;
        gap: var(--space-2);
      }
      .facts strong {
        color: var(--ink);
        font-weight: 600;
      }
      summary {
        width: fit-content;
        cursor: pointer;
      }
      .help {
        color: var(--muted);
        font-size: var(--text-small);
      }
    `,
  ];

  @property({ attribute: false }) file: OpenedFile | undefined;

  override render(): unknown {
    const { file } = this;
    if (file === undefined) return nothing;
    return html`<p class="help">
        ${
          file.isRemembered
            ? 'The columns are read as in the last file that had them. '
            : 'The columns were recognised by their names. '
        }Other
        columns are kept and exported with the scores.
      </p>
      ${this.#layout(file)} ${file.failure === null ? nothing : this.#failure(file.failure)}
      <div class="found" role="status">${file.survey === null ? nothing : this.#survey(file.survey)}</div>
      ${file.survey === null ? nothing : this.#gradeChoice(file.survey, file)}
      <div class="actions">
        <button
          class="primary"
          ?disabled=${file.failure !== null}
          @click=${() => this.#dispatch({ columns: file.columns, grades: file.grades, isMapped: true })}
        >
          Use it like this
        </button>
      </div>
      ${file.previews.map((preview) => this.#preview(preview, file))}`;
  }

  #layout({ layout, layouts, sheets, notes, reading }: OpenedFile): unknown {
    const readAs = (change: Partial<FileReading>): void =>
      this.#dispatch({ columns: {}, grades: '', isMapped: false, reading: { ...reading, ...change } });
    const found = layout === null ? 'not recognised' : `found: ${layout.name}`;
    return html`<div class="layout">
        <label>
          Layout
          <select
            class="control"
            @change=${(event: Event) => readAs({ format: chosenIn(event), sheet: reading.sheet })}
          >
            <option value="" .selected=${reading.format === ''}>${reading.format === '' ? found : 'find it'}</option>
            ${layouts.map((name) => html`<option .value=${name} .selected=${name === reading.format}>${name}</option>`)}
          </select>
        </label>
        ${
          sheets.length < 2
            ? nothing
            : html`<label>
                Sheet
                <select class="control" @change=${(event: Event) => readAs({ sheet: chosenIn(event) })}>
                  <option value="" .selected=${reading.sheet === ''}>the first</option>
                  ${sheets.map(
                    (name) => html`<option .value=${name} .selected=${name === reading.sheet}>${name}</option>`,
                  )}
                </select>
              </label>`
        }
      </div>
      ${
        layout === null || (layout.name === 'table' && notes.length === 0)
          ? nothing
          : html`<ul class="facts">
              ${layout.name === 'table' ? nothing : html`<li>Read as ${layout.title}.</li>`}
              ${notes.map((note) => html`<li>${note}</li>`)}
            </ul>`
      }`;
  }

  #preview({ name, columns, rows }: Preview, file: OpenedFile): unknown {
    return html`<section aria-label=${`The first rows of ${name}`}>
      <h3 class="heading">The first rows of ${name}</h3>
      <div class="table" tabindex="0" role="region" aria-label=${`Rows of ${name}`}>
        <table>
          <thead>
            <tr>
              ${columns.map(
                (column) =>
                  html`<th scope="col">
                    ${column.name}
                    <select
                      class="control"
                      aria-label=${`What ${column.name} is`}
                      @change=${(event: Event) => this.#chosen(file, column, event.currentTarget)}
                    >
                      ${this.#choices(file, column.role)}
                    </select>
                  </th>`,
              )}
            </tr>
          </thead>
          <tbody>
            ${rows.map(
              (row) =>
                html`<tr>
                  ${row.map((cell, i) => html`<td class=${columns[i]?.role === null ? 'kept' : 'given'}>${cell}</td>`)}
                </tr>`,
            )}
          </tbody>
        </table>
      </div>
    </section>`;
  }

  #choices(file: OpenedFile, role: string | null): unknown {
    // Only the name of a column makes it an attribute, so other columns cannot become one.
    const isAttribute = role === 'attribute';
    return html`${
      isAttribute
        ? html`<option value="attribute" .selected=${true}>An attribute</option>`
        : html`<option value="" .selected=${role === null}>Keep as is</option>`
    }
    ${file.roles.map(
      (each) => html`<option .value=${each} .selected=${each === role}>${ROLE_NAMES[each] ?? each}</option>`,
    )}`;
  }

  #failure({ message }: Failure): unknown {
    return html`<lab-notice kind="failure" heading="It cannot be read like this">${message}</lab-notice>`;
  }

  #survey(survey: FileSurvey): unknown {
    const { pairs, queries, documents, grades, refused, refusals, findings } = survey;
    return html`<ul class="facts">
        <li>
          <strong>${formatCount(pairs)} ${pairs === 1 ? 'pair' : 'pairs'}</strong> of ${formatCount(queries)}
          ${queries === 1 ? 'query' : 'queries'}, ${formatCount(documents)}
          documents${grades.length === 0 ? ', no grades' : ''}
        </li>
        ${findings.map((finding) => html`<li>${finding}</li>`)}
      </ul>
      ${
        refused === 0
          ? nothing
          : html`<details class="help">
              <summary>
                ${formatCount(refused)} ${refused === 1 ? 'row' : 'rows'} cannot be read and are left out
              </summary>
              <ul class="facts">
                ${refusals.map((refusal) => html`<li>${refusal}</li>`)}
                ${refused > refusals.length ? html`<li>And ${formatCount(refused - refusals.length)} more.</li>` : nothing}
              </ul>
            </details>`
      } `;
  }

  #gradeChoice({ grades }: FileSurvey, file: OpenedFile): unknown {
    if (grades.length === 0) return nothing;
    return html`<lab-grade-choice
      .grades=${grades}
      .meanings=${file.grades}
      @data-grades=${(event: CustomEvent<string>) =>
        this.#dispatch({ columns: file.columns, grades: event.detail, isMapped: false })}
    ></lab-grade-choice>`;
  }

  #chosen(file: OpenedFile, column: Preview['columns'][number], select: EventTarget | null): void {
    if (!(select instanceof HTMLSelectElement)) return;
    const { value } = select;
    // The previous role of the column becomes free, even one whose choice the thread has not applied yet. A column that
    // loses its role to this one is kept as it is.
    const freed = Object.entries(file.columns).map(([role, name]) => [role, name === column.name ? '' : name]);
    const columns = Object.fromEntries(freed) as Record<string, string>;
    if (column.role !== null && column.role !== 'attribute') columns[column.role] = '';
    if (value !== '' && value !== 'attribute') columns[value] = column.name;
    this.#dispatch({ columns, grades: file.grades, isMapped: false });
  }

  #dispatch(mapping: Mapping): void {
    this.dispatchEvent(new CustomEvent<Mapping>('file-mapping', { detail: mapping }));
  }
}

function chosenIn({ currentTarget }: Event): string {
  return currentTarget instanceof HTMLSelectElement ? currentTarget.value : '';
}

declare global {
  interface HTMLElementTagNameMap {
    'lab-file-mapping': LabFileMapping;
  }
}
