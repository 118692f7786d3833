/**
 * The answer: the label in the largest type of the page, the model's confidence and the time it took. It is complete
 * before the reasoning begins.
 */
import { css, html, nothing } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import type { LabelEvent, ModelSummary } from '../../protocol/scoring.ts';
import { cssProperties } from '../parts/css-properties.ts';
import { backendName, formatDuration, formatPercent } from '../parts/format.ts';
import './lab-label-gauge.ts';
import { reading } from '../parts/reading.ts';
import { LabElement } from '../parts/lab-element.ts';
import { baseStyles, headingStyles } from '../parts/shared-styles.ts';

/** With less of the vocabulary's probability on labels, the model was hardly answering at all. */
const LOW_LABEL_MASS = 0.9;

@customElement('lab-answer')
export class LabAnswer extends LabElement {
  static override readonly styles = [
    baseStyles,
    headingStyles,
    css`
      .answer {
        display: flex;
        flex-wrap: wrap;
        gap: 0 var(--space-4);
        align-items: baseline;
        min-height: calc(var(--text-answer) * 1.15);
        margin-bottom: var(--space-3);
      }
      .label {
        color: color-mix(in oklab, var(--label-best) calc(var(--place) * 100%), var(--label-worst));
        font-size: var(--text-answer);
        font-weight: 650;
        letter-spacing: -0.025em;
        line-height: 1.1;
        overflow-wrap: anywhere;
      }
      .confidence {
        color: var(--muted);
        font-size: var(--text-large);
        font-variant-numeric: tabular-nums;
      }
      .rubric {
        margin-bottom: var(--space-4);
        color: var(--muted);
      }
      .rubric::first-letter {
        text-transform: uppercase;
      }
      .stale {
        opacity: 0.45;
        transition: opacity var(--quick) 80ms;
      }
      .readings {
        display: flex;
        flex-wrap: wrap;
        gap: var(--space-3) var(--space-5);
        margin-top: var(--space-3);
        padding-top: var(--space-3);
        border-top: 1px solid var(--line);
      }
      dt {
        color: var(--muted);
        font-size: var(--text-small);
      }
      dd {
        font-variant-numeric: tabular-nums;
      }
      .note {
        margin-top: var(--space-3);
        color: var(--muted);
        font-size: var(--text-small);
      }
    `,
  ];

  @property({ attribute: false }) model: ModelSummary | undefined;
  /** The answer; the previous one while `stale`. */
  @property({ attribute: false }) answer: LabelEvent | undefined;
  /** Milliseconds from the question to the label on the screen. */
  @property({ attribute: false }) shownMs: number | undefined;
  /** Whether a new answer is being computed. */
  @property({ type: Boolean }) stale = false;
  /** The heading; empty where another element names the model. */
  @property() heading = 'Answer';

  override render(): unknown {
    const { model, answer } = this;
    if (model === undefined || answer === undefined) return nothing;
    const { names, rubric } = model.scale;
    const name = names[answer.label] ?? `label ${answer.label}`;
    const confidence = formatPercent(answer.probabilities[answer.label] ?? 0);
    const place = names.length > 1 ? answer.label / (names.length - 1) : 0;
    return html`${this.heading === '' ? nothing : html`<h2 class="heading">${this.heading}</h2>`}
      <p class="visually-hidden" role="status">${this.stale ? nothing : `Answer: ${name}, ${confidence} sure.`}</p>
      <div class=${this.stale ? 'stale' : 'fresh'}>
        <p class="answer" ${cssProperties({ '--place': place.toFixed(3) })}>
          <strong class="label">${name}</strong>
          <span class="confidence">${confidence} sure</span>
        </p>
        <p class="rubric">${rubric[answer.label]}</p>
        <lab-label-gauge
          .names=${names}
          .probabilities=${answer.probabilities}
          .answer=${answer.label}
          .score=${answer.score}
        ></lab-label-gauge>
        <dl class="readings">
          ${reading('Score', `${answer.score.toFixed(2)} of ${names.length - 1}`)}
          ${reading('Model time', formatDuration(answer.prefillMs))}
          ${reading('On screen after', this.shownMs === undefined ? '\u2013' : formatDuration(this.shownMs))}
          ${reading('Prompt', `${answer.promptTokens} tokens`)}
        </dl>
        <p class="note">Runs on ${backendName(model.backend)}. ${model.backendReason}.</p>
        ${notesOn(answer).map((note) => html`<p class="note">${note}</p>`)}
      </div>`;
  }
}

/** Warnings that affect how far the answer can be trusted. */
function notesOn({ cutFields, labelMass }: LabelEvent): string[] {
  const notes: string[] = [];
  if (cutFields.length > 0) notes.push(`Too long for the prompt, truncated: ${cutFields.join(', ')}.`);
  if (labelMass < LOW_LABEL_MASS) {
    notes.push(
      `Only ${formatPercent(labelMass)} of the model's first token was on labels at all: do not rely on this answer.`,
    );
  }
  return notes;
}

declare global {
  interface HTMLElementTagNameMap {
    'lab-answer': LabAnswer;
  }
}
