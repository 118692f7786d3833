/**
 * The meanings of a file's grades: a chip per grade, which is dragged to a label or chooses it, and a line of text for
 * many grades or for bounds. Both write the syntax of protocol/grade-meanings.ts.
 */
import { css, html, nothing } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import { classMap } from 'lit/directives/class-map.js';
import { messageOf } from '../../../common/errors.ts';
import { checkGradeMeanings, GRADE_GRAMMAR, GradeMeanings, quoteGrade } from '../../../protocol/grade-meanings.ts';
import type { DataSummary } from '../../../protocol/imported-data.ts';
import { MAX_SCALE, scaleOfSize } from '../../../relevance/pair/labels.ts';
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
        max-width: 46rem;
        padding: var(--space-2) 0;
      }
      .lane {
        display: grid;
        grid-template-columns: minmax(6rem, 9rem) minmax(0, 1fr);
        gap: var(--space-3);
        align-items: center;
        min-height: 2.75rem;
        padding: var(--space-1) var(--space-2);
        border-top: 1px solid var(--line);
        font-size: var(--text-small);
      }
      .lane.over {
        background: var(--field);
      }
      .chips {
        display: flex;
        flex-wrap: wrap;
        gap: var(--space-2);
      }
      .chip {
        display: flex;
        gap: var(--space-2);
        align-items: center;
        max-width: 100%;
        padding: 0 0 0 var(--space-3);
        border: 1px solid var(--line-strong);
        border-radius: 999px;
        overflow: hidden;
        background: var(--surface);
        cursor: grab;
      }
      .chip label {
        padding-block: var(--space-1);
        cursor: inherit;
      }
      .chip .control {
        width: 6.5rem;
        border-bottom-color: transparent;
        font-size: var(--text-small);
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
  /** The label over which a chip is being dragged. */
  @state() private over: string | undefined;
  #dragged: string | undefined;
  /** The number of the grade whose control was used, because its chip is drawn anew at its label. */
  #used: number | undefined;

  override updated(): void {
    if (this.#used === undefined) return;
    this.renderRoot.querySelector<HTMLElement>(`#grade-${this.#used}`)?.focus();
    this.#used = undefined;
  }

  override willUpdate(changed: Map<PropertyKey, unknown>): void {
    if (changed.has('meanings')) this.problem = '';
  }

  override render(): unknown {
    const hasUnread = this.grades.some(({ label }) => label === null);
    return html`<details ?open=${hasUnread}>
      <summary>Choose what the grades mean</summary>
      <p class="help">Drag a grade to what it means, or choose it.</p>
      <div class="grades">${this.#lanes()}</div>
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

  /** A line for each label in use and the next, and one for no grade, with the grades that have this meaning. */
  #lanes(): unknown {
    const meanings = this.grades.map((listed) => this.#meaningOf(listed));
    const size = 1 + Math.max(1, ...meanings.flatMap((meaning) => (meaning === 'none' ? [] : [Number(meaning)])));
    const { names } = scaleOfSize(size);
    return CHOICES.slice(0, size + 2).map((choice) => {
      const name = names[Number(choice)];
      const title =
        choice === 'none'
          ? 'no grade'
          : `label ${choice}${name === undefined || name === `label ${choice}` ? '' : `, ${name}`}`;
      const chips = this.grades.map((listed, i) => (meanings[i] === choice ? this.#chip(listed, i, choice) : nothing));
      return html`<div
        class=${classMap({ lane: true, over: this.over === choice })}
        role="group"
        aria-label=${title}
        @dragover=${(event: DragEvent) => this.#draggedOver(event, choice)}
        @dragleave=${() => (this.over = undefined)}
        @drop=${(event: DragEvent) => this.#dropped(event, choice)}
      >
        <span>${title}</span>
        <div class="chips">${chips}</div>
      </div>`;
    });
  }

  #chip(listed: ListedGrade, index: number, meaning: string): unknown {
    return html`<div
      class="chip"
      draggable=${this.disabled ? 'false' : 'true'}
      @dragstart=${(event: DragEvent) => this.#dragStarted(event, listed.grade)}
      @dragend=${() => (this.#dragged = this.over = undefined)}
    >
      <label for="grade-${index}">${listed.grade} (${formatCount(listed.pairs)})</label>
      <select
        id="grade-${index}"
        class="control"
        ?disabled=${this.disabled}
        @change=${(event: Event) => this.#chosen(index, event.currentTarget)}
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

  #chosen(index: number, control: EventTarget | null): void {
    const grade = this.grades[index]?.grade;
    if (!(control instanceof HTMLSelectElement) || grade === undefined) return;
    this.#used = index;
    this.#mean(grade, control.value);
  }

  #dragStarted({ dataTransfer }: DragEvent, grade: string): void {
    this.#dragged = grade;
    dataTransfer?.setData('text/plain', grade);
  }

  /** Only a chip of this element can be dropped. */
  #draggedOver(event: DragEvent, choice: string): void {
    if (this.#dragged === undefined || this.disabled) return;
    event.preventDefault();
    this.over = choice;
  }

  #dropped(event: DragEvent, choice: string): void {
    if (this.#dragged === undefined || this.disabled) return;
    event.preventDefault();
    this.#mean(this.#dragged, choice);
  }

  /** Gives a grade another meaning; the others keep theirs. */
  #mean(changed: string, meant: string): void {
    const meanings = this.grades.map((listed) => {
      const meaning = listed.grade === changed ? meant : this.#meaningOf(listed);
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
