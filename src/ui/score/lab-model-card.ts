/**
 * The card of the loaded model: its kind, training data, measurements, and the command that reproduces it.
 */
import { css, html, nothing } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import type { ModelSummary } from '../../protocol/scoring.ts';
import { backendName, formatParameters } from '../parts/format.ts';
import { LabElement } from '../parts/lab-element.ts';
import { baseStyles } from '../parts/shared-styles.ts';

@customElement('lab-model-card')
export class LabModelCard extends LabElement {
  static override readonly styles = [
    baseStyles,
    css`
      summary {
        display: flex;
        flex-wrap: wrap;
        gap: var(--space-1) var(--space-3);
        align-items: baseline;
        padding: var(--space-4) var(--space-5);
        border-radius: var(--radius);
        cursor: pointer;
        list-style: none;
      }
      summary::-webkit-details-marker {
        display: none;
      }
      summary::before {
        content: '';
        align-self: center;
        width: 0.5rem;
        height: 0.5rem;
        border-right: 2px solid var(--muted);
        border-bottom: 2px solid var(--muted);
        transform: rotate(-45deg);
        transition: transform var(--quick);
      }
      [open] > summary::before {
        transform: rotate(45deg);
      }
      .name {
        font-weight: 600;
      }
      .facts {
        color: var(--muted);
        font-size: var(--text-small);
      }
      dl {
        display: grid;
        grid-template-columns: minmax(8rem, 14rem) minmax(0, 1fr);
        gap: var(--space-2) var(--space-5);
        padding: 0 var(--space-5) var(--space-5);
      }
      dt {
        color: var(--muted);
        font-size: var(--text-small);
        line-height: 1.85;
      }
      dd {
        font-variant-numeric: tabular-nums;
        overflow-wrap: anywhere;
      }
      code {
        font-family: var(--mono);
        font-size: 0.875em;
      }
      @media (max-width: 40rem) {
        dl {
          grid-template-columns: minmax(0, 1fr);
          gap: 0;
        }
        dd {
          margin-bottom: var(--space-3);
        }
      }
    `,
  ];

  @property({ attribute: false }) model: ModelSummary | undefined;

  override render(): unknown {
    if (this.model === undefined) return nothing;
    const { name, parameters, backend, backendReason, card } = this.model;
    return html`<details>
      <summary>
        <span class="name">${name}</span>
        <span class="facts">Model card: ${formatParameters(parameters)} parameters on ${backendName(backend)}</span>
      </summary>
      <dl>
        <dt>Runs on</dt>
        <dd>${backendName(backend)}. ${backendReason}</dd>
        ${card.map(
          ({ name, value, code }) =>
            html`<dt>${name}</dt>
              <dd>${code ? html`<code>${value}</code>` : value}</dd>`,
        )}
      </dl>
    </details>`;
  }
}

declare global {
  interface HTMLElementTagNameMap {
    'lab-model-card': LabModelCard;
  }
}
