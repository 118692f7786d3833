/**
 * What a student learns: who teaches it, by which method, and a few numbers.
 */
import { css, html } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import { fieldStyles } from '../parts/field-styles.ts';
import '../parts/lab-number-fields.ts';
import type { NumberChange } from '../parts/lab-number-fields.ts';
import { LabElement } from '../parts/lab-element.ts';
import { baseStyles } from '../parts/shared-styles.ts';
import {
  DEFAULT_STUDENT,
  STUDENT_METHODS,
  STUDENT_NUMBERS,
  type StudentChoice,
  type StudentMethod,
  type Teacher,
} from './student-choice.ts';

const METHOD_NAMES = Object.keys(STUDENT_METHODS) as StudentMethod[];

/** A choice, and whether it can be run. */
export interface StudentChange {
  readonly choice: StudentChoice;
  readonly isValid: boolean;
}

/**
 * @fires student-change - a {@link StudentChange} as `detail`.
 */
@customElement('lab-student-setup')
export class LabStudentSetup extends LabElement {
  static override readonly styles = [
    baseStyles,
    fieldStyles,
    css`
      :host {
        display: grid;
        gap: var(--space-4);
      }
      .label {
        display: block;
        margin-bottom: var(--space-1);
        font-size: var(--text-small);
      }
      .help {
        margin-top: var(--space-1);
        color: var(--muted);
        font-size: var(--text-small);
      }
      option {
        background: var(--surface);
      }
    `,
  ];

  @property({ attribute: false }) teachers: readonly Teacher[] = [];
  @property({ attribute: false }) choice: StudentChoice = DEFAULT_STUDENT;
  @property({ type: Boolean }) disabled = false;
  #isValid = true;

  override render(): unknown {
    const { teacher, method, numbers } = this.choice;
    return html`<div>
        <label class="label" for="teacher">Teacher</label>
        <select
          id="teacher"
          class="control"
          aria-describedby="teacher-help"
          ?disabled=${this.disabled}
          @change=${(event: Event) => this.#change({ teacher: valueOf(event) })}
        >
          ${this.teachers.map(
            ({ key, name }) => html`<option .value=${key} .selected=${key === teacher}>${name}</option>`,
          )}
        </select>
        <p id="teacher-help" class="help">
          A new model of 0.14 M parameters, with the teacher’s vocabulary, learns from it on pairs of the rule world.
        </p>
      </div>
      <div>
        <label class="label" for="method">What it learns of the teacher</label>
        <select
          id="method"
          class="control"
          aria-describedby="method-help"
          ?disabled=${this.disabled}
          @change=${this.#methodChosen}
        >
          ${METHOD_NAMES.map(
            (name) => html`<option .value=${name} .selected=${name === method}>${STUDENT_METHODS[name].name}</option>`,
          )}
        </select>
        <p id="method-help" class="help">${STUDENT_METHODS[method].help}</p>
      </div>
      <lab-number-fields
        .fields=${STUDENT_NUMBERS}
        .values=${numbers}
        ?disabled=${this.disabled}
        @numbers-change=${({ detail: { values, isValid } }: CustomEvent<NumberChange>) => {
          this.#isValid = isValid;
          this.#change({ numbers: values });
        }}
      ></lab-number-fields>`;
  }

  readonly #methodChosen = (event: Event): void => {
    const method = METHOD_NAMES.find((name) => name === valueOf(event));
    if (method !== undefined) this.#change({ method });
  };

  #change(change: Partial<StudentChoice>): void {
    this.choice = { ...this.choice, ...change };
    const detail = { choice: this.choice, isValid: this.#isValid };
    this.dispatchEvent(new CustomEvent<StudentChange>('student-change', { detail }));
  }
}

function valueOf({ currentTarget }: Event): string {
  return currentTarget instanceof HTMLSelectElement ? currentTarget.value : '';
}

declare global {
  interface HTMLElementTagNameMap {
    'lab-student-setup': LabStudentSetup;
  }
}
