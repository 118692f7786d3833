/**
 * One pair whose document loses words under the reader's hand: the model answers again each time, in its own worker,
 * and the words that it cites are underlined. The model is fetched when it is asked for and no sooner.
 */
import { consume } from '@lit/context';
import { css, html, nothing } from 'lit';
import { customElement, state } from 'lit/decorators.js';
import type { Pair } from '../../../relevance/pair/pair.ts';
import { keyedList } from '../../parts/keyed-list.ts';
import { failureNotice } from '../../parts/failure-notice.ts';
import { formatPercent } from '../../parts/format.ts';
import { LabElement } from '../../parts/lab-element.ts';
import { baseStyles, buttonStyles } from '../../parts/shared-styles.ts';
import { AnswerController } from '../../score/answer-controller.ts';
import type { AnswerState } from '../../score/answer-state.ts';
import { WORLD_MODEL } from '../../score/bundled-models.ts';
import { ModelController } from '../../score/model-controller.ts';
import { NO_SERVICES, scoreServices } from '../../score/score-services.ts';
import type { ScoringClient } from '../../score/scoring-client.ts';
import { citedIn, wordsOf, withoutWords } from './removed-words.ts';

@customElement('lab-word-remover')
export class LabWordRemover extends LabElement {
  static override readonly styles = [
    baseStyles,
    buttonStyles,
    css`
      :host {
        display: flex;
        flex-direction: column;
        gap: var(--space-4);
        justify-content: center;
      }
      .query {
        font-family: var(--serif);
        font-size: clamp(1.6rem, 1rem + 2.2vw, 2.8rem);
        font-weight: 600;
        line-height: 1.1;
      }
      .words {
        display: flex;
        flex-wrap: wrap;
        gap: var(--space-2);
      }
      .words button {
        min-height: 2.4rem;
        border-color: var(--line);
        font-family: var(--serif);
        font-size: 1.25em;
      }
      .words .cited {
        text-decoration: underline;
        text-decoration-thickness: 3px;
        text-underline-offset: 0.2em;
      }
      .words [aria-pressed='true'] {
        border-style: dashed;
        color: var(--muted);
        text-decoration: line-through;
      }
      .twice {
        display: grid;
        grid-template-columns: repeat(2, minmax(0, 1fr));
        gap: var(--space-5);
      }
      .answer {
        padding-top: var(--space-2);
        border-top: 2px solid var(--line-strong);
      }
      h3 {
        color: var(--muted);
        font-size: var(--text-small);
        font-weight: 600;
      }
      .big {
        font-size: 1.5em;
        font-weight: 650;
      }
    `,
  ];

  @consume({ context: scoreServices, subscribe: true }) @state() private services = NO_SERVICES;
  @state() private isAsked = false;
  /** The places of the words that are gone. */
  @state() private removed: ReadonlySet<number> = new Set();
  /** Which of the model's own examples is shown. */
  @state() private example = 0;
  readonly #model = new ModelController(this);
  readonly #answer = new AnswerController(this);
  /** The answer to the whole document. */
  #first: AnswerState | undefined;
  #client: ScoringClient | undefined;

  override updated(): void {
    const { state: model } = this.#model;
    if (this.isAsked && model.kind === 'ready' && model.client !== this.#client) {
      this.#client = model.client;
      this.#ask();
    }
    const { state: answer } = this.#answer;
    if (answer.phase === 'done' && this.removed.size === 0 && this.#first?.pair !== answer.pair) {
      this.#first = answer;
      this.requestUpdate();
    }
  }

  override render(): unknown {
    const { state: model } = this.#model;
    if (!this.isAsked) {
      return html`<p>
        <button class="primary" ?disabled=${this.services.openClient === undefined} @click=${this.#load}>
          Load the model here
        </button>
      </p>`;
    }
    if (model.kind === 'failed') return failureNotice(model.failure);
    if (model.kind === 'loading') return html`<p role="status">Loading the model ...</p>`;
    const whole = model.summary.examples[this.example]?.pair;
    return whole === undefined
      ? html`<p>This model has no examples.</p>`
      : this.#pair(whole, model.summary.scale.names, model.summary.examples.length);
  }

  #pair(whole: Pair, names: readonly string[], examples: number): unknown {
    const cited = this.#first?.pair?.query === whole.query ? citedIn(this.#first) : [];
    const { state: answer } = this.#answer;
    const isFresh = this.removed.size === 0;
    return html`<p class="query">${whole.query}</p>
      <div class="words" role="group" aria-label="Words of the document">
        ${keyedList(
          wordsOf(whole.document),
          ({ place }) => place,
          ({ place, text }) =>
            html`<button
              class=${cited.some((phrase) => phrase.includes(text.toLowerCase())) ? 'cited' : ''}
              aria-pressed=${this.removed.has(place) ? 'true' : 'false'}
              @click=${() => this.#toggle(place)}
            >
              ${text}
            </button>`,
        )}
      </div>
      <div class="twice">
        <div class="answer">
          <h3>The whole document</h3>
          <p class="big">${labelOf(this.#first, names)}</p>
          <p>${cited.length === 0 ? nothing : html`Cites: ${cited.join(', ')}`}</p>
        </div>
        <div class="answer" role="status">
          <h3>${isFresh ? 'Nothing is taken out yet' : 'Without these words'}</h3>
          <p class="big">${isFresh ? '' : labelOf(answer, names)}</p>
          <p>${isFresh ? '' : this.#moved(answer)}</p>
        </div>
      </div>
      <p>
        <button ?disabled=${isFresh} @click=${() => this.#restore()}>Put all words back</button>
        <button ?disabled=${examples < 2} @click=${() => this.#another(examples)}>Another pair</button>
      </p>`;
  }

  #moved({ label, phase }: AnswerState): string {
    if (label === undefined || phase === 'reading') return '...';
    return label.label === this.#first?.label?.label ? 'The label stays.' : 'The label moves.';
  }

  readonly #load = (): void => {
    const { openClient, backend } = this.services;
    if (openClient === undefined) return;
    this.isAsked = true;
    const url = new URL(WORLD_MODEL.folder, document.baseURI).href;
    void this.#model.load(openClient, { kind: 'folder', url }, backend);
  };

  #toggle(place: number): void {
    const removed = new Set(this.removed);
    if (!removed.delete(place)) removed.add(place);
    this.removed = removed;
    this.#ask();
  }

  #restore(): void {
    this.removed = new Set();
    this.#ask();
  }

  #another(examples: number): void {
    this.example = (this.example + 1) % examples;
    this.#first = undefined;
    this.#restore();
  }

  #ask(): void {
    const { state: model } = this.#model;
    if (model.kind !== 'ready') return;
    const whole = model.summary.examples[this.example]?.pair;
    if (whole === undefined) return;
    const { standing: _standing, ...pair } = whole;
    this.#answer.ask(model.client, { ...pair, document: withoutWords(whole.document, this.removed) }, 'grounded');
  }
}

function labelOf(answer: AnswerState | undefined, names: readonly string[]): string {
  const label = answer?.label;
  if (label === undefined) return '...';
  return `${names[label.label] ?? ''}, ${formatPercent(label.probabilities[label.label] ?? 0)} sure`;
}

declare global {
  interface HTMLElementTagNameMap {
    'lab-word-remover': LabWordRemover;
  }
}
