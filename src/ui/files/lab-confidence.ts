/**
 * Whether sure labels are right: a reliability diagram, and what is left if labels below a confidence go to a person.
 */
import { css, html, nothing, svg } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import type { FileMeasures } from '../../protocol/files.ts';
import { describeAbstention } from '../../relevance/metrics/calibration.ts';
import { formatCount, wholePercent } from '../parts/format.ts';
import { LabElement } from '../parts/lab-element.ts';
import { baseStyles, buttonStyles } from '../parts/shared-styles.ts';

/** The side of the diagram in its own units. */
const SIDE = 100;
/** The confidence that is asked for at first, in percent. */
const ASKED = 70;

/** @fires below-choice - the confidence below which pairs are to be shown as `detail`. */
@customElement('lab-confidence')
export class LabConfidence extends LabElement {
  static override readonly styles = [
    baseStyles,
    buttonStyles,
    css`
      details {
        font-size: var(--text-small);
      }
      summary {
        width: fit-content;
        color: var(--muted);
        cursor: pointer;
      }
      .parts {
        display: flex;
        flex-wrap: wrap;
        gap: var(--space-4) var(--space-6);
        align-items: start;
        padding-top: var(--space-3);
      }
      figure {
        flex: none;
        width: 15rem;
        max-width: 100%;
      }
      figcaption,
      .muted {
        color: var(--muted);
      }
      svg {
        display: block;
        width: 100%;
        overflow: visible;
      }
      .frame,
      .even {
        fill: none;
        stroke: var(--line-strong);
        stroke-width: 0.6;
      }
      .even {
        stroke-dasharray: 2 2;
      }
      .bin {
        fill: var(--accent);
      }
      text {
        fill: var(--muted);
        font-size: 5.5px;
      }
      .choice {
        display: grid;
        flex: 1 1 20rem;
        gap: var(--space-3);
        max-width: 36rem;
      }
      label {
        display: grid;
        gap: var(--space-1);
      }
      input {
        width: 100%;
        accent-color: var(--accent);
      }
      button {
        justify-self: start;
      }
    `,
  ];

  @property({ attribute: false }) measures: FileMeasures | undefined;
  @state() private asked = ASKED;

  override render(): unknown {
    const { measures } = this;
    if (measures === undefined) return nothing;
    return html`<details>
      <summary>When to trust a label</summary>
      <div class="parts">${this.#diagram(measures)} ${this.#choice(measures)}</div>
    </details>`;
  }

  #diagram({ reliability }: FileMeasures): unknown {
    const most = Math.max(...reliability.map(({ answers }) => answers), 1);
    return html`<figure>
      <svg viewBox="-9 -4 113 118" role="img" aria-labelledby="reliability">
        <rect class="frame" width=${SIDE} height=${SIDE}></rect>
        <line class="even" x1="0" y1=${SIDE} x2=${SIDE} y2="0"></line>
        ${reliability.map(({ answers, right, confidence }) =>
          answers === 0
            ? nothing
            : svg`<circle class="bin" cx=${confidence * SIDE} cy=${SIDE - (right / answers) * SIDE}
                r=${1.2 + 3.6 * Math.sqrt(answers / most)}><title>${formatCount(answers)} labels, ${wholePercent(confidence)} sure, ${wholePercent(right / answers)} right</title></circle>`,
        )}
        <text x="0" y="108">0 %</text>
        <text x=${SIDE / 2} y="108" text-anchor="middle">how sure</text>
        <text x=${SIDE} y="108" text-anchor="end">100 %</text>
        <text x="-3" y=${SIDE / 2} text-anchor="middle" transform="rotate(-90 -3 50)">how often right</text>
      </svg>
      <figcaption id="reliability">
        Labels by how sure they are: on the dashed line they are as often right. A larger point has more labels.
      </figcaption>
    </figure>`;
  }

  #choice({ abstention, graded }: FileMeasures): unknown {
    const point = abstention[this.asked];
    if (point === undefined) return nothing;
    const [all] = abstention;
    return html`<div class="choice">
      <label>
        A person decides below ${this.asked} %
        <input type="range" min="0" max=${abstention.length - 1} .value=${String(this.asked)} @input=${this.#asked} />
      </label>
      <p role="status">${describeAbstention(point, { graded, right: all?.right ?? 0 })}</p>
      <button ?disabled=${this.asked === 0} @click=${() => this.#dispatch()}>
        Show the pairs below ${this.asked} %
      </button>
      <p class="muted">Exports have the confidence of each label, so that the same line can be drawn there.</p>
    </div>`;
  }

  readonly #asked = ({ currentTarget: input }: Event): void => {
    if (input instanceof HTMLInputElement) this.asked = Number(input.value);
  };

  #dispatch(): void {
    this.dispatchEvent(new CustomEvent<number>('below-choice', { detail: this.asked / 100 }));
  }
}

declare global {
  interface HTMLElementTagNameMap {
    'lab-confidence': LabConfidence;
  }
}
