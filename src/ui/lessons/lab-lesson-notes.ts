/**
 * The notes of the screen that a lesson shows in another window, for the one who presents it. Keys pressed here turn,
 * play and blank the screen there.
 */
import { css, html, nothing } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import { type Failure, failureOf } from '../../protocol/failure.ts';
import { failureNotice } from '../parts/failure-notice.ts';
import { LabElement } from '../parts/lab-element.ts';
import { baseStyles } from '../parts/shared-styles.ts';
import { lessonOf } from './lessons.ts';
import type { OpenLesson } from './parts/lesson.ts';
import { PresenterChannel, type PresenterMessage } from './presenter-channel.ts';

const PASSED_ON = /^(?:Arrow(?:Left|Right)|Page(?:Up|Down)|Escape|[ bp0-4])$/iu;

@customElement('lab-lesson-notes')
export class LabLessonNotes extends LabElement {
  static override readonly styles = [
    baseStyles,
    css`
      :host {
        position: fixed;
        inset: 0;
        z-index: 20;
        overflow: auto;
        padding: var(--space-5) var(--space-6);
        background: var(--paper);
      }
      h2 {
        margin: var(--space-2) 0 var(--space-4);
        font-family: var(--serif);
        font-size: 1.7rem;
        font-weight: 600;
        line-height: 1.2;
      }
      .notes {
        max-width: 62ch;
        font-family: var(--serif);
        font-size: 1.3rem;
        line-height: 1.5;
      }
      .muted {
        max-width: 62ch;
        margin-top: var(--space-4);
        color: var(--muted);
      }
    `,
  ];

  @property() lesson = '';
  /** From 1. */
  @property({ type: Number }) screen = 1;
  /**
   * Of the tab that shows the lesson; empty where the notes were opened by themselves, and then nothing is followed.
   */
  @property() presenter = '';
  @state() private opened: OpenLesson | undefined;
  @state() private failure: Failure | undefined;
  @state() private votes: readonly number[] = [];
  #channel: PresenterChannel | undefined;

  override connectedCallback(): void {
    super.connectedCallback();
    addEventListener('keydown', this.#keyPressed);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#follow('');
    removeEventListener('keydown', this.#keyPressed);
  }

  override willUpdate(changed: Map<PropertyKey, unknown>): void {
    if (changed.has('presenter')) this.#follow(this.presenter);
    if (changed.has('lesson')) void this.#load(this.lesson);
  }

  override render(): unknown {
    const { opened, screen } = this;
    if (opened === undefined) return failureNotice(this.failure);
    const { screens } = opened;
    const at = screens[screen - 1];
    const next = screens[screen]?.title ?? (screen > screens.length ? undefined : 'What this proves, and what not');
    const votes = this.votes.some((count) => count > 0) ? this.votes.join(', ') : '';
    return html`<p class="muted">Screen ${screen} of ${screens.length + 1}</p>
      <h2>${at?.title ?? 'What this proves, and what not'}</h2>
      <p class="notes" role="status">${at?.notes ?? CLOSING_NOTES}</p>
      ${votes === '' ? nothing : html`<p class="muted">Votes so far: ${votes}</p>`}
      ${next === undefined ? nothing : html`<p class="muted">Next: ${next}</p>`}
      <p class="muted">
        ${
          this.presenter === ''
            ? 'These notes follow no lesson: N in the presenter mode of a lesson opens notes that do.'
            : 'Arrow keys turn, Space plays, 1 to 4 count a vote, 0 clears them, B blanks the screen.'
        }
      </p>`;
  }

  async #load(id: string): Promise<void> {
    this.opened = undefined;
    this.failure = undefined;
    try {
      const opened = await lessonOf(id).open();
      // The lesson may have been turned meanwhile.
      if (id === this.lesson) this.opened = opened;
    } catch (thrown) {
      if (id === this.lesson) this.failure = failureOf(thrown);
    }
  }

  #follow(presenter: string): void {
    this.#channel?.close();
    this.#channel =
      presenter === '' ? undefined : new PresenterChannel(presenter, (message) => this.#received(message));
    this.#channel?.send({ kind: 'hello' });
  }

  #received(message: PresenterMessage): void {
    if (message.kind !== 'at') return;
    this.lesson = message.lesson;
    this.screen = message.screen;
    this.votes = message.votes;
  }

  readonly #keyPressed = (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.metaKey || event.altKey || !PASSED_ON.test(event.key)) return;
    event.preventDefault();
    this.#channel?.send({ kind: 'key', key: event.key });
  };
}

const CLOSING_NOTES =
  'Read the guesses beside what was measured, without names. Then the limits: they are what tells a demonstration from a ' +
  'result. The link and the code take the lesson home.';

declare global {
  interface HTMLElementTagNameMap {
    'lab-lesson-notes': LabLessonNotes;
  }
}
