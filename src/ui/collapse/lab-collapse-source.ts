/**
 * The start and the data of a demonstration: the bundled start with its rule world, or a checkpoint of this browser
 * with a file of judged pairs and, optionally, the user's own rules.
 */
import { css, html, nothing } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import type { ColumnWishes } from '../../protocol/imported-data.ts';
import type { DataKind } from '../../protocol/sft-experiment.ts';
import { type DataState, NO_DATA } from '../parts/forms/data-controller.ts';
import type { DemonstrationData } from './demonstration.ts';
import { fieldStyles } from '../parts/forms/field-styles.ts';
import '../parts/forms/lab-data-choice.ts';
import type { RulesState } from '../parts/forms/rules-controller.ts';
import { LabElement } from '../parts/lab-element.ts';
import { baseStyles } from '../parts/shared-styles.ts';

/** A model that branches can start from. */
export interface StartOption {
  /** The id of the checkpoint. */
  readonly id: string;
  readonly name: string;
}

/**
 * @fires start-choose - the id of a checkpoint as `detail`, or '' for the bundled start. Passes on `data-kind`,
 *   `data-files`, `data-columns`, `data-grades`, `rules-files` and `rules-drop` of lab-data-choice.
 */
@customElement('lab-collapse-source')
export class LabCollapseSource extends LabElement {
  static override readonly styles = [
    baseStyles,
    fieldStyles,
    css`
      :host {
        display: grid;
        grid-template-columns: repeat(auto-fit, minmax(min(100%, 20rem), 1fr));
        gap: var(--space-4);
        align-items: start;
      }
      .label {
        display: block;
        margin-bottom: var(--space-1);
        font-size: var(--text-small);
      }
      .help {
        margin-top: var(--space-1);
        color: var(--muted);
        font-size: var(--text-small);
      }
      option {
        background: var(--surface);
      }
    `,
  ];

  @property({ attribute: false }) starts: readonly StartOption[] = [];
  @property() startId = '';
  @property({ attribute: false }) chosen: DemonstrationData = { kind: 'world' };
  @property({ attribute: false }) data: DataState | undefined;
  @property({ attribute: false }) rules: RulesState | undefined;

  override render(): unknown {
    const { starts, startId, chosen } = this;
    const isFile = chosen.kind === 'file';
    return html`<div>
        <label class="label" for="start">Start</label>
        <select id="start" class="control" aria-describedby="start-help" @change=${this.#startChosen}>
          <option value="" .selected=${startId === ''}>The bundled start, trained on the rule world</option>
          ${starts.map(({ id, name }) => html`<option .value=${id} .selected=${id === startId}>${name}</option>`)}
        </select>
        <p id="start-help" class="help">
          ${
            isFile && startId === ''
              ? 'This start has never seen such pairs. Train a model on the same file in the Train view first, with the ' +
                'same rules, and choose its checkpoint here.'
              : 'Or a checkpoint trained in the Train view; its data comes with it.'
          }
        </p>
      </div>
      <div>
        <span class="label">Learn from</span>
        <lab-data-choice
          .kind=${isFile ? 'file' : 'world'}
          .fileName=${isFile ? chosen.name : ''}
          .fileHash=${isFile ? chosen.sha256 : ''}
          .grades=${isFile ? (chosen.grades ?? '') : ''}
          .data=${this.data ?? NO_DATA}
          .rules=${this.rules}
          @data-kind=${(event: CustomEvent<DataKind>) => this.#pass('data-kind', event.detail)}
          @data-files=${(event: CustomEvent<readonly File[]>) => this.#pass('data-files', event.detail)}
          @data-columns=${(event: CustomEvent<ColumnWishes>) => this.#pass('data-columns', event.detail)}
          @data-grades=${(event: CustomEvent<string>) => this.#pass('data-grades', event.detail)}
          @rules-files=${(event: CustomEvent<readonly File[]>) => this.#pass('rules-files', event.detail)}
          @rules-drop=${() => this.#pass('rules-drop', null)}
        ></lab-data-choice>
        ${
          isFile && chosen.rules !== undefined && this.rules?.summary === undefined
            ? html`<p class="help">The rules of the start’s training decide rewards and recall.</p>`
            : nothing
        }
      </div>`;
  }

  readonly #startChosen = ({ currentTarget }: Event): void => {
    if (currentTarget instanceof HTMLSelectElement) this.#pass('start-choose', currentTarget.value);
  };

  #pass(name: string, detail: unknown): void {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}

declare global {
  interface HTMLElementTagNameMap {
    'lab-collapse-source': LabCollapseSource;
  }
}
