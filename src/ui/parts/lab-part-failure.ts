/** Shown in place of a part of the page that could not be drawn: the message, and ways out. */
import { html, LitElement } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import './lab-notice.ts';
import { baseStyles, buttonStyles } from './shared-styles.ts';

/**
 * @fires part-retry - the reader asks to draw the part again.
 */
@customElement('lab-part-failure')
export class LabPartFailure extends LitElement {
  static override readonly styles = [baseStyles, buttonStyles];

  @property() message = '';

  override render(): unknown {
    return html`<lab-notice kind="failure" heading="This part of the page could not be shown">
      ${this.message}
      <span slot="action">
        <button @click=${() => this.dispatchEvent(new Event('part-retry'))}>Try again</button>
        <button @click=${() => location.reload()}>Reload the page</button>
      </span>
    </lab-notice>`;
  }
}

declare global {
  interface HTMLElementTagNameMap {
    'lab-part-failure': LabPartFailure;
  }
}
