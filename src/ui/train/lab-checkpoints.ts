/**
 * The checkpoints that this browser keeps: the list, files in and out, and how much room they take. What a browser keeps
 * it may also drop; whether it has promised not to is said here too.
 */
import { css, html, LitElement, nothing } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import { repeat } from 'lit/directives/repeat.js';
import type { Checkpoint, CheckpointOverview } from '../../protocol/checkpoints.ts';
import type { CheckpointsController, CheckpointsState } from '../parts/checkpoints-controller.ts';
import { download } from '../parts/download.ts';
import { failureNotice } from '../parts/failure-notice.ts';
import { formatBytes, formatPercent } from '../parts/format.ts';
import './lab-checkpoint.ts';
import type { CheckpointEdit } from './lab-checkpoint.ts';
import '../parts/lab-notice.ts';
import { askToPersist } from '../parts/persistence.ts';
import { baseStyles, buttonStyles, headingStyles } from '../parts/shared-styles.ts';

/**
 * @fires checkpoint-resume - the id of the checkpoint to train on from, as `detail`.
 */
@customElement('lab-checkpoints')
export class LabCheckpoints extends LitElement {
  static override readonly styles = [
    baseStyles,
    buttonStyles,
    headingStyles,
    css`
      header {
        display: flex;
        flex-wrap: wrap;
        gap: var(--space-2) var(--space-4);
        align-items: center;
        justify-content: space-between;
        margin-bottom: var(--space-3);
      }
      .empty {
        max-width: 34rem;
        padding-bottom: var(--space-3);
        color: var(--muted);
      }
      ul {
        list-style: none;
      }
      .damaged {
        display: flex;
        flex-wrap: wrap;
        gap: var(--space-2) var(--space-4);
        align-items: center;
        justify-content: space-between;
        padding: var(--space-3) 0;
        border-top: 1px solid var(--line);
      }
      .space {
        display: flex;
        flex-wrap: wrap;
        gap: var(--space-2) var(--space-4);
        align-items: center;
        padding-top: var(--space-3);
        border-top: 1px solid var(--line);
        color: var(--muted);
        font-size: var(--text-small);
      }
      .space button {
        min-height: 2rem;
      }
      lab-notice {
        margin-bottom: var(--space-3);
      }
    `,
  ];

  @property({ attribute: false }) controller: CheckpointsController | undefined;
  /** What the controller knows; given beside it, so that a change is seen. */
  @property({ attribute: false }) shelf: CheckpointsState | undefined;
  /** The checkpoint that the Score view answers with. */
  @property() answeringId = '';
  /** Whether training can go on from a checkpoint now. */
  @property({ type: Boolean }) canTrain = false;

  override render(): unknown {
    if (this.shelf === undefined) return nothing;
    const { overview, failure, doing } = this.shelf;
    return html`<section aria-label="Checkpoints">
      <header>
        <h2 class="heading">Checkpoints in this browser</h2>
        <button ?disabled=${doing !== undefined} @click=${this.#chooseFile}>${doing ?? 'Import a file'}</button>
        <input type="file" hidden accept=".afrl-checkpoint" @change=${this.#fileChosen} />
      </header>
      ${failureNotice(failure)} ${overview === undefined ? nothing : this.#list(overview)}
    </section>`;
  }

  #list({ checkpoints, damaged, space }: CheckpointOverview): unknown {
    const names = new Map(checkpoints.map(({ id, name }) => [id, name]));
    return html`${
      checkpoints.length === 0
        ? html`<p class="empty">
            Nothing is kept yet. A run saves itself as it goes, here and nowhere else; a file can be exported and
            imported elsewhere.
          </p>`
        : html`<ul>
            ${repeat(
              checkpoints,
              ({ id }) => id,
              (checkpoint) => html`<li>${this.#row(checkpoint, names.get(checkpoint.parentId ?? '') ?? '')}</li>`,
            )}
          </ul>`
    }
    ${damaged.map(
      ({ id, problem }) =>
        html`<p class="damaged">
          <span>A checkpoint that cannot be read (${problem})</span>
          <button @click=${() => this.#remove(id)}>Delete</button>
        </p>`,
    )}
    ${this.#space(space)}`;
  }

  #row(checkpoint: Checkpoint, parentName: string): unknown {
    const { id, kind } = checkpoint;
    return html`<lab-checkpoint
      .checkpoint=${checkpoint}
      .parentName=${parentName}
      ?answering=${id === this.answeringId}
      ?resumable=${this.canTrain && kind === 'sft' && checkpoint.step < totalSteps(checkpoint)}
      @checkpoint-edit=${(event: CustomEvent<CheckpointEdit>) => this.#edit(checkpoint, event.detail)}
      @checkpoint-delete=${() => this.#remove(id)}
      @checkpoint-export=${() => this.#export(id)}
      @checkpoint-resume=${() => this.dispatchEvent(new CustomEvent<string>('checkpoint-resume', { detail: id }))}
    ></lab-checkpoint>`;
  }

  #space({ usedBytes, quotaBytes, isPersistent }: CheckpointOverview['space']): unknown {
    if (usedBytes === null) return nothing;
    const share = quotaBytes === null || quotaBytes === 0 ? undefined : usedBytes / quotaBytes;
    const used = `${formatBytes(usedBytes)} used${share === undefined ? '' : `, ${formatPercent(share)} of what the browser allows`}.`;
    return html`<p class="space">
      <span
        >${used}
        ${isPersistent === true ? 'The browser has promised to keep it.' : 'The browser may drop it when the disk fills up.'}</span
      >
      ${isPersistent === true ? nothing : html`<button @click=${this.#persist}>Ask it to keep them</button>`}
    </p>`;
  }

  async #edit({ id, name, note }: Checkpoint, edit: CheckpointEdit): Promise<void> {
    await this.controller?.act('Saving', async (client) => {
      if (edit.name.trim() !== name) await client.rename(id, edit.name);
      if (edit.note !== note) await client.annotate(id, edit.note);
    });
  }

  async #remove(id: string): Promise<void> {
    await this.controller?.act('Deleting', (client) => client.remove(id));
  }

  async #export(id: string): Promise<void> {
    const exported = await this.controller?.act('Exporting', (client) => client.exportFile(id));
    if (exported !== undefined) download(exported.file, exported.fileName);
  }

  /** A file field cannot be dressed; a button can, and opens it. */
  #chooseFile(): void {
    this.renderRoot.querySelector<HTMLInputElement>('input[type="file"]')?.click();
  }

  async #fileChosen(event: Event): Promise<void> {
    const { currentTarget: input } = event;
    if (!(input instanceof HTMLInputElement)) return;
    const [file] = input.files ?? [];
    input.value = ''; // the same file can be chosen again
    if (file !== undefined) await this.controller?.act('Importing', (client) => client.importFile(file));
  }

  async #persist(): Promise<void> {
    await this.controller?.act('Asking', () => askToPersist());
  }
}

/** The updates that the run of a checkpoint was to make; 0 where its settings are of another kind. */
function totalSteps({ configJson }: Checkpoint): number {
  const config: unknown = JSON.parse(configJson);
  if (typeof config !== 'object' || config === null || !('sft' in config)) return 0;
  const { sft } = config;
  return typeof sft === 'object' && sft !== null && 'steps' in sft && typeof sft.steps === 'number' ? sft.steps : 0;
}

declare global {
  interface HTMLElementTagNameMap {
    'lab-checkpoints': LabCheckpoints;
  }
}
