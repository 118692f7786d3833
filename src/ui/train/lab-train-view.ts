/**
 * The Train view: the run, its settings and the checkpoints. Once opened it stays in the page, so that a run continues.
 *
 * Room `ui/train/`: settings, plans, the run's display, students and checkpoints. Shared elements are in `ui/parts/`.
 */
import { html, nothing } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import * as v from 'valibot';
import { LabError } from '../../common/errors.ts';
import type { ColumnWishes, DataSummary } from '../../protocol/imported-data.ts';
import type { BackendChoice } from '../../protocol/scoring.ts';
import { type DataKind, type SftExperiment, SftExperimentSchema } from '../../protocol/sft-experiment.ts';
import { type TrainingEvent, TrainingEventSchema } from '../../protocol/training.ts';
import type { CheckpointClient } from '../parts/sessions/checkpoint-client.ts';
import { CheckpointsController } from '../parts/sessions/checkpoints-controller.ts';
import { beforeChoosing, beforeTeaching, beforeTrainingOn } from './before-start.ts';
import { DataController } from '../parts/forms/data-controller.ts';
import { FIRST_RUN } from './first-run.ts';
import './lab-checkpoints.ts';
import '../parts/forms/lab-data-choice.ts';
import '../parts/lab-notice.ts';
import './lab-run-monitor.ts';
import './lab-run-plan.ts';
import '../parts/forms/lab-settings.ts';
import './lab-student-setup.ts';
import { askToPersist } from '../parts/persistence.ts';
import { PlanController } from './plan-controller.ts';
import { offersOf, type RunOffer } from './run-offers.ts';
import { type CheckedDraft, draftOf, type SettingsDraft } from '../parts/forms/settings-draft.ts';
import { recalled } from '../parts/sessions/run-record.ts';
import { purposeOf, RulesController, withOwnRules } from '../parts/forms/rules-controller.ts';
import { LabElement } from '../parts/lab-element.ts';
import { baseStyles, buttonStyles, headingStyles } from '../parts/shared-styles.ts';
import { takenRules, withTask } from './own-task.ts';
import { bringsSettings, bringsStudent, SFT_JSON } from './settings-address.ts';
import { checkSftDraft, dataKindOf, SFT_FIELDS, SFT_FORM, withDataKind, withDataSet, withGrades } from './sft-draft.ts';
import { checkStudent, DEFAULT_STUDENT, type StudentChoice, studentSource, teachersOf } from './student-choice.ts';
import { trainViewStyles } from './train-view-styles.ts';
import type { OpenTraining } from '../parts/sessions/training-client.ts';
import { type RunCommand, type RunSource, trainingController } from '../parts/sessions/training-controller.ts';
import { applyTrainingEvent, isUnderWay, STARTED_RUN } from '../parts/sessions/training-state.ts';
import { sourceOf } from '../parts/sessions/unfinished-source.ts';

const FIRST_RUN_TEXT = JSON.stringify(FIRST_RUN);
/** The delay before checking again whether another tab trains; after a reload that is the page's previous instance. */
const LOOK_AGAIN_MS = 1000;

/**
 * @fires run-progress - the share of the run that is done as `detail`, while a run is under way; null after it.
 */
@customElement('lab-train-view')
export class LabTrainView extends LabElement {
  static override readonly styles = [baseStyles, buttonStyles, headingStyles, trainViewStyles];

  /** Starts the training worker. */
  @property({ attribute: false }) openTraining: OpenTraining | undefined;
  /** Opens the worker that stores checkpoints. */
  @property({ attribute: false }) openStore: (() => Promise<CheckpointClient>) | undefined;
  @property() backend: BackendChoice = 'auto';
  /** The checkpoint that the Score view answers with. */
  @property() answeringId = '';
  /** Whether the next run is a student that learns from a teacher. */
  @state() private isTaught = bringsStudent(location.hash);
  @state() private student: StudentChoice = DEFAULT_STUDENT;
  @state() private draft: SettingsDraft = draftOf(SFT_FORM, FIRST_RUN);
  /** The checkpoint that was to be trained on, while another file is chosen than it learns from. */
  @state() private otherFileId = '';
  #checked: CheckedDraft<SftExperiment> = checkSftDraft(this.draft);
  #nextLook: ReturnType<typeof setTimeout> | undefined;
  /** Runs that have ended in this page. */
  readonly #ended = new Set<string>();
  readonly #training = trainingController(
    this,
    async () => this.#opener()(),
    (event) => this.#happened(event),
  );
  readonly #plan = new PlanController(this);
  readonly #data = new DataController(this);
  readonly #rules = new RulesController(this);
  readonly #checkpoints = new CheckpointsController(this);

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    clearTimeout(this.#nextLook);
  }

  override willUpdate(changed: Map<PropertyKey, unknown>): void {
    if (changed.has('draft')) this.#checked = checkSftDraft(this.draft);
    if (changed.has('draft') || changed.has('openTraining')) this.#askForPlan();
    if (changed.has('openStore')) void this.openStore?.().then((store) => this.#use(store));
  }

  override render(): unknown {
    const { state, isOpen: isUnderWay } = this.#training;
    const offers = this.#offers();
    return html`<div class="bench">
      ${
        offers.length === 0 && this.otherFileId === ''
          ? nothing
          : html`<div class="offers">${this.#otherFile()} ${offers.map((offer) => this.#offer(offer))}</div>`
      }
      <div class="panel run">${state.phase === 'idle' ? this.#planned() : this.#monitor()}</div>
      <div class="panel settings">
        <div class="actions ways" role="group" aria-label="What to learn from">
          ${this.#way(false, 'From data', isUnderWay)} ${this.#way(true, 'From a teacher', isUnderWay)}
        </div>
        ${this.isTaught ? this.#studentSetup(isUnderWay) : this.#dataSetup(isUnderWay)}
      </div>
      <div class="panel checkpoints">
        <lab-checkpoints
          .controller=${this.#checkpoints}
          .shelf=${this.#checkpoints.state}
          .answeringId=${this.answeringId}
          ?canTrain=${!isUnderWay}
          @checkpoint-resume=${(event: CustomEvent<string>) => this.#trainOn(event.detail)}
        ></lab-checkpoints>
      </div>
    </div>`;
  }

  #way(isTaught: boolean, name: string, isDisabled: boolean): unknown {
    return html`<button
      aria-pressed=${this.isTaught === isTaught ? 'true' : 'false'}
      ?disabled=${isDisabled}
      @click=${() => (this.isTaught = isTaught)}
    >
      ${name}
    </button>`;
  }

  #studentSetup(isUnderWay: boolean): unknown {
    return html`<lab-student-setup
      .teachers=${teachersOf(this.#checkpoints.state.overview)}
      .choice=${this.student}
      ?disabled=${isUnderWay}
      @student-change=${(event: CustomEvent<StudentChoice>) => (this.student = event.detail)}
    ></lab-student-setup>`;
  }

  #dataSetup(isUnderWay: boolean): unknown {
    const { problems } = this.#checked;
    return html`${
        problems.has('')
          ? html`<lab-notice class="wrong" kind="failure" heading="These settings conflict">
              ${problems.get('')}
            </lab-notice>`
          : nothing
      }
      <lab-settings
        .fields=${SFT_FIELDS[dataKindOf(this.draft)]}
        .draft=${this.draft}
        .json=${SFT_JSON}
        .problems=${problems}
        ?disabled=${isUnderWay}
        @settings-change=${(event: CustomEvent<SettingsDraft>) => (this.draft = event.detail)}
      >
        <lab-data-choice
          slot="data"
          .kind=${dataKindOf(this.draft)}
          .fileName=${String(this.draft.get('data.name') ?? '')}
          .fileHash=${String(this.draft.get('data.sha256') ?? '')}
          .grades=${String(this.draft.get('data.grades') ?? '')}
          .data=${this.#data.state}
          .rules=${this.#rules.state}
          .plan=${this.#plan.state.plan?.data ?? undefined}
          ?disabled=${isUnderWay}
          @data-kind=${(event: CustomEvent<DataKind>) => (this.draft = withDataKind(this.draft, event.detail))}
          @data-files=${(event: CustomEvent<readonly File[]>) =>
            this.#readData(this.#data.read(this.#training.thread, event.detail))}
          @data-columns=${(event: CustomEvent<ColumnWishes>) =>
            this.#readData(this.#data.readWith(this.#training.thread, event.detail))}
          @data-grades=${(event: CustomEvent<string>) => this.#sayGrades(event.detail)}
          @rules-files=${(event: CustomEvent<readonly File[]>) => this.#readRules(event.detail)}
          @rules-drop=${this.#dropRules}
        ></lab-data-choice>
      </lab-settings>`;
  }

  override updated(): void {
    const { step, steps } = this.#training.state;
    const detail = this.#training.isOpen ? step / Math.max(1, steps) : null;
    this.dispatchEvent(new CustomEvent<number | null>('run-progress', { detail }));
    this.#watchOthers();
  }

  #offers(): RunOffer[] {
    const { overview } = this.#checkpoints.state;
    if (overview === undefined || this.#training.isOpen) return [];
    const { prepared } = this.#training.state;
    return offersOf(overview, prepared === undefined ? this.#ended : new Set([...this.#ended, prepared.runId]));
  }

  /** Another tab's run can be offered here once that tab is gone, which is not reported and has to be polled. */
  #watchOthers(): void {
    clearTimeout(this.#nextLook);
    if (!this.#offers().some(({ way }) => way === 'wait')) return;
    this.#nextLook = setTimeout(() => void this.#checkpoints.refresh(), LOOK_AGAIN_MS);
  }

  #planned(): unknown {
    if (this.isTaught) {
      const { settings } = checkStudent(this.student);
      return beforeTeaching(settings !== undefined, () => {
        if (settings !== undefined) void this.#start(studentSource(this.student.teacher, settings, document.baseURI));
      });
    }
    const settings = this.#settings;
    if ((this.draft.get('data.sha256') ?? '') === '' && dataKindOf(this.draft) === 'file') return beforeChoosing();
    const isFirst = settings !== undefined && JSON.stringify(settings) === FIRST_RUN_TEXT;
    return html`<lab-run-plan
      .plan=${this.#plan.state}
      .steps=${settings?.sft.steps ?? 0}
      .kind=${dataKindOf(this.draft)}
      .action=${isFirst ? 'Train a small model' : 'Start training'}
      ?runnable=${settings !== undefined}
      @run-start=${() => this.#start({ kind: 'experiment', experiment: settings })}
      @plan-retry=${this.#planAnew}
    ></lab-run-plan>`;
  }

  #monitor(): unknown {
    return html`<lab-run-monitor
      .run=${this.#training.state}
      .pending=${this.#training.pending}
      @run-command=${(event: CustomEvent<RunCommand>) => this.#training.command(event.detail)}
      @run-resume=${(event: CustomEvent<string>) => this.#goOn(event.detail)}
      @run-dismiss=${this.#dismiss}
    ></lab-run-monitor>`;
  }

  #offer({ run, heading, text, way }: RunOffer): unknown {
    return html`<lab-notice heading=${heading}>
      ${text}
      ${
        way === 'wait'
          ? nothing
          : html`<span slot="action" class="actions">
              <button class="primary" @click=${() => this.#take({ run, heading, text, way })}>
                ${way === 'go-on' ? 'Continue' : 'Start again'}
              </button>
              <button @click=${() => this.#forget(run.id)}>Discard</button>
            </span>`
      }
    </lab-notice>`;
  }

  async #take({ run, way }: RunOffer): Promise<void> {
    const last = way === 'go-on' ? run.lastCheckpoint : null;
    if (last !== null) return this.#goOn(last.id);
    const from = await this.#checkpoints.act('Starting again', () => Promise.resolve(sourceOf(run)));
    if (from !== undefined) await this.#start(from);
  }

  async #forget(runId: string): Promise<void> {
    await this.#checkpoints.act('Discarding', (client) => client.forgetRun(runId));
  }

  /** Resumes a checkpoint with its own data; asks first if another file is chosen. */
  async #trainOn(id: string): Promise<void> {
    const { summary } = this.#data.state;
    const hash = this.#checkpoints.state.overview?.checkpoints.find((checkpoint) => checkpoint.id === id)?.worldHash;
    const isChosen =
      !this.isTaught && dataKindOf(this.draft) === 'file' && summary?.sha256 === this.draft.get('data.sha256');
    if (isChosen && hash !== undefined && hash !== summary?.sha256) this.otherFileId = id;
    else await this.#goOn(id);
  }

  #otherFile(): unknown {
    const id = this.otherFileId;
    if (id === '') return nothing;
    const keep = (): void => {
      this.otherFileId = '';
    };
    return beforeTrainingOn(String(this.draft.get('data.name')), () => void this.#goOn(id), keep);
  }

  async #goOn(id: string): Promise<void> {
    this.otherFileId = '';
    await this.#start({ kind: 'checkpoint', id });
  }

  async #start(from: RunSource): Promise<void> {
    this.#plan.drop();
    // Without permission, data is stored with the browser's usual guarantees.
    void askToPersist().catch(() => undefined);
    await this.#training.run({ from, backend: this.backend });
  }

  #use(store: CheckpointClient): void {
    this.#checkpoints.use(store);
    void this.#recall(store);
  }

  /** Shows the run that ended on an earlier visit, unless another is shown. */
  async #recall(store: CheckpointClient): Promise<void> {
    const events = await recalled(store, 'train', TrainingEventSchema);
    if (events === null || this.#training.state.phase !== 'idle' || bringsSettings(location.hash)) return;
    const state = events.reduce(applyTrainingEvent, STARTED_RUN);
    if (isUnderWay(state)) return;
    const { checkpoints } = this.#checkpoints.state.overview ?? (await store.overview());
    const isKept = checkpoints.some(({ id }) => id === state.lastCheckpointId);
    if (this.#training.isOpen) return;
    this.#plan.drop();
    this.#adopt(state.prepared?.experiment);
    this.#training.show({ ...state, lastCheckpointId: isKept ? state.lastCheckpointId : null });
  }

  /** Shows the settings of a run. */
  #adopt(experiment: unknown): void {
    const read = v.safeParse(SftExperimentSchema, experiment);
    if (read.success) this.draft = draftOf(SFT_FORM, read.output);
  }

  #dismiss(): void {
    this.#training.dismiss();
    void this.openStore?.().then((store) => store.dropRecord('train'));
    this.#askForPlan();
  }

  /** In a new worker, because the last one may be the cause of the failure. */
  async #planAnew(): Promise<void> {
    this.#training.close();
    await this.#data.readAgain(this.#training.thread);
    this.#askForPlan();
  }

  async #readData(reading: Promise<DataSummary | undefined>): Promise<void> {
    const summary = await reading;
    if (summary !== undefined) this.draft = withDataSet(this.draft, summary);
  }

  #sayGrades(meanings: string): void {
    const { summary } = this.#data.state;
    if (summary !== undefined) this.draft = withGrades(this.draft, meanings, summary.likelyScale);
  }

  async #readRules(chosen: readonly File[]): Promise<void> {
    const { task, files, problem } = await takenRules(chosen);
    if (task !== undefined) this.draft = withTask(this.draft, task);
    await this.updateComplete;
    const { settings } = this.#checked;
    if (problem !== undefined) await this.#rules.refuse(problem);
    else await this.#rules.read(this.#training.thread, files, settings && purposeOf(settings));
    this.#askForPlan();
  }

  readonly #dropRules = (): void => {
    this.#rules.drop();
    this.#askForPlan();
  };

  /** The validated settings, with the user's own rules if there are any; undefined if anything is invalid. */
  get #settings(): SftExperiment | undefined {
    const { settings } = this.#checked;
    return settings === undefined ? undefined : { ...settings, data: withOwnRules(settings.data, this.#rules.state) };
  }

  #askForPlan(): void {
    const settings = this.#settings;
    if (this.openTraining === undefined || settings === undefined || this.#training.isOpen) return;
    this.#plan.ask(this.#training.thread, settings, this.backend);
    // Which rules are rare depends on the training pairs.
    if (settings.data.kind === 'file') void this.#rules.readFor(this.#training.thread, purposeOf(settings));
  }

  #happened(event: TrainingEvent): void {
    switch (event.kind) {
      case 'prepared': {
        // A resumed run has settings of its own.
        this.#adopt(event.experiment);
        this.#ended.delete(event.runId); // a stopped run has been resumed
        break;
      }
      case 'finished':
      case 'stopped': {
        const { prepared } = this.#training.state;
        if (prepared !== undefined) this.#ended.add(prepared.runId);
        void this.#checkpoints.refresh();
        break;
      }
      case 'checkpoint':
      case 'failed':
        void this.#checkpoints.refresh();
        break;
      default:
    }
  }

  #opener(): OpenTraining {
    const { openTraining } = this;
    if (openTraining === undefined) throw new LabError('internal', { message: 'The view has no training worker.' });
    return openTraining;
  }
}

declare global {
  interface HTMLElementTagNameMap {
    'lab-train-view': LabTrainView;
  }
}
