/**
 * The checkpoints of this browser: the list, import and export, and the space they take. A browser may evict stored
 * data, so this also shows whether it has promised not to.
 */
import { css, html, nothing } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import * as v from 'valibot';
import type { Checkpoint, CheckpointOverview, ChosenFile } from '../../protocol/checkpoints.ts';
import { keyedList } from '../parts/keyed-list.ts';
import type { CheckpointsController, CheckpointsState } from '../parts/sessions/checkpoints-controller.ts';
import { download } from '../parts/download.ts';
import { chosenFiles, droppedFiles } from '../parts/dropped-files.ts';
import { failureNotice } from '../parts/failure-notice.ts';
import { formatBytes, formatPercent } from '../parts/format.ts';
import './lab-checkpoint.ts';
import type { CheckpointEdit } from './lab-checkpoint.ts';
import '../parts/lab-notice.ts';
import { askToPersist } from '../parts/persistence.ts';
import { LabElement } from '../parts/lab-element.ts';
import { isSingleRun } from '../parts/sessions/run-kinds.ts';
import { baseStyles, buttonStyles, headingStyles } from '../parts/shared-styles.ts';

/**
 * @fires checkpoint-resume - the id of the checkpoint to resume, as `detail`.
 */
@customElement('lab-checkpoints')
export class LabCheckpoints extends LabElement {
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
      .ways {
        display: flex;
        flex-wrap: wrap;
        gap: var(--space-2);
      }
      .target {
        outline: 2px dashed var(--accent);
        outline-offset: var(--space-2);
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
  /** The controller's state, passed separately so that changes are noticed. */
  @property({ attribute: false }) shelf: CheckpointsState | undefined;
  /** The checkpoint that the Score view answers with. */
  @property() answeringId = '';
  /** Whether training can resume from a checkpoint now. */
  @property({ type: Boolean }) canTrain = false;
  /** Whether files are being dragged over it. */
  @state() private isDropTarget = false;

  override render(): unknown {
    if (this.shelf === undefined) return nothing;
    const { overview, failure, doing } = this.shelf;
    return html`<section
      aria-label="Checkpoints"
      class=${this.isDropTarget ? 'target' : ''}
      @dragover=${this.#dragged}
      @dragleave=${() => (this.isDropTarget = false)}
      @drop=${this.#dropped}
    >
      <header>
        <h2 class="heading">Checkpoints in this browser</h2>
        <span class="ways">
          <button ?disabled=${doing !== undefined} @click=${() => this.#choose('.files')}>
            ${doing ?? 'Import a file'}
          </button>
          <button ?disabled=${doing !== undefined} @click=${() => this.#choose('.folder')}>
            Import a model folder
          </button>
        </span>
        <input
          class="files"
          type="file"
          hidden
          multiple
          accept=".afrl-checkpoint,.json,.safetensors,.gguf"
          @change=${this.#filesChosen}
        />
        <input class="folder" type="file" hidden .webkitdirectory=${true} @change=${this.#filesChosen} />
      </header>
      ${failureNotice(failure)} ${overview === undefined ? nothing : this.#list(overview)}
    </section>`;
  }

  #list({ checkpoints, damaged, space }: CheckpointOverview): unknown {
    const names = new Map(checkpoints.map(({ id, name }) => [id, name]));
    return html`${
      checkpoints.length === 0
        ? html`<p class="empty">
            Nothing is stored yet. Runs save themselves in this browser only; a file can be exported and imported
            elsewhere. Models can be dropped here: a folder of the command line, its five files, a file of “lab export”,
            or a language model as a GGUF file or a Hugging Face folder.
          </p>`
        : html`<ul>
            ${keyedList(
              checkpoints,
              ({ id }) => id,
              (checkpoint) => html`<li>${this.#row(checkpoint, names.get(checkpoint.parentId ?? '') ?? '')}</li>`,
            )}
          </ul>`
    }
    ${damaged.map(
      ({ what, id, problem }) =>
        html`<p class="damaged">
          <span>A ${what} that cannot be read (${problem})</span>
          <button @click=${() => (what === 'run' ? this.#forget(id) : this.#remove(id))}>Delete</button>
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
      ?resumable=${this.canTrain && isSingleRun(kind) && checkpoint.step < totalSteps(checkpoint)}
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
        ${isPersistent === true ? 'The browser has promised to keep it.' : 'The browser may delete it when the disk fills up.'}</span
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

  async #forget(runId: string): Promise<void> {
    await this.controller?.act('Deleting', (client) => client.forgetRun(runId));
  }

  async #export(id: string): Promise<void> {
    const exported = await this.controller?.act('Exporting', (client) => client.exportFile(id));
    if (exported !== undefined) download(exported.file, exported.fileName);
  }

  /** File inputs cannot be styled, so a button opens them. */
  #choose(field: '.files' | '.folder'): void {
    this.renderRoot.querySelector<HTMLInputElement>(field)?.click();
  }

  async #filesChosen(event: Event): Promise<void> {
    const { currentTarget: input } = event;
    if (!(input instanceof HTMLInputElement)) return;
    const files = chosenFiles(input.files ?? []);
    input.value = ''; // so that the same file can be chosen again
    await this.#import(() => Promise.resolve(files));
  }

  #dragged(event: DragEvent): void {
    if (event.dataTransfer?.types.includes('Files') !== true) return;
    event.preventDefault(); // otherwise the browser opens a file dropped outside
    this.isDropTarget = true;
  }

  async #dropped(event: DragEvent): Promise<void> {
    const { dataTransfer } = event;
    this.isDropTarget = false;
    if (dataTransfer === null) return;
    event.preventDefault();
    const files = droppedFiles(dataTransfer);
    await this.#import(() => files);
  }

  /** Imports the files of one model together, and checkpoint files one by one. */
  async #import(read: () => Promise<readonly ChosenFile[]>): Promise<void> {
    await this.controller?.act('Importing', async (client) => {
      const files = await read();
      const isModel = files.some(({ path }) => /\.(json|safetensors|gguf)$/iu.test(path));
      if (isModel) await client.importModel(files);
      else for (const { blob } of files) await client.importFile(blob);
    });
  }

  async #persist(): Promise<void> {
    await this.controller?.act('Asking', () => askToPersist());
  }
}

const StepsOfSchema = v.optional(v.object({ steps: v.number() }));
const StepsSchema = v.pipe(v.string(), v.parseJson(), v.object({ sft: StepsOfSchema, distill: StepsOfSchema }));

/** The total updates of a checkpoint's run; 0 where its settings are of another kind. */
function totalSteps({ configJson }: Checkpoint): number {
  const config = v.safeParse(StepsSchema, configJson);
  if (!config.success) return 0;
  const { sft, distill } = config.output;
  return (sft ?? distill)?.steps ?? 0;
}

declare global {
  interface HTMLElementTagNameMap {
    'lab-checkpoints': LabCheckpoints;
  }
}
