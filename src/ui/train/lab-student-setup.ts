/**
 * What a student learns: who teaches it, and the settings of its run.
 */
import { css, html } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import { fieldStyles } from '../parts/forms/field-styles.ts';
import { LabElement } from '../parts/lab-element.ts';
import '../parts/forms/lab-settings.ts';
import type { SettingsDraft } from '../parts/forms/settings-draft.ts';
import { baseStyles } from '../parts/shared-styles.ts';
import { STUDENT_JSON } from './settings-address.ts';
import { checkStudent, DEFAULT_STUDENT, STUDENT_FORM, type StudentChoice, type Teacher } from './student-choice.ts';

/**
 * @fires student-change - the changed {@link StudentChoice} as `detail`.
 */
@customElement('lab-student-setup')
export class LabStudentSetup extends LabElement {
  static override readonly styles = [
    baseStyles,
    fieldStyles,
    css`
      .teacher {
        margin-bottom: var(--space-5);
      }
      .label {
        display: block;
        margin-bottom: var(--space-1);
        font-size: var(--text-small);
      }
      .help {
        margin-top: var(--space-1);
        color: var(--muted);
        font-size: 0.75rem;
        line-height: 1.35;
      }
      option {
        background: var(--surface);
      }
    `,
  ];

  @property({ attribute: false }) teachers: readonly Teacher[] = [];
  @property({ attribute: false }) choice: StudentChoice = DEFAULT_STUDENT;
  @property({ type: Boolean }) disabled = false;

  override render(): unknown {
    const { teacher, draft } = this.choice;
    return html`<div class="teacher">
        <label class="label" for="teacher">Teacher</label>
        <select
          id="teacher"
          class="control"
          aria-describedby="teacher-help"
          ?disabled=${this.disabled}
          @change=${({ currentTarget }: Event) => {
            if (currentTarget instanceof HTMLSelectElement) this.#change({ teacher: currentTarget.value });
          }}
        >
          ${this.teachers.map(
            ({ key, name }) => html`<option .value=${key} .selected=${key === teacher}>${name}</option>`,
          )}
        </select>
        <p id="teacher-help" class="help">A new model with its vocabulary learns from it on pairs of the rule world.</p>
      </div>
      <lab-settings
        .fields=${STUDENT_FORM.fields}
        .json=${STUDENT_JSON}
        .draft=${draft}
        .problems=${checkStudent(this.choice).problems}
        ?disabled=${this.disabled}
        @settings-change=${(event: CustomEvent<SettingsDraft>) => this.#change({ draft: event.detail })}
      ></lab-settings>`;
  }

  #change(change: Partial<StudentChoice>): void {
    this.choice = { ...this.choice, ...change };
    this.dispatchEvent(new CustomEvent<StudentChoice>('student-change', { detail: this.choice }));
  }
}

declare global {
  interface HTMLElementTagNameMap {
    'lab-student-setup': LabStudentSetup;
  }
}
