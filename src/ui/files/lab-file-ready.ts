/**
 * The choices before a file is scored: the model and the number of pairs, with warnings.
 */
import { css, html, nothing } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import type { FileScoring, OpenedFile } from '../../protocol/files.ts';
import { isOwnRules, OWN_RULES, type ModelChoice } from '../../protocol/model-choice.ts';
import type { LoadProgress } from '../../protocol/scoring.ts';
import { fieldStyles } from '../parts/forms/field-styles.ts';
import { backendName, formatBytes, formatCount, formatSpan } from '../parts/format.ts';
import { LabElement } from '../parts/lab-element.ts';
import { baseStyles, buttonStyles, headingStyles } from '../parts/shared-styles.ts';
import { BUNDLED_MODELS } from '../score/bundled-models.ts';
import './rules/lab-file-rules.ts';
import type { OwnRulesController } from './rules/own-rules-controller.ts';

/** A checkpoint of this browser that can answer. */
export interface OwnModel {
  readonly id: string;
  readonly name: string;
}

/** The purpose of each bundled model that can judge files. */
const PURPOSES: Readonly<Record<string, string>> = {
  general:
    'For any text. Orders the documents of each query by shared words, numbers and BM25, as it learned from human judgments ' +
    'of product and film search. On four labels it gives reasons by rules on shared words.',
  default: 'Knows only the generated world of products that it was trained on, and gives reasons there.',
};

/** The rules of bundled models, which can answer without them. */
const RULES: Readonly<Record<string, string>> = {
  general: 'On shared words, for any text',
  default: 'On products, of the generated world',
};
const RULES_PURPOSE =
  'Executes rules on each pair and says which decided. No model is computed, so this is fast and exact.';

/**
 * @fires model-choice - the {@link ModelChoice} as `detail`.
 * @fires files-begin - the number of pairs to score as `detail`, 0 for all.
 * @fires rules-begin - the same, to be scored by the own rules of the file.
 */
@customElement('lab-file-ready')
export class LabFileReady extends LabElement {
  static override readonly styles = [
    baseStyles,
    buttonStyles,
    headingStyles,
    fieldStyles,
    css`
      :host {
        display: grid;
        gap: var(--space-4);
        max-width: 46rem;
      }
      .fields {
        display: grid;
        grid-template-columns: repeat(auto-fit, minmax(min(100%, 14rem), 1fr));
        gap: var(--space-3) var(--space-4);
      }
      label {
        display: grid;
        gap: var(--space-1);
        color: var(--muted);
        font-size: var(--text-small);
      }
      option,
      optgroup {
        background: var(--surface);
      }
      .purpose,
      .facts {
        color: var(--muted);
        font-size: var(--text-small);
      }
      .warnings {
        display: grid;
        gap: var(--space-2);
        padding: var(--space-3) var(--space-4);
        border-left: 3px solid var(--line-strong);
        list-style: none;
      }
      .actions {
        display: flex;
        flex-wrap: wrap;
        gap: var(--space-2) var(--space-4);
        align-items: center;
      }
      progress {
        width: 12rem;
        height: 0.375rem;
        accent-color: var(--accent);
      }
    `,
  ];

  @property({ attribute: false }) file: OpenedFile | undefined;
  @property({ attribute: false }) choice: ModelChoice = { kind: 'bundled', id: 'general' };
  @property({ attribute: false }) ownModels: readonly OwnModel[] = [];
  @property({ attribute: false }) preparing: LoadProgress | undefined;
  @property({ attribute: false }) prepared: FileScoring | undefined;
  @property({ attribute: false }) rules: OwnRulesController | undefined;
  /** Increases with each change of the rules, whose controller stays the same object. */
  @property({ type: Number }) rulesVersion = 0;
  /** The scores of the file; undefined without any. */
  @property({ attribute: false }) scored: FileScoring | undefined;
  @state() private limit = 0;

  override render(): unknown {
    const pairs = this.file?.survey?.pairs ?? 0;
    const count = this.limit > 0 ? Math.min(this.limit, pairs) : pairs;
    const { choice, prepared, scored } = this;
    const scoredBy = scored !== undefined && isOwnRules(scored.choice) ? scored.modelHash : undefined;
    return html`<div class="fields">
        <label>
          Model
          <select class="control" @change=${this.#chosen}>
            <optgroup label="Bundled">
              ${BUNDLED_MODELS.filter(({ id }) => PURPOSES[id] !== undefined)
                .toSorted((a, b) => Number(b.id === 'general') - Number(a.id === 'general'))
                .map(({ id, name }) => this.#option({ kind: 'bundled', id }, name))}
            </optgroup>
            <optgroup label="Rules alone">
              ${(this.rules?.state?.rules ?? null) === null ? nothing : this.#option(OWN_RULES, 'Of this file, as listed below')}
              ${Object.entries(RULES).map(([id, name]) => this.#option({ kind: 'rules', id }, name))}
            </optgroup>
            ${
              this.ownModels.length === 0
                ? nothing
                : html`<optgroup label="Checkpoints of this browser">
                    ${this.ownModels.map(({ id, name }) => this.#option({ kind: 'checkpoint', id }, name))}
                  </optgroup>`
            }
          </select>
        </label>
        <label>
          Pairs, of ${formatCount(pairs)}
          <input
            class="control"
            type="number"
            min="1"
            max=${pairs}
            placeholder="all of them"
            .value=${this.limit > 0 ? String(this.limit) : ''}
            @input=${this.#limited}
          />
        </label>
      </div>
      <p class="purpose">
        ${choice.kind === 'bundled' ? PURPOSES[choice.id] : choice.kind === 'rules' ? RULES_PURPOSE : 'Answers as it does in the Score view.'}
      </p>
      <div role="status">${prepared === undefined ? nothing : this.#warnings(prepared, count)}</div>
      <div class="actions">
        <button
          class="primary"
          ?disabled=${prepared === undefined || pairs === 0 || (isOwnRules(choice) && this.rules?.isBusy === true)}
          @click=${() => this.#dispatch('files-begin', this.limit)}
        >
          Score ${formatCount(count)} ${count === 1 ? 'pair' : 'pairs'}
        </button>
        ${this.#progress()}
      </div>
      <lab-file-rules
        .rules=${this.rules}
        .version=${this.rulesVersion}
        .scoredBy=${scoredBy}
        @rules-score=${() => this.#dispatch('rules-begin', this.limit)}
      ></lab-file-rules>`;
  }

  #option(choice: ModelChoice, name: string): unknown {
    const isChosen = choice.kind === this.choice.kind && choice.id === this.choice.id;
    return html`<option .value=${`${choice.kind}:${choice.id}`} .selected=${isChosen}>${name}</option>`;
  }

  #warnings({ warnings, backend, msPerPair }: FileScoring, pairs: number): unknown {
    const time = msPerPair === undefined ? '' : `, about ${formatSpan((msPerPair * pairs) / 1000)}`;
    return html`<ul class="warnings">
      ${warnings.map((warning) => html`<li>${warning}</li>`)}
      <li class="facts">
        Runs on ${backendName(backend)}${time}. Scores are stored as they are computed; you can pause or close the page.
      </li>
    </ul>`;
  }

  #progress(): unknown {
    const { preparing } = this;
    if (preparing === undefined) return nothing;
    const { stage, receivedBytes, totalBytes } = preparing;
    const text = {
      backend: 'Choosing the fastest backend',
      files: `Loading the model: ${formatBytes(receivedBytes)}${totalBytes === null ? '' : ` of ${formatBytes(totalBytes)}`}`,
      'warm-up': 'Warming up',
    }[stage];
    return html`<progress aria-label=${text}></progress><span class="facts">${text}</span>`;
  }

  readonly #chosen = ({ currentTarget: select }: Event): void => {
    if (!(select instanceof HTMLSelectElement)) return;
    const [asked = '', ...rest] = select.value.split(':');
    const kind = (['checkpoint', 'rules'] as const).find((one) => one === asked) ?? 'bundled';
    this.#dispatch('model-choice', { kind, id: rest.join(':') } satisfies ModelChoice);
  };

  readonly #limited = ({ currentTarget: input }: Event): void => {
    if (input instanceof HTMLInputElement) this.limit = Math.max(0, Math.trunc(Number(input.value) || 0));
  };

  #dispatch(name: string, detail: unknown): void {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}

declare global {
  interface HTMLElementTagNameMap {
    'lab-file-ready': LabFileReady;
  }
}
