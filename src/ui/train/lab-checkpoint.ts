/**
 * One checkpoint of this browser, its origin, and its actions. Renaming, annotating and deleting happen in place;
 * deleting needs a confirmation.
 */
import { css, html, nothing } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import { type Checkpoint, MODEL_KIND } from '../../protocol/checkpoints.ts';
import { fieldStyles } from '../parts/forms/field-styles.ts';
import { formatBytes, formatCount, formatTime } from '../parts/format.ts';
import { scoreAddress } from '../parts/routes.ts';
import { LabElement } from '../parts/lab-element.ts';
import { baseStyles, buttonStyles } from '../parts/shared-styles.ts';

const SHA256_DIGITS = 64;
const SHORT_DIGITS = 12;

/** A changed name and note. */
export interface CheckpointEdit {
  readonly id: string;
  readonly name: string;
  readonly note: string;
}

/**
 * @fires checkpoint-edit - a {@link CheckpointEdit} as `detail`.
 * @fires checkpoint-delete - the id as `detail`, after the reader has confirmed.
 * @fires checkpoint-export - the id as `detail`.
 * @fires checkpoint-resume - the id as `detail`.
 */
@customElement('lab-checkpoint')
export class LabCheckpoint extends LabElement {
  static override readonly styles = [
    baseStyles,
    buttonStyles,
    fieldStyles,
    css`
      article {
        display: grid;
        gap: var(--space-2) var(--space-5);
        padding: var(--space-3) 0;
        border-top: 1px solid var(--line);
      }
      h3 {
        font-size: var(--text-base);
        font-weight: 600;
        line-height: 1.4;
        overflow-wrap: anywhere;
      }
      .facts,
      .lineage {
        display: flex;
        flex-wrap: wrap;
        gap: 0 var(--space-4);
        color: var(--muted);
        font-size: var(--text-small);
        font-variant-numeric: tabular-nums;
      }
      .tag {
        padding: 0 0.5em;
        border-radius: 1rem;
        background: var(--field);
      }
      .now {
        background: var(--verified-ground);
        color: var(--verified);
        font-weight: 600;
      }
      code {
        font-family: var(--mono);
        font-size: 0.9375em;
      }
      .remark {
        font-size: var(--text-small);
        overflow-wrap: anywhere;
        white-space: pre-line;
      }
      .actions {
        display: flex;
        flex-wrap: wrap;
        gap: var(--space-1);
        align-items: center;
      }
      .actions button,
      .actions .button {
        min-height: 2rem;
        padding: 0 var(--space-2);
        border-color: transparent;
        color: var(--muted);
      }
      .actions :is(button, .button):hover {
        border-color: var(--line-strong);
        color: var(--ink);
      }
      .actions .first {
        border-color: var(--line-strong);
        color: var(--ink);
      }
      .question {
        margin-right: var(--space-2);
        font-size: var(--text-small);
      }
      form {
        display: grid;
        gap: var(--space-3);
        max-width: 34rem;
      }
      form label {
        display: grid;
        gap: var(--space-1);
        font-size: var(--text-small);
      }
      .buttons {
        display: flex;
        gap: var(--space-2);
      }
      @media (min-width: 56rem) {
        article {
          grid-template-columns: minmax(0, 1fr) auto;
          align-items: center;
        }
        .question,
        form {
          grid-column: 1 / -1;
        }
      }
    `,
  ];

  @property({ attribute: false }) checkpoint: Checkpoint | undefined;
  /** The name of the checkpoint that its run resumed from, if it still exists. */
  @property() parentName = '';
  /** Whether the Score view answers with it now. */
  @property({ type: Boolean }) answering = false;
  /** Whether training can resume from it: its run is not finished, and no other run is under way. */
  @property({ type: Boolean }) resumable = false;
  @state() private mode: 'shown' | 'editing' | 'deleting' = 'shown';

  override render(): unknown {
    const { checkpoint } = this;
    if (checkpoint === undefined) return nothing;
    if (this.mode === 'editing') return html`<article>${this.#form(checkpoint)}</article>`;
    const { name, note, kind, step, sizeBytes, createdAt, isAutomatic, worldHash } = checkpoint;
    return html`<article>
      <div>
        <h3>${name}</h3>
        <p class="facts">
          <span>step ${formatCount(step)}</span><span>${formatBytes(sizeBytes)}</span>
          <span>${formatTime(createdAt)}</span>
          ${kind === MODEL_KIND ? html`<span class="tag" title="It answers, but training cannot resume from it">model</span>` : nothing}
          ${isAutomatic ? html`<span class="tag" title="Deleted when there are newer ones">automatic</span>` : nothing}
          ${this.answering ? html`<span class="tag now">answers now</span>` : nothing}
        </p>
        <p class="lineage">
          ${this.#origin(worldHash)} ${this.parentName === '' ? nothing : html`<span>after ${this.parentName}</span>`}
        </p>
        ${note === '' ? nothing : html`<p class="remark">${note}</p>`}
      </div>
      ${this.mode === 'deleting' ? this.#question(checkpoint) : this.#actions(checkpoint)}
    </article>`;
  }

  /** Its training data; the hash of a data set is shortened because it is much longer than that of a world. */
  #origin(hash: string): unknown {
    if (hash === '') return nothing;
    return hash.length < SHA256_DIGITS
      ? html`<span>rule world <code>${hash}</code></span>`
      : html`<span>own file <code>${hash.slice(0, SHORT_DIGITS)}</code></span>`;
  }

  /** Keeps the focus in place for keyboard users. */
  override updated(changed: Map<PropertyKey, unknown>): void {
    if (changed.get('mode') === undefined) return;
    const next = { editing: 'input', deleting: '.keep', shown: '.edit' }[this.mode];
    this.renderRoot.querySelector<HTMLElement>(next)?.focus();
  }

  #actions({ id, name }: Checkpoint): unknown {
    return html`<div class="actions" role="group" aria-label="Actions on ${name}">
      <a class="button first" href=${scoreAddress(id)}>Score with it</a>
      ${this.resumable ? html`<button @click=${() => this.#fire('checkpoint-resume', id)}>Train on</button>` : nothing}
      <button class="edit" @click=${() => (this.mode = 'editing')}>Name and note</button>
      <button @click=${() => this.#fire('checkpoint-export', id)}>Export</button>
      <button @click=${() => (this.mode = 'deleting')}>Delete</button>
    </div>`;
  }

  #question({ id, name }: Checkpoint): unknown {
    return html`<div class="actions" role="group" aria-label="Delete ${name}?">
      <span class="question">Delete for good?</span>
      <button class="first" @click=${() => this.#fire('checkpoint-delete', id)}>Delete</button>
      <button class="first keep" @click=${() => (this.mode = 'shown')}>Keep</button>
    </div>`;
  }

  #form({ name, note }: Checkpoint): unknown {
    return html`<form @submit=${this.#submitted}>
      <label>
        Name
        <input class="control" name="name" required maxlength="200" autocomplete="off" .value=${name} />
      </label>
      <label>
        Note
        <textarea class="control" name="note" rows="2" maxlength="10000" .value=${note}></textarea>
      </label>
      <span class="buttons">
        <button class="primary">Save</button>
        <button type="button" @click=${() => (this.mode = 'shown')}>Cancel</button>
      </span>
    </form>`;
  }

  #submitted(event: SubmitEvent): void {
    event.preventDefault();
    const { currentTarget: form } = event;
    if (!(form instanceof HTMLFormElement) || this.checkpoint === undefined) return;
    const entered = new FormData(form);
    const edit = { id: this.checkpoint.id, name: textOf(entered.get('name')), note: textOf(entered.get('note')) };
    this.mode = 'shown';
    this.dispatchEvent(new CustomEvent<CheckpointEdit>('checkpoint-edit', { detail: edit }));
  }

  #fire(what: 'checkpoint-delete' | 'checkpoint-export' | 'checkpoint-resume', id: string): void {
    this.mode = 'shown';
    this.dispatchEvent(new CustomEvent<string>(what, { detail: id }));
  }
}

function textOf(entry: FormDataEntryValue | null): string {
  return typeof entry === 'string' ? entry : '';
}

declare global {
  interface HTMLElementTagNameMap {
    'lab-checkpoint': LabCheckpoint;
  }
}
