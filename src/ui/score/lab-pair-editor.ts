/**
 * The pair as an editable sheet: the query in large type, the document's fields below it. Fields also show the evidence
 * that the reasoning quotes from them.
 */
import { css, html } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import { attributeValueText } from '../../relevance/pair/document-text.ts';
import type { EvidenceSpan, StepEvent } from '../../protocol/scoring.ts';
import '../parts/forms/lab-field.ts';
import type { Mark } from '../parts/marked-text.ts';
import { type AttributeRow, EMPTY_DRAFT, editedValue, type PairDraft } from './pair-draft.ts';
import { LabElement } from '../parts/lab-element.ts';
import { baseStyles, buttonStyles, headingStyles } from '../parts/shared-styles.ts';

const TEXT_FIELDS = [
  { field: 'title', label: 'Title', placeholder: 'Name of the document' },
  { field: 'brand', label: 'Brand', placeholder: 'Unknown' },
  { field: 'type', label: 'Type', placeholder: 'What kind of thing it is' },
] as const;

/** The evidence to show: the steps so far, the one pointed at, and the draft that they refer to. */
export interface ShownEvidence {
  readonly steps: readonly StepEvent[];
  readonly activeStep: number | undefined;
  readonly draft: PairDraft | undefined;
}

const NO_EVIDENCE: ShownEvidence = { steps: [], activeStep: undefined, draft: undefined };

/**
 * @fires draft-change - the edited pair as `detail`.
 */
@customElement('lab-pair-editor')
export class LabPairEditor extends LabElement {
  static override readonly styles = [
    baseStyles,
    buttonStyles,
    headingStyles,
    css`
      .sheet {
        display: grid;
        gap: var(--space-2);
      }
      .query {
        --lab-field-line: 1.35em;
        margin-bottom: var(--space-4);
        font-size: var(--text-query);
        font-weight: 600;
        letter-spacing: -0.01em;
      }
      .heading {
        margin-bottom: var(--space-1);
      }
      .attribute {
        position: relative;
        display: grid;
        grid-template-columns: 6.5rem minmax(0, 1fr);
        column-gap: var(--space-3);
        align-items: start;
      }
      .attribute .name {
        font-size: var(--text-small);
      }
      .attribute .value {
        --lab-field-end: 2.25rem;
      }
      .attribute button {
        position: absolute;
        top: 0;
        right: 0;
        width: 2.1rem;
        min-height: 2.1rem;
        padding: 0;
        border-color: transparent;
        background: transparent;
        color: var(--muted);
        font-size: var(--text-base);
      }
      .attribute button:hover {
        color: var(--ink);
      }
      @media (max-width: 40rem) {
        .sheet {
          gap: var(--space-1);
        }
      }
      .add {
        justify-self: start;
        margin-left: 7.25rem;
      }
    `,
  ];

  @property({ attribute: false }) draft: PairDraft = EMPTY_DRAFT;
  @property({ attribute: false }) evidence: ShownEvidence = NO_EVIDENCE;

  override render(): unknown {
    const { draft } = this;
    return html`<section aria-label="Query">
        <h2 class="heading">Query</h2>
        <lab-field
          class="query"
          bare
          label="Query"
          placeholder="What to search for"
          .value=${draft.query}
          .marks=${this.#marks('query')}
          @lab-change=${(event: CustomEvent<string>) => this.#change({ query: event.detail })}
        ></lab-field>
      </section>
      <section aria-label="Document">
        <h2 class="heading">Document</h2>
        <div class="sheet">
          ${TEXT_FIELDS.map(
            ({ field, label, placeholder }) =>
              html`<lab-field
                label=${label}
                placeholder=${placeholder}
                .value=${draft[field]}
                .marks=${this.#marks(field)}
                @lab-change=${(event: CustomEvent<string>) => this.#change({ [field]: event.detail })}
              ></lab-field>`,
          )}
          ${draft.attributes.map((row, index) => this.#attribute(row, index))}
          <lab-field
            label="Text"
            placeholder="Further text"
            multiline
            .value=${draft.text}
            .marks=${this.#marks('text')}
            @lab-change=${(event: CustomEvent<string>) => this.#change({ text: event.detail })}
          ></lab-field>
          <button class="add" @click=${this.#addAttribute}>Add an attribute</button>
        </div>
      </section>`;
  }

  #attribute(row: AttributeRow, index: number): unknown {
    const name = row.name === '' ? `attribute ${index + 1}` : row.name;
    return html`<div class="attribute" role="group" aria-label="Attribute ${name}">
      <lab-field
        class="name"
        bare
        label="Name of attribute ${index + 1}"
        placeholder="name"
        .value=${row.name}
        @lab-change=${(event: CustomEvent<string>) => this.#changeAttribute(index, { ...row, name: event.detail })}
      ></lab-field>
      <lab-field
        class="value"
        bare
        label="Value of ${name}"
        placeholder="value"
        .value=${attributeValueText(row.value)}
        .marks=${this.#marks('attributes', row.name.trim())}
        @lab-change=${(event: CustomEvent<string>) =>
          this.#changeAttribute(index, { ...row, value: editedValue(row.value, event.detail) })}
      ></lab-field>
      <button aria-label="Remove ${name}" title="Remove ${name}" @click=${() => this.#changeAttribute(index)}>
        &times;
      </button>
    </div>`;
  }

  /** The marks of one field; none where its text has changed since the answer. */
  #marks(field: EvidenceSpan['field'], attribute?: string): Mark[] {
    const { steps, activeStep, draft } = this.evidence;
    if (draft === undefined || textOf(draft, field, attribute) !== textOf(this.draft, field, attribute)) return [];
    return steps.flatMap(({ index, check, spans }) =>
      spans
        .filter((span) => span.field === field && span.attribute === attribute)
        .map(({ start, end }) => ({ start, end, tone: check, active: index === activeStep })),
    );
  }

  #addAttribute(): void {
    this.#change({ attributes: [...this.draft.attributes, { name: '', value: '' }] });
  }

  /** Replaces a row, or removes it. */
  #changeAttribute(index: number, row?: AttributeRow): void {
    this.#change({ attributes: this.draft.attributes.toSpliced(index, 1, ...(row === undefined ? [] : [row])) });
  }

  #change(change: Partial<PairDraft>): void {
    this.draft = { ...this.draft, ...change };
    this.dispatchEvent(new CustomEvent<PairDraft>('draft-change', { detail: this.draft }));
  }
}

function textOf(draft: PairDraft, field: EvidenceSpan['field'], attribute: string | undefined): string {
  if (field !== 'attributes') return draft[field];
  const row = draft.attributes.findLast(({ name }) => name.trim() === attribute);
  return row === undefined ? '' : attributeValueText(row.value);
}

declare global {
  interface HTMLElementTagNameMap {
    'lab-pair-editor': LabPairEditor;
  }
}
