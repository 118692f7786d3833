/**
 * The lesson on mode collapse: seven screens, each of which asks before it shows. Everything is recorded and says so; a live run
 * is one link away. Arrow keys turn, P is for presenters (large, Space plays, B blanks), and printing gives all screens as a
 * handout.
 */
import { html, nothing, type PropertyValues } from 'lit';
import { customElement, property, query, state } from 'lit/decorators.js';
import { type Failure, failureOf } from '../../protocol/failure.ts';
import type { Recording } from '../../protocol/recording.ts';
import { writeRecording } from '../../protocol/recording.ts';
import { download } from '../parts/download.ts';
import { failureNotice } from '../parts/failure-notice.ts';
import { LabElement } from '../parts/lab-element.ts';
import { lessonAddress, SCREEN_COUNT } from '../parts/routes.ts';
import { baseStyles, buttonStyles } from '../parts/shared-styles.ts';
import { type Guesses, keepGuesses, readGuesses } from './parts/guesses.ts';
import { criterionStyles } from '../flow/criterion-looks.ts';
import type { LabFlow } from '../flow/lab-flow.ts';
import { curvesCsv } from './collapse/lesson-files.ts';
import { type LessonMaterial, loadMaterial, ownRecording } from './collapse/lesson-material.ts';
import { type LessonContext, type LessonScreen, SCREENS } from './collapse/lesson-screens.ts';
import { lessonStyles } from './lesson-styles.ts';
import { guessRows, limitTexts, recordedNote } from './collapse/lesson-text.ts';

@customElement('lab-lesson')
export class LabLesson extends LabElement {
  static override readonly styles = [baseStyles, buttonStyles, criterionStyles, lessonStyles];

  /** From 1. */
  @property({ type: Number }) screen = 1;
  @property({ type: Boolean, reflect: true }) presenting = false;
  @state() private material: LessonMaterial | undefined;
  @state() private own: Recording | undefined;
  @state() private failure: Failure | undefined;
  @state() private guesses: Guesses = readGuesses();
  @state() private drawn: readonly number[] | undefined;
  @state() private isBlank = false;
  @state() private isPrinting = false;
  @state() private said = '';
  @query('h2') private heading: HTMLElement | null | undefined;
  @query('lab-flow') private flow: LabFlow | null | undefined;

  override connectedCallback(): void {
    super.connectedCallback();
    addEventListener('keydown', this.#keyPressed);
    addEventListener('beforeprint', this.#printing);
    addEventListener('afterprint', this.#printed);
    if (this.material === undefined) void this.#load();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    removeEventListener('keydown', this.#keyPressed);
    removeEventListener('beforeprint', this.#printing);
    removeEventListener('afterprint', this.#printed);
  }

  override render(): unknown {
    const { material, screen } = this;
    if (material === undefined) {
      return html`${failureNotice(this.failure)}
      ${this.failure === undefined ? html`<p>Opening the recorded run ...</p>` : html`<button @click=${this.#load}>Try again</button>`}`;
    }
    const context = this.#context(material);
    const screens = [...SCREENS, this.#proof];
    const shown = this.isPrinting ? screens.map((_, i) => i + 1) : [screen];
    return html`${shown.map((number) => this.#screen(screens[number - 1] ?? this.#proof, number, context))}
      <nav aria-label="Screens of the lesson">
        <a
          class="button"
          aria-disabled=${screen === 1 ? 'true' : 'false'}
          href=${lessonAddress(Math.max(1, screen - 1))}
          >Back</a
        >
        <ol>
          ${screens.map(
            ({ title }, i) =>
              html`<li>
                <a
                  href=${lessonAddress(i + 1)}
                  aria-label="${i + 1}: ${title}"
                  aria-current=${i + 1 === screen ? 'step' : 'false'}
                  >${i + 1}</a
                >
              </li>`,
          )}
        </ol>
        <a
          class="button"
          aria-disabled=${screen === SCREEN_COUNT ? 'true' : 'false'}
          href=${lessonAddress(Math.min(SCREEN_COUNT, screen + 1))}
          >Next</a
        >
        <span class="recorded">${recordedNote(context.recording)}</span>
        <button class="presenter" aria-pressed=${this.presenting ? 'true' : 'false'} @click=${this.#togglePresenting}>
          ${this.presenting ? 'Leave (P)' : 'Present (P)'}
        </button>
      </nav>
      ${this.isBlank ? html`<div class="blank" role="status" aria-label="The screen is blank; B shows it again"></div>` : nothing}`;
  }

  override updated(changed: PropertyValues): void {
    // A reader who turned the page by a key or a link begins at its heading.
    if (changed.has('screen') && changed.get('screen') !== undefined) this.heading?.focus();
  }

  #screen({ title, prose, figure }: LessonScreen, number: number, context: LessonContext): unknown {
    return html`<section aria-label="Screen ${number} of ${SCREEN_COUNT}">
      <div class="prose">
        <h2 tabindex="-1">${title}</h2>
        ${prose(context)}
      </div>
      <div class="figure">${figure(context)}</div>
    </section>`;
  }

  /** The last screen: what was guessed beside what was measured, and what to take home. */
  readonly #proof: LessonScreen = {
    title: 'What this proves, and what not',
    prose: (context) =>
      html`<table class="guesses">
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
            ${guessRows({ ...context, guesses: this.guesses }).map(
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
          ${limitTexts(context.e1, context.recording).map((text) => html`<li>${text}</li>`)}
        </ul>
        <p class="files">
          <button @click=${() => this.#save(curvesCsv(this.#recordings(context)), 'collapse-curves.csv', 'text/csv')}>
            Curves as CSV
          </button>
          <button @click=${this.#savePicture}>Picture as SVG</button>
          <button @click=${() => this.#saveRecording(context.recording)}>The recording</button>
          <label class="button"
            >Open a recording <input class="visually-hidden" type="file" accept=".json" @change=${this.#opened}
          /></label>
          <button @click=${this.#copyLink}>Copy the link</button>
          <button @click=${this.#forget}>Forget my guesses</button>
        </p>
        ${failureNotice(this.failure)}
        <p role="status" class="said">${this.said}</p>`,
    figure: ({ recording }) => html`<lab-flow .recording=${recording} ended></lab-flow>`,
  };

  #context(material: LessonMaterial): LessonContext {
    const { own, drawn } = this;
    return {
      ...material,
      recording: own ?? material.recording,
      isOwn: own !== undefined,
      isPresenting: this.presenting,
      isPrinting: this.isPrinting,
      // A handout shows what was measured.
      guesses: this.isPrinting
        ? { pair: 'wrong', curve: [], seen: 'neither', keeps: '', ...this.guesses }
        : this.guesses,
      guess: (change) => this.#guess(change),
      drawn,
      draw: (values) => (this.drawn = values),
    };
  }

  #recordings({ recording, balanced, isOwn }: LessonContext): Recording[] {
    return isOwn ? [recording] : [recording, balanced];
  }

  #guess(change: Guesses): void {
    this.guesses = { ...this.guesses, ...change };
    keepGuesses(this.guesses);
  }

  readonly #load = async (): Promise<void> => {
    this.failure = undefined;
    try {
      this.material = await loadMaterial();
    } catch (thrown) {
      this.failure = failureOf(thrown);
    }
  };

  readonly #opened = async ({ currentTarget: input }: Event): Promise<void> => {
    const file = input instanceof HTMLInputElement ? input.files?.[0] : undefined;
    if (file === undefined) return;
    this.failure = undefined;
    try {
      this.own = await ownRecording(file);
      this.said = `The lesson now plays ${file.name}: ${this.own.name}.`;
    } catch (thrown) {
      this.failure = failureOf(thrown);
    }
  };

  readonly #savePicture = (): void => {
    const drawing = undefined as string | undefined;
    if (drawing !== undefined) this.#save(drawing, 'where-the-answers-went.svg', 'image/svg+xml');
  };

  #saveRecording({ format: _f, schemaVersion: _v, frames, groups, ...header }: Recording): void {
    this.#save(writeRecording(header, frames, groups), 'collapse-recording.json', 'application/json');
  }

  #save(contents: string, name: string, type: string): void {
    download(new Blob([contents], { type }), name);
    this.said = `${name} is saved.`;
  }

  readonly #copyLink = async (): Promise<void> => {
    const link = new URL(lessonAddress(1), location.href).href;
    try {
      await navigator.clipboard.writeText(link);
      this.said = 'The link is copied.';
    } catch {
      this.said = link;
    }
  };

  readonly #forget = (): void => {
    this.guesses = {};
    this.drawn = undefined;
    keepGuesses({});
    this.said = 'Your guesses are forgotten.';
  };

  readonly #togglePresenting = (): void => {
    this.presenting = !this.presenting;
    this.isBlank = false;
  };

  readonly #keyPressed = (event: KeyboardEvent): void => {
    if (this.hidden || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    const [target] = event.composedPath();
    const isField = target instanceof HTMLInputElement || target instanceof HTMLSelectElement;
    if (isField && event.key !== 'Escape') return;
    const isButton = target instanceof HTMLButtonElement || target instanceof HTMLAnchorElement;
    const keys: Readonly<Record<string, () => void>> = {
      ArrowRight: () => this.#turn(1),
      PageDown: () => this.#turn(1),
      ArrowLeft: () => this.#turn(-1),
      PageUp: () => this.#turn(-1),
      p: this.#togglePresenting,
      b: () => (this.isBlank = !this.isBlank),
      Escape: () => {
        this.presenting = false;
        this.isBlank = false;
      },
      ...(isButton ? {} : { ' ': () => this.flow?.toggle() }),
    };
    const act = keys[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (act === undefined) return;
    event.preventDefault();
    act();
  };

  #turn(by: number): void {
    const to = Math.max(1, Math.min(SCREEN_COUNT, this.screen + by));
    if (to !== this.screen) location.hash = lessonAddress(to);
  }

  readonly #printing = (): void => {
    if (this.hidden) return;
    this.isPrinting = true;
    // The browser takes the page as it is when this returns.
    this.performUpdate();
  };

  readonly #printed = (): void => {
    this.isPrinting = false;
  };
}

declare global {
  interface HTMLElementTagNameMap {
    'lab-lesson': LabLesson;
  }
}
