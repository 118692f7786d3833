/**
 * One step of reasoning: the cited rule, the quoted evidence, the verdict, and the result of executing that rule on the
 * pair. Pointing at a step, or focusing it, shows its evidence in the pair.
 */
import { css, html, nothing, svg } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import { spokenStep } from '../../relevance/rules/spoken-step.ts';
import type { StepEvent } from '../../protocol/scoring.ts';
import { LabElement } from '../parts/lab-element.ts';
import { baseStyles } from '../parts/shared-styles.ts';

const CHECKS: Readonly<Record<StepEvent['check'], { readonly name: string; readonly icon: unknown }>> = {
  verified: { name: 'Verified', icon: svg`<path d="M3.5 8.5l3 3 6-7" />` },
  wrong: { name: 'Wrong', icon: svg`<path d="M4 4l8 8M12 4l-8 8" />` },
  uncheckable: {
    name: 'Uncheckable',
    icon: svg`<path d="M5.6 6a2.4 2.4 0 1 1 3.3 2.2c-.6.3-.9.7-.9 1.4M8 12.4v.1" />`,
  },
};

/** Verdicts in words, following the name of the criterion. */
const VERDICT_WORDS: Readonly<Record<StepEvent['step']['verdict'], string>> = {
  match: 'matches',
  mismatch: 'does not match',
  near: 'nearly matches',
  absent: 'is absent',
  violated: 'is violated',
};

/**
 * @fires step-point - whether the step is pointed at, as `detail`.
 */
@customElement('lab-step')
export class LabStep extends LabElement {
  static override readonly styles = [
    baseStyles,
    css`
      article {
        --tone: var(--verified);
        --ground: var(--verified-ground);
        display: grid;
        gap: var(--space-2);
        padding: var(--space-3) var(--space-3) var(--space-3) var(--space-4);
        border-left: 3px solid var(--tone);
        border-radius: 0 var(--radius) var(--radius) 0;
        background: transparent;
        transition: background var(--quick);
        animation: arrive var(--calm) ease-out;
      }
      article:hover,
      article:focus-visible {
        background: var(--field);
      }
      .wrong {
        --tone: var(--wrong);
        --ground: var(--wrong-ground);
      }
      .uncheckable {
        --tone: var(--uncheckable);
        --ground: var(--uncheckable-ground);
      }
      header {
        display: flex;
        gap: var(--space-3);
        align-items: start;
        justify-content: space-between;
      }
      h3 {
        font-size: var(--text-base);
        font-weight: 600;
        line-height: 1.4;
      }
      .check {
        display: inline-flex;
        flex: none;
        gap: 0.3em;
        align-items: center;
        padding: 0.1rem 0.55rem 0.1rem 0.4rem;
        border-radius: 1rem;
        background: var(--ground);
        color: var(--tone);
        font-size: var(--text-small);
        font-weight: 600;
      }
      svg {
        width: 1em;
        height: 1em;
        fill: none;
        stroke: currentColor;
        stroke-linecap: round;
        stroke-linejoin: round;
        stroke-width: 2;
      }
      .finding {
        display: flex;
        flex-wrap: wrap;
        gap: var(--space-1) var(--space-3);
        color: var(--muted);
        font-size: var(--text-small);
      }
      q {
        padding: 0.05em 0.3em;
        border-radius: 0.2em;
        background: var(--ground);
        color: var(--ink);
        overflow-wrap: anywhere;
      }
      .reason {
        color: var(--muted);
        font-size: var(--text-small);
      }
      .wrong .reason,
      .uncheckable .reason {
        color: var(--ink);
      }
      @media (max-width: 30rem) {
        header {
          flex-direction: column-reverse;
          gap: var(--space-2);
        }
      }
      @keyframes arrive {
        from {
          opacity: 0;
          transform: translateY(0.35rem);
        }
      }
    `,
  ];

  @property({ attribute: false }) step: StepEvent | undefined;

  override render(): unknown {
    if (this.step === undefined) return nothing;
    const { step, check, reason, ruleText } = this.step;
    const { name, icon } = CHECKS[check];
    const sentence = spokenStep(ruleText, step);
    return html`<article
      class=${check}
      tabindex="0"
      aria-label="${name}: ${sentence}"
      @mouseenter=${() => this.#point(true)}
      @mouseleave=${() => this.#point(false)}
      @focus=${() => this.#point(true)}
      @blur=${() => this.#point(false)}
    >
      <header>
        <h3>${sentence}</h3>
        <span class="check"><svg viewBox="0 0 16 16" aria-hidden="true">${icon}</svg>${name}</span>
      </header>
      <p class="finding">
        <span>${capitalised(step.criterion)} ${VERDICT_WORDS[step.verdict]}</span>
        ${step.evidence.map(({ source, text }) => html`<span>${source} <q>${text}</q></span>`)}
      </p>
      ${reason === '' ? nothing : html`<p class="reason">${capitalised(reason)}</p>`}
    </article>`;
  }

  #point(pointed: boolean): void {
    this.dispatchEvent(new CustomEvent<boolean>('step-point', { detail: pointed }));
  }
}

function capitalised(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

declare global {
  interface HTMLElementTagNameMap {
    'lab-step': LabStep;
  }
}
