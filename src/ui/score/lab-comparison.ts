/**
 * The same pair on other models, side by side with the one that answers. The page's address names the models; this
 * element shows them and lets them compute one after another.
 */
import { consume } from '@lit/context';
import { css, html, nothing } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import type { Checkpoint } from '../../protocol/checkpoints.ts';
import type { DecodingKind } from '../../config/decoding.ts';
import type { ModelSummary } from '../../protocol/scoring.ts';
import type { Pair } from '../../relevance/pair/pair.ts';
import { type AnswerState, NO_ANSWER } from './answer-state.ts';
import { comparableModels, originOf } from './compared-models.ts';
import { keyedList } from '../parts/keyed-list.ts';
import { choiceStyles, fieldStyles } from '../parts/field-styles.ts';
import './lab-compared.ts';
import type { LeadingAnswer } from './lab-compared.ts';
import { NO_SERVICES, scoreServices } from './score-services.ts';
import { LabElement } from '../parts/lab-element.ts';
import { baseStyles, headingStyles } from '../parts/shared-styles.ts';

/** The limit of compared models, because each has its own worker and memory. */
const MOST_MODELS = 3;

/**
 * @fires compared-change - the keys of the models to compare with as `detail`.
 */
@customElement('lab-comparison')
export class LabComparison extends LabElement {
  static override readonly styles = [
    baseStyles,
    headingStyles,
    fieldStyles,
    choiceStyles,
    css`
      .choice .note {
        color: var(--muted);
        font-size: var(--text-small);
      }
      .models {
        display: grid;
        grid-template-columns: repeat(auto-fit, minmax(min(100%, 20rem), 1fr));
        gap: var(--space-4);
        align-items: start;
        margin-top: var(--space-4);
      }
      lab-compared {
        padding: var(--space-4);
        border: 1px solid var(--line);
        border-radius: calc(var(--radius) * 2);
        background: var(--surface);
      }
    `,
  ];

  @consume({ context: scoreServices, subscribe: true }) @state() private services = NO_SERVICES;
  /** The keys of the models to compare with. */
  @property({ attribute: false }) compared: readonly string[] = [];
  /** The model that answers, and its answer. */
  @property({ attribute: false }) model: ModelSummary | undefined;
  @property({ attribute: false }) answer: AnswerState = NO_ANSWER;
  /** What reasons are held to. */
  @property({ attribute: false }) decoding: DecodingKind = 'grounded';
  @state() private checkpoints: readonly Checkpoint[] = [];
  /** The last pair that each model has finished. */
  @state() private settled: ReadonlyMap<string, Pair> = new Map();

  override connectedCallback(): void {
    super.connectedCallback();
    void this.#lookForCheckpoints();
  }

  override render(): unknown {
    const models = comparableModels(this.checkpoints);
    const shown = this.compared.slice(0, MOST_MODELS);
    const others = models.filter(({ key }) => !shown.includes(key));
    return html`<div class="choice">
        <label class="heading" for="model">Compare with</label>
        <select
          id="model"
          class="control"
          ?disabled=${shown.length === MOST_MODELS}
          .value=${''}
          @focus=${this.#lookForCheckpoints}
          @change=${this.#chosen}
        >
          <option value="">another model</option>
          ${others.map(({ key, name }) => html`<option value=${key}>${name}</option>`)}
        </select>
        ${
          shown.length < MOST_MODELS
            ? nothing
            : html`<span class="note">${MOST_MODELS} at once; remove one first.</span>`
        }
      </div>
      ${
        shown.length === 0
          ? nothing
          : html`<div class="models">
              ${keyedList(
                shown,
                (key) => key,
                (key, index) => this.#column(key, models.find((model) => model.key === key)?.name ?? key, index),
              )}
            </div>`
      }`;
  }

  #column(key: string, name: string, index: number): unknown {
    const { pair, phase } = this.answer;
    const before = this.compared.slice(0, index);
    const isItsTurn =
      ['done', 'stopped', 'failed'].includes(phase) && before.every((other) => this.settled.get(other) === pair);
    const { openStore } = this.services;
    return html`<lab-compared
      .name=${name}
      .origin=${openStore === undefined ? undefined : originOf(key, document.baseURI, openStore)}
      .pair=${pair}
      .isItsTurn=${isItsTurn}
      .leader=${this.#leader()}
      .decoding=${this.decoding}
      @compared-settled=${(event: CustomEvent<Pair>) => (this.settled = new Map(this.settled).set(key, event.detail))}
      @compared-remove=${() => this.#change(this.compared.filter((other) => other !== key))}
    ></lab-compared>`;
  }

  #leader(): LeadingAnswer | undefined {
    const { label, phase } = this.answer;
    if (label === undefined || phase === 'reading' || this.model === undefined) return undefined;
    return { label, labelNames: this.model.scale.names };
  }

  #chosen(event: Event): void {
    const { currentTarget: select } = event;
    if (!(select instanceof HTMLSelectElement) || select.value === '') return;
    this.#change([...this.compared, select.value]);
    select.value = '';
  }

  #change(compared: readonly string[]): void {
    this.dispatchEvent(new CustomEvent<readonly string[]>('compared-change', { detail: compared }));
  }

  /** A missing store is not reported here, because the Train view reports it. */
  readonly #lookForCheckpoints = async (): Promise<void> => {
    try {
      this.checkpoints = (await (await this.services.openStore?.())?.overview())?.checkpoints ?? [];
    } catch {
      this.checkpoints = [];
    }
  };
}

declare global {
  interface HTMLElementTagNameMap {
    'lab-comparison': LabComparison;
  }
}
