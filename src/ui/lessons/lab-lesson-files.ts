/**
 * What a reader takes away from a screen: its figure as SVG or PNG, and its numbers as CSV. Beside it, on the last
 * screen, the recording that a lesson plays, and a way to play another.
 */
import { css, html, nothing } from 'lit';
import { customElement, property, query, state } from 'lit/decorators.js';
import { type Failure, failureOf } from '../../protocol/failure.ts';
import { type Recording, writeRecording } from '../../protocol/recording.ts';
import { download } from '../parts/download.ts';
import { failureNotice } from '../parts/failure-notice.ts';
import { LabElement } from '../parts/lab-element.ts';
import { baseStyles, buttonStyles } from '../parts/shared-styles.ts';
import { ownRecording } from './collapse/material.ts';
import { figurePng, figureSvg } from './parts/figure-file.ts';

const FORMATS = ['SVG', 'PNG', 'CSV'] as const;

@customElement('lab-lesson-files')
export class LabLessonFiles extends LabElement {
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
  @property({ attribute: false }) figure: () => Element | undefined = () => undefined;
  @property({ attribute: false }) csv: () => string | undefined = () => undefined;
  @state() private said = '';
  @state() private failure: Failure | undefined;

  override render(): unknown {
    return html`<span id="what">Figure:</span>
      ${FORMATS.map(
        (format) =>
          html`<button aria-label="Figure as ${format}" @click=${async () => this.#save(format)}>${format}</button>`,
      )}
      <span class="visually-hidden said" role="status">${this.said}</span>
      ${failureNotice(this.failure)}`;
  }

  async #save(format: (typeof FORMATS)[number]): Promise<void> {
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

  async #made(format: (typeof FORMATS)[number]): Promise<Blob | undefined> {
    if (format === 'CSV') {
      const text = this.csv();
      return text === undefined ? undefined : new Blob([text], { type: 'text/csv' });
    }
    const figure = this.figure();
    if (figure === undefined) return undefined;
    const svg = figureSvg(figure);
    return format === 'SVG' ? new Blob([svg], { type: 'image/svg+xml' }) : figurePng(svg);
  }
}

/**
 * @fires recording-open - a {@link Recording} of the reader's own as `detail`.
 */
@customElement('lab-recording-files')
export class LabRecordingFiles extends LabElement {
  static override readonly styles = [
    baseStyles,
    buttonStyles,
    css`
      :host {
        display: contents;
      }
      button,
      .button {
        min-height: 1.9rem;
        padding: 0 var(--space-2);
      }
      label:focus-within {
        outline: 2px solid var(--accent);
        outline-offset: 2px;
      }
      .said {
        flex-basis: 100%;
        color: var(--muted);
        font-size: var(--text-small);
      }
      .said:empty {
        display: none;
      }
    `,
  ];

  @property({ attribute: false }) recording: Recording | undefined;
  /** Whether the lesson plays another recording. */
  @property({ type: Boolean }) opens = false;
  @state() private failure: Failure | undefined;
  @state() private said = '';
  @query('input') private input: HTMLInputElement | null | undefined;

  override render(): unknown {
    const { recording } = this;
    return html`${recording === undefined ? nothing : html`<button @click=${() => this.#save(recording)}>The recording</button>`}
      ${
        this.opens
          ? html`<label class="button"
              >Open a recording <input class="visually-hidden" type="file" accept=".json" @change=${this.#opened}
            /></label>`
          : nothing
      }
      ${failureNotice(this.failure)}
      <p role="status" class="said">${this.said}</p>`;
  }

  #save({ format: _f, schemaVersion: _v, frames, groups, ...header }: Recording): void {
    const text = writeRecording(header, frames, groups);
    download(new Blob([text], { type: 'application/json' }), 'collapse-recording.json');
    this.said = 'collapse-recording.json is saved.';
  }

  readonly #opened = async (): Promise<void> => {
    const { input } = this;
    const file = input?.files?.[0];
    if (input === null || input === undefined || file === undefined) return;
    input.value = ''; // the same file can be chosen again
    this.failure = undefined;
    this.said = '';
    try {
      const detail = await ownRecording(file);
      this.said = `The lesson now plays ${file.name}: ${detail.name}.`;
      this.dispatchEvent(new CustomEvent<Recording>('recording-open', { detail }));
    } catch (thrown) {
      this.failure = failureOf(thrown);
    }
  };
}

declare global {
  interface HTMLElementTagNameMap {
    'lab-lesson-files': LabLessonFiles;
    'lab-recording-files': LabRecordingFiles;
  }
}
