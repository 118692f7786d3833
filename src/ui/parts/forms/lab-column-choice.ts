/**
 * The roles of a file's columns: the detected ones, and a control for each role to change it.
 */
import { css, html, nothing } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import type { ColumnWishes, FileColumns } from '../../../protocol/imported-data.ts';
import { disclosureStyles, fieldStyles } from './field-styles.ts';
import { LabElement } from '../lab-element.ts';
import { baseStyles } from '../shared-styles.ts';

/** The names of roles on the page. */
const ROLE_NAMES: Readonly<Record<string, string>> = {
  query: 'Query',
  queryId: 'Query id',
  docId: 'Document id',
  title: 'Title',
  brand: 'Brand',
  type: 'Type',
  text: 'Text',
  attributes: 'Attributes',
  grade: 'Grade',
  judge: 'Judge, who gave the grade',
};

/** @fires data-columns - all assignments as `detail`, {@link ColumnWishes}. */
@customElement('lab-column-choice')
export class LabColumnChoice extends LabElement {
  static override readonly styles = [
    baseStyles,
    fieldStyles,
    disclosureStyles,
    css`
      .roles {
        display: grid;
        grid-template-columns: repeat(auto-fit, minmax(min(100%, 11rem), 1fr));
        gap: var(--space-2) var(--space-4);
        padding-top: var(--space-2);
      }
      label {
        display: grid;
        gap: var(--space-1);
        font-size: var(--text-small);
      }
      option {
        background: var(--surface);
      }
    `,
  ];

  @property({ attribute: false }) columns: FileColumns | undefined;
  @property({ attribute: false }) wishes: ColumnWishes = {};
  /** Whether to show the controls at once, because a role is missing. */
  @property({ type: Boolean }) open = false;
  @property({ type: Boolean }) disabled = false;

  override render(): unknown {
    const { columns } = this;
    if (columns === undefined || columns.names.length === 0) return nothing;
    return html`<details ?open=${this.open}>
      <summary>Choose the columns</summary>
      <div class="roles">${columns.roles.map(({ role, column }) => this.#role(columns.names, role, column))}</div>
    </details>`;
  }

  #role(names: readonly string[], role: string, found: string | null): unknown {
    const wish = this.wishes[role];
    return html`<div>
      <label for=${role}>${ROLE_NAMES[role] ?? role}</label>
      <select
        id=${role}
        class="control"
        ?disabled=${this.disabled}
        @change=${(event: Event) => this.#chosen(role, event.currentTarget)}
      >
        <option value="" .selected=${wish === undefined}>
          ${wish === undefined ? (found === null ? 'No column' : `${found} (as found)`) : 'As found'}
        </option>
        ${names.map((name) => html`<option .value=${name} .selected=${wish === name}>${name}</option>`)}
      </select>
    </div>`;
  }

  #chosen(role: string, control: EventTarget | null): void {
    if (!(control instanceof HTMLSelectElement)) return;
    const others = Object.entries(this.wishes).filter(([name]) => name !== role);
    const wishes = Object.fromEntries(control.value === '' ? others : [...others, [role, control.value]]);
    this.dispatchEvent(new CustomEvent<ColumnWishes>('data-columns', { detail: wishes }));
  }
}

declare global {
  interface HTMLElementTagNameMap {
    'lab-column-choice': LabColumnChoice;
  }
}
