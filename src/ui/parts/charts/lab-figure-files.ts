/**
 * What a reader takes away from a figure: the drawing as SVG or PNG, and its numbers as CSV where it has them.
 */
import { css, html, nothing } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import { type Failure, failureOf } from '../../../protocol/failure.ts';
import { download } from '../download.ts';
import { failureNotice } from '../failure-notice.ts';
import { LabElement } from '../lab-element.ts';
import { baseStyles, buttonStyles } from '../shared-styles.ts';
import { figurePng } from './figure-png.ts';

type Format = 'SVG' | 'PNG' | 'CSV';

@customElement('lab-figure-files')
export class LabFigureFiles extends LabElement {
  static override readonly styles = [
    baseStyles,
    buttonStyles,
    css`
      :host {
        position: relative;
        display: inline-flex;
        gap: var(--space-1);
        align-items: center;
        font-size: var(--text-small);
      }
      button {
        min-height: 1.9rem;
        padding: 0 var(--space-2);
        border-color: transparent;
        color: var(--muted);
      }
      .said:empty {
        display: none;
      }
    `,
  ];

  /** Of the files, without what they end in. */
  @property() name = '';
  /** The figure, for screen readers. */
  @property() what = 'Figure';
  /** The text before the formats; empty where the figure is beside them. */
  @property() prompt = 'Figure:';
  @property({ attribute: false }) svg: () => string | undefined = () => undefined;
  /** Undefined where the numbers are saved elsewhere. */
  @property({ attribute: false }) csv: (() => string | undefined) | undefined;
  @state() private said = '';
  @state() private failure: Failure | undefined;

  override render(): unknown {
    const formats: readonly Format[] = this.csv === undefined ? ['SVG', 'PNG'] : ['SVG', 'PNG', 'CSV'];
    return html`${this.prompt === '' ? nothing : html`<span>${this.prompt}</span>`}
      ${formats.map(
        (format) =>
          html`<button aria-label="${this.what} as ${format}" @click=${async () => this.#save(format)}>
            ${format}
          </button>`,
      )}
      <span class="visually-hidden said" role="status">${this.said}</span>
      ${failureNotice(this.failure)}`;
  }

  async #save(format: Format): Promise<void> {
    this.failure = undefined;
    this.said = '';
    try {
      const made = await this.#made(format);
      const name = `${this.name}.${format.toLowerCase()}`;
      if (made !== undefined) download(made, name);
      this.said = made === undefined ? `This figure has no numbers to save as ${format}.` : `${name} is saved.`;
    } catch (thrown) {
      this.failure = failureOf(thrown);
    }
  }

  async #made(format: Format): Promise<Blob | undefined> {
    if (format === 'CSV') {
      const text = this.csv?.();
      return text === undefined ? undefined : new Blob([text], { type: 'text/csv' });
    }
    const svg = this.svg();
    if (svg === undefined) return undefined;
    return format === 'SVG' ? new Blob([svg], { type: 'image/svg+xml' }) : figurePng(svg);
  }
}

declare global {
  interface HTMLElementTagNameMap {
    'lab-figure-files': LabFigureFiles;
  }
}
