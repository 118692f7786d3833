/**
 * A notice: a warning, or a failure with what can be done about it.
 */
import { css, html, LitElement } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import { baseStyles, buttonStyles } from './shared-styles.ts';

/**
 * @slot - the text
 * @slot action - buttons
 */
@customElement('lab-notice')
export class LabNotice extends LitElement {
  static override readonly styles = [
    baseStyles,
    buttonStyles,
    css`
      div {
        display: grid;
        gap: var(--space-2);
        padding: var(--space-3) var(--space-4);
        border-radius: var(--radius);
        background: var(--uncheckable-ground);
        color: var(--ink);
        overflow-wrap: anywhere;
      }
      .failure {
        background: var(--wrong-ground);
      }
      strong {
        font-weight: 650;
      }
      ::slotted([slot='action']) {
        justify-self: start;
      }
    `,
  ];

  @property() heading = '';
  @property() kind: 'warning' | 'failure' = 'warning';

  override render(): unknown {
    return html`<div class=${this.kind} role=${this.kind === 'failure' ? 'alert' : 'status'}>
      <strong>${this.heading}</strong>
      <span><slot></slot></span>
      <slot name="action"></slot>
    </div>`;
  }
}

declare global {
  interface HTMLElementTagNameMap {
    'lab-notice': LabNotice;
  }
}
