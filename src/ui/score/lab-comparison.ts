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
import { type DifferingPairs, fetchDifferingPairs, pairsThatDiffer } from './differing-pairs.ts';
import { choiceStyles, fieldStyles } from '../parts/forms/field-styles.ts';
import './lab-compared.ts';
import type { LeadingAnswer } from './lab-compared.ts';
import { NO_SERVICES, scoreServices } from './score-services.ts';
import { LabElement } from '../parts/lab-element.ts';
import { baseStyles, buttonStyles, headingStyles } from '../parts/shared-styles.ts';

/** The limit of compared models, because each has its own worker and memory. */
const MOST_MODELS = 3;

/**
 * @fires compared-change - the keys of the models to compare with as `detail`.
 * @fires pair-choose - a pair on which these models differ as `detail`.
 */
@customElement('lab-comparison')
export class LabComparison extends LabElement {
  static override readonly styles = [
    baseStyles,
    buttonStyles,
    headingStyles,
    fieldStyles,
    choiceStyles,
    css`
      .choice .note {
        color: var(--muted);
        font-size: var(--text-small);
      }
      .examples {
        display: flex;
        flex-wrap: wrap;
        gap: var(--space-2);
        align-items: center;
        margin-top: var(--space-4);
      }
      .examples button {
        min-height: 1.9rem;
        height: auto;
        text-align: left;
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
  /** The key of the model that answers; empty for a checkpoint. */
  @property() leading = '';
  /** The model that answers, and its answer. */
  @property({ attribute: false }) model: ModelSummary | undefined;
  @property({ attribute: false }) answer: AnswerState = NO_ANSWER;
  /** What reasons are held to. */
  @property({ attribute: false }) decoding: DecodingKind = 'grounded';
  @state() private checkpoints: readonly Checkpoint[] = [];
  @state() private differing: DifferingPairs = [];
  #areDifferingAsked = false;
  /** The last pair that each model has finished. */
  @state() private settled: ReadonlyMap<string, Pair> = new Map();

  override connectedCallback(): void {
    super.connectedCallback();
    void this.#lookForCheckpoints();
  }

  override willUpdate(): void {
    if (this.compared.length === 0 || this.#areDifferingAsked) return;
    this.#areDifferingAsked = true;
    void fetchDifferingPairs().then((pairs) => (this.differing = pairs));
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
      ${this.#examples(shown)}
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

  /** Pairs on which the models that are shown differ; nothing where none are known. */
  #examples(shown: readonly string[]): unknown {
    const pairs = pairsThatDiffer(this.differing, [this.leading, ...shown]);
    if (pairs.length === 0) return nothing;
    return html`<nav class="examples" aria-label="Pairs on which these models differ">
      <span class="heading">They differ on</span>
      ${pairs.map(
        (pair) =>
          html`<button @click=${() => this.dispatchEvent(new CustomEvent<Pair>('pair-choose', { detail: pair }))}>
            ${pair.query} – ${pair.document.title}
          </button>`,
      )}
    </nav>`;
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
