/**
 * The settings of a run as a form, generated from the schema: model, data, training, with what is seldom changed folded
 * away. A field that is wrong says what it asks for, right where it is.
 */
import { css, html, nothing } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import { live } from 'lit/directives/live.js';
import type { DataKind } from '../../protocol/sft-experiment.ts';
import { disclosureStyles, fieldStyles } from '../parts/field-styles.ts';
import { NOT_OF_A_WORLD, SETTING_GROUPS, SETTING_TEXTS, type SettingGroup, type SettingText } from './setting-texts.ts';
import { dataKindOf, SETTING_FIELDS, type SettingsDraft } from './settings-draft.ts';
import type { SettingField } from './settings-fields.ts';
import { LabElement } from '../parts/lab-element.ts';
import { baseStyles, headingStyles } from '../parts/shared-styles.ts';

const GROUP_NAMES: Readonly<Record<SettingGroup, string>> = { model: 'Model', data: 'Data', training: 'Training' };
const NO_PROBLEMS: ReadonlyMap<string, string> = new Map();

/** A setting with its words. */
interface Row {
  readonly field: SettingField;
  readonly words: SettingText;
}

const ROWS: Readonly<Record<DataKind, readonly Row[]>> = { world: rowsOf('world'), file: rowsOf('file') };

/** A setting that nobody has found words for is shown under its own name. */
function rowsOf(kind: DataKind): Row[] {
  return SETTING_FIELDS[kind]
    .filter(({ path }) => kind === 'file' || !NOT_OF_A_WORLD.has(path))
    .map((field) => ({
      field,
      words: SETTING_TEXTS[field.path] ?? { label: field.path, help: '', group: 'training', level: 'advanced' },
    }));
}

/**
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
        grid-template-columns: repeat(auto-fill, minmax(min(100%, 8.75rem), 1fr));
        gap: var(--space-3) var(--space-4);
      }
      details[open] > summary {
        margin-bottom: var(--space-3);
      }
      .label {
        display: block;
        margin-bottom: var(--space-1);
        font-size: var(--text-small);
      }
      .toggle {
        display: flex;
        gap: var(--space-2);
        align-items: center;
        min-height: 2.1rem;
        margin-top: calc(var(--text-small) * 1.5 + var(--space-1));
        font-size: var(--text-small);
      }
      .choice {
        position: relative;
      }
      .choice::after {
        content: '';
        position: absolute;
        top: 0.75rem;
        right: 0.75rem;
        width: 0.4rem;
        height: 0.4rem;
        border-right: 1.5px solid var(--muted);
        border-bottom: 1.5px solid var(--muted);
        transform: rotate(45deg);
        pointer-events: none;
      }
      select {
        padding-right: 1.75rem;
        appearance: none;
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

  @property({ attribute: false }) draft: SettingsDraft = new Map();
  /** What is wrong, by path. */
  @property({ attribute: false }) problems: ReadonlyMap<string, string> = NO_PROBLEMS;
  /** Whether the settings stand, because a run is under way. */
  @property({ type: Boolean }) disabled = false;

  override render(): unknown {
    const all = ROWS[dataKindOf(this.draft)];
    return SETTING_GROUPS.map((group) => {
      const rows = all.filter(({ words }) => words.group === group);
      const advanced = rows.filter(({ words }) => words.level === 'advanced');
      return html`<fieldset ?disabled=${this.disabled}>
        <legend class="heading">${GROUP_NAMES[group]}</legend>
        ${group === 'data' ? html`<slot name="data"></slot>` : nothing}
        <div class="rows">${rows.filter(({ words }) => words.level === 'basic').map((row) => this.#row(row))}</div>
        ${advanced.length === 0 ? nothing : this.#advanced(group, advanced)}
      </fieldset>`;
    });
  }

  /** Opens by itself where something in it is wrong. */
  #advanced(group: SettingGroup, rows: readonly Row[]): unknown {
    const isWrong = rows.some(({ field }) => this.problems.has(field.path));
    return html`<details ?open=${isWrong}>
      <summary>More about ${group === 'data' ? 'the data' : `the ${group}`}</summary>
      <div class="rows">${rows.map((row) => this.#row(row))}</div>
    </details>`;
  }

  #row({ field, words }: Row): unknown {
    const { path } = field;
    const problem = this.problems.get(path);
    const help = html`<p id="${path}-help" class="help ${problem === undefined ? '' : 'problem'}">
      ${problem ?? words.help}
    </p>`;
    if (field.kind === 'toggle') {
      return html`<div>
        <label class="toggle">${this.#control(field, false)} ${words.label}</label>
        ${help}
      </div>`;
    }
    return html`<div>
      <label class="label" for=${path}>${words.label}</label>
      ${this.#control(field, problem !== undefined)} ${help}
    </div>`;
  }

  #control(field: SettingField, isWrong: boolean): unknown {
    const { path } = field;
    const value = this.draft.get(path) ?? field.fallback;
    switch (field.kind) {
      case 'toggle':
        return html`<input
          type="checkbox"
          aria-describedby="${path}-help"
          .checked=${live(value === true)}
          @change=${() => this.#change(path, value !== true)}
        />`;
      case 'choice':
        return html`<div class="choice">
          <select id=${path} class="control" aria-describedby="${path}-help" @change=${this.#chosen}>
            ${field.options.map((name) => html`<option .value=${name} .selected=${name === value}>${name}</option>`)}
          </select>
        </div>`;
      case 'number':
      case 'text':
        return html`<input
          id=${path}
          class="control"
          inputmode=${field.kind === 'text' ? 'text' : field.isWhole ? 'numeric' : 'decimal'}
          autocomplete="off"
          spellcheck="false"
          aria-describedby="${path}-help"
          aria-invalid=${isWrong ? 'true' : 'false'}
          .value=${live(String(value))}
          @input=${this.#chosen}
        />`;
      case 'given':
        return nothing; // not offered: its level is `fixed`
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
    this.draft = new Map(this.draft).set(path, value);
    this.dispatchEvent(new CustomEvent<SettingsDraft>('settings-change', { detail: this.draft }));
  }
}

declare global {
  interface HTMLElementTagNameMap {
    'lab-settings': LabSettings;
  }
}
