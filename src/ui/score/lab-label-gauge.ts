/**
 * The distribution over labels as a gauge: one column per label, worst to best from left to right, and below them a
 * needle at the serving score. It shows the answer, its confidence, and the labels that compete with it.
 */
import { css, html } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import { classMap } from 'lit/directives/class-map.js';
import { cssProperties } from '../parts/css-properties.ts';
import { formatPercent } from '../parts/format.ts';
import { LabElement } from '../parts/lab-element.ts';
import { baseStyles } from '../parts/shared-styles.ts';

@customElement('lab-label-gauge')
export class LabLabelGauge extends LabElement {
  static override readonly styles = [
    baseStyles,
    css`
      :host {
        container-type: inline-size;
      }
      .columns {
        display: grid;
        grid-auto-columns: minmax(0, 1fr);
        grid-auto-flow: column;
        gap: clamp(var(--space-1), 1.4cqi, var(--space-2));
      }
      .column {
        --colour: color-mix(in oklab, var(--label-best) calc(var(--place) * 100%), var(--label-worst));
        display: grid;
        grid-template-rows: 1.6em 5rem auto;
        color: var(--muted);
        font-size: clamp(0.6875rem, 3.2cqi, 0.8125rem);
        text-align: center;
      }
      .share {
        font-variant-numeric: tabular-nums;
      }
      .bar {
        position: relative;
        overflow: hidden;
        border-radius: var(--radius) var(--radius) 0 0;
        background: var(--field);
        box-shadow: inset 0 -1px 0 var(--line-strong);
      }
      .bar::after {
        content: '';
        position: absolute;
        inset: 0;
        background: var(--colour);
        opacity: 0.45;
        transform: scaleY(var(--share));
        transform-origin: bottom;
        transition: transform var(--calm) ease-out;
      }
      .name {
        padding-top: var(--space-1);
        line-height: 1.25;
        overflow-wrap: anywhere;
        hyphens: auto;
      }
      .answer {
        color: var(--ink);
        font-weight: 600;
      }
      .answer .bar::after {
        opacity: 1;
      }
      .rail {
        position: relative;
        height: 1.1rem;
        margin-top: var(--space-2);
        border-top: 1px solid var(--line-strong);
      }
      .needle {
        position: absolute;
        top: -1px;
        left: calc(var(--at) * 100%);
        width: 0.9rem;
        height: 0.7rem;
        background: var(--ink);
        clip-path: polygon(50% 0, 100% 100%, 0 100%);
        transform: translateX(-50%);
        transition: left var(--calm) ease-out;
      }
    `,
  ];

  /** Names of the labels, worst first. */
  @property({ attribute: false }) names: readonly string[] = [];
  /** One per name. */
  @property({ attribute: false }) probabilities: readonly number[] = [];
  /** The most likely label. */
  @property({ type: Number }) answer = 0;
  /** The serving score, in [0, R-1]. */
  @property({ type: Number }) score = 0;

  override render(): unknown {
    const { names, probabilities, answer, score } = this;
    const described = names.map((name, label) => `${name} ${formatPercent(probabilities[label] ?? 0)}`).join(', ');
    return html`<div role="img" aria-label="Probability of each label: ${described}. Score ${score.toFixed(2)}.">
      <div class="columns">
        ${names.map((name, label) => {
          const share = probabilities[label] ?? 0;
          const place = names.length > 1 ? label / (names.length - 1) : 0;
          return html`<div
            class=${classMap({ column: true, answer: label === answer })}
            ${cssProperties({ '--share': share.toFixed(4), '--place': place.toFixed(3) })}
          >
            <span class="share">${formatPercent(share)}</span>
            <span class="bar"></span>
            <span class="name">${name}</span>
          </div>`;
        })}
      </div>
      <div class="rail">
        <div class="needle" ${cssProperties({ '--at': ((score + 0.5) / Math.max(1, names.length)).toFixed(4) })}></div>
      </div>
    </div>`;
  }
}

declare global {
  interface HTMLElementTagNameMap {
    'lab-label-gauge': LabLabelGauge;
  }
}
