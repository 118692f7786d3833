/**
 * Notices about how this page was loaded: over plain HTTP, which disables some features, or in an older version than
 * the one that is waiting. Usually nothing.
 */
import { css, html, nothing } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import './parts/lab-notice.ts';
import { type OfflineState, ONLINE } from './offline-copy.ts';
import { LabElement } from './parts/lab-element.ts';
import { baseStyles, buttonStyles } from './parts/shared-styles.ts';

@customElement('lab-site-notice')
export class LabSiteNotice extends LabElement {
  static override readonly styles = [
    baseStyles,
    buttonStyles,
    css`
      lab-notice {
        margin-bottom: var(--space-4);
      }
    `,
  ];

  @property({ attribute: false }) offline: OfflineState = ONLINE;
  /** Whether something runs in this tab, which a reload would throw back to its last checkpoint. */
  @property({ type: Boolean }) isWorking = false;
  @state() private otherTabsAreOpen = false;

  override render(): unknown {
    if (!isSecureContext) return this.#plainHttp();
    return this.offline.kind === 'update' ? this.#update(this.offline.takeOver) : nothing;
  }

  #plainHttp(): unknown {
    const { port, pathname } = location;
    return html`<lab-notice heading="Opened over plain HTTP">
      The lab works, but browsers restrict the GPU, offline use and lasting storage to secure addresses: open it over
      https, or, on the machine that serves it, at http://localhost${port === '' ? '' : `:${port}`}${pathname}.
    </lab-notice>`;
  }

  #update(takeOver: () => Promise<string>): unknown {
    const use = async (): Promise<void> => {
      this.otherTabsAreOpen = (await takeOver()) === 'other-tabs';
    };
    if (this.isWorking) {
      return html`<lab-notice heading="A newer version is here">
        Something is running in this tab, so the new version waits. It can be used when that has ended.
      </lab-notice>`;
    }
    return html`<lab-notice heading="A newer version is here">
      ${
        this.otherTabsAreOpen
          ? 'Other tabs of the lab are using this version. Close them, then use the new version.'
          : 'You can continue with this one; the new version is used after every tab of the lab was closed, or now.'
      }
      <button slot="action" @click=${use}>Use the new version</button>
    </lab-notice>`;
  }
}

declare global {
  interface HTMLElementTagNameMap {
    'lab-site-notice': LabSiteNotice;
  }
}
