/**
 * The Files view: a file of pairs is dropped, mapped, scored and shown, and each step is stored in this browser. Files
 * can be dropped anywhere on the view at any time.
 *
 * Room `ui/files/`: everything of the Files view. Elements that other views use as well belong in `ui/parts/`, those of
 * a single answer in `ui/score/`.
 */
import { html, nothing } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import { classMap } from 'lit/directives/class-map.js';
import { EXPORT_FORMATS, type ExportFormat } from '../../protocol/files.ts';
import type { RulesState } from '../../protocol/file-rules.ts';
import { isOwnRules, type ModelChoice, OWN_RULES } from '../../protocol/model-choice.ts';
import type { BackendChoice } from '../../protocol/scoring.ts';
import type { CheckpointClient } from '../parts/sessions/checkpoint-client.ts';
import { download } from '../parts/download.ts';
import { fieldStyles } from '../parts/forms/field-styles.ts';
import { formatCount, formatSpan } from '../parts/format.ts';
import { LabElement } from '../parts/lab-element.ts';
import '../parts/lab-notice.ts';
import { fileAddress } from '../parts/routes.ts';
import { baseStyles, buttonStyles, headingStyles } from '../parts/shared-styles.ts';
import { bundledModel } from '../score/bundled-models.ts';
import type { ModelOrigin } from '../score/model-controller.ts';
import type { OpenTraining } from '../parts/sessions/training-client.ts';
import type { ScoringClient } from '../score/scoring-client.ts';
import { filesFailureHeading } from './files-failure.ts';
import { FilesController } from './files-controller.ts';
import type { OpenFiles } from './thread/files-client.ts';
import { LearningController } from './learning-controller.ts';
import { FILES_MODEL } from './files-state.ts';
import { filesViewStyles } from './files-view-styles.ts';
import './lab-file-learning.ts';
import './lab-file-mapping.ts';
import type { Mapping } from './lab-file-mapping.ts';
import './lab-file-ready.ts';
import type { OwnModel } from './lab-file-ready.ts';
import './lab-file-results.ts';
import type { GivenGrade } from './lab-file-results.ts';
import './lab-file-start.ts';
import type { FetchReasons } from './lab-pair-table.ts';
import type { NamedBlob } from './lab-file-start.ts';
import { LabFileRules } from './rules/lab-file-rules.ts';
import { OwnRulesController } from './rules/own-rules-controller.ts';
import { describeVerified } from './verified.ts';
import type { Pair } from '../../relevance/pair/pair.ts';
import type { ReasonSource, ScoreWithout } from './lab-pair-panel.ts';

const FORMAT_NAMES: Readonly<Record<ExportFormat, string>> = {
  csv: 'CSV for spreadsheets',
  tsv: 'TSV',
  jsonl: 'JSON lines',
  parquet: 'Parquet',
  run: 'TREC run',
  qrels: 'TREC qrels',
  quepid: 'Quepid ratings',
  pairs: 'Pairs to train on',
  html: 'Report (HTML)',
  proof: 'Proof',
};
/** The key under which this browser stores the name that signs corrections. */
const JUDGE_KEY = 'afrl-lab-judge';

/** @fires files-progress - the scored share as `detail`, null while nothing is being scored. */
@customElement('lab-files-view')
export class LabFilesView extends LabElement {
  static override readonly styles = [baseStyles, buttonStyles, headingStyles, fieldStyles, filesViewStyles];

  @property({ attribute: false }) openFiles: OpenFiles | undefined;
  @property({ attribute: false }) openTraining: OpenTraining | undefined;
  @property({ attribute: false }) openClient: (() => ScoringClient) | undefined;
  @property({ attribute: false }) openStore: (() => Promise<CheckpointClient>) | undefined;
  @property() backend: BackendChoice = 'auto';
  /** The id of the file in the address; empty for the list. */
  @property() fileId = '';
  /** Whether the view is shown. */
  @property({ type: Boolean }) active = false;
  @state() private isOver = false;
  @state() private ownModels: readonly OwnModel[] = [];
  @state() private exportNotes: readonly string[] = [];
  @state() private judge = localStorage.getItem(JUDGE_KEY) ?? 'judge';
  readonly #files = new FilesController(this, () => this.#caughtUp());
  readonly #rules = new OwnRulesController(
    this,
    (ask) => this.#files.ask(ask),
    (state, isChanged) => this.#rulesSaid(state, isChanged),
  );
  readonly #learning = new LearningController(this, this.#files, () => this);
  #shownId: string | undefined;
  #lastShare: number | null = null;
  #lastStage = '';

  override connectedCallback(): void {
    super.connectedCallback();
    for (const name of ['dragover', 'dragleave', 'drop'] as const) addEventListener(name, this.#dragged);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    for (const name of ['dragover', 'dragleave', 'drop'] as const) removeEventListener(name, this.#dragged);
  }

  override willUpdate(changed: Map<PropertyKey, unknown>): void {
    const { openFiles, openStore, backend } = this;
    if (openFiles === undefined) return;
    if (['openFiles', 'openStore', 'backend'].some((name) => changed.has(name))) {
      this.#files.use({ openFiles, openStore, backend });
    }
    if (this.#shownId === this.fileId || !this.active) return;
    this.#shownId = this.fileId;
    if (this.fileId === '') void this.#files.showList();
    else if (this.fileId !== this.#files.openId) void this.#files.open(this.fileId);
  }

  override updated(): void {
    const { file, stage, table, isScoring } = this.#files;
    // The address follows the file, so that a reload opens it again.
    const id = stage === 'list' || stage === 'reading' ? undefined : file?.entry.id;
    if (this.active && id !== undefined && id !== this.fileId) location.hash = fileAddress(id);
    const share = isScoring && table !== undefined ? table.scored / Math.max(1, table.file.scoring.pairs) : null;
    if (share !== this.#lastShare) {
      this.#lastShare = share;
      this.dispatchEvent(new CustomEvent<number | null>('files-progress', { detail: share }));
    }
    void this.#learning.look(file, stage === 'results' && table !== undefined);
    if (stage === 'ready' && this.#lastStage !== 'ready') {
      void this.#listModels();
      void this.#rules.look(file?.entry.id);
    }
    this.#lastStage = stage;
  }

  override render(): unknown {
    const { failure, stage } = this.#files;
    return html`<div class=${classMap({ view: true, over: this.isOver })}>
      ${stage === 'list' || stage === 'reading' ? nothing : this.#head()}
      ${
        failure === undefined
          ? nothing
          : html`<lab-notice kind="failure" heading=${filesFailureHeading(failure)}>${failure.message}</lab-notice>`
      }
      ${this.#stage()}
    </div>`;
  }

  #stage(): unknown {
    const files = this.#files;
    switch (files.stage) {
      case 'list':
        return html`<lab-file-start
          .list=${files.list}
          @files-chosen=${(event: CustomEvent<readonly NamedBlob[]>) => files.add(event.detail)}
          @file-remove=${(event: CustomEvent<string>) => files.remove(event.detail)}
        ></lab-file-start>`;
      case 'reading':
        return html`<div class="reading" role="status">
          <p>Reading ${files.reading}</p>
          <progress aria-label="Reading the file"></progress>
        </div>`;
      case 'mapping':
        return html`<lab-file-mapping
          .file=${files.file}
          @file-mapping=${({ detail }: CustomEvent<Mapping>) => files.map(detail.columns, detail.grades, detail.isMapped, detail.reading)}
        ></lab-file-mapping>`;
      case 'ready':
        return html`<lab-file-ready
          .file=${files.file}
          .choice=${files.choice}
          .ownModels=${this.ownModels}
          .preparing=${files.preparing}
          .prepared=${files.prepared}
          .rules=${this.#rules}
          .rulesVersion=${this.#rules.version}
          .scored=${files.table?.file.scoring}
          @model-choice=${(event: CustomEvent<ModelChoice>) => files.prepare(event.detail)}
          @files-begin=${(event: CustomEvent<number>) => files.begin(event.detail)}
          @rules-begin=${(event: CustomEvent<number>) => this.#scoreByRules(event.detail)}
        ></lab-file-ready>`;
      case 'results':
        return html`${this.#progress()}
          <lab-file-learning
            .lesson=${this.#learning}
            .version=${files.version + this.#learning.version}
          ></lab-file-learning>
          <lab-file-results
            .table=${files.table}
            .version=${files.version}
            .measures=${files.measures}
            ?scoring=${files.isScoring}
            ?active=${this.active}
            .fetchPair=${this.#fetchPair}
            .reasonSource=${this.#reasonSource}
            .scoreWithout=${this.#scoreWithout}
            .explain=${this.#explain}
            .fetchReasons=${this.#fetchReasons}
            @file-grade=${({ detail }: CustomEvent<GivenGrade>) => files.correct(detail.place, detail.label, this.judge)}
            @file-undo=${this.#undo}
          ></lab-file-results>`;
      default:
        return files.stage satisfies never;
    }
  }

  /** The name of the file, and links to other stages. */
  #head(): unknown {
    const { file, stage, table, isScoring } = this.#files;
    return html`<header>
      <div class="title">
        <h2>${file?.entry.name}</h2>
        ${stage === 'results' && table !== undefined ? html`<p class="muted">Scored by ${table.file.scoring.modelName}</p>` : nothing}
      </div>
      <div class="ways">
        ${
          stage === 'mapping'
            ? nothing
            : html`<button ?disabled=${isScoring} @click=${() => this.#files.back('mapping')}>Columns</button>`
        }
        ${
          stage === 'results'
            ? html`<button ?disabled=${isScoring} @click=${() => this.#files.back('ready')}>Another model</button>`
            : table === undefined
              ? nothing
              : html`<button @click=${() => this.#files.showResults()}>Back to the results</button>`
        }
        <a class="button" href=${fileAddress()}>Another file</a>
      </div>
    </header>`;
  }

  #progress(): unknown {
    const { table, isScoring, preparing, pace } = this.#files;
    if (table === undefined) return nothing;
    const { pairs } = table.file.scoring;
    const left = table.file.scoring.pairs - table.scored - table.unfit.length;
    const isDone = left <= 0;
    const ms = isDone ? undefined : pace.msPerPair;
    const span = ms === undefined ? '' : `, about ${formatSpan((ms * left) / 1000)} left`;
    return html`<div class="bar">
      ${
        isDone && !isScoring
          ? this.#exports()
          : html`<progress aria-label="Scored pairs" .value=${table.scored / Math.max(1, pairs)}></progress>
              <span class="muted count"
                >${formatCount(table.scored)} of ${formatCount(pairs)} pairs scored${isScoring ? span : ''}</span
              >
              ${
                isScoring
                  ? html`<button @click=${() => this.#files.given((thread) => thread.pause())}>Pause</button>`
                  : html`<button
                        class="primary"
                        ?disabled=${preparing !== undefined}
                        @click=${() => this.#files.resume()}
                      >
                        ${preparing === undefined ? 'Continue' : 'Loading the model'}
                      </button>
                      ${this.#exports()}`
              }`
      }
      ${
        table.unfit.length === 0
          ? nothing
          : html`<p class="muted">
              ${formatCount(table.unfit.length)} rows cannot be scored: ${table.unfit[0]?.message}
            </p>`
      }
    </div>`;
  }

  #exports(): unknown {
    const { corrected = 0, confirmed = 0 } = this.#files.table?.countJudgments() ?? {};
    const counts = [
      ...(corrected === 0 ? [] : [`${formatCount(corrected)} corrected`]),
      ...(confirmed === 0 ? [] : [`${formatCount(confirmed)} confirmed`]),
    ];
    return html`<div class="exports" role="group" aria-label="Exports and proofs">
        <label>
          Export
          <select class="control" @change=${this.#exportChosen}>
            <option value="">as …</option>
            ${EXPORT_FORMATS.map((format) => html`<option value=${format}>${FORMAT_NAMES[format]}</option>`)}
          </select>
        </label>
        <button @click=${() => this.renderRoot.querySelector<HTMLInputElement>('.proof')?.click()}>
          Check a proof
        </button>
        <input class="proof" type="file" hidden accept=".json" @change=${this.#proofChosen} />
      </div>
      <label class="judge">
        ${counts.length === 0 ? nothing : html`<span class="count">${counts.join(', ')}</span>`} Grades signed by
        <input class="control" maxlength="80" autocomplete="off" .value=${this.judge} @change=${this.#named} />
      </label>
      ${this.exportNotes.map((note) => html`<p class="muted note" role="status">${note}</p>`)}`;
  }

  readonly #exportChosen = ({ currentTarget: select }: Event): void => {
    if (!(select instanceof HTMLSelectElement)) return;
    const format = EXPORT_FORMATS.find((one) => one === select.value);
    select.value = '';
    if (format !== undefined) void this.#export(format);
  };

  async #export(format: ExportFormat): Promise<void> {
    this.exportNotes = [];
    const exported = await this.#files.given((thread) => thread.exportFile(format));
    if (exported === undefined) return;
    download(exported.file, exported.fileName);
    this.exportNotes = exported.notes;
  }

  readonly #proofChosen = async ({ currentTarget: input }: Event): Promise<void> => {
    const [proof] = input instanceof HTMLInputElement ? (input.files ?? []) : [];
    if (!(input instanceof HTMLInputElement) || proof === undefined) return;
    input.value = ''; // the same file can be chosen again
    this.exportNotes = ['Scoring the pairs of the proof again…'];
    const verified = await this.#files.verify(proof);
    this.exportNotes = verified === undefined ? [] : [describeVerified(verified)];
  };

  readonly #named = ({ currentTarget: input }: Event): void => {
    if (!(input instanceof HTMLInputElement)) return;
    this.judge = input.value.trim() || 'judge';
    localStorage.setItem(JUDGE_KEY, this.judge);
  };

  async #scoreByRules(limit: number): Promise<void> {
    if (await this.#files.prepare(OWN_RULES)) await this.#files.begin(limit);
  }

  /** Prepares rules again that were changed since they were to score the file; another model where there are none. */
  #rulesSaid({ rules }: RulesState, isChanged: boolean): void {
    if (isChanged) this.#files.tell();
    const { choice, prepared } = this.#files;
    if (!isOwnRules(choice) || this.#files.isScoring || (rules !== null && rules.hash === prepared?.modelHash)) return;
    void this.#files.prepare(rules === null ? FILES_MODEL : OWN_RULES);
  }

  /** Another tab may have changed what is kept with the file. */
  #caughtUp(): void {
    if (this.#files.stage === 'ready') void this.#rules.lookAgain();
    void this.#learning.lookAgain();
  }

  readonly #fetchPair = (place: number): Promise<Pair> => this.#files.ask((thread) => thread.pair(place), true);

  readonly #scoreWithout: ScoreWithout = (place, removed) => this.#files.without(place, removed);

  readonly #explain = (place: number): ReturnType<FilesController['explain']> => this.#files.explain(place);

  readonly #fetchReasons: FetchReasons = (places) => this.#files.reasons(places);

  readonly #undo = (): void => {
    const place = this.#files.grades.undo();
    if (place !== undefined) this.renderRoot.querySelector('lab-file-results')?.reveal(place);
  };

  #source: { readonly key: string; readonly source: ReasonSource } | undefined;

  /** The model of the scores, for the thread that gives reasons. */
  get #reasonSource(): ReasonSource | undefined {
    const { openClient, openStore } = this;
    const scoring = this.#files.table?.file.scoring;
    if (openClient === undefined || scoring === undefined) return undefined;
    const { kind, id } = scoring.choice;
    const key = `${kind}:${id}`;
    if (this.#source?.key !== key) {
      const folder = new URL(bundledModel(id).folder, document.baseURI).href;
      const origin: ModelOrigin | undefined =
        kind !== 'checkpoint'
          ? { kind: 'folder', url: folder }
          : openStore === undefined
            ? undefined
            : { kind: 'checkpoint', id, openStore };
      this.#source = origin === undefined ? undefined : { key, source: { openClient, origin } };
    }
    return this.#source?.source;
  }

  async #listModels(): Promise<void> {
    const overview = await this.openStore?.()
      .then((store) => store.overview())
      .catch(() => undefined);
    this.ownModels = overview?.checkpoints.map(({ id, name }) => ({ id, name })) ?? [];
  }

  readonly #dragged = (event: DragEvent): void => {
    if (!this.active || event.dataTransfer?.types.includes('Files') === false) return;
    event.preventDefault(); // otherwise the browser opens the file
    this.isOver = event.type === 'dragover';
    if (event.type !== 'drop') return;
    const files = [...(event.dataTransfer?.files ?? [])].map((file) => ({ name: file.name, blob: file }));
    const isOnRules = event.composedPath().some((node) => node instanceof LabFileRules);
    void (isOnRules ? this.#rules.read(files) : this.#files.add(files));
  };
}

declare global {
  interface HTMLElementTagNameMap {
    'lab-files-view': LabFilesView;
  }
}
