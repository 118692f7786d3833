/**
 * The Score view: a pair on one side, the model's answer on the other. It answers on request, or after a short pause in
 * typing; examples are one click away.
 *
 * Room `ui/score/`: everything of the Score view: the pair's editor, the answer and its trace, loading and comparing
 * models. Elements that other views use as well belong in `ui/parts/`.
 */
import { html, nothing } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import type { DecodingKind } from '../../config/decoding.ts';
import { type Failure, failureOf } from '../../protocol/failure.ts';
import type { ModelSummary } from '../../protocol/scoring.ts';
import type { Pair } from '../../relevance/pair/pair.ts';
import { AnswerController } from './answer-controller.ts';
import { BUNDLED_MODELS, bundledModel, SCORE_MODEL } from './bundled-models.ts';
import { choiceStyles, fieldStyles } from '../parts/forms/field-styles.ts';
import { failureNotice } from '../parts/failure-notice.ts';
import { failureHeading } from '../parts/failure-text.ts';
import { formatBytes, formatCount } from '../parts/format.ts';
import './lab-answer.ts';
import './lab-comparison.ts';
import './lab-model-card.ts';
import '../parts/lab-notice.ts';
import './lab-pair-editor.ts';
import './lab-trace.ts';
import { lostNotice } from './lost-notice.ts';
import type { ModelState } from './model-controller.ts';
import { decodingChoice } from './decoding-choice.ts';
import {
  draftOf,
  EMPTY_DRAFT,
  isAnswerable,
  linkedPairOf,
  linkOf,
  MAX_LINKED_LENGTH,
  type PairDraft,
  pairOf,
} from './pair-draft.ts';
import { scoreAddress } from '../parts/routes.ts';
import { scoreViewStyles } from './score-view-styles.ts';
import { LabElement } from '../parts/lab-element.ts';
import { baseStyles, buttonStyles, headingStyles } from '../parts/shared-styles.ts';

/** A pause in typing of this length asks the model. */
const TYPING_PAUSE_MS = 150;

/**
 * @fires pair-change - the pair that was asked about as JSON, null for the first example and for one that is too long
 *   for an address, as `detail`.
 * @fires model-retry - the reader asks to load the model again.
 * @fires model-choice - the id of the bundled model to answer with, as `detail`.
 * @fires compared-change - the keys of the models to compare with, as `detail`.
 */
@customElement('lab-score-view')
export class LabScoreView extends LabElement {
  static override readonly styles = [
    baseStyles,
    buttonStyles,
    headingStyles,
    fieldStyles,
    choiceStyles,
    scoreViewStyles,
  ];

  @property({ attribute: false }) model: ModelState | undefined;
  /** Whether the answering model is a checkpoint of this browser, not a bundled one. */
  @property({ type: Boolean }) checkpoint = false;
  /** The bundled model that answers unless a checkpoint does. */
  @property({ attribute: false }) modelId: string = SCORE_MODEL.id;
  /** The keys of the models to compare with (compared-models.ts). */
  @property({ attribute: false }) compared: readonly string[] = [];
  /** The pair that the address asks about, as JSON; undefined for the first example. */
  @property({ attribute: false }) linkedPair: string | undefined;
  /** Whether the browser refused to change the address, which therefore names another pair. */
  @property({ type: Boolean }) behind = false;
  /** What is shown in place of the pair of an address that cannot be read. */
  @state() private shownInstead: string | undefined;
  /** Whether the pair is too long for an address. */
  @state() private isTooLong = false;
  @state() private draft: PairDraft = EMPTY_DRAFT;
  /** The draft of the answer on the screen. */
  @state() private answeredDraft: PairDraft | undefined;
  /** The index of the example that is shown unchanged. */
  @state() private chosenExample: number | undefined;
  @state() private answersWhileTyping = true;
  /** What reasons are held to, where the model gives any. */
  @state() private decoding: DecodingKind = 'grounded';
  @state() private activeStep: number | undefined;
  @state() private looksInside = false;
  @state() private insideFailure: Failure | undefined;
  readonly #answer = new AnswerController(this);
  /** The pair that the address has been given. */
  #linkedTo: string | undefined;
  #typingPause: ReturnType<typeof setTimeout> | undefined;

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    clearTimeout(this.#typingPause);
  }

  override willUpdate(changed: Map<PropertyKey, unknown>): void {
    if (this.model?.kind !== 'ready') return;
    const isNew = changed.has('model');
    // Somebody has followed the address; one that this view has given follows the pair instead.
    const isFollowed = (changed.has('linkedPair') || isNew) && this.linkedPair !== this.#linkedTo;
    if (!isFollowed && !isNew) return;
    const linked = this.linkedPair === undefined ? undefined : linkedPairOf(this.linkedPair);
    const isBroken = isFollowed && linked === undefined && this.linkedPair !== undefined;
    // A model that has just loaded answers at once: what was typed meanwhile, or its first example.
    if (isFollowed && linked !== undefined) this.#take(undefined, linked);
    else if (isAnswerable(this.draft)) {
      if (isBroken) {
        this.shownInstead = 'The pair that was there stays.';
        this.#link();
      }
      if (isNew) this.#ask();
    } else {
      const first = this.model.summary.examples[0];
      if (first !== undefined) this.#take(0, first.pair);
      if (isBroken) this.shownInstead = 'The first example is shown instead.';
    }
  }

  override render(): unknown {
    const summary = this.model?.kind === 'ready' ? this.model.summary : undefined;
    return html`<div class="bench" @keydown=${this.#keyPressed} @lab-submit=${this.#ask}>
      ${this.checkpoint ? this.#origin() : this.#choice()} ${this.#examples(summary)}
      ${
        this.shownInstead === undefined
          ? nothing
          : html`<lab-notice class="origin" heading="The pair of this address cannot be read">
              A query and a document as JSON were expected, in at most ${formatCount(MAX_LINKED_LENGTH)} characters.
              ${this.shownInstead}
            </lab-notice>`
      }
      <div class="judging">
        <div class="panel pair">
          <lab-pair-editor
            .draft=${this.draft}
            .evidence=${{ steps: this.#answer.state.steps, activeStep: this.activeStep, draft: this.answeredDraft }}
            @draft-change=${(event: CustomEvent<PairDraft>) => this.#edited(event.detail)}
          ></lab-pair-editor>
          <div class="controls">
            <button class="primary" ?disabled=${summary === undefined || !isAnswerable(this.draft)} @click=${this.#ask}>
              Answer
            </button>
            <label>
              <input
                type="checkbox"
                .checked=${this.answersWhileTyping}
                @change=${() => (this.answersWhileTyping = !this.answersWhileTyping)}
              />
              while I type
            </label>
          </div>
          <p class="unlinked" role="status">${this.#unlinked()}</p>
        </div>
        <div class="panel reading">${this.#reading(summary)}</div>
      </div>
      ${summary === undefined ? nothing : html`<lab-model-card class="panel card" .model=${summary}></lab-model-card>`}
      ${summary === undefined ? nothing : this.#inside(summary)}
      ${summary === undefined && !this.#isLost ? nothing : this.#comparison(summary)}
    </div>`;
  }

  /** Why the address does not lead to this pair; nothing where it does. */
  #unlinked(): unknown {
    if (this.isTooLong) {
      return html`This pair is longer than the ${formatCount(MAX_LINKED_LENGTH)} characters that an address holds: a
      link leads to the first example in its place.`;
    }
    return this.behind
      ? 'The browser lets no address change as often as this. The next answer tries again; until then a link leads to an earlier pair.'
      : nothing;
  }

  /** The bundled models that can answer, and the purpose of the chosen one. */
  #choice(): unknown {
    return html`<div class="choice">
      <label class="heading" for="answering">Answers by</label>
      <select id="answering" class="control" .value=${this.modelId} @change=${this.#chosen}>
        ${BUNDLED_MODELS.filter(({ purpose }) => purpose !== undefined).map(
          ({ id, name }) => html`<option value=${id} ?selected=${id === this.modelId}>${name}</option>`,
        )}
      </select>
      <p class="purpose">${bundledModel(this.modelId).purpose}</p>
    </div>`;
  }

  #chosen(event: Event): void {
    const { currentTarget: select } = event;
    if (!(select instanceof HTMLSelectElement)) return;
    this.dispatchEvent(new CustomEvent<string>('model-choice', { detail: select.value }));
  }

  /** Which model answers, with the way back to the bundled one. */
  #origin(): unknown {
    return html`<p class="origin">
      <span>${this.#originText()}</span>
      <a class="button" href=${scoreAddress()}>Use the bundled model</a>
    </p>`;
  }

  #originText(): unknown {
    switch (this.model?.kind) {
      case 'ready':
        return html`Answers come from your checkpoint <strong>${this.model.checkpointName}</strong>`;
      case 'failed':
        return 'A checkpoint of this browser was meant to answer';
      case 'loading':
      case undefined:
        return 'A checkpoint of this browser is being loaded';
      default:
        return this.model satisfies never;
    }
  }

  #examples(summary: ModelSummary | undefined): unknown {
    if (summary === undefined || summary.examples.length === 0) return nothing;
    return html`<nav class="examples" aria-label="Examples">
      <span class="heading">Examples</span>
      ${summary.examples.map(
        ({ name, pair }, index) =>
          html`<button
            aria-pressed=${index === this.chosenExample ? 'true' : 'false'}
            @click=${() => this.#take(index, pair)}
          >
            ${name}
          </button>`,
      )}
    </nav>`;
  }

  /** The right-hand side: the progress or failure of loading, a first hint, or the answer. */
  #reading(summary: ModelSummary | undefined): unknown {
    if (this.model?.kind === 'failed') {
      return html`<lab-notice kind="failure" heading=${failureHeading(this.model.failure)}>
        ${this.model.failure.message}
        <button slot="action" @click=${() => this.dispatchEvent(new Event('model-retry'))}>Try again</button>
      </lab-notice>`;
    }
    if (summary === undefined) return this.#loading();
    const answer = this.#answer.state;
    if (answer.phase === 'idle') {
      return html`<p class="empty">Type a query and something about a document. The answer appears here.</p>`;
    }
    return html`<lab-answer
        .model=${summary}
        .answer=${answer.label}
        .shownMs=${answer.shownMs}
        .stale=${answer.phase === 'reading'}
      ></lab-answer>
      ${answer.failure?.code === 'backend-lost' ? nothing : failureNotice(answer.failure)}
      ${this.model?.kind === 'ready' ? lostNotice(this.model) : nothing}
      <lab-trace
        .answer=${answer}
        .labelNames=${summary.scale.names}
        .givesReasons=${summary.givesReasons}
        @step-select=${(event: CustomEvent<number | undefined>) => (this.activeStep = event.detail)}
        @stop=${() => this.#answer.stop()}
      ></lab-trace>
      ${summary.givesReasons ? decodingChoice(this.decoding, (decoding) => this.#decode(decoding)) : nothing}`;
  }

  /** What the model computed; its code is loaded when somebody looks. */
  #inside({ scale, givesReasons }: ModelSummary): unknown {
    const { phase, pair } = this.#answer.state;
    return html`<section class="panel inside">
      ${
        this.looksInside && this.model?.kind === 'ready'
          ? html`<lab-inside
              .client=${this.model.client}
              .pair=${phase === 'done' ? pair : undefined}
              .decoding=${givesReasons ? this.decoding : undefined}
              .labelNames=${scale.names}
            ></lab-inside>`
          : html`<button @click=${this.#lookInside}>Look inside the model</button>
              <p class="purpose">
                What the label attends to, the label layer by layer, and how certain each token was
              </p>`
      }
      ${failureNotice(this.insideFailure)}
    </section>`;
  }

  readonly #lookInside = async (): Promise<void> => {
    this.insideFailure = undefined;
    try {
      await import('./lab-inside.ts');
      this.looksInside = true;
    } catch (thrown) {
      this.insideFailure = failureOf(thrown);
    }
  };

  /** Whether the model is being loaded again; the rest of the view stays. */
  get #isLost(): boolean {
    return this.model?.kind === 'loading' && this.model.lost !== undefined;
  }

  #comparison(summary: ModelSummary | undefined): unknown {
    return html`<lab-comparison
      class="comparison"
      .compared=${this.compared}
      leading=${this.checkpoint ? '' : this.modelId}
      @pair-choose=${(event: CustomEvent<Pair>) => this.#take(undefined, event.detail)}
      .model=${summary}
      .answer=${this.#answer.state}
      .decoding=${this.decoding}
      @compared-change=${(event: CustomEvent<readonly string[]>) =>
        this.dispatchEvent(new CustomEvent<readonly string[]>('compared-change', { detail: event.detail }))}
    ></lab-comparison>`;
  }

  #loading(): unknown {
    if (this.model?.kind !== 'loading') return nothing;
    const { stage, receivedBytes, totalBytes } = this.model.progress;
    const text = {
      backend: 'Looking for the fastest way to compute here',
      files: `Loading the model: ${formatBytes(receivedBytes)}${totalBytes === null ? '' : ` of ${formatBytes(totalBytes)}`}`,
      'warm-up': 'Warming up',
    }[stage];
    // Without a value the bar shows activity without a share.
    const share = stage === 'files' && totalBytes !== null && totalBytes > 0 ? receivedBytes / totalBytes : undefined;
    return html`<div class="loading">
      <p id="loading">${text}</p>
      ${
        share === undefined
          ? html`<progress aria-labelledby="loading"></progress>`
          : html`<progress aria-labelledby="loading" .value=${share}></progress>`
      }
      ${lostNotice(this.model)}
    </div>`;
  }

  #edited(draft: PairDraft): void {
    this.draft = draft;
    this.shownInstead = undefined;
    this.chosenExample = undefined;
    clearTimeout(this.#typingPause);
    if (this.answersWhileTyping) this.#typingPause = setTimeout(() => this.#ask(), TYPING_PAUSE_MS);
  }

  #decode(decoding: DecodingKind): void {
    this.decoding = decoding;
    this.#ask();
  }

  #take(index: number | undefined, pair: Pair): void {
    this.chosenExample = index;
    this.shownInstead = undefined;
    this.draft = draftOf(pair);
    this.#ask();
  }

  /** Has the address name the pair. */
  #link(): void {
    const detail = this.chosenExample === 0 ? undefined : linkOf(pairOf(this.draft));
    this.isTooLong = detail === undefined && this.chosenExample !== 0;
    this.#linkedTo = detail;
    this.dispatchEvent(new CustomEvent<string | null>('pair-change', { detail: detail ?? null }));
  }

  #keyPressed(event: KeyboardEvent): void {
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) this.#ask();
    if (event.key === 'Escape') this.#answer.stop();
  }

  #ask(): void {
    clearTimeout(this.#typingPause);
    this.activeStep = undefined;
    this.answeredDraft = this.draft;
    if (isAnswerable(this.draft)) this.#link();
    if (this.model?.kind !== 'ready') return;
    const { client, summary } = this.model;
    const decoding = summary.givesReasons ? this.decoding : undefined;
    if (isAnswerable(this.draft)) this.#answer.ask(client, pairOf(this.draft), decoding);
    else this.#answer.clear();
  }
}

declare global {
  interface HTMLElementTagNameMap {
    'lab-score-view': LabScoreView;
  }
}
