/**
 * A word of the field that says what it means on tap: the word is a button, its meaning a small panel that any press
 * outside of it or Escape closes again.
 */
import { css, html } from 'lit';
import { customElement, property, query } from 'lit/decorators.js';
import { COLLAPSE_BOUNDS } from '../../protocol/collapse-bounds.ts';
import { wholePercent } from './format.ts';
import { LabElement } from './lab-element.ts';
import { baseStyles } from './shared-styles.ts';

const { rewardGain, tailRecallLoss, distinctRulesLoss } = COLLAPSE_BOUNDS;
/** What a collapse is, with its numbers. */
export const COLLAPSE_MEANING =
  `since the start the mean reward has risen by ${rewardGain} or more, while recall of rare rules has fallen by ` +
  `${tailRecallLoss} or more and the number of different rules cited by ${wholePercent(distinctRulesLoss)} or more`;

/** What the words of the live view and of lessons mean. */
export const TERMS = {
  reward:
    'What an answer is paid: a part for the right label, a part for its reasons. The plausible reward asks of a reason that ' +
    'its rule leads to the label given and that its quotes are in the pair; the full reward compares it with the expert\u2019s.',
  'different reasons':
    'How many different rules the answers to the held-out pairs cite. A collapse is seen here first.',
  'rare rules': 'Rules that decide few pairs. A model can forget them and lose hardly any reward.',
  'held-out pairs': 'Pairs that the model never trains on, the same for all branches.',
  collapse: `The lab\u2019s own definition: ${COLLAPSE_MEANING}.`,
  GRPO:
    'Group-relative policy optimisation: each completion is paid against the mean of its group, those of the same prompt. ' +
    'Here: training by the reward only.',
  SFT:
    'Supervised fine-tuning: the model learns to write what an expert wrote. It made the start of all runs; continued, it ' +
    'trains on examples only.',
  'k2, k3':
    'Two estimates of how far the model is from its start (of the KL divergence). Weighed against the reward they are a leash: ' +
    'answers that the start would hardly give cost something.',
  keys:
    'Arrows or Page keys turn; Space plays; 1 to 4 count a vote, 0 clears the votes; B blanks the screen; N opens the notes; ' +
    'P or Escape leaves.',
  '\u03bb': 'The weight of an expert\u2019s examples beside the reward. 0 is reward only; at 1 both weigh the same.',
  'fair control':
    'The same training where prompts and reward leave nothing out: rare rules as often as in the expert\u2019s data, and ' +
    'every step compared with the expert\u2019s.',
  fork: 'A copy of the branch from an earlier checkpoint that goes another way, for example with more examples.',
} as const satisfies Readonly<Record<string, string>>;
export type Term = keyof typeof TERMS;

const GAP_PX = 6;

@customElement('lab-term')
export class LabTerm extends LabElement {
  static override readonly styles = [
    baseStyles,
    css`
      :host {
        display: inline;
      }
      button {
        padding: 0;
        border: 0;
        border-bottom: 1px dotted var(--line-strong);
        background: none;
        color: inherit;
        font: inherit;
        cursor: help;
      }
      [popover] {
        inset: auto;
        max-width: min(24rem, 90vw);
        margin: 0;
        padding: var(--space-3) var(--space-4);
        border: 1px solid var(--line-strong);
        border-radius: var(--radius);
        background: var(--surface);
        color: var(--ink);
        font-family: var(--font);
        font-size: var(--text-small);
        font-weight: 400;
        line-height: 1.5;
      }
    `,
  ];

  @property() term: Term = 'reward';
  @query('button') private button: HTMLButtonElement | null | undefined;
  @query('[popover]') private panel: HTMLElement | null | undefined;

  override render(): unknown {
    return html`<button aria-describedby="meaning"><slot>${this.term}</slot></button
      ><span id="meaning" .popover=${'auto'} @toggle=${this.#place}>${TERMS[this.term]}</span>`;
  }

  override firstUpdated(): void {
    if (this.button !== null && this.button !== undefined) this.button.popoverTargetElement = this.panel ?? null;
  }

  /** Beneath the word, and within the window. */
  readonly #place = (): void => {
    const { button, panel } = this;
    if (button === null || button === undefined || panel === null || panel === undefined) return;
    const { left, bottom, top } = button.getBoundingClientRect();
    const { offsetWidth, offsetHeight } = panel;
    const below = bottom + GAP_PX;
    const y = below + offsetHeight > innerHeight ? top - GAP_PX - offsetHeight : below;
    panel.style.left = `${Math.max(GAP_PX, Math.min(left, innerWidth - offsetWidth - GAP_PX))}px`;
    panel.style.top = `${Math.max(GAP_PX, y)}px`;
  };
}

declare global {
  interface HTMLElementTagNameMap {
    'lab-term': LabTerm;
  }
}
