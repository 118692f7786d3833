/**
 * The settings of a form as JSON: to read, to change, to drop a config.json on, and as a link that brings them along.
 */
import { css, html, nothing } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import { live } from 'lit/directives/live.js';
import { messageOf } from '../../../common/errors.ts';
import type { SettingField } from '../../../config/setting-fields.ts';
import { LabElement } from '../lab-element.ts';
import { settingsAddress, settingsIn } from '../routes.ts';
import { baseStyles, buttonStyles } from '../shared-styles.ts';
import { disclosureStyles, fieldStyles } from './field-styles.ts';
import type { SettingsDraft } from './settings-draft.ts';
import { changedSettings, type JsonForm, takenSettings } from './settings-json.ts';

/** Larger files are no settings. */
const MAX_BYTES = 1_000_000;

/** @fires settings-change - the changed draft as `detail`. */
@customElement('lab-settings-json')
export class LabSettingsJson extends LabElement {
  static override readonly styles = [
    baseStyles,
    buttonStyles,
    fieldStyles,
    disclosureStyles,
    css`
      :host {
        display: block;
        margin-top: var(--space-3);
      }
      textarea.control {
        display: block;
        min-height: 9rem;
        margin: var(--space-2) 0 var(--space-3);
        font-family: var(--mono);
        font-size: var(--text-small);
        resize: vertical;
      }
      .actions {
        display: flex;
        flex-wrap: wrap;
        gap: var(--space-2);
        margin-bottom: var(--space-2);
      }
      .help {
        color: var(--muted);
        font-size: var(--text-small);
      }
      .problem {
        color: var(--wrong);
        overflow-wrap: anywhere;
      }
    `,
  ];

  @property({ attribute: false }) form: JsonForm | undefined;
  @property({ attribute: false }) fields: readonly SettingField[] = [];
  @property({ attribute: false }) draft: SettingsDraft = new Map();
  @property({ type: Boolean }) disabled = false;
  /** What was typed and not taken over yet. */
  @state() private typed: string | undefined;
  @state() private isOpen = false;
  @state() private said = '';
  @state() private problem = '';

  override connectedCallback(): void {
    super.connectedCallback();
    addEventListener('hashchange', this.#navigated);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    removeEventListener('hashchange', this.#navigated);
  }

  override firstUpdated(): void {
    this.#navigated();
  }

  override render(): unknown {
    const { form } = this;
    if (form === undefined) return nothing;
    const settings = changedSettings(this.fields, this.draft);
    return html`<details
      .open=${live(this.isOpen)}
      @toggle=${({ currentTarget }: Event) => {
        if (currentTarget instanceof HTMLDetailsElement) this.isOpen = currentTarget.open;
      }}
      @dragover=${(event: DragEvent) => event.preventDefault()}
      @drop=${this.#dropped}
    >
      <summary>As JSON</summary>
      <p class="help" id="help">
        What differs from the defaults, as <code>--config</code> of the command line reads it. Change it, or drop the
        config.json of a run here.
      </p>
      <textarea
        class="control"
        aria-label="Settings as JSON"
        aria-describedby="help"
        autocomplete="off"
        spellcheck="false"
        ?disabled=${this.disabled}
        .value=${live(this.typed ?? JSON.stringify(settings, null, 2))}
        @input=${({ currentTarget }: Event) => {
          if (currentTarget instanceof HTMLTextAreaElement) this.typed = currentTarget.value;
        }}
      ></textarea>
      <p class="actions">
        <button ?disabled=${this.disabled || this.typed === undefined} @click=${() => this.#take(this.typed ?? '{}')}>
          Use this
        </button>
        <button ?disabled=${this.disabled} @click=${this.#chooseFile}>Open a config.json</button>
        <input type="file" hidden accept=".json" @change=${this.#fileChosen} />
        <a class="button" href=${settingsAddress(form.place, JSON.stringify(settings))}>Link to these settings</a>
      </p>
      <p class="help" role="status">${this.said}</p>
      ${this.problem === '' ? nothing : html`<p class="problem" role="alert">${this.problem}</p>`}
    </details>`;
  }

  /** Takes over the settings that the address brings. */
  readonly #navigated = (): void => {
    const asked = this.form && settingsIn(location.hash, this.form.place);
    // A link to what is set already changes nothing.
    if (asked === undefined || asked === JSON.stringify(changedSettings(this.fields, this.draft))) return;
    if (!this.disabled) this.#take(asked);
  };

  #take(text: string): void {
    const { form, fields } = this;
    if (form === undefined) return;
    [this.said, this.problem] = ['', ''];
    try {
      const { draft, leftOut } = takenSettings({ schema: form.schema, fields }, this.draft, text);
      [this.draft, this.typed] = [draft, undefined];
      this.said = leftOut.length === 0 ? 'Taken over.' : `Taken over, except what is chosen elsewhere: ${leftOut.join(', ')}.`; // prettier-ignore
      this.dispatchEvent(new CustomEvent<SettingsDraft>('settings-change', { detail: draft }));
    } catch (error) {
      [this.typed, this.problem, this.isOpen] = [text, messageOf(error), true];
    }
  }

  async #read(file: File | undefined): Promise<void> {
    if (file === undefined) return;
    if (file.size > MAX_BYTES) this.problem = `${file.name} is too large for settings.`;
    else this.#take(await file.text());
  }

  #dropped(event: DragEvent): void {
    event.preventDefault();
    if (!this.disabled) void this.#read(event.dataTransfer?.files[0]);
  }

  /** File inputs cannot be styled, so a button opens them. */
  #chooseFile(): void {
    this.renderRoot.querySelector<HTMLInputElement>('input[type="file"]')?.click();
  }

  async #fileChosen({ currentTarget: input }: Event): Promise<void> {
    if (!(input instanceof HTMLInputElement)) return;
    await this.#read(input.files?.[0]);
    input.value = ''; // so that the same file can be chosen again
  }
}

declare global {
  interface HTMLElementTagNameMap {
    'lab-settings-json': LabSettingsJson;
  }
}
