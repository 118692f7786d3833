/**
 * Settings as a form, made from the schema that checks them: what is often changed in sight, all the rest under "More
 * settings", where it can be searched. A field that is wrong says what it asks for, right where it is.
 *
 * This room holds forms: fields, drafts of settings, and the choice of data, columns, grades and rules.
 */
import { css, html, nothing } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import { live } from 'lit/directives/live.js';
import type { SettingField } from '../../../config/setting-fields.ts';
import { disclosureStyles, fieldStyles } from './field-styles.ts';
import { LabElement } from '../lab-element.ts';
import './lab-settings-json.ts';
import { fieldsIn, type SettingsDraft, shownIn } from './settings-draft.ts';
import type { JsonForm } from './settings-json.ts';
import { baseStyles, headingStyles } from '../shared-styles.ts';

const NO_PROBLEMS: ReadonlyMap<string, string> = new Map();

/**
 * @slot - what belongs before the settings
 * @slot data - what the model learns from, above the settings of the data
 * @fires settings-change - the changed draft as `detail`.
 */
@customElement('lab-settings')
export class LabSettings extends LabElement {
  static override readonly styles = [
    baseStyles,
    headingStyles,
    fieldStyles,
    disclosureStyles,
    css`
      fieldset {
        display: grid;
        gap: var(--space-3);
        min-width: 0;
        margin: 0 0 var(--space-5);
        padding: 0;
        border: 0;
      }
      fieldset:last-child {
        margin-bottom: 0;
      }
      legend {
        margin-bottom: var(--space-1);
        padding: 0;
      }
      .rows {
        display: grid;
        grid-template-columns: repeat(auto-fill, minmax(min(100%, var(--setting-width, 8.75rem)), 1fr));
        gap: var(--space-3) var(--space-4);
      }
      /* Names, controls and helps of a row are in line, however long a name is. */
      .rows > div {
        display: grid;
        grid-row: span 3;
        grid-template-rows: subgrid;
        grid-template-columns: minmax(0, 1fr);
        row-gap: 0;
      }
      details[open] > summary {
        margin-bottom: var(--space-3);
      }
      .name {
        display: flex;
        gap: var(--space-2);
        align-items: end;
        justify-content: space-between;
        margin-bottom: var(--space-1);
        font-size: var(--text-small);
      }
      .unit,
      .count {
        color: var(--muted);
        font-size: 0.75rem;
      }
      .group {
        color: var(--muted);
        font-size: var(--text-small);
      }
      .search {
        max-width: 20rem;
        margin-bottom: var(--space-3);
      }
      .toggle {
        display: flex;
        gap: var(--space-2);
        align-items: center;
        min-height: 2.1rem;
        grid-row: 2;
        font-size: var(--text-small);
      }
      .toggle + .help {
        grid-row: 3;
      }
      option {
        background: var(--surface);
      }
      .help {
        margin-top: var(--space-1);
        color: var(--muted);
        font-size: 0.75rem;
        line-height: 1.35;
      }
      .problem {
        color: var(--wrong);
      }
    `,
  ];

  @property({ attribute: false }) fields: readonly SettingField[] = [];
  @property({ attribute: false }) draft: SettingsDraft = new Map();
  /** How they come as JSON; undefined where they do not. */
  @property({ attribute: false }) json: JsonForm | undefined;
  /** What is wrong, by path. */
  @property({ attribute: false }) problems: ReadonlyMap<string, string> = NO_PROBLEMS;
  /** Whether the settings cannot be changed, because a run is under way. */
  @property({ type: Boolean }) disabled = false;
  /** What is searched for among the settings that are folded away. */
  @state() private wanted = '';

  override render(): unknown {
    const offered = fieldsIn(this.fields, this.draft).filter(
      ({ level, kind }) => level !== 'fixed' && kind !== 'given',
    );
    const isBasic = ({ level }: SettingField): boolean => level === 'basic';
    return html`${byGroup(offered.filter(isBasic)).map(
        ([group, fields]) =>
          html`<fieldset ?disabled=${this.disabled}>
            <legend class="heading">${group}</legend>
            ${group === 'Data' ? html`<slot name="data"></slot>` : nothing}
            <div class="rows">${fields.map((field) => this.#row(field))}</div>
          </fieldset>`,
      )}${this.#more(offered.filter((field) => !isBasic(field)))}
      <lab-settings-json
        .form=${this.json}
        .fields=${this.fields}
        .draft=${this.draft}
        ?disabled=${this.disabled}
        @settings-change=${({ detail }: CustomEvent<SettingsDraft>) => this.#take(detail)}
      ></lab-settings-json>`;
  }

  /** Opens by itself where something in it is wrong. */
  #more(fields: readonly SettingField[]): unknown {
    if (fields.length === 0) return nothing;
    const words = this.wanted.toLowerCase().split(/\s+/u);
    const found = fields.filter((field) => {
      const text = `${field.label} ${field.help} ${field.path} ${field.group}`.toLowerCase();
      return words.every((word) => text.includes(word)) || this.problems.has(field.path);
    });
    return html`<details ?open=${fields.some(({ path }) => this.problems.has(path))}>
      <summary>More settings <span class="count">${fields.length}</span></summary>
      <input
        class="control search"
        type="search"
        aria-label="Find a setting"
        placeholder="Find a setting"
        autocomplete="off"
        .value=${live(this.wanted)}
        @input=${({ currentTarget }: Event) => {
          if (currentTarget instanceof HTMLInputElement) this.wanted = currentTarget.value;
        }}
      />
      <p class="help" role="status">${found.length === 0 ? 'No setting is called or described so.' : nothing}</p>
      ${byGroup(found).map(
        ([group, rows]) =>
          html`<fieldset ?disabled=${this.disabled}>
            <legend class="group">${group}</legend>
            <div class="rows">${rows.map((field) => this.#row(field))}</div>
          </fieldset>`,
      )}
    </details>`;
  }

  #row(field: SettingField): unknown {
    const { path, label, unit } = field;
    const problem = this.problems.get(path);
    const help = html`<p id="${path}-help" class="help ${problem === undefined ? '' : 'problem'}">
      ${problem ?? this.#helpOf(field)}
    </p>`;
    if (field.kind === 'toggle') {
      return html`<div>
        <label class="toggle">${this.#control(field, false)} ${label}</label>
        ${help}
      </div>`;
    }
    return html`<div>
      <div class="name">
        <label for=${path}>${label}</label>
        ${label.toLowerCase().includes(unit) ? nothing : html`<span class="unit">${unit}</span>`}
      </div>
      ${this.#control(field, problem !== undefined)} ${help}
    </div>`;
  }

  /** What a choice means where that is known, else what the setting does. */
  #helpOf(field: SettingField): string {
    if (field.kind !== 'choice') return field.help;
    const chosen = shownIn(this.draft, field);
    return field.options.find(({ value }) => value === chosen)?.help ?? field.help;
  }

  #control(field: SettingField, isWrong: boolean): unknown {
    const { path } = field;
    const value = shownIn(this.draft, field);
    switch (field.kind) {
      case 'toggle':
        return html`<input
          type="checkbox"
          aria-describedby="${path}-help"
          .checked=${live(value === true)}
          @change=${() => this.#change(path, value !== true)}
        />`;
      case 'choice':
        return html`<select id=${path} class="control" aria-describedby="${path}-help" @change=${this.#chosen}>
          ${field.options.map(
            (option) =>
              html`<option .value=${option.value} .selected=${option.value === value}>${option.label}</option>`,
          )}
        </select>`;
      case 'number':
      case 'list':
      case 'text':
        return html`<input
          id=${path}
          class="control"
          inputmode=${field.kind === 'number' ? (field.isWhole ? 'numeric' : 'decimal') : 'text'}
          placeholder=${field.kind === 'number' && field.isNullable ? 'none' : ''}
          autocomplete="off"
          spellcheck="false"
          aria-describedby="${path}-help"
          aria-invalid=${isWrong ? 'true' : 'false'}
          .value=${live(String(value))}
          @input=${this.#chosen}
        />`;
      case 'given':
        return nothing; // not offered
      default:
        return field satisfies never;
    }
  }

  #chosen(event: Event): void {
    const { currentTarget: control } = event;
    if (control instanceof HTMLInputElement || control instanceof HTMLSelectElement)
      this.#change(control.id, control.value);
  }

  #change(path: string, value: string | boolean): void {
    this.#take(new Map(this.draft).set(path, value));
  }

  #take(draft: SettingsDraft): void {
    this.draft = draft;
    this.dispatchEvent(new CustomEvent<SettingsDraft>('settings-change', { detail: this.draft }));
  }
}

/** Fields under their headings, in the order of the first of each. */
function byGroup(fields: readonly SettingField[]): [group: string, fields: SettingField[]][] {
  const groups = new Map<string, SettingField[]>();
  for (const field of fields) groups.set(field.group, [...(groups.get(field.group) ?? []), field]);
  return [...groups];
}

declare global {
  interface HTMLElementTagNameMap {
    'lab-settings': LabSettings;
  }
}
