/**
 * The front door: what "answer first, reason later" means in a sentence, one picture that moves, and three ways in. It
 * needs no engine and no model; the picture plays a recorded run.
 *
 * @fires view-settled - the recorded run was fetched, or could not be.
 */
import { css, html } from 'lit';
import { customElement, state } from 'lit/decorators.js';
import { type Failure, failureOf } from '../../protocol/failure.ts';
import type { Recording } from '../../protocol/recording.ts';
import { failureNotice } from '../parts/failure-notice.ts';
import { LabElement } from '../parts/lab-element.ts';
import { lessonAddress } from '../parts/routes.ts';
import { baseStyles } from '../parts/shared-styles.ts';
import '../flow/lab-flow.ts';
import { bundledRecording } from '../parts/bundled-recording.ts';
import { paidText, recordedNote, rulesLostText } from './collapse/text.ts';

const DOORS = [
  {
    href: lessonAddress('collapse', 1),
    name: 'See a model collapse',
    text: 'A lesson of five minutes: predict, then see. For one reader or a class.',
  },
  { href: '#/files', name: 'Score my file', text: 'Your pairs, judged on this machine. Nothing leaves it.' },
  { href: '#/collapse', name: 'Run an experiment', text: 'Train and compare live, with every setting and every seed.' },
] as const;

@customElement('lab-front-door')
export class LabFrontDoor extends LabElement {
  static override readonly styles = [
    baseStyles,
    css`
      :host {
        display: grid;
        gap: var(--space-5) var(--space-6);
      }
      .words {
        display: flex;
        flex-direction: column;
        gap: var(--space-4);
        justify-content: center;
        max-width: 62ch;
      }
      h2 {
        font-family: var(--serif);
        font-size: clamp(1.8rem, 1.2rem + 1.7vw, 3rem);
        font-weight: 600;
        letter-spacing: -0.02em;
        line-height: 1.12;
        text-wrap: balance;
      }
      .said {
        color: var(--muted);
        font-size: var(--text-small);
      }
      ul {
        border-bottom: 1px solid var(--line);
        list-style: none;
      }
      a {
        display: grid;
        grid-template-columns: 1fr auto;
        gap: 0 var(--space-3);
        padding: var(--space-3) var(--space-2) var(--space-3) 0;
        border-top: 1px solid var(--line);
        color: inherit;
        text-decoration: none;
        transition: padding var(--quick);
      }
      a:hover {
        padding-left: var(--space-2);
        background: var(--field);
      }
      strong {
        font-size: var(--text-large);
        font-weight: 600;
        line-height: 1.3;
      }
      li:first-child strong {
        color: var(--accent);
      }
      a span {
        grid-column: 1;
        color: var(--muted);
        font-size: var(--text-small);
      }
      .arrow {
        grid-row: 1 / span 2;
        grid-column: 2;
        align-self: center;
        font-size: var(--text-large);
      }
      figure {
        display: flex;
        flex-direction: column;
        gap: var(--space-2);
        min-width: 0;
        margin: 0;
      }
      lab-flow {
        flex: 1;
        min-height: 30rem;
      }
      figcaption {
        display: flex;
        gap: var(--space-4);
        justify-content: space-between;
        color: var(--muted);
        font-size: var(--text-small);
      }
      .right {
        text-align: right;
      }
      @media (min-width: 60rem) {
        :host {
          grid-template-columns: minmax(20rem, 2fr) minmax(0, 3fr);
          height: calc(100dvh - 12.5rem);
          min-height: 30rem;
        }
        lab-flow {
          min-height: 24rem;
        }
      }
    `,
  ];

  @state() private recording: Recording | undefined;
  @state() private failure: Failure | undefined;

  override connectedCallback(): void {
    super.connectedCallback();
    if (this.recording === undefined) void this.#load();
  }

  override render(): unknown {
    const { recording } = this;
    return html`<div class="words">
        <h2>
          It answers first and reasons later. Paid for right labels and plausible reasons, it forgets the rare ones.
        </h2>
        <ul>
          ${DOORS.map(
            ({ href, name, text }) =>
              html`<li>
                <a href=${href}>
                  <strong>${name}</strong><span>${text}</span><span class="arrow" aria-hidden="true">→</span>
                </a>
              </li>`,
          )}
        </ul>
        ${
          recording === undefined
            ? failureNotice(this.failure)
            : html`<p class="said">${paidText(recording)} ${rulesLostText(recording)}</p>`
        }
      </div>
      <figure>
        <figcaption>
          <span>the rule that should decide</span><span class="right">the rule that is cited</span>
        </figcaption>
        <lab-flow .recording=${recording} loops></lab-flow>
        <p class="said">${recording === undefined ? '' : recordedNote(recording)}</p>
      </figure>`;
  }

  async #load(): Promise<void> {
    try {
      this.recording = await bundledRecording('grpo');
    } catch (thrown) {
      this.failure = failureOf(thrown);
    }
    this.dispatchEvent(new Event('view-settled', { bubbles: true, composed: true }));
  }
}

declare global {
  interface HTMLElementTagNameMap {
    'lab-front-door': LabFrontDoor;
  }
}
