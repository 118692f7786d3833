/**
 * What the compared runs completed for the same held-out pairs, side by side, at a step that is chosen with a slider.
 */
import { css, html, nothing } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import type { ComparedCompletions } from '../../protocol/runs.ts';
import { tokenText } from '../collapse/completion-text.ts';
import { fieldStyles } from '../parts/forms/field-styles.ts';
import { formatCount } from '../parts/format.ts';
import { LabElement } from '../parts/lab-element.ts';
import { baseStyles, headingStyles } from '../parts/shared-styles.ts';
import { valueOf } from './event-value.ts';

/** The most runs whose completions are shown beside each other: the first of the compared. */
export const MOST_BESIDE = 8;

type Answer = ComparedCompletions[number]['steps'][number]['answers'][number];

@customElement('lab-run-completions')
export class LabRunCompletions extends LabElement {
  static override readonly styles = [
    baseStyles,
    fieldStyles,
    headingStyles,
    css`
      section {
        display: grid;
        grid-template-columns: minmax(0, 1fr);
        gap: var(--space-3);
        margin-top: var(--space-4);
      }
      .bar {
        display: flex;
        flex-wrap: wrap;
        gap: var(--space-2) var(--space-4);
        align-items: center;
      }
      label {
        display: inline-flex;
        gap: var(--space-2);
        align-items: center;
        max-width: 100%;
        color: var(--muted);
        font-size: var(--text-small);
      }
      select.control {
        min-width: 0;
        max-width: 100%;
      }
      .runs {
        display: grid;
        grid-template-columns: repeat(auto-fill, minmax(min(100%, 18rem), 1fr));
        gap: var(--space-3) var(--space-5);
      }
      article {
        min-width: 0;
        padding-top: var(--space-2);
        border-top: 1px solid var(--line);
      }
      input[type='range'] {
        accent-color: var(--accent);
      }
      h4 {
        margin: 0;
        font-size: var(--text-small);
        font-weight: 600;
        overflow-wrap: anywhere;
      }
      p {
        color: var(--muted);
        font-size: var(--text-small);
        overflow-wrap: anywhere;
      }
      .right {
        color: var(--verified);
      }
      .wrong {
        color: var(--wrong);
      }
      .completion {
        color: var(--ink);
        font-family: var(--mono);
        white-space: pre-wrap;
      }
    `,
  ];

  @property({ attribute: false }) runs: ComparedCompletions = [];
  /** The place among all steps; by default the last. */
  @state() private place: number | undefined;
  @state() private pair = 0;

  override render(): unknown {
    const shown = this.runs.filter(({ steps }) => steps.length > 0);
    const pairs = shown[0]?.steps[0]?.answers ?? [];
    if (pairs.length === 0) return nothing;
    const steps = [...new Set(shown.flatMap((run) => run.steps.map(({ step }) => step)))].sort((a, b) => a - b);
    const place = Math.min(this.place ?? steps.length - 1, steps.length - 1);
    const step = steps[place] ?? 0;
    const pair = pairs[Math.min(this.pair, pairs.length - 1)];
    return html`<section aria-label="Completions">
      <h3 class="heading">Completions of held-out pairs</h3>
      <div class="bar">
        <label
          >Pair
          <select class="control" @change=${(event: Event) => (this.pair = Number(valueOf(event)))}>
            ${pairs.map(
              ({ query, title }, i) =>
                html`<option value=${i} ?selected=${i === this.pair}>${query} – ${title}</option>`,
            )}
          </select></label
        >
        <label
          >Step
          <input
            type="range"
            min="0"
            max=${steps.length - 1}
            aria-valuetext=${`step ${step}`}
            .value=${String(place)}
            @input=${(event: Event) => (this.place = Number(valueOf(event)))}
          />
          <output>${formatCount(step)}</output></label
        >
      </div>
      <div class="runs">${shown.map((run) => card(run, step, pair))}</div>
    </section>`;
  }
}

/** What a run completed at the step, or at the last one before it. */
function card({ name, seed, steps }: ComparedCompletions[number], step: number, pair: Answer | undefined): unknown {
  const at = steps.findLast((one) => one.step <= step);
  const answer = at?.answers.find(({ query, title }) => query === pair?.query && title === pair.title);
  return html`<article>
    <h4>${name}, seed ${seed}</h4>
    ${
      answer === undefined || at === undefined
        ? html`<p>Nothing was completed for this pair by then.</p>`
        : html`<p>
              Step ${formatCount(at.step)}:
              <span class=${answer.label === answer.gold ? 'right' : 'wrong'}
                >label ${answer.label}${answer.label === answer.gold ? ', right' : `, given was ${answer.gold}`}</span
              >
            </p>
            <p class="completion">${readable(answer.completion)}</p>`
    }
  </article>`;
}

/** Special tokens by their meaning, text unchanged. */
function readable(completion: string): string {
  const pieces = completion.split(/(<\|[^|]*\|>)/u).filter((piece) => piece.trim() !== '');
  return pieces.map((piece) => tokenText(piece, [], []).trim()).join(' ');
}

declare global {
  interface HTMLElementTagNameMap {
    'lab-run-completions': LabRunCompletions;
  }
}
