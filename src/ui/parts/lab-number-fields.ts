/**
 * Number fields of a form, side by side. What is no number of the field's range is kept as it was typed, and told.
 */
import { css, html } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import { live } from 'lit/directives/live.js';
import { fieldStyles } from './field-styles.ts';
import { LabElement } from './lab-element.ts';
import { baseStyles } from './shared-styles.ts';

/** A number of a form. */
export interface NumberField {
  readonly key: string;
  readonly label: string;
  readonly help: string;
  readonly least: number;
  readonly most: number;
  /** Whether it may have decimals. Default: no. */
  readonly isReal?: boolean;
}

/** What fields now hold; `isValid` is false while any of them holds no number of its range. */
export interface NumberChange {
  readonly values: Readonly<Record<string, number>>;
  readonly isValid: boolean;
}

/**
 * @fires numbers-change - a {@link NumberChange} as `detail`, on every edit.
 */
@customElement('lab-number-fields')
export class LabNumberFields extends LabElement {
  static override readonly styles = [
    baseStyles,
    fieldStyles,
    css`
      :host {
        display: grid;
        grid-template-columns: repeat(auto-fit, minmax(min(100%, 9rem), 1fr));
        gap: var(--space-4);
      }
      .label {
        display: block;
        margin-bottom: var(--space-1);
        font-size: var(--text-small);
      }
      .help {
        display: block;
        color: var(--muted);
        font-size: var(--text-small);
      }
      .problem {
        color: var(--wrong);
      }
    `,
  ];

  @property({ attribute: false }) fields: readonly NumberField[] = [];
  @property({ attribute: false }) values: Readonly<Record<string, number>> = {};
  @property({ type: Boolean }) disabled = false;
  /** Texts that are no number yet. */
  @state() private typed: ReadonlyMap<string, string> = new Map();

  override render(): unknown {
    return this.fields.map(({ key, label, help, least, most, isReal }) => {
      const isWrong = this.typed.has(key);
      const problem = `A ${isReal === true ? '' : 'whole '}number from ${least} to ${most}.`;
      return html`<div>
        <label class="label" for=${key}>${label}</label>
        <input
          id=${key}
          class="control"
          inputmode=${isReal === true ? 'decimal' : 'numeric'}
          autocomplete="off"
          aria-describedby="${key}-help"
          aria-invalid=${isWrong ? 'true' : 'false'}
          ?disabled=${this.disabled}
          .value=${live(this.typed.get(key) ?? String(this.values[key] ?? ''))}
          @input=${(event: Event) => this.#type(key, event)}
        />
        <span id="${key}-help" class="help ${isWrong ? 'problem' : ''}">${isWrong ? problem : help}</span>
      </div>`;
    });
  }

  #type(key: string, { currentTarget: input }: Event): void {
    const field = this.fields.find((each) => each.key === key);
    if (!(input instanceof HTMLInputElement) || field === undefined) return;
    const text = input.value.trim();
    const value = Number(text);
    const isNumber = text !== '' && (field.isReal === true ? Number.isFinite(value) : /^\d+$/u.test(text));
    const isRight = isNumber && value >= field.least && value <= field.most;
    const typed = new Map(this.typed);
    if (isRight) typed.delete(key);
    else typed.set(key, input.value);
    this.typed = typed;
    if (isRight) this.values = { ...this.values, [key]: value };
    const detail = { values: this.values, isValid: typed.size === 0 };
    this.dispatchEvent(new CustomEvent<NumberChange>('numbers-change', { detail }));
  }
}

declare global {
  interface HTMLElementTagNameMap {
    'lab-number-fields': LabNumberFields;
  }
}
