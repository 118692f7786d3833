/** A dialog that lists the keys of the results. */
import { css, html } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import { LabElement } from '../parts/lab-element.ts';
import { baseStyles, buttonStyles } from '../parts/shared-styles.ts';

type Key = readonly [keys: string, what: string];
const MOVES: readonly Key[] = [
  ['j  k', 'next pair, previous pair'],
  ['J  K', 'next query, previous query'],
];
const OTHERS: readonly Key[] = [
  ['x', 'remove the grade of the pair'],
  ['u', 'undo the last grade'],
  ['e', 'reasons for the pair, if the model gives any'],
  ['d', 'next pair whose label differs from its grade'],
  ['/', 'filter by words'],
  ['?', 'these keys'],
];

@customElement('lab-file-keys')
export class LabFileKeys extends LabElement {
  static override readonly styles = [
    baseStyles,
    buttonStyles,
    css`
      dialog {
        width: min(26rem, calc(100vw - 2rem));
        padding: var(--space-5);
        border: 1px solid var(--line-strong);
        border-radius: calc(var(--radius) * 2);
        background: var(--surface);
        color: var(--ink);
      }
      dialog::backdrop {
        background: color-mix(in oklab, var(--paper) 55%, transparent);
      }
      h2 {
        margin-bottom: var(--space-3);
        font-size: var(--text-large);
      }
      dl {
        display: grid;
        gap: var(--space-2);
        margin-bottom: var(--space-4);
      }
      dl div {
        display: grid;
        grid-template-columns: 4.5rem 1fr;
        gap: var(--space-3);
        font-size: var(--text-small);
      }
      dt {
        font-family: var(--mono);
        font-weight: 600;
        white-space: pre;
      }
    `,
  ];

  /** The number of grades of the file's scale, from 0. */
  @property({ type: Number }) grades = 0;

  /** Opens the dialog; the browser restores the focus when it closes. */
  show(): void {
    this.renderRoot.querySelector('dialog')?.showModal();
  }

  override render(): unknown {
    const grade: Key = [`0 to ${this.grades - 1}`, 'grade the pair and select the next'];
    const keys = [...MOVES, ...(this.grades > 0 ? [grade] : []), ...OTHERS];
    return html`<dialog aria-labelledby="title" @keydown=${(event: KeyboardEvent) => event.stopPropagation()}>
      <h2 id="title">Keys</h2>
      <dl>
        ${keys.map(
          ([keys, what]) =>
            html`<div>
              <dt>${keys}</dt>
              <dd>${what}</dd>
            </div>`,
        )}
      </dl>
      <button @click=${() => this.renderRoot.querySelector('dialog')?.close()}>Close</button>
    </dialog>`;
  }
}

declare global {
  interface HTMLElementTagNameMap {
    'lab-file-keys': LabFileKeys;
  }
}
