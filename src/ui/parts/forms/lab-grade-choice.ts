/**
 * The meanings of a file's grades: a control per grade, and a line of text for many grades or for bounds. Both write
 * the syntax of protocol/grade-meanings.ts.
 */
import { css, html, nothing } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import { messageOf } from '../../../common/errors.ts';
import { checkGradeMeanings, GRADE_GRAMMAR, GradeMeanings, quoteGrade } from '../../../protocol/grade-meanings.ts';
import type { DataSummary } from '../../../protocol/imported-data.ts';
import { MAX_SCALE } from '../../../relevance/pair/labels.ts';
import { disclosureStyles, fieldStyles } from './field-styles.ts';
import { formatCount } from '../format.ts';
import { LabElement } from '../lab-element.ts';
import { baseStyles } from '../shared-styles.ts';

type ListedGrade = DataSummary['grades'][number];

/** The possible meanings of a grade: a label, or none. */
const CHOICES: readonly string[] = ['none', ...Array.from({ length: MAX_SCALE }, (_, label) => String(label))];

/** @fires data-grades - the meanings as `detail`, empty for the usual ones. */
@customElement('lab-grade-choice')
export class LabGradeChoice extends LabElement {
  static override readonly styles = [
    baseStyles,
    fieldStyles,
    disclosureStyles,
    css`
      .grades {
        display: grid;
        grid-template-columns: repeat(auto-fit, minmax(min(100%, 9rem), 1fr));
        gap: var(--space-2) var(--space-4);
        padding: var(--space-2) 0;
      }
      label {
        display: grid;
        gap: var(--space-1);
        font-size: var(--text-small);
        overflow-wrap: anywhere;
      }
      option {
        background: var(--surface);
      }
      .help {
        margin-top: var(--space-1);
        color: var(--muted);
        font-size: var(--text-small);
      }
      .wrong {
        color: var(--wrong);
      }
    `,
  ];

  /** The most frequent grades of the file. */
  @property({ attribute: false }) grades: readonly ListedGrade[] = [];
  /** The meanings in the settings. */
  @property() meanings = '';
  @property({ type: Boolean }) disabled = false;
  @state() private problem = '';

  override willUpdate(changed: Map<PropertyKey, unknown>): void {
    if (changed.has('meanings')) this.problem = '';
  }

  override render(): unknown {
    const hasUnread = this.grades.some(({ label }) => label === null);
    return html`<details ?open=${hasUnread}>
      <summary>Choose what the grades mean</summary>
      <div class="grades">${this.grades.map((grade, index) => this.#grade(grade, index))}</div>
      <label>
        All at once
        <input
          class="control"
          .value=${this.meanings}
          ?disabled=${this.disabled}
          aria-invalid=${this.problem === '' ? 'false' : 'true'}
          aria-describedby="grammar"
          autocomplete="off"
          placeholder="as usual"
          @change=${this.#typed}
        />
      </label>
      <p id="grammar" class="help">
        ${this.problem === '' ? nothing : html`<span class="wrong">${this.problem}</span> `} ${GRADE_GRAMMAR}.
      </p>
    </details>`;
  }

  #grade(listed: ListedGrade, index: number): unknown {
    const meaning = this.#meaningOf(listed);
    return html`<div>
      <label for="grade-${index}">${listed.grade} (${formatCount(listed.pairs)})</label>
      <select
        id="grade-${index}"
        class="control"
        ?disabled=${this.disabled}
        @change=${(event: Event) => this.#chosen(listed.grade, event.currentTarget)}
      >
        ${CHOICES.map(
          (choice) =>
            html`<option .value=${choice} .selected=${choice === meaning}>
              ${choice === 'none' ? 'no grade' : `label ${choice}`}
            </option>`,
        )}
      </select>
    </div>`;
  }

  /** The present meaning of a grade. */
  #meaningOf({ grade, label }: ListedGrade): string {
    const meanings = this.meanings === '' ? undefined : new GradeMeanings(this.meanings);
    const meant = meanings?.labelOf(grade);
    if (meant === undefined) return meanings?.isComplete === true || label === null ? 'none' : String(label);
    return meant === null ? 'none' : String(meant);
  }

  #chosen(changed: string, control: EventTarget | null): void {
    if (!(control instanceof HTMLSelectElement)) return;
    const meanings = this.grades.map((listed) => {
      const meaning = listed.grade === changed ? control.value : this.#meaningOf(listed);
      return `${quoteGrade(listed.grade)}=${meaning}`;
    });
    this.#fire(meanings.join(','));
  }

  readonly #typed = ({ currentTarget }: Event): void => {
    if (!(currentTarget instanceof HTMLInputElement)) return;
    const text = currentTarget.value.trim();
    try {
      if (text !== '') checkGradeMeanings(text);
      this.problem = '';
      this.#fire(text);
    } catch (error) {
      this.problem = messageOf(error);
    }
  };

  #fire(meanings: string): void {
    this.dispatchEvent(new CustomEvent<string>('data-grades', { detail: meanings }));
  }
}

declare global {
  interface HTMLElementTagNameMap {
    'lab-grade-choice': LabGradeChoice;
  }
}
