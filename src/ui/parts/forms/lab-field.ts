/**
 * A text field that shows evidence in place: it grows with its text, and quoted words are highlighted.
 *
 * A textarea cannot hold markup, so a mirror with the same text and the same metrics lies under it in the same grid
 * cell; the mirror draws the highlights and gives the cell its height, the textarea on top takes the typing.
 */
import { css, html, nothing } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import { classMap } from 'lit/directives/class-map.js';
import { live } from 'lit/directives/live.js';
import { cutByMarks, type Mark } from '../marked-text.ts';
import { LabElement } from '../lab-element.ts';
import { markStyles } from '../mark-styles.ts';
import { baseStyles } from '../shared-styles.ts';

/**
 * @fires lab-change - the new text as `detail`, on every edit.
 * @fires lab-submit - Enter was pressed in a one-line field; bubbles.
 */
@customElement('lab-field')
export class LabField extends LabElement {
  static override readonly shadowRootOptions: ShadowRootInit = {
    ...LabElement.shadowRootOptions,
    delegatesFocus: true,
  };

  static override readonly styles = [
    baseStyles,
    markStyles,
    css`
      label {
        display: grid;
        grid-template-columns: 6.5rem minmax(0, 1fr);
        column-gap: var(--space-3);
        align-items: start;
      }
      label.bare {
        grid-template-columns: minmax(0, 1fr);
      }
      .name {
        padding-top: 0.3rem;
        color: var(--muted);
        font-size: var(--text-small);
        line-height: 1.5rem;
      }
      .cell {
        display: grid;
        border-radius: var(--radius);
        background: var(--field);
        box-shadow: inset 0 -1px 0 var(--line-strong);
        transition: box-shadow var(--quick);
      }
      .cell:hover {
        box-shadow: inset 0 -1px 0 var(--ink);
      }
      .cell:focus-within {
        box-shadow: inset 0 -2px 0 var(--accent);
        outline: 2px solid var(--accent);
        outline-offset: 0;
      }
      .mirror,
      textarea {
        grid-area: 1 / 1;
        width: 100%;
        min-width: 0;
        margin: 0;
        padding: 0.3rem var(--lab-field-end, var(--space-2)) 0.3rem var(--space-2);
        border: 0;
        font: inherit;
        line-height: var(--lab-field-line, 1.5rem);
        letter-spacing: inherit;
        white-space: pre-wrap;
        overflow-wrap: anywhere;
      }
      .empty .mirror,
      .empty textarea {
        font-weight: 400;
      }
      .mirror {
        color: transparent;
        pointer-events: none;
        user-select: none;
      }
      textarea {
        overflow: hidden;
        outline: none;
        background: transparent;
        color: var(--ink);
        resize: none;
      }
      textarea::placeholder {
        color: var(--muted);
        opacity: 1;
      }
      mark {
        color: transparent;
        transition:
          background var(--quick),
          box-shadow var(--quick);
      }
    `,
  ];

  /** The name of the field; shown beside it unless `bare`. */
  @property() label = '';
  @property() value = '';
  @property() placeholder = '';
  /** Whether only the field is shown, with its name for assistive technology alone. */
  @property({ type: Boolean }) bare = false;
  /** Whether Enter makes a new line. */
  @property({ type: Boolean }) multiline = false;
  @property({ attribute: false }) marks: readonly Mark[] = [];

  override render(): unknown {
    return html`<label class=${classMap({ bare: this.bare })}>
      ${this.bare ? nothing : html`<span class="name">${this.label}</span>`}
      <span class=${classMap({ cell: true, empty: this.value === '' })}>
        <span class="mirror" aria-hidden="true">${this.#mirrored()}</span>
        <textarea
          rows="1"
          autocomplete="off"
          autocapitalize="none"
          spellcheck="false"
          aria-label=${this.bare ? this.label : nothing}
          placeholder=${this.placeholder}
          .value=${live(this.value)}
          @input=${this.#edited}
          @keydown=${this.#keyPressed}
        ></textarea>
      </span>
    </label>`;
  }

  #mirrored(): unknown {
    const pieces = cutByMarks(this.value, this.marks).map(({ text, mark }) =>
      mark === undefined
        ? text
        : html`<mark class=${classMap({ [mark.tone]: true, active: mark.active })}>${text}</mark>`,
    );
    // An empty last line has no height of its own; the placeholder may be the longer text.
    return [pieces, this.value === '' ? this.placeholder : '\u200b'];
  }

  #edited(event: Event): void {
    if (!(event.currentTarget instanceof HTMLTextAreaElement)) return;
    const typed = event.currentTarget.value;
    // Text that was pasted into a one-line field may hold line ends.
    this.value = this.multiline ? typed : typed.replaceAll(/\s*\n\s*/gu, ' ');
    this.dispatchEvent(new CustomEvent<string>('lab-change', { detail: this.value }));
  }

  #keyPressed(event: KeyboardEvent): void {
    if (event.key !== 'Enter' || this.multiline || event.isComposing) return;
    event.preventDefault();
    this.dispatchEvent(new Event('lab-submit', { bubbles: true, composed: true }));
  }
}

declare global {
  interface HTMLElementTagNameMap {
    'lab-field': LabField;
  }
}
