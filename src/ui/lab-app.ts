/**
 * The page: its header, its views, and the model they share. The model runs in its own worker, opened by the code that
 * mounts the page, so that a test can mount it on a scripted model.
 *
 * Room `ui/`: the page around its views. Each view has its room; what several views share belongs in `ui/parts/`.
 */
import { ContextProvider } from '@lit/context';
import { html, nothing } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import { LabError } from '../common/errors.ts';
import { type Failure, failureOf } from '../protocol/failure.ts';
import type { BackendChoice } from '../protocol/scoring.ts';
import { bundledModel, DEFAULT_MODEL } from './score/bundled-models.ts';
import type { CheckpointClient } from './parts/checkpoint-client.ts';
import { failureHeading } from './parts/failure-text.ts';
import { wholePercent } from './parts/format.ts';
import type { OpenGrpo } from './collapse/grpo-client.ts';
import type { OpenFiles } from './files/files-client.ts';
import './parts/lab-notice.ts';
import './score/lab-score-view.ts';
import { appStyles } from './lab-app-styles.ts';
import './lab-site-notice.ts';
import './lab-theme-toggle.ts';
import { ModelController } from './score/model-controller.ts';
import { describeOffline, type OfflineState, ONLINE } from './offline-copy.ts';
import {
  asksForLessonPreset,
  checkpointIn,
  comparedIn,
  fileAddress,
  fileIn,
  lessonAddress,
  modelIn,
  routeOf,
  type RoutePath,
  ROUTES,
  scoreAddress,
  screenIn,
} from './parts/routes.ts';
import { NO_SERVICES, scoreServices } from './score/score-services.ts';
import type { ScoringClient } from './score/scoring-client.ts';
import { LabElement } from './parts/lab-element.ts';
import { baseStyles } from './parts/shared-styles.ts';
import type { OpenTraining } from './parts/training-client.ts';
import { hasUnfinishedRun } from './unfinished-run.ts';

/**
 * @fires view-settled - the code of a view was fetched, or could not be.
 */
@customElement('lab-app')
export class LabApp extends LabElement {
  static override readonly styles = [baseStyles, appStyles];

  /** Starts the worker that a model is loaded into. */
  @property({ attribute: false }) openClient: (() => ScoringClient) | undefined;
  /** Starts the worker that judges files. */
  @property({ attribute: false }) openFiles: OpenFiles | undefined;
  /** Starts the training worker for single runs. */
  @property({ attribute: false }) openTraining: OpenTraining | undefined;
  /** Starts the training worker for demonstrations. */
  @property({ attribute: false }) openGrpo: OpenGrpo | undefined;
  /** Starts the worker that stores checkpoints. */
  @property({ attribute: false }) openStore: (() => Promise<CheckpointClient>) | undefined;
  @property() backend: BackendChoice = 'auto';
  /** Whether the lab works offline, and whether a newer version is waiting. */
  @property({ attribute: false }) offline: OfflineState = ONLINE;
  @state() private route: RoutePath = routeOf(location.hash);
  /** The checkpoint to answer with; undefined for a bundled model. */
  @state() private checkpointId = checkpointIn(location.hash);
  /** The bundled model that answers unless a checkpoint does; undefined for the default one. */
  @state() private modelId = modelIn(location.hash);
  /** The models to compare with. */
  @state() private compared = comparedIn(location.hash);
  /** Whether the Score view was opened; it then stays, with the text typed into it. */
  @state() private isScoreWanted = false;
  /** Whether the Files view was opened; it is fetched then, and stays, with its file. */
  @state() private isFilesWanted = false;
  @state() private filesFailure: Failure | undefined;
  /** The file that the Files view shows; undefined for the list of them. */
  @state() private fileId = fileIn(location.hash);
  /** The share of the pairs of a file that is scored; null where none is being scored. */
  @state() private filesShare: number | null = null;
  /** Whether the Train view was opened; it is fetched then, and stays, with its run. */
  @state() private isTrainWanted = false;
  /** Why the Train view could not be fetched. */
  @state() private trainFailure: Failure | undefined;
  /** The same for the Collapse view. */
  @state() private isCollapseWanted = false;
  @state() private collapseFailure: Failure | undefined;
  /** Whether the front door or the lesson was opened. */
  @state() private areLessonsWanted = false;
  @state() private lessonsFailure: Failure | undefined;
  @state() private screen = screenIn(location.hash);
  @state() private isLessonPreset = asksForLessonPreset(location.hash);
  /** The progress of the present demonstration; null without one. */
  @state() private collapsedShare: number | null = null;
  /** The progress of the present run; null without one. */
  @state() private trainedShare: number | null = null;
  /** Whether there is an unfinished run, as far as is known. */
  @state() private hasUnfinishedRun = false;
  readonly #model = new ModelController(this);
  readonly #services = new ContextProvider(this, { context: scoreServices, initialValue: NO_SERVICES });
  /** The model that was loaded last, or is being loaded. */
  #loaded: { readonly checkpointId: string | undefined; readonly modelId: string | undefined } | undefined;
  #store: Promise<CheckpointClient> | undefined;

  override connectedCallback(): void {
    super.connectedCallback();
    addEventListener('hashchange', this.#navigated);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    removeEventListener('hashchange', this.#navigated);
    void this.#store?.then((store) => store.close()).catch(() => undefined);
    this.#store = undefined;
    this.#loaded = undefined;
  }

  override willUpdate(changed: Map<PropertyKey, unknown>): void {
    if (['openClient', 'openStore', 'backend'].some((name) => changed.has(name))) {
      const { openClient, openStore, backend } = this;
      const shared = openStore === undefined ? undefined : this.#sharedStore;
      this.#services.setValue({ openClient, openStore: shared, backend });
    }
    if (this.#isLessons && !this.areLessonsWanted) void this.#fetchLessons();
    if (this.openClient === undefined) return;
    // The code of a view is fetched only when it is opened.
    if (this.route === 'files' && !this.isFilesWanted) void this.#fetchFilesView();
    if (this.route === 'train' && !this.isTrainWanted) void this.#fetchTrainView();
    if (this.route === 'collapse' && !this.isCollapseWanted) void this.#fetchCollapseView();
    this.isScoreWanted ||= this.route === 'score';
    const isLoaded = this.#loaded?.checkpointId === this.checkpointId && this.#loaded?.modelId === this.modelId;
    if (this.route === 'score' && (this.#loaded === undefined || !isLoaded)) void this.#load();
    // The Score view looks once its model is loaded, which goes first.
    else if (changed.has('openStore') && this.route !== 'train') void this.#lookForUnfinishedRun();
  }

  override render(): unknown {
    return html`<header>
        <div class="brand">
          <h1><a href="#/">AFRL Lab</a></h1>
          <p class="purpose">Relevance models that answer first and reason later</p>
        </div>
        <div class="tools">
          <nav aria-label="Views">
            <a href=${lessonAddress(this.screen)} aria-current=${this.route === 'lesson' ? 'page' : 'false'}>Lesson</a>
            ${ROUTES.map(
              ({ path, name }) =>
                html`<a href=${this.#addressOf(path)} aria-current=${path === this.route ? 'page' : 'false'}
                  >${name}${this.#share(path)}</a
                >`,
            )}
          </nav>
          <lab-theme-toggle></lab-theme-toggle>
        </div>
      </header>
      <main><lab-site-notice .offline=${this.offline}></lab-site-notice>${this.#view()}</main>
      <footer ?hidden=${this.route === 'lesson'}>
        Nothing leaves this machine. ${describeOffline(this.offline)}
      </footer>`;
  }

  #view(): unknown {
    return html`${
      this.isScoreWanted
        ? html`<lab-score-view
            ?hidden=${this.route !== 'score'}
            .model=${this.#model.state}
            ?checkpoint=${this.checkpointId !== undefined}
            .modelId=${bundledModel(this.modelId).id}
            .compared=${this.compared}
            @compared-change=${(event: CustomEvent<readonly string[]>) => {
              location.hash = scoreAddress(this.checkpointId, event.detail, this.modelId);
            }}
            @model-choice=${(event: CustomEvent<string>) => {
              const id = event.detail === DEFAULT_MODEL.id ? undefined : event.detail;
              location.hash = scoreAddress(undefined, this.compared, id);
            }}
            @model-retry=${this.#load}
          ></lab-score-view>`
        : nothing
    }
    ${this.#isLessons ? this.#lessons() : nothing} ${this.isFilesWanted ? this.#filesView() : nothing}
    ${this.isTrainWanted ? this.#trainView() : nothing} ${this.isCollapseWanted ? this.#collapseView() : nothing}`;
  }

  #filesView(): unknown {
    const { filesFailure } = this;
    if (filesFailure !== undefined) return this.#notFetched('files', filesFailure, () => this.#fetchFilesView());
    return html`<lab-files-view
      ?hidden=${this.route !== 'files'}
      ?active=${this.route === 'files'}
      .openFiles=${this.openFiles}
      .openClient=${this.openClient}
      .openStore=${this.openStore === undefined ? undefined : this.#sharedStore}
      .backend=${this.backend}
      .fileId=${this.fileId ?? ''}
      @files-progress=${(event: CustomEvent<number | null>) => (this.filesShare = event.detail)}
    ></lab-files-view>`;
  }

  get #isLessons(): boolean {
    return this.route === 'home' || this.route === 'lesson';
  }

  #lessons(): unknown {
    const { lessonsFailure, route } = this;
    if (lessonsFailure !== undefined) return this.#notFetched(route, lessonsFailure, () => this.#fetchLessons());
    return route === 'home'
      ? html`<lab-front-door></lab-front-door>`
      : html`<lab-lesson .screen=${this.screen}></lab-lesson>`;
  }

  #trainView(): unknown {
    const { trainFailure } = this;
    if (trainFailure !== undefined) return this.#notFetched('train', trainFailure, () => this.#fetchTrainView());
    return html`<lab-train-view
      ?hidden=${this.route !== 'train'}
      .openTraining=${this.openTraining}
      .openStore=${this.openStore === undefined ? undefined : this.#sharedStore}
      .backend=${this.backend}
      .answeringId=${this.checkpointId ?? ''}
      @run-progress=${(event: CustomEvent<number | null>) => (this.trainedShare = event.detail)}
    ></lab-train-view>`;
  }

  #collapseView(): unknown {
    const { collapseFailure } = this;
    if (collapseFailure !== undefined) {
      return this.#notFetched('collapse', collapseFailure, () => this.#fetchCollapseView());
    }
    return html`<lab-collapse-view
      ?hidden=${this.route !== 'collapse'}
      .openGrpo=${this.openGrpo}
      ?lessonPreset=${this.isLessonPreset}
      .openStore=${this.openStore === undefined ? undefined : this.#sharedStore}
      .backend=${this.backend}
      @collapse-progress=${(event: CustomEvent<number | null>) => (this.collapsedShare = event.detail)}
    ></lab-collapse-view>`;
  }

  #notFetched(route: RoutePath, failure: Failure, tryAgain: () => Promise<void>): unknown {
    return html`<lab-notice ?hidden=${this.route !== route} kind="failure" heading=${failureHeading(failure)}>
      ${failure.message}
      <button slot="action" @click=${tryAgain}>Try again</button>
    </lab-notice>`;
  }

  /** The progress of a run, shown while another view is open; or a mark that there is an unfinished run. */
  #share(path: RoutePath): unknown {
    if (path === this.route || path === 'score') return nothing;
    if (path === 'files') {
      const { filesShare: share } = this;
      return share === null ? nothing : html` <span class="share">${wholePercent(share)}</span>`;
    }
    if (path === 'collapse') {
      const { collapsedShare: share } = this;
      return share === null ? nothing : html` <span class="share">${wholePercent(share)}</span>`;
    }
    if (this.trainedShare !== null) return html` <span class="share">${wholePercent(this.trainedShare)}</span>`;
    return this.hasUnfinishedRun && !this.isTrainWanted ? html` (unfinished run)` : nothing;
  }

  #addressOf(path: RoutePath): string {
    if (path === 'files') return fileAddress(this.route === 'files' ? undefined : this.fileId);
    return path === 'score' ? scoreAddress(this.checkpointId, this.compared, this.modelId) : `#/${path}`;
  }

  async #fetchFilesView(): Promise<void> {
    this.isFilesWanted = true;
    this.filesFailure = undefined;
    this.filesFailure = await failureToFetch(import('./files/lab-files-view.ts'));
    this.dispatchEvent(new Event('view-settled'));
  }

  async #fetchTrainView(): Promise<void> {
    this.isTrainWanted = true;
    this.trainFailure = undefined;
    this.trainFailure = await failureToFetch(import('./train/lab-train-view.ts'));
    this.dispatchEvent(new Event('view-settled'));
  }

  async #fetchCollapseView(): Promise<void> {
    this.isCollapseWanted = true;
    this.collapseFailure = undefined;
    this.collapseFailure = await failureToFetch(import('./collapse/lab-collapse-view.ts'));
    this.dispatchEvent(new Event('view-settled'));
  }

  async #fetchLessons(): Promise<void> {
    this.areLessonsWanted = true;
    this.lessonsFailure = undefined;
    this.lessonsFailure = await failureToFetch(
      Promise.all([import('./lessons/lab-front-door.ts'), import('./lessons/lab-lesson.ts')]),
    );
  }

  async #load(): Promise<void> {
    if (this.openClient === undefined) return;
    const { checkpointId: id, modelId, backend } = this;
    this.#loaded = { checkpointId: id, modelId };
    const folder = { kind: 'folder', url: new URL(bundledModel(modelId).folder, document.baseURI).href } as const;
    const origin = id === undefined ? folder : ({ kind: 'checkpoint', id, openStore: this.#sharedStore } as const);
    await this.#model.load(this.openClient, origin, backend);
    this.dispatchEvent(new Event('view-settled'));
    await this.#lookForUnfinishedRun();
  }

  async #lookForUnfinishedRun(): Promise<void> {
    if (this.openStore !== undefined) this.hasUnfinishedRun = await hasUnfinishedRun(this.#sharedStore);
  }

  /** One worker stores the checkpoints of the whole page. */
  readonly #sharedStore = async (): Promise<CheckpointClient> => {
    const { openStore } = this;
    if (openStore === undefined) throw new LabError('internal', { message: 'The page has no worker for checkpoints.' });
    this.#store ??= openStore().catch((thrown: unknown) => {
      this.#store = undefined;
      throw thrown;
    });
    return this.#store;
  };

  readonly #navigated = (): void => {
    this.route = routeOf(location.hash);
    if (this.route === 'files') this.fileId = fileIn(location.hash);
    this.screen = this.route === 'lesson' ? screenIn(location.hash) : this.screen;
    this.isLessonPreset = asksForLessonPreset(location.hash);
    // The addresses of other views do not affect which model answers.
    if (this.route !== 'score') return;
    this.checkpointId = checkpointIn(location.hash);
    this.modelId = modelIn(location.hash);
    this.compared = comparedIn(location.hash);
  };
}

/** Waits for the code of a view; gives what went wrong. */
function failureToFetch(code: Promise<unknown>): Promise<Failure | undefined> {
  return code.then(() => undefined, failureOf);
}

declare global {
  interface HTMLElementTagNameMap {
    'lab-app': LabApp;
  }
}
