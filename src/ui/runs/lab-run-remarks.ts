/** What a person adds to a run: its name, tags and a note. */
import { css, html } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import type { RunRow } from '../../protocol/runs.ts';
import type { RunChange } from '../../protocol/tracked-run.ts';
import { fieldStyles } from '../parts/forms/field-styles.ts';
import { LabElement } from '../parts/lab-element.ts';
import { baseStyles, buttonStyles, headingStyles } from '../parts/shared-styles.ts';
import { differsText, valueText, watchText } from './run-text.ts';

/**
 * @fires run-change - the changed fields as `detail`.
 * @fires run-config - the settings are wanted as a file.
 */
@customElement('lab-run-remarks')
export class LabRunRemarks extends LabElement {
  static override readonly styles = [
    baseStyles,
    buttonStyles,
    fieldStyles,
    headingStyles,
    css`
      form {
        display: grid;
        grid-template-columns: repeat(auto-fit, minmax(min(100%, 14rem), 1fr));
        gap: var(--space-3) var(--space-4);
        align-items: end;
      }
      label {
        display: grid;
        gap: var(--space-1);
        color: var(--muted);
        font-size: var(--text-small);
      }
      .wide {
        grid-column: 1 / -1;
      }
      .actions {
        display: flex;
        flex-wrap: wrap;
        gap: var(--space-2);
      }
      p {
        color: var(--muted);
        font-size: var(--text-small);
        overflow-wrap: anywhere;
      }
    `,
  ];

  @property({ attribute: false }) run: RunRow | undefined;

  override render(): unknown {
    const { run } = this;
    if (run === undefined) return '';
    return html`<form @submit=${this.#submitted}>
      <label>Name <input class="control" name="name" required maxlength="200" .value=${run.name} /></label>
      <label
        >Tags, separated by commas <input class="control" name="tags" maxlength="400" .value=${run.tags.join(', ')}
      /></label>
      <label class="wide">Note <input class="control" name="note" maxlength="10000" .value=${run.note} /></label>
      <p class="wide">
        ${run.baseline === null ? 'Others of its kind are compared with this run' : `Differs from ${run.baseline}`}${
          run.differs.length === 0 ? '.' : `: ${run.differs.join(', ') || differsText(run)}.`
        }
      </p>
      ${
        run.watch === null
          ? ''
          : html`<p class="wide">
              ${watchText(run.watch)}${
                run.best === null
                  ? ''
                  : ` Best so far: ${valueText(run.best.value)} at step ${run.best.step}, ${run.best.checkpointId === null ? 'in the folder of the run' : 'a checkpoint of the Train view'}.`
              }
            </p>`
      }
      <span class="actions wide">
        <button class="primary">Save</button>
        <button type="button" @click=${() => this.dispatchEvent(new Event('run-config'))}>Settings as a file</button>
      </span>
    </form>`;
  }

  #submitted(event: SubmitEvent): void {
    event.preventDefault();
    if (!(event.target instanceof HTMLFormElement)) return;
    const data = new FormData(event.target);
    const text = (name: string): string => {
      const value = data.get(name);
      return typeof value === 'string' ? value.trim() : '';
    };
    const tags = text('tags')
      .split(',')
      .map((tag) => tag.trim())
      .filter((tag) => tag !== '');
    const detail: RunChange = { name: text('name'), note: text('note'), tags: [...new Set(tags)] };
    this.dispatchEvent(new CustomEvent<RunChange>('run-change', { detail }));
  }
}

declare global {
  interface HTMLElementTagNameMap {
    'lab-run-remarks': LabRunRemarks;
  }
}
