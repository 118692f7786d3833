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
import { bundledModel, SCORE_MODEL } from './score/bundled-models.ts';
import type { CheckpointClient } from './parts/sessions/checkpoint-client.ts';
import { failureHeading } from './parts/failure-text.ts';
import { wholePercent } from './parts/format.ts';
import type { OpenGrpo } from './parts/sessions/grpo-client.ts';
import type { OpenDevice } from './device/device-client.ts';
import type { OpenFiles } from './files/thread/files-client.ts';
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
  lambdaIn,
  lessonIn,
  type LessonPlace,
  modelIn,
  pairIn,
  routeOf,
  type RoutePath,
  ROUTES,
  runsAddress,
  runsIn,
  scoreAddress,
} from './parts/routes.ts';
import { NO_SERVICES, scoreServices } from './score/score-services.ts';
import type { ScoringClient } from './score/scoring-client.ts';
import { LabElement } from './parts/lab-element.ts';
import { baseStyles } from './parts/shared-styles.ts';
import type { OpenTraining } from './parts/sessions/training-client.ts';
import type { OpenRuns } from './runs/runs-client.ts';
import { hasUnfinishedRun } from './unfinished-run.ts';

/** Views whose code is fetched when they are opened; the front door and the lessons are one of them. */
type FetchedView = 'lessons' | Exclude<RoutePath, 'score' | 'home' | 'lesson'>;

const VIEW_CODE: Readonly<Record<FetchedView, () => Promise<unknown>>> = {
  lessons: () =>
    Promise.all([
      import('./lessons/lab-front-door.ts'),
      import('./lessons/lab-lesson.ts'),
      import('./lessons/lab-lesson-list.ts'),
      import('./lessons/lab-lesson-notes.ts'),
    ]),
  files: () => import('./files/lab-files-view.ts'),
  train: () => import('./train/lab-train-view.ts'),
  collapse: () => import('./collapse/lab-collapse-view.ts'),
  runs: () => import('./runs/lab-runs-view.ts'),
  device: () => import('./device/lab-device-view.ts'),
};

function fetchedView(route: RoutePath): FetchedView | undefined {
  if (route === 'home' || route === 'lesson') return 'lessons';
  return route === 'score' ? undefined : route;
}

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
  /** Starts the worker that lists runs. */
  @property({ attribute: false }) openRuns: OpenRuns | undefined;
  /** Starts a worker that measures this device. */
  @property({ attribute: false }) openDevice: OpenDevice | undefined;
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
  /** The pair that the Score view is asked about, as JSON; undefined for the first example of the model. */
  @state() private pair = pairIn(location.hash);
  /** Whether the browser refused to write that pair into the address. */
  @state() private isAddressBehind = false;
  /** Whether the Score view was opened; it then stays, with the text typed into it. */
  @state() private isScoreWanted = false;
  /** The views whose code was asked for, and why it could not be fetched; they stay, with what is in them. */
  @state() private opened: ReadonlyMap<FetchedView, Failure | undefined> = new Map();
  /** How far the work of a view is, from 0 to 1; views without work under way are missing. */
  @state() private shares: ReadonlyMap<RoutePath, number> = new Map();
  /** The runs that the Runs view compares. */
  @state() private comparedRuns = runsIn(location.hash);
  /** The file that the Files view shows; undefined for the list of them. */
  @state() private fileId = fileIn(location.hash);
  @state() private place: LessonPlace = lessonIn(location.hash);
  @state() private isLessonPreset = asksForLessonPreset(location.hash);
  @state() private lambda = lambdaIn(location.hash);
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
    // The code of a view is fetched only when it is opened. Lessons need no engine.
    const view = fetchedView(this.route);
    const isUsable = view === 'lessons' || this.openClient !== undefined;
    if (view !== undefined && isUsable && !this.opened.has(view)) void this.#fetch(view);
    if (this.openClient === undefined) return;
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
            <a href="#/lesson" aria-current=${this.route === 'lesson' ? 'page' : 'false'}>Lessons</a>
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
      <main>
        <lab-site-notice .offline=${this.offline} ?isWorking=${this.shares.size > 0}></lab-site-notice>${this.#view()}
      </main>
      <footer ?hidden=${this.route === 'lesson' && this.place.lesson !== undefined}>
        Nothing leaves this machine. ${describeOffline(this.offline)} <a href="#/device">Measure this device</a>
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
            .linkedPair=${this.pair}
            ?behind=${this.isAddressBehind}
            @compared-change=${(event: CustomEvent<readonly string[]>) => {
              location.hash = scoreAddress(this.checkpointId, event.detail, this.modelId, this.pair);
            }}
            @pair-change=${(event: CustomEvent<string | null>) => this.#asked(event.detail ?? undefined)}
            @model-choice=${(event: CustomEvent<string>) => {
              const id = event.detail === SCORE_MODEL.id ? undefined : event.detail;
              location.hash = scoreAddress(undefined, this.compared, id, this.pair);
            }}
            @model-retry=${this.#load}
          ></lab-score-view>`
        : nothing
    }
    ${this.#opened('lessons', () => this.#lessons())} ${this.#opened('files', () => this.#filesView())}
    ${this.#opened('train', () => this.#trainView())} ${this.#opened('collapse', () => this.#collapseView())}
    ${this.#opened('runs', () => this.#runsView())} ${this.#opened('device', () => this.#deviceView())}`;
  }

  #deviceView(): unknown {
    return html`<lab-device-view
      ?hidden=${this.route !== 'device'}
      .openDevice=${this.openDevice}
      .backend=${this.backend}
      .modelUrl=${new URL(SCORE_MODEL.folder, document.baseURI).href}
      @device-progress=${(event: CustomEvent<number | null>) => this.#worked('device', event.detail)}
    ></lab-device-view>`;
  }

  #filesView(): unknown {
    return html`<lab-files-view
      ?hidden=${this.route !== 'files'}
      ?active=${this.route === 'files'}
      .openFiles=${this.openFiles}
      .openTraining=${this.openTraining}
      .openClient=${this.openClient}
      .openStore=${this.openStore === undefined ? undefined : this.#sharedStore}
      .backend=${this.backend}
      .fileId=${this.fileId ?? ''}
      @files-progress=${(event: CustomEvent<number | null>) => this.#worked('files', event.detail)}
    ></lab-files-view>`;
  }

  #lessons(): unknown {
    if (fetchedView(this.route) !== 'lessons') return nothing;
    if (this.route === 'home') return html`<lab-front-door></lab-front-door>`;
    const { lesson, screen, isNotes, presenter } = this.place;
    if (lesson === undefined) return html`<lab-lesson-list></lab-lesson-list>`;
    return isNotes
      ? html`<lab-lesson-notes lesson=${lesson} .screen=${screen} presenter=${presenter}></lab-lesson-notes>`
      : html`<lab-lesson lesson=${lesson} .screen=${screen}></lab-lesson>`;
  }

  #runsView(): unknown {
    return html`<lab-runs-view
      ?hidden=${this.route !== 'runs'}
      ?active=${this.route === 'runs'}
      .openRuns=${this.openRuns}
      .openTraining=${this.openTraining}
      .openGrpo=${this.openGrpo}
      .backend=${this.backend}
      @queue-progress=${(event: CustomEvent<number | null>) => this.#worked('runs', event.detail)}
      .compared=${this.comparedRuns}
      @compare-runs=${(event: CustomEvent<readonly string[]>) => (location.hash = runsAddress(event.detail))}
    ></lab-runs-view>`;
  }

  #trainView(): unknown {
    return html`<lab-train-view
      ?hidden=${this.route !== 'train'}
      .openTraining=${this.openTraining}
      .openStore=${this.openStore === undefined ? undefined : this.#sharedStore}
      .backend=${this.backend}
      .answeringId=${this.checkpointId ?? ''}
      @run-progress=${(event: CustomEvent<number | null>) => this.#worked('train', event.detail)}
    ></lab-train-view>`;
  }

  #collapseView(): unknown {
    return html`<lab-collapse-view
      ?hidden=${this.route !== 'collapse'}
      .openGrpo=${this.openGrpo}
      ?lessonPreset=${this.isLessonPreset}
      .lambda=${this.lambda}
      .openStore=${this.openStore === undefined ? undefined : this.#sharedStore}
      .backend=${this.backend}
      @collapse-progress=${(event: CustomEvent<number | null>) => this.#worked('collapse', event.detail)}
    ></lab-collapse-view>`;
  }

  /** A view once it was opened, or why its code could not be fetched. */
  #opened(view: FetchedView, render: () => unknown): unknown {
    if (!this.opened.has(view)) return nothing;
    const failure = this.opened.get(view);
    if (failure === undefined) return render();
    return html`<lab-notice
      ?hidden=${fetchedView(this.route) !== view}
      kind="failure"
      heading=${failureHeading(failure)}
    >
      ${failure.message}
      <button slot="action" @click=${() => this.#fetch(view)}>Try again</button>
    </lab-notice>`;
  }

  #worked(path: RoutePath, share: number | null): void {
    if ((this.shares.get(path) ?? null) === share) return;
    const others = [...this.shares].filter(([other]) => other !== path);
    this.shares = new Map(share === null ? others : [...others, [path, share]]);
  }

  /** The progress of a run, shown while another view is open; or a mark that there is an unfinished run. */
  #share(path: RoutePath): unknown {
    if (path === this.route) return nothing;
    const share = this.shares.get(path);
    if (share !== undefined) return html` <span class="share">${wholePercent(share)}</span>`;
    return path === 'train' && this.hasUnfinishedRun && !this.opened.has('train') ? html` (unfinished run)` : nothing;
  }

  #addressOf(path: RoutePath): string {
    if (path === 'files') return fileAddress(this.route === 'files' ? undefined : this.fileId);
    return path === 'score' ? scoreAddress(this.checkpointId, this.compared, this.modelId, this.pair) : `#/${path}`;
  }

  async #fetch(view: FetchedView): Promise<void> {
    this.opened = new Map([...this.opened, [view, undefined]]);
    const failure = await failureToFetch(VIEW_CODE[view]());
    this.opened = new Map([...this.opened, [view, failure]]);
    if (view !== 'lessons') this.dispatchEvent(new Event('view-settled'));
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
    if (this.route === 'runs') this.comparedRuns = runsIn(location.hash);
    if (this.route === 'lesson') this.place = lessonIn(location.hash);
    this.isLessonPreset = asksForLessonPreset(location.hash);
    this.lambda = lambdaIn(location.hash);
    // The addresses of other views do not affect which model answers.
    if (this.route !== 'score') return;
    this.checkpointId = checkpointIn(location.hash);
    this.modelId = modelIn(location.hash);
    this.compared = comparedIn(location.hash);
    this.pair = pairIn(location.hash);
  };

  /**
   * The address follows the pair, so that what is on the screen can be linked to; no step back leads through each of
   * them.
   */
  #asked(pair: string | undefined): void {
    this.pair = pair;
    // The address may be ahead of this element, which learns of it by the next event.
    const { hash } = location;
    if (routeOf(hash) !== 'score') return;
    try {
      history.replaceState(null, '', scoreAddress(checkpointIn(hash), comparedIn(hash), modelIn(hash), pair));
      this.isAddressBehind = false;
    } catch {
      // Browsers refuse more than some hundred changes within seconds, and addresses beyond their own limits.
      this.isAddressBehind = true;
    }
  }
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
