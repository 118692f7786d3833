/**
 * On the last screen, the recording that a lesson plays, and a way to play another.
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
    'lab-recording-files': LabRecordingFiles;
  }
}
