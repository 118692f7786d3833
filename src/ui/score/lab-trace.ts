/**
 * The reasoning as it streams in after the answer: its steps, whether they imply the label, and on request the raw
 * tokens.
 */
import { css, html, nothing } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import type { DoneEvent } from '../../protocol/scoring.ts';
import { type AnswerState, NO_ANSWER } from './answer-state.ts';
import { formatDuration } from '../parts/format.ts';
import '../parts/lab-notice.ts';
import './lab-step.ts';
import { LabElement } from '../parts/lab-element.ts';
import { baseStyles, buttonStyles, headingStyles } from '../parts/shared-styles.ts';

/**
 * @fires step-select - the index of the step pointed at as `detail`, or undefined.
 * @fires stop - the reader stops the model.
 */
@customElement('lab-trace')
export class LabTrace extends LabElement {
  static override readonly styles = [
    baseStyles,
    buttonStyles,
    headingStyles,
    css`
      .top {
        display: flex;
        gap: var(--space-3);
        align-items: center;
        justify-content: space-between;
        min-height: 2.25rem;
        margin-bottom: var(--space-2);
      }
      ol {
        display: grid;
        gap: var(--space-2);
        list-style: none;
      }
      .pending {
        padding: var(--space-3) var(--space-4);
        border-left: 3px solid var(--line);
        color: var(--muted);
        font-size: var(--text-small);
      }
      .pending::after {
        content: '';
        display: inline-block;
        width: 0.5em;
        height: 1em;
        margin-left: 0.4em;
        background: var(--muted);
        vertical-align: text-bottom;
        animation: blink 1s steps(2, jump-none) infinite;
      }
      lab-notice {
        margin-top: var(--space-3);
      }
      .summary {
        margin-top: var(--space-3);
        color: var(--muted);
        font-size: var(--text-small);
      }
      details {
        margin-top: var(--space-3);
        font-size: var(--text-small);
      }
      summary {
        width: fit-content;
        border-radius: var(--radius);
        color: var(--muted);
        cursor: pointer;
      }
      summary:hover {
        color: var(--ink);
      }
      .tokens {
        margin-top: var(--space-2);
        padding: var(--space-3);
        border-radius: var(--radius);
        background: var(--field);
        font-family: var(--mono);
        overflow-wrap: anywhere;
        white-space: pre-wrap;
      }
      @keyframes blink {
        to {
          opacity: 0;
        }
      }
    `,
  ];

  @property({ attribute: false }) answer: AnswerState = NO_ANSWER;
  /** Names of the labels, worst first. */
  @property({ attribute: false }) labelNames: readonly string[] = [];
  /** Whether the model has learned to give reasons. */
  @property({ attribute: false }) givesReasons = true;
  #pointedStep: number | undefined;

  override render(): unknown {
    const { phase, steps, text, done } = this.answer;
    const running = phase === 'reasoning';
    if (!running && done === undefined && steps.length === 0 && text === '') return nothing;
    return html`<div class="top">
        <h2 class="heading">Reasoning</h2>
        ${running ? html`<button @click=${() => this.dispatchEvent(new Event('stop'))}>Stop</button>` : nothing}
      </div>
      <ol>
        ${steps.map(
          (step) =>
            html`<li>
              <lab-step
                .step=${step}
                @step-point=${(event: CustomEvent<boolean>) => this.#point(step.index, event.detail)}
              ></lab-step>
            </li>`,
        )}
        ${running ? html`<li class="pending">Writing on</li>` : nothing}
      </ol>
      ${phase === 'stopped' ? html`<p class="summary">Stopped. The label was complete before.</p>` : nothing}
      ${done === undefined ? nothing : this.#ending(done)}
      ${
        text === ''
          ? nothing
          : html`<details>
              <summary>Tokens as written</summary>
              <p class="tokens">${text}</p>
            </details>`
      }`;
  }

  #ending({ agreement, complete, problem, restated, tokens, decodeMs }: DoneEvent): unknown {
    if (!this.givesReasons && this.answer.steps.length === 0) {
      return html`<p class="summary">This model gives no reasons: it has learned labels only.</p>`;
    }
    const restatedName = restated === null ? undefined : (this.labelNames[restated] ?? `label ${restated}`);
    return html`${
        complete
          ? nothing
          : html`<lab-notice heading="The reasoning broke off">
              ${problem ?? 'The model did not finish its trace.'} The label was complete before and is still valid.
            </lab-notice>`
      }
      ${
        agreement === 'disagrees'
          ? html`<lab-notice heading="Label and reasoning disagree">
              The verified steps imply another label than the one given above. Do not take the reasoning as its basis.
            </lab-notice>`
          : nothing
      }
      <p class="summary">
        ${complete && this.answer.steps.length === 0 ? 'It gives no reasons.' : nothing}
        ${restatedName === undefined ? nothing : html`Restated at the end: ${restatedName}.`} ${tokens} tokens in
        ${formatDuration(decodeMs)}, after the label.
      </p>`;
  }

  #point(index: number, pointed: boolean): void {
    if (pointed) this.#pointedStep = index;
    // Leaving a step with the mouse does not affect another step that has the focus.
    else if (this.#pointedStep === index) this.#pointedStep = undefined;
    this.dispatchEvent(new CustomEvent<number | undefined>('step-select', { detail: this.#pointedStep }));
  }
}

declare global {
  interface HTMLElementTagNameMap {
    'lab-trace': LabTrace;
  }
}
