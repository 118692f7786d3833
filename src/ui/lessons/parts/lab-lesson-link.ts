/**
 * The link to a lesson with its QR code, large enough to be read from the back of a room. It is computed here; nothing
 * is asked of a network.
 */
import { css, html, nothing } from 'lit';
import { customElement, property, query, state } from 'lit/decorators.js';
import { type Failure, failureOf } from '../../../protocol/failure.ts';
import { failureNotice } from '../../parts/failure-notice.ts';
import { LabElement } from '../../parts/lab-element.ts';
import { baseStyles, buttonStyles } from '../../parts/shared-styles.ts';

/** The modules of a QR code, true where dark. */
type Modules = readonly (readonly boolean[])[];
/** Around the code, in modules; readers want four. */
const BORDER = 4;
const OF_THIS_MACHINE = /^(?:localhost|127\.|\[::1\])/u;

@customElement('lab-lesson-link')
export class LabLessonLink extends LabElement {
  static override readonly styles = [
    baseStyles,
    buttonStyles,
    css`
      :host {
        display: inline-block;
      }
      button {
        min-height: 1.9rem;
        padding: 0 var(--space-2);
      }
      [popover] {
        max-width: min(92vw, 44rem);
        padding: var(--space-5);
        border: 1px solid var(--line-strong);
        border-radius: var(--radius);
        background: var(--surface);
        color: var(--ink);
      }
      [popover]::backdrop {
        background: color-mix(in oklab, var(--paper) 80%, transparent);
      }
      svg {
        display: block;
        width: min(70vmin, 100%);
        margin: 0 auto var(--space-3);
        background: #fff;
      }
      a {
        color: inherit;
        overflow-wrap: anywhere;
      }
      .note {
        max-width: 40ch;
        margin: var(--space-2) 0 0;
        color: var(--muted);
        font-size: var(--text-small);
      }
      .actions {
        margin-top: var(--space-3);
      }
    `,
  ];

  /** Absolute. */
  @property() url = '';
  @state() private modules: Modules | undefined;
  @state() private said = '';
  @state() private failure: Failure | undefined;
  @query('.opens') private button: HTMLButtonElement | null | undefined;
  @query('[popover]') private panel: HTMLElement | null | undefined;

  override render(): unknown {
    return html`<button class="opens" @click=${this.#encode}>Link and QR code</button>
      <div .popover=${'auto'} aria-label="Link and QR code">
        ${this.modules === undefined ? nothing : this.#code(this.modules)} ${failureNotice(this.failure)}
        <p><a href=${this.url}>${this.url}</a></p>
        ${
          OF_THIS_MACHINE.test(new URL(this.url).host)
            ? html`<p class="note">
                This address is of this machine alone. How to serve a class: docs/classroom.md of the lab.
              </p>`
            : nothing
        }
        <p class="actions">
          <button @click=${this.#copy}>Copy the link</button>
          <button @click=${() => this.panel?.hidePopover()}>Close</button> <span role="status">${this.said}</span>
        </p>
      </div>`;
  }

  override firstUpdated(): void {
    if (this.button !== null && this.button !== undefined) this.button.popoverTargetElement = this.panel ?? null;
  }

  #code(modules: Modules): unknown {
    const size = modules.length + 2 * BORDER;
    const path = modules
      .flatMap((row, y) => row.flatMap((isDark, x) => (isDark ? [`M${x + BORDER} ${y + BORDER}h1v1h-1z`] : [])))
      .join('');
    return html`<svg
      viewBox="0 0 ${size} ${size}"
      role="img"
      aria-label="QR code of the link"
      shape-rendering="crispEdges"
    >
      <path d=${path} fill="#000"></path>
    </svg>`;
  }

  readonly #encode = async (): Promise<void> => {
    this.failure = undefined;
    try {
      const { encode } = await import('uqr');
      this.modules = encode(this.url, { border: 0, ecc: 'M' }).data;
    } catch (thrown) {
      this.failure = failureOf(thrown);
    }
  };

  readonly #copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(this.url);
      this.said = 'The link is copied.';
    } catch {
      this.said = 'This browser does not let the page copy; select the link above.';
    }
  };
}

declare global {
  interface HTMLElementTagNameMap {
    'lab-lesson-link': LabLessonLink;
  }
}
