/**
 * The Collapse view: branches of one model learn side by side by reinforcement, and the reader watches what each earns
 * and forgets. Once opened it stays in the page, so that a demonstration continues while another view is shown.
 *
 * Room `ui/collapse/`: everything of the Collapse view: planning, running and resuming demonstrations, curves, rules
 * and completions. Elements that other views use as well belong in `ui/parts/`.
 */
import { html, nothing } from 'lit';
import { customElement, property, query, state } from 'lit/decorators.js';
import { LabError } from '../../common/errors.ts';
import { type GrpoCommand, type GrpoEvent, GrpoEventSchema, MAX_BRANCHES } from '../../protocol/grpo.ts';
import type { BackendChoice } from '../../protocol/scoring.ts';
import type { Recording } from '../../protocol/recording.ts';
import type { ColumnWishes } from '../../protocol/imported-data.ts';
import type { DataKind } from '../../protocol/sft-experiment.ts';

import type { CheckpointClient } from '../parts/sessions/checkpoint-client.ts';
import { CheckpointsController } from '../parts/sessions/checkpoints-controller.ts';
import { collapseController } from './collapse-controller.ts';
import { demonstrationFigure, demonstrationProgress, doneShare } from './collapse-progress.ts';
import { applyGrpoEvent, type BranchState, isOpen, STARTED_DEMONSTRATION } from './collapse-state.ts';
import { collapseViewStyles } from './collapse-view-styles.ts';
import {
  DEFAULT_CHOICE,
  type DemonstrationChoice,
  LESSON_CHOICE,
  planDemonstration,
  withLambda,
} from './demonstration.ts';
import type { KeptDemonstration } from './demonstration-offers.ts';
import { loadE1 } from './experiment-file.ts';
import { failureNotice } from '../parts/failure-notice.ts';
import { backendName, formatCount } from '../parts/format.ts';
import type { OpenGrpo } from '../parts/sessions/grpo-client.ts';
import './lab-collapse-details.ts';
import './lab-collapse-setup.ts';
import './lab-collapse-source.ts';
import './lab-demonstration-offers.ts';
import './lab-findings.ts';
import './lab-live.ts';
import '../parts/lab-notice.ts';
import '../theory/lab-theory.ts';
import { askToPersist } from '../parts/persistence.ts';
import { isRecordedRun } from './recorded-regime.ts';
import { recalled } from '../parts/sessions/run-record.ts';
import { bundledRecording } from '../parts/bundled-recording.ts';
import { disclosureStyles } from '../parts/forms/field-styles.ts';
import { readoutStyles } from '../parts/readout-styles.ts';
import { COLLAPSE_MEANING } from '../parts/lab-term.ts';
import { LabElement } from '../parts/lab-element.ts';
import { baseStyles, buttonStyles, headingStyles } from '../parts/shared-styles.ts';
import { START_FOLDER } from '../score/bundled-models.ts';
import { SourceController } from './source-controller.ts';

/**
 * @fires collapse-progress - the share of all steps that is done as `detail`, while a demonstration is running;
 *   otherwise null.
 */
@customElement('lab-collapse-view')
export class LabCollapseView extends LabElement {
  static override readonly styles = [
    baseStyles,
    buttonStyles,
    headingStyles,
    disclosureStyles,
    readoutStyles,
    collapseViewStyles,
  ];

  /** Starts the training worker. */
  @property({ attribute: false }) openGrpo: OpenGrpo | undefined;
  /** Opens the worker that stores checkpoints. */
  @property({ attribute: false }) openStore: (() => Promise<CheckpointClient>) | undefined;
  @property() backend: BackendChoice = 'auto';
  /** The model folder that all branches start from, relative to the page. */
  @property() modelUrl = START_FOLDER;
  /** Whether the settings are those of the lesson. */
  @property({ type: Boolean }) lessonPreset = false;
  /** The weight of the examples that the address asks for; undefined for the usual one. */
  @property({ attribute: false }) lambda: string | undefined;
  @state() private choice: DemonstrationChoice = DEFAULT_CHOICE;
  /** What the lesson has recorded, once it was fetched. */
  @state() private recorded: Recording | undefined;
  #isRecordedAsked = false;
  @query('.head h2') private heading: HTMLElement | null | undefined;
  #hadFocus = false;
  /** Counts demonstrations, so that each gets new elements. */
  #number = 0;
  readonly #demonstration = collapseController(
    this,
    async () => this.#opener()(),
    (event) => this.#happened(event),
  );
  readonly #checkpoints = new CheckpointsController(this);
  readonly #source = new SourceController(
    this,
    () => this.#demonstration.thread(),
    () => this.#checkpoints.state.overview,
  );

  override willUpdate(changed: Map<PropertyKey, unknown>): void {
    this.#hadFocus = this.matches(':focus-within');
    if (changed.has('lessonPreset') && this.lessonPreset) this.choice = LESSON_CHOICE;
    if (this.#demonstration.state.branches.length > 0) this.#fetchRecorded();
    if (changed.has('lambda') && this.lambda !== undefined) this.choice = withLambda(this.choice, this.lambda);
    // That nothing can be kept is said by the list of checkpoints, and by a run that cannot keep its own.
    if (changed.has('openStore')) void this.openStore?.().then((store) => this.#use(store), () => undefined); // prettier-ignore
  }

  override render(): unknown {
    const { state: shown } = this.#demonstration;
    return html`<div class="bench">
      <lab-demonstration-offers
        ?hidden=${isOpen(shown)}
        .controller=${this.#checkpoints}
        .shelf=${this.#checkpoints.state}
        @demonstration-resume=${(event: CustomEvent<KeptDemonstration>) => this.#begin(event.detail)}
      ></lab-demonstration-offers>
      <div class="head ${shown.phase === 'idle' ? 'panel' : ''}">
        ${shown.phase === 'idle' ? this.#setup() : this.#controls()}
      </div>
      <div class="panel honest">
        <h2 class="heading">What this shows, and what it does not</h2>
        <p>
          <strong>Head-heavy prompts favour mode balance by construction:</strong> reinforcement hardly ever meets a
          rare rule there, while the expert samples cover them all. Therefore the matched control with the full reward
          runs with it unless it is left out: where prompts and reward leave nothing out, less is forgotten, or nothing.
        </p>
        <p>
          <strong>A single live run proves nothing.</strong> It is one seed of a tiny model on a made-up world. Claims
          need several seeds and controls: the experiment below, and others that the command line runs.
        </p>
        <p>Collapse is the lab’s own definition, made so that it can be refuted: ${COLLAPSE_MEANING}.</p>
      </div>
      <div class="panel"><lab-findings .load=${loadE1}></lab-findings></div>
      <div class="panel"><lab-theory></lab-theory></div>
    </div>`;
  }

  override updated(): void {
    // What had the focus may be gone with the form or the run that it belonged to.
    if (this.#hadFocus && !this.matches(':focus-within')) this.heading?.focus();
    const { phase, branches } = this.#demonstration.state;
    const isUnderWay = phase === 'preparing' || phase === 'running' || phase === 'paused';
    const detail = isUnderWay ? doneShare(branches) : null;
    this.dispatchEvent(new CustomEvent<number | null>('collapse-progress', { detail }));
  }

  #happened({ kind }: GrpoEvent): void {
    if (kind === 'stopped' || kind === 'failed' || kind === 'finished') void this.#checkpoints.refresh();
  }

  #setup(): unknown {
    const source = this.#source;
    return html`<h2 class="heading" tabindex="-1">Watch a model forget while its reward climbs</h2>
      ${
        this.lessonPreset
          ? html`<lab-notice heading="Set as in the lesson, with seed ${this.choice.draft.get('grpo.seed')}">
              Say at which step the reward-only run will have collapsed, then press “Run the demonstration”. The
              recorded run is drawn behind it as a faint line, as long as nothing is changed that decides what is
              learned.
            </lab-notice>`
          : nothing
      }
      <lab-collapse-setup
        .choice=${this.choice}
        ?ready=${source.isReady}
        @choice-change=${(event: CustomEvent<DemonstrationChoice>) => (this.choice = event.detail)}
        @demonstration-run=${(event: CustomEvent<DemonstrationChoice>) => this.#run(event.detail)}
      >
        <lab-collapse-source
          slot="source"
          .starts=${source.starts}
          .startId=${source.chosen.startId}
          .chosen=${source.chosen.data}
          .data=${source.data.state}
          .rules=${source.rules.state}
          @start-choose=${(event: CustomEvent<string>) => source.chooseStart(event.detail)}
          @data-kind=${(event: CustomEvent<DataKind>) => source.chooseKind(event.detail)}
          @data-files=${(event: CustomEvent<readonly File[]>) => source.readData(event.detail)}
          @data-columns=${(event: CustomEvent<ColumnWishes>) => source.readColumns(event.detail)}
          @data-grades=${(event: CustomEvent<string>) => source.sayGrades(event.detail)}
          @rules-files=${(event: CustomEvent<readonly File[]>) => source.readRules(event.detail)}
          @rules-drop=${() => source.rules.drop()}
        ></lab-collapse-source>
      </lab-collapse-setup>`;
  }

  #controls(): unknown {
    const { state: shown, pending } = this.#demonstration;
    const { phase, failure, refused, backend, prepared, branches } = shown;
    const isUnderWay = phase === 'preparing' || phase === 'running' || phase === 'paused';
    return html`<div class="live">
        <div class="bar">
          <h2 class="heading" tabindex="-1">The demonstration</h2>
          <p class="now">
            <strong class="step">${demonstrationFigure(shown)}</strong>
            <span class="beside">${demonstrationProgress(shown, pending)}</span>
          </p>
          <p class="actions">
            ${phase === 'past' ? nothing : this.#steering()}
            <button class="end" aria-disabled=${pending === 'stop' ? 'true' : 'false'} @click=${this.#reset}>
              ${phase === 'past' ? 'New demonstration' : 'Reset'}
            </button>
          </p>
        </div>
        ${
          isUnderWay
            ? branches.length === 0
              ? html`<progress aria-label="Preparing"></progress>`
              : html`<progress aria-label="Steps made" .value=${doneShare(branches)} max="1"></progress>`
            : nothing
        }
        ${failureNotice(failure)}
        ${
          this.lessonPreset && branches.length > 0 && this.recorded !== undefined && this.#ghost(branches) === undefined
            ? html`<lab-notice heading="This is not the run of the lesson">
                It was begun with other settings. Those of the lesson are in the form that comes after
                “${phase === 'past' ? 'New demonstration' : 'Reset'}”.
              </lab-notice>`
            : nothing
        }
        ${
          shown.recovering === undefined
            ? nothing
            : html`<lab-notice heading="The GPU was lost; another one is being opened">
                ${shown.recovering} Each branch repeats its steps since its last checkpoint, with the same numbers.
              </lab-notice>`
        }
        ${
          shown.unsaved === undefined
            ? nothing
            : html`<lab-notice heading="A checkpoint could not be kept">
                ${shown.unsaved.message} The demonstration continues, but may not survive a reload.
              </lab-notice>`
        }
        ${refused === undefined ? nothing : html`<lab-notice heading="That cannot be done">${refused.message}</lab-notice>`}
        ${branches.length === 0 ? nothing : this.#live(branches)}
      </div>
      ${branches.length === 0 ? nothing : this.#details(branches)}
      <details class="about">
        <summary>
          About this run${(backend?.problems.length ?? 0) === 0 ? '' : ': a faster backend is not used'}
        </summary>
        <p class="note">
          ${
            phase === 'past'
              ? 'It ended on an earlier visit, and is shown until another one starts.'
              : `Branches are stored in this browser while they run: after a reload, unfinished ones can continue and
                finished ones are still shown. Reset ends the demonstration for good; the last two checkpoints of each
                branch stay in the list of the Train view until they are deleted there.`
          }
        </p>
        ${(backend?.problems ?? []).map((problem) => html`<p class="note">${problem}</p>`)}
        ${
          backend === undefined
            ? nothing
            : html`<p class="note">
                Runs on ${backendName(backend.backend)}. ${backend.device}:
                ${backend.reason}.${
                  prepared === undefined
                    ? nothing
                    : ` All branches start from ${prepared.modelName}, ${formatCount(prepared.parameters)} parameters.`
                }
              </p>`
        }
      </details>`;
  }

  /** Buttons keep their places and the focus, whatever they say; one that cannot act is only marked as such. */
  #steering(): unknown {
    const { state: shown, pending } = this.#demonstration;
    const canStep = (shown.phase === 'running' || shown.phase === 'paused') && pending !== 'stop';
    const isPaused = shown.phase === 'paused';
    const canTurn = canStep && (isPaused || pending !== 'pause');
    return html`<button
        class=${isPaused ? 'primary' : ''}
        aria-disabled=${canTurn ? 'false' : 'true'}
        @click=${() => canTurn && this.#ask({ kind: isPaused ? 'resume' : 'pause' })}
      >
        ${isPaused ? 'Continue' : 'Pause'}
      </button>
      <button aria-disabled=${canStep ? 'false' : 'true'} @click=${() => canStep && this.#ask({ kind: 'step' })}>
        One step each
      </button>`;
  }

  #live(branches: readonly BranchState[]): unknown {
    const { state: shown } = this.#demonstration;
    return html`<lab-live
      .branches=${branches}
      .prepared=${shown.prepared}
      .ghost=${this.#ghost(branches)}
      ?open=${isOpen(shown)}
      ?forkable=${branches.length < MAX_BRANCHES}
      @branch-command=${(event: CustomEvent<GrpoCommand>) => this.#ask(event.detail)}
    ></lab-live>`;
  }

  /** The recorded run where one of the branches is that run again. */
  #ghost(branches: readonly BranchState[]): Recording | undefined {
    const { recorded } = this;
    const { prepared } = this.#demonstration.state;
    if (recorded === undefined || prepared === undefined) return undefined;
    return branches.some(({ experiment }) => isRecordedRun(experiment, prepared, recorded)) ? recorded : undefined;
  }

  /** Its curves are a help and no condition. */
  #fetchRecorded(): void {
    if (this.#isRecordedAsked) return;
    this.#isRecordedAsked = true;
    void bundledRecording('grpo').then(
      (recording) => (this.recorded = recording),
      () => undefined,
    );
  }

  #details(branches: readonly BranchState[]): unknown {
    const { prepared, backend } = this.#demonstration.state;
    return html`<lab-collapse-details
      .branches=${branches}
      .prepared=${prepared}
      .number=${this.#number}
      device=${backend === undefined ? '' : `${backend.backend}, ${backend.device}`}
    ></lab-collapse-details>`;
  }

  #use(store: CheckpointClient): void {
    this.#checkpoints.use(store);
    void this.#recall(store);
  }

  /** Shows the demonstration that was finished on an earlier visit, unless another is shown. */
  async #recall(store: CheckpointClient): Promise<void> {
    const events = await recalled(store, 'collapse', GrpoEventSchema);
    if (events === null || this.#demonstration.state.phase !== 'idle') return;
    this.#number += 1;
    this.#demonstration.show({ ...events.reduce(applyGrpoEvent, STARTED_DEMONSTRATION), phase: 'past' });
  }

  /** Ends the demonstration and discards it. */
  #reset(): void {
    if (this.#demonstration.isOpen) {
      this.#ask({ kind: 'stop' });
      return;
    }
    this.#demonstration.dismiss();
    void this.#checkpoints.act('Discarding', (store) => store.dropRecord('collapse'));
  }

  #ask(command: GrpoCommand): void {
    this.#demonstration.command(command);
  }

  #run(choice: DemonstrationChoice): void {
    this.choice = choice;
    const plan = planDemonstration(choice, this.#source.source, new URL(this.modelUrl, document.baseURI).href);
    if (plan !== undefined) this.#begin(plan);
  }

  #opener(): OpenGrpo {
    const { openGrpo } = this;
    if (openGrpo === undefined) throw new LabError('internal', { message: 'The view has no training worker.' });
    return openGrpo;
  }

  #begin(request: KeptDemonstration): void {
    this.#number += 1;
    // Without permission, data is stored with the browser's usual guarantees.
    void askToPersist().catch(() => undefined);
    void this.#demonstration.run({ ...request, backend: this.backend });
  }
}

declare global {
  interface HTMLElementTagNameMap {
    'lab-collapse-view': LabCollapseView;
  }
}
