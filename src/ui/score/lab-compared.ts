/**
 * One model that a pair is compared on. It runs in its own worker and is asked when it has the turn, so that no two
 * models compute at once and their times are not distorted.
 */
import { consume } from '@lit/context';
import { css, html, nothing } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import type { DecodingKind } from '../../config/decoding.ts';
import type { LabelEvent } from '../../protocol/scoring.ts';
import type { Pair } from '../../relevance/pair/pair.ts';
import { AnswerController } from './answer-controller.ts';
import { describeAgreement } from './compared-models.ts';
import { failureNotice } from '../parts/failure-notice.ts';
import './lab-answer.ts';
import './lab-model-card.ts';
import '../parts/lab-notice.ts';
import './lab-trace.ts';
import { ModelController, type ModelOrigin } from './model-controller.ts';
import { lostNotice } from './lost-notice.ts';
import { NO_SERVICES, scoreServices } from './score-services.ts';
import type { ScoringClient } from './scoring-client.ts';
import { LabElement } from '../parts/lab-element.ts';
import { baseStyles, buttonStyles } from '../parts/shared-styles.ts';

/** The answer that others are compared with. */
export interface LeadingAnswer {
  readonly label: LabelEvent;
  readonly labelNames: readonly string[];
}

/**
 * @fires compared-settled - the pair that this model has finished as `detail`, answered or not.
 * @fires compared-remove - the reader removes the model.
 */
@customElement('lab-compared')
export class LabCompared extends LabElement {
  static override readonly styles = [
    baseStyles,
    buttonStyles,
    css`
      :host {
        min-width: 0;
      }
      header {
        display: flex;
        gap: var(--space-3);
        align-items: start;
        justify-content: space-between;
        margin-bottom: var(--space-4);
      }
      h3 {
        font-size: var(--text-base);
        font-weight: 600;
        line-height: 1.4;
        overflow-wrap: anywhere;
      }
      header button {
        flex: none;
      }
      .agreement {
        margin-bottom: var(--space-4);
        padding-left: var(--space-3);
        border-left: 3px solid var(--line-strong);
      }
      .agreement.other {
        border-left-color: var(--accent);
      }
      .waiting {
        color: var(--muted);
      }
      lab-trace,
      lab-notice,
      lab-model-card {
        margin-top: var(--space-4);
      }
      lab-model-card {
        margin-inline: calc(-1 * var(--space-4));
      }
    `,
  ];

  @property() name = '';
  /** The model's origin, loaded once; undefined if there is no such model. */
  @property({ attribute: false }) origin: ModelOrigin | undefined;
  @consume({ context: scoreServices, subscribe: true }) @state() private services = NO_SERVICES;
  /** The pair that the leading model was last asked about. */
  @property({ attribute: false }) pair: Pair | undefined;
  /** What its reasons are held to, where it gives any. */
  @property({ attribute: false }) decoding: DecodingKind = 'grounded';
  /** Whether all other models have finished that pair. */
  @property({ attribute: false }) isItsTurn = false;
  /** Undefined until the leading model has answered this pair. */
  @property({ attribute: false }) leader: LeadingAnswer | undefined;
  readonly #model = new ModelController(this);
  readonly #answer = new AnswerController(this);
  /** Whether loading has been requested. */
  #isAsked = false;
  /** The client that was asked last; a newer client does not have its answer. */
  #askedClient: ScoringClient | undefined;
  #settled: Pair | undefined;

  override willUpdate(): void {
    const { openClient, backend } = this.services;
    if (this.origin !== undefined && openClient !== undefined && !this.#isAsked) {
      this.#isAsked = true;
      void this.#model.load(openClient, this.origin, backend);
    }
    const { pair } = this;
    const { phase, pair: asked } = this.#answer.state;
    const { state: model } = this.#model;
    const isLost = this.#isLost && model.kind === 'ready' && model.client !== this.#askedClient;
    if (asked === pair && !isLost) return;
    if (pair === undefined) this.#answer.clear();
    else if (this.isItsTurn && model.kind === 'ready') {
      this.#askedClient = model.client;
      this.#answer.ask(model.client, pair, model.summary.givesReasons ? this.decoding : undefined);
    }
    // The leading model has a new question, and only one model may compute.
    else if (phase === 'reading' || phase === 'reasoning') this.#answer.stop();
  }

  override updated(): void {
    const { pair } = this;
    if (pair === undefined || pair === this.#settled) return;
    const { phase, pair: asked } = this.#answer.state;
    const isAnswered = asked === pair && ['done', 'stopped', 'failed'].includes(phase) && !this.#isLost;
    const isHopeless = this.origin === undefined || this.#model.state.kind === 'failed';
    if (!isAnswered && !(isHopeless && this.isItsTurn)) return;
    this.#settled = pair;
    this.dispatchEvent(new CustomEvent<Pair>('compared-settled', { detail: pair }));
  }

  override render(): unknown {
    return html`<header>
        <h3>${this.name}</h3>
        <button aria-label="Remove ${this.name}" @click=${() => this.dispatchEvent(new Event('compared-remove'))}>
          Remove
        </button>
      </header>
      ${this.#reading()}`;
  }

  /** Whether the backend failed during the answer; the question is repeated once the model is loaded again. */
  get #isLost(): boolean {
    return this.#answer.state.failure?.code === 'backend-lost';
  }

  #reading(): unknown {
    if (this.origin === undefined) {
      return html`<lab-notice kind="failure" heading="There is no such model">
        The address names a model that this page does not have. Choose another one above.
      </lab-notice>`;
    }
    const model = this.#model.state;
    if (model.kind === 'failed') return failureNotice(model.failure);
    if (model.kind === 'loading')
      return html`<p class="waiting">Loading</p>
        ${lostNotice(model)}`;
    const answer = this.#answer.state;
    const isStale = answer.pair !== this.pair || answer.phase === 'reading';
    return html`${isStale ? nothing : this.#agreement(answer.label, model.summary.scale.names)}
      ${answer.label === undefined ? html`<p class="waiting">Waiting for its turn</p>` : nothing}
      <lab-answer
        .heading=${''}
        .model=${model.summary}
        .answer=${answer.label}
        .shownMs=${answer.shownMs}
        .stale=${isStale}
      ></lab-answer>
      ${this.#isLost ? nothing : failureNotice(answer.failure)} ${lostNotice(model)}
      <lab-trace
        .answer=${answer}
        .labelNames=${model.summary.scale.names}
        .givesReasons=${model.summary.givesReasons}
        @stop=${() => this.#answer.stop()}
      ></lab-trace>
      <lab-model-card .model=${model.summary}></lab-model-card>`;
  }

  #agreement(label: LabelEvent | undefined, names: readonly string[]): unknown {
    if (label === undefined || this.leader === undefined) return nothing;
    const { label: leading, labelNames } = this.leader;
    const isOther = names.length !== labelNames.length || label.label !== leading.label;
    return html`<p class="agreement ${isOther ? 'other' : ''}">
      ${describeAgreement(label, leading, names, labelNames)}
    </p>`;
  }
}

declare global {
  interface HTMLElementTagNameMap {
    'lab-compared': LabCompared;
  }
}
