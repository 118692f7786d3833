/**
 * Offers to continue demonstrations that were cut short. Discarding one deletes its record; its checkpoints stay.
 */
import { css, html, nothing } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import type { CheckpointsController, CheckpointsState } from '../parts/sessions/checkpoints-controller.ts';
import { type DemonstrationOffer, demonstrationOffers, type KeptDemonstration } from './demonstration-offers.ts';
import '../parts/lab-notice.ts';
import { LabElement } from '../parts/lab-element.ts';
import { baseStyles, buttonStyles } from '../parts/shared-styles.ts';

/** The delay before checking again whether another tab runs it; after a reload that is the page's previous instance. */
const LOOK_AGAIN_MS = 1000;

/**
 * @fires demonstration-resume - the {@link KeptDemonstration} to continue, as `detail`.
 */
@customElement('lab-demonstration-offers')
export class LabDemonstrationOffers extends LabElement {
  static override readonly styles = [
    baseStyles,
    buttonStyles,
    css`
      :host {
        display: grid;
        gap: var(--space-3);
      }
      :host([hidden]),
      :host([empty]) {
        display: none;
      }
      .actions {
        display: flex;
        flex-wrap: wrap;
        gap: var(--space-2);
      }
    `,
  ];

  @property({ attribute: false }) controller: CheckpointsController | undefined;
  /** The controller's state, passed separately so that changes are noticed. */
  @property({ attribute: false }) shelf: CheckpointsState | undefined;
  #nextLook: ReturnType<typeof setTimeout> | undefined;

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    clearTimeout(this.#nextLook);
  }

  override render(): unknown {
    return this.#offers().map((offer) => this.#offer(offer));
  }

  override updated(): void {
    const offers = this.#offers();
    this.toggleAttribute('empty', offers.length === 0);
    clearTimeout(this.#nextLook);
    if (this.hidden || !offers.some(({ way }) => way === 'wait')) return;
    // The end of another tab is not reported, so it is polled.
    this.#nextLook = setTimeout(() => void this.controller?.refresh(), LOOK_AGAIN_MS);
  }

  #offers(): DemonstrationOffer[] {
    const overview = this.shelf?.overview;
    return overview === undefined ? [] : demonstrationOffers(overview);
  }

  #offer({ heading, text, way, request, runIds }: DemonstrationOffer): unknown {
    return html`<lab-notice heading=${heading}>
      ${text}
      ${
        way === 'wait'
          ? nothing
          : html`<span slot="action" class="actions">
              <button class="primary" @click=${() => this.#goOn(request)}>Continue</button>
              <button @click=${() => this.#discard(runIds)}>Discard</button>
            </span>`
      }
    </lab-notice>`;
  }

  #goOn(detail: KeptDemonstration): void {
    this.dispatchEvent(new CustomEvent<KeptDemonstration>('demonstration-resume', { detail }));
  }

  async #discard(runIds: readonly string[]): Promise<void> {
    await this.controller?.act('Discarding', async (client) => {
      for (const id of runIds) await client.forgetRun(id);
    });
  }
}

declare global {
  interface HTMLElementTagNameMap {
    'lab-demonstration-offers': LabDemonstrationOffers;
  }
}
