/**
 * The start of the Files view: drop a file, choose it, paste a table, or try a sample. Stored files are listed below.
 */
import { css, html, nothing } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import { counted } from '../../common/counted.ts';
import type { FileEntry, FileList } from '../../protocol/files.ts';
import { fieldStyles } from '../parts/forms/field-styles.ts';
import { formatBytes, formatTime, wholePercent } from '../parts/format.ts';
import { LabElement } from '../parts/lab-element.ts';
import { fileAddress } from '../parts/routes.ts';
import { baseStyles, buttonStyles, headingStyles } from '../parts/shared-styles.ts';
import sampleTsv from '../../../docs/examples/pairs.tsv?raw';

/** A file with its name. */
export interface NamedBlob {
  readonly name: string;
  readonly blob: Blob;
}

/**
 * @fires files-chosen - files to judge as `detail`.
 * @fires file-remove - the id of a stored file as `detail`.
 */
@customElement('lab-file-start')
export class LabFileStart extends LabElement {
  static override readonly styles = [
    baseStyles,
    buttonStyles,
    headingStyles,
    fieldStyles,
    css`
      :host {
        display: grid;
        gap: var(--space-5);
      }
      .drop {
        display: grid;
        gap: var(--space-4);
        justify-items: start;
        padding: clamp(var(--space-5), 5vw, 4rem) clamp(var(--space-4), 4vw, 3.5rem);
        border: 1px dashed var(--line-strong);
        border-radius: calc(var(--radius) * 2);
        background: var(--surface);
      }
      h2 {
        font-size: var(--text-query);
        font-weight: 650;
        letter-spacing: -0.015em;
        line-height: 1.25;
      }
      .lead {
        max-width: 40rem;
        color: var(--muted);
      }
      .ways {
        display: flex;
        flex-wrap: wrap;
        gap: var(--space-2) var(--space-3);
      }
      .paste {
        display: grid;
        gap: var(--space-2);
        width: 100%;
      }
      .paste label {
        display: grid;
        gap: var(--space-1);
        font-size: var(--text-small);
      }
      textarea.control {
        min-height: 9rem;
        font-family: var(--mono);
        font-size: var(--text-small);
        white-space: pre;
      }
      ul {
        display: grid;
        margin-top: var(--space-2);
        border-top: 1px solid var(--line);
        list-style: none;
      }
      li {
        display: flex;
        flex-wrap: wrap;
        gap: var(--space-1) var(--space-4);
        align-items: center;
        padding: var(--space-2) 0;
        border-bottom: 1px solid var(--line);
      }
      li a {
        flex: 1 1 14rem;
        color: var(--ink);
        font-weight: 600;
        overflow-wrap: anywhere;
      }
      .facts {
        color: var(--muted);
        font-size: var(--text-small);
        font-variant-numeric: tabular-nums;
      }
      li button {
        min-height: 2rem;
      }
    `,
  ];

  @property({ attribute: false }) list: FileList | undefined;
  @state() private isPasting = false;
  /** The id of the file that a second click deletes. */
  @state() private confirming = '';

  override render(): unknown {
    return html`<section class="drop" aria-label="A file to judge">
        <h2>Judge a file of queries and documents, here</h2>
        <p class="lead">
          Drop it anywhere on this page: TSV, CSV, JSON, Excel or Parquet, also .gz and .zip, with a query and a
          document in each row. Drop files together that belong together: pairs and documents, or BEIR, TREC, MS MARCO,
          ESCI, Quepid and others as they are. They are read, scored and kept on this machine, and leave it only as what
          you export.
        </p>
        <div class="ways">
          <button class="primary" @click=${() => this.renderRoot.querySelector<HTMLInputElement>('.files')?.click()}>
            Choose a file
          </button>
          <button aria-expanded=${this.isPasting ? 'true' : 'false'} @click=${() => (this.isPasting = !this.isPasting)}>
            Paste a table
          </button>
          <button @click=${() => this.#choose([{ name: 'sample.tsv', blob: new Blob([sampleTsv]) }])}>
            Try a sample
          </button>
        </div>
        <input
          class="files"
          type="file"
          hidden
          multiple
          accept=".tsv,.csv,.txt,.json,.jsonl,.ndjson,.gz,.zip,.xlsx,.parquet,.qrels,.run,.trec,.dat"
          @change=${this.#chosen}
        />
        ${this.isPasting ? this.#paste() : nothing}
      </section>
      ${this.list === undefined ? nothing : this.#kept(this.list)}`;
  }

  #paste(): unknown {
    return html`<div class="paste">
      <label>
        Rows as a spreadsheet copies them, or CSV or JSON, with a header
        <textarea class="control" autocomplete="off" spellcheck="false" placeholder="query	title	grade"></textarea>
      </label>
      <div class="ways"><button @click=${this.#pasted}>Use this table</button></div>
    </div>`;
  }

  #kept({ entries, damaged }: FileList): unknown {
    if (entries.length === 0 && damaged.length === 0) return nothing;
    return html`<section aria-label="Files in this browser">
      <h2 class="heading">Files in this browser</h2>
      <ul>
        ${entries.map(
          (entry) =>
            html`<li>
              <a href=${fileAddress(entry.id)}>${entry.name}</a>
              <span class="facts">${describe(entry)}</span>
              ${this.#deletion(entry.id, entry.name)}
            </li>`,
        )}
        ${damaged.map(
          (id) =>
            html`<li><span class="facts">A stored file can no longer be read.</span> ${this.#deletion(id, 'it')}</li>`,
        )}
      </ul>
    </section>`;
  }

  #deletion(id: string, name: string): unknown {
    const isConfirming = this.confirming === id;
    return html`<button
      aria-label=${isConfirming ? `Delete ${name} with its scores and corrections` : `Delete ${name}`}
      @click=${() => (isConfirming ? this.#dispatch('file-remove', id) : (this.confirming = id))}
      @blur=${() => (this.confirming = '')}
    >
      ${isConfirming ? 'Delete it with its corrections' : 'Delete'}
    </button>`;
  }

  readonly #pasted = (): void => {
    const text = this.renderRoot.querySelector('textarea')?.value ?? '';
    if (text.trim() === '') return;
    const isTable = (text.split('\n', 1)[0] ?? '').includes('\t');
    const name = isTable ? 'pasted.tsv' : /^\s*[[{]/u.test(text) ? 'pasted.json' : 'pasted.csv';
    this.#choose([{ name, blob: new Blob([text]) }]);
  };

  readonly #chosen = ({ currentTarget: input }: Event): void => {
    if (!(input instanceof HTMLInputElement)) return;
    const files = [...(input.files ?? [])];
    input.value = ''; // the same files can be chosen again
    this.#choose(files.map((file) => ({ name: file.name, blob: file })));
  };

  #choose(files: readonly NamedBlob[]): void {
    this.#dispatch('files-chosen', files);
  }

  #dispatch(name: string, detail: unknown): void {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}

function describe({ sizeBytes, createdAt, scored, scoring }: FileEntry): string {
  const origin = `${formatBytes(sizeBytes)}, ${formatTime(createdAt)}`;
  if (scoring === null) return `${origin}, not scored yet`;
  const { pairs, modelName, state } = scoring;
  const all = `${counted(pairs, 'pair')} by ${modelName}`;
  return `${origin}, ${state === 'done' ? all : `${wholePercent(scored / Math.max(1, pairs))} of ${all}`}`;
}

declare global {
  interface HTMLElementTagNameMap {
    'lab-file-start': LabFileStart;
  }
}
