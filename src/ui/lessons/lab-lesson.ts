/**
 * The shell of a lesson: it opens one by its id, asks the questions of its screens, and holds guesses against what was
 * measured on a last screen of its own. Arrow keys turn, P is for presenters (large, Space plays, 1 to 4 count votes, B
 * blanks, N opens the notes), and printing gives all screens as a handout.
 */
import { html, nothing, type PropertyValues } from 'lit';
import { customElement, property, query, state } from 'lit/decorators.js';
import { type Failure, failureOf } from '../../protocol/failure.ts';
import type { Recording } from '../../protocol/recording.ts';
import { criterionStyles } from '../flow/criterion-looks.ts';
import type { LabFlow } from '../flow/lab-flow.ts';
import { failureNotice } from '../parts/failure-notice.ts';
import { LabElement } from '../parts/lab-element.ts';
import '../parts/lab-term.ts';
import { lessonAddress, notesAddress } from '../parts/routes.ts';
import { baseStyles, buttonStyles } from '../parts/shared-styles.ts';
import './lab-lesson-files.ts';
import { figureSvg } from './parts/figure-file.ts';
import '../parts/charts/lab-figure-files.ts';
import { lessonOf } from './lessons.ts';
import { lessonStyles } from './lesson-styles.ts';
import { figureStyles } from './figure-styles.ts';
import { type Guesses, keepGuesses, readGuesses } from './parts/guesses.ts';
import './parts/lab-lesson-link.ts';
import type { LessonContext, OpenLesson, Question } from './parts/lesson.ts';
import { presenterKeys } from './presenter-keys.ts';
import { PresenterChannel, presenterOfTab } from './presenter-channel.ts';
import { presenterStyles } from './presenter-styles.ts';

const LAST_TITLE = 'What this proves, and what not';

@customElement('lab-lesson')
export class LabLesson extends LabElement {
  static override readonly styles = [
    baseStyles,
    buttonStyles,
    criterionStyles,
    lessonStyles,
    figureStyles,
    presenterStyles,
  ];

  @property() lesson = 'collapse';
  /** From 1. */
  @property({ type: Number }) screen = 1;
  @property({ type: Boolean, reflect: true }) presenting = false;
  @state() private opened: OpenLesson | undefined;
  @state() private failure: Failure | undefined;
  @state() private guesses: Guesses = {};
  @state() private drawn: readonly number[] | undefined;
  /** Of the room, by screen: how many chose each answer. */
  @state() private votes: ReadonlyMap<number, readonly number[]> = new Map();
  @state() private isBlank = false;
  /** Whether there were answers when presenting began: they would show the room what was measured. */
  @state() private isStale = false;
  @state() private isPrinting = false;
  @query('h2') private heading: HTMLElement | null | undefined;
  @query('lab-flow') private flow: LabFlow | null | undefined;
  #channel: PresenterChannel | undefined;
  #wasPresenting = false;

  override connectedCallback(): void {
    super.connectedCallback();
    addEventListener('keydown', this.#keyPressed);
    addEventListener('beforeprint', this.#printing);
    addEventListener('afterprint', this.#printed);
    this.#channel = new PresenterChannel(presenterOfTab(), (message) => {
      if (message.kind === 'hello') this.#tell();
      else if (message.kind === 'key') this.#act(message.key, false);
    });
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    removeEventListener('keydown', this.#keyPressed);
    removeEventListener('beforeprint', this.#printing);
    removeEventListener('afterprint', this.#printed);
    this.#channel?.close();
  }

  override willUpdate(changed: PropertyValues<this>): void {
    if (!changed.has('lesson')) return;
    this.guesses = readGuesses(this.lesson);
    this.drawn = undefined;
    this.votes = new Map();
    void this.#load();
  }

  override render(): unknown {
    const { opened } = this;
    if (opened === undefined) {
      return html`${failureNotice(this.failure)}
      ${this.failure === undefined ? html`<p>Opening the lesson ...</p>` : html`<button @click=${this.#load}>Try again</button>`}`;
    }
    const { count, at } = this.#place(opened);
    const titles = [...opened.screens.map(({ title }) => title), LAST_TITLE];
    const shown = this.isPrinting ? titles.map((_, i) => i + 1) : [at];
    return html`${shown.map((number) => this.#screen(opened, number, count))}
      <nav aria-label="Screens of the lesson">
        <a class="button" aria-disabled=${at === 1 ? 'true' : 'false'} href=${this.#address(Math.max(1, at - 1))}
          >Back</a
        >
        <ol>
          ${titles.map(
            (title, i) =>
              html`<li>
                <a
                  href=${this.#address(i + 1)}
                  aria-label="${i + 1}: ${title}"
                  aria-current=${i + 1 === at ? 'step' : 'false'}
                  >${i + 1}</a
                >
              </li>`,
          )}
        </ol>
        <a
          class="button"
          aria-disabled=${at === count ? 'true' : 'false'}
          href=${this.#address(Math.min(count, at + 1))}
          >Next</a
        >
        <span class="recorded">${opened.screens[at - 1]?.source ?? opened.source}</span>
        <lab-figure-files
          name="${this.lesson}-${at}"
          .svg=${() => this.#figure()}
          .csv=${() => opened.screens[at - 1]?.csv(this.#context(opened))}
        ></lab-figure-files>
        ${
          this.presenting
            ? html`${this.isStale ? html`<button @click=${this.#forget}>Forget my guesses</button>` : nothing}
                <lab-term term="keys">Keys</lab-term>
                <button @click=${this.#openNotes}>Notes (N)</button>`
            : nothing
        }
        <button class="presenter" aria-pressed=${this.presenting ? 'true' : 'false'} @click=${this.#togglePresenting}>
          ${this.presenting ? 'Leave (P)' : 'Present (P)'}
        </button>
      </nav>
      ${this.isBlank ? html`<div class="blank" role="status" aria-label="The screen is blank; B shows it again"></div>` : nothing}`;
  }

  override updated(changed: PropertyValues): void {
    // A reader who turned the page by a key or a link begins at its heading.
    if (changed.has('screen') && changed.get('screen') !== undefined) this.heading?.focus();
    if (['screen', 'lesson', 'votes', 'opened'].some((name) => changed.has(name))) this.#tell();
  }

  #screen(opened: OpenLesson, number: number, count: number): unknown {
    const context = this.#context(opened);
    const screen = opened.screens[number - 1];
    const question = screen?.question(context);
    return html`<section class=${screen === undefined ? 'last' : ''} aria-label="Screen ${number} of ${count}">
      <div class="prose">
        <h2 tabindex="-1">${screen?.title ?? LAST_TITLE}</h2>
        ${screen === undefined ? this.#proof(opened, context) : screen.prose(context)}
        ${question === undefined ? nothing : this.#question(question, number)}
      </div>
      <div class="figure">${screen?.figure(context) ?? opened.closing(context)}</div>
    </section>`;
  }

  /** A question with its answers as buttons; what was measured is shown once one is chosen. */
  #question({ key, asked, answers, truth }: Question, number: number): unknown {
    const chosen = this.#guesses()[key];
    const votes = this.presenting ? this.votes.get(number) : undefined;
    return html`<fieldset>
        <legend>${asked}</legend>
        ${answers.map(
          ([value, text], i) =>
            html`<button
              aria-pressed=${value === chosen ? 'true' : 'false'}
              @click=${() => this.#guess({ [key]: value })}
            >
              ${this.presenting ? html`<span class="number">${i + 1}</span> ` : nothing}${text}${
                votes === undefined ? nothing : html` <b class="votes">${votes[i] ?? 0}</b>`
              }
            </button>`,
        )}
      </fieldset>
      <div class="truth" role="status">${chosen === undefined ? nothing : truth}</div>`;
  }

  /** The last screen: what was guessed beside what was measured, and what to take home. */
  #proof(opened: OpenLesson, context: LessonContext): unknown {
    return html`<table class="guesses">
        <caption class="visually-hidden">
          Your guesses beside what was measured
        </caption>
        <thead>
          <tr>
            <th scope="col">Asked</th>
            <th scope="col">You</th>
            <th scope="col">Measured</th>
          </tr>
        </thead>
        <tbody>
          ${opened.rows({ ...context, guesses: this.guesses }).map(
            ({ asked, guess, measured }) =>
              html`<tr>
                <th scope="row">${asked}</th>
                <td>${guess}</td>
                <td>${measured}</td>
              </tr>`,
          )}
        </tbody>
      </table>
      <ul class="limits">
        ${opened.limits.map((text) => html`<li>${text}</li>`)}
      </ul>
      <div class="files">
        <lab-lesson-link url=${new URL(this.#address(1), location.href).href}></lab-lesson-link>
        <lab-recording-files
          .recording=${opened.recording}
          ?opens=${opened.withOwn !== undefined}
          @recording-open=${(event: CustomEvent<Recording>) => (this.opened = opened.withOwn?.(event.detail))}
        ></lab-recording-files>
        <button @click=${this.#forget}>Forget my guesses</button>
        <a class="button" href="#/lesson">All lessons</a>
      </div>`;
  }

  #context(opened: OpenLesson): LessonContext {
    return {
      isPresenting: this.presenting,
      isPrinting: this.isPrinting,
      guesses: this.isPrinting ? { ...opened.printed, ...this.guesses } : this.guesses,
      guess: (change) => this.#guess(change),
      drawn: this.drawn,
      draw: (values) => (this.drawn = values),
    };
  }

  #guesses(): Guesses {
    // A handout shows what was measured.
    return this.isPrinting ? { ...this.opened?.printed, ...this.guesses } : this.guesses;
  }

  #place({ screens }: OpenLesson): { readonly count: number; readonly at: number } {
    const count = screens.length + 1;
    return { count, at: Math.min(this.screen, count) };
  }

  #address(screen: number): string {
    return lessonAddress(this.lesson, screen);
  }

  #guess(change: Guesses): void {
    this.guesses = { ...this.guesses, ...change };
    keepGuesses(this.lesson, this.guesses);
  }

  readonly #load = async (): Promise<void> => {
    const { lesson } = this;
    this.opened = undefined;
    this.failure = undefined;
    try {
      const opened = await lessonOf(lesson).open();
      if (lesson === this.lesson) this.opened = opened;
    } catch (thrown) {
      if (lesson === this.lesson) this.failure = failureOf(thrown);
    }
  };

  readonly #forget = (): void => {
    this.guesses = {};
    this.drawn = undefined;
    this.isStale = false;
    keepGuesses(this.lesson, {});
  };

  readonly #togglePresenting = (): void => {
    this.presenting = !this.presenting;
    this.isStale = this.presenting && Object.keys(this.guesses).length > 0;
    this.isBlank = false;
  };

  readonly #openNotes = (): void => {
    const presenter = presenterOfTab();
    const address = notesAddress(this.lesson, this.screen, presenter);
    window.open(address, `afrl-notes-${presenter}`, 'popup,width=760,height=620');
  };

  /** Tells the window with the notes where the lesson is. */
  #tell(): void {
    const { lesson, opened, votes } = this;
    if (opened === undefined) return;
    const { at } = this.#place(opened);
    this.#channel?.send({ kind: 'at', lesson, screen: at, votes: [...(votes.get(at) ?? [])] });
  }

  readonly #keyPressed = (event: KeyboardEvent): void => {
    if (this.hidden || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    const [target] = event.composedPath();
    const isField = target instanceof HTMLInputElement || target instanceof HTMLSelectElement;
    if (isField && event.key !== 'Escape') return;
    const isButton = target instanceof HTMLButtonElement || target instanceof HTMLAnchorElement;
    if (this.#act(event.key, isButton)) event.preventDefault();
  };

  /** Does what a key asks for; gives whether it asked for anything. */
  #act(key: string, isOnButton: boolean): boolean {
    const act = presenterKeys({
      turn: (by) => this.#turn(by),
      present: this.#togglePresenting,
      blank: () => (this.isBlank = !this.isBlank),
      leave: () => {
        this.presenting = false;
        this.isBlank = false;
      },
      play: () => (isOnButton ? undefined : this.flow?.toggle()),
      notes: () => this.presenting && this.#openNotes(),
      vote: (answer) => this.#vote(answer),
    })(key, { isOnButton, isPresenting: this.presenting });
    act?.();
    return act !== undefined;
  }

  #turn(by: number): void {
    if (this.opened === undefined) return;
    const { count, at } = this.#place(this.opened);
    const to = Math.max(1, Math.min(count, at + by));
    if (to !== at) location.hash = this.#address(to);
  }

  /** @param answer - from 0; undefined clears the votes of the screen */
  #vote(answer: number | undefined): void {
    const { opened } = this;
    if (opened === undefined) return;
    const { at } = this.#place(opened);
    const answers = opened.screens[at - 1]?.question(this.#context(opened))?.answers ?? [];
    const votes = this.votes.get(at) ?? answers.map(() => 0);
    const counted = answer === undefined ? answers.map(() => 0) : votes.map((n, i) => (i === answer ? n + 1 : n));
    this.votes = new Map(this.votes).set(at, counted);
  }

  /** The figure of the screen as a file. */
  #figure(): string | undefined {
    const figure = this.renderRoot.querySelector('.figure');
    return figure === null ? undefined : figureSvg(figure);
  }

  readonly #printing = (): void => {
    if (this.hidden) return;
    this.isPrinting = true;
    this.#wasPresenting = this.presenting;
    this.presenting = false;
    // The browser takes the page as it is when this returns.
    this.performUpdate();
  };

  readonly #printed = (): void => {
    if (!this.isPrinting) return;
    this.isPrinting = false;
    this.presenting = this.#wasPresenting;
  };
}

declare global {
  interface HTMLElementTagNameMap {
    'lab-lesson': LabLesson;
  }
}
