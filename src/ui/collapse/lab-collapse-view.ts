/**
 * The Collapse view: branches of one model learn side by side by reinforcement, and the reader watches what each earns
 * and forgets. Once opened it stays in the page, so that a demonstration continues while another view is shown.
 *
 * Room `ui/collapse/`: everything of the Collapse view: planning, running and resuming demonstrations, curves, rules
 * and completions. Elements that other views use as well belong in `ui/parts/`.
 */
import { html, nothing } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import { repeat } from 'lit/directives/repeat.js';
import { LabError } from '../../common/errors.ts';
import {
  type GrpoCommand,
  type GrpoEvent,
  GrpoEventSchema,
  MAX_BRANCHES,
  type MeasuredPoint,
} from '../../protocol/grpo.ts';
import type { BackendChoice } from '../../protocol/scoring.ts';
import type { ColumnWishes } from '../../protocol/imported-data.ts';
import type { DataKind } from '../../protocol/sft-experiment.ts';

import { branchLook } from '../parts/branch-looks.ts';
import type { CheckpointClient } from '../parts/checkpoint-client.ts';
import { CheckpointsController } from '../parts/checkpoints-controller.ts';
import { collapseController } from './collapse-controller.ts';
import { demonstrationFigure, demonstrationProgress, doneShare, lastStep } from './collapse-progress.ts';
import { applyGrpoEvent, type BranchState, isOpen, STARTED_DEMONSTRATION } from './collapse-state.ts';
import { alarmOf } from './collapse-text.ts';
import { collapseViewStyles } from './collapse-view-styles.ts';
import { addPoint, type Curve, EMPTY_CURVE } from '../parts/curve.ts';
import { DEFAULT_CHOICE, type DemonstrationChoice, LESSON_CHOICE, planDemonstration } from './demonstration.ts';
import type { KeptDemonstration } from './demonstration-offers.ts';
import { loadE1 } from './experiment-file.ts';
import { failureNotice } from '../parts/failure-notice.ts';
import { backendName, formatCount, formatNats, formatPercent, wholePercent } from '../parts/format.ts';
import type { OpenGrpo } from '../parts/grpo-client.ts';
import './lab-branch.ts';
import '../parts/lab-chart.ts';
import type { ChartLine } from '../parts/lab-chart.ts';
import './lab-collapse-setup.ts';
import './lab-collapse-source.ts';
import './lab-completions.ts';
import './lab-demonstration-offers.ts';
import './lab-findings.ts';
import '../parts/lab-notice.ts';
import './lab-rule-autopsy.ts';
import '../theory/lab-theory.ts';
import { askToPersist } from '../parts/persistence.ts';
import { recalled } from '../parts/run-record.ts';
import { readoutStyles } from '../parts/readout-styles.ts';
import { orderedRules } from './rule-series.ts';
import { LabElement } from '../parts/lab-element.ts';
import { baseStyles, buttonStyles, headingStyles } from '../parts/shared-styles.ts';
import { SourceController } from './source-controller.ts';

/** Formats of values. Without a range the axis follows the curves, because a reward climbs by few hundredths. */
const UNITS = {
  reward: { range: undefined, format: twoDecimals, tick: twoDecimals },
  share: { range: [0, 1] as const, format: formatPercent, tick: wholePercent },
  nats: { range: undefined, format: formatNats, tick: String },
} as const;

/** The measurements of every branch, on common axes. */
const CHARTS = [
  { heading: 'Reward', of: ({ probe }) => probe.reward, unit: 'reward' },
  { heading: 'Recall of rare rules', of: ({ heldOut }) => heldOut.tailRecall, unit: 'share' },
  { heading: 'Recall of common rules', of: ({ heldOut }) => heldOut.headRecall, unit: 'share' },
  { heading: 'Entropy of the label, nats', of: ({ probe }) => probe.labelEntropyNats, unit: 'nats' },
  { heading: 'Entropy of the reasoning, nats', of: ({ probe }) => probe.reasoningEntropyNats, unit: 'nats' },
] as const satisfies readonly {
  heading: string;
  of: (measures: MeasuredPoint['measures']) => number | null;
  unit: keyof typeof UNITS;
}[];

/**
 * @fires collapse-progress - the share of all steps that is done as `detail`, while a demonstration is running;
 *   otherwise null.
 */
@customElement('lab-collapse-view')
export class LabCollapseView extends LabElement {
  static override readonly styles = [baseStyles, buttonStyles, headingStyles, readoutStyles, collapseViewStyles];

  /** Starts the training worker. */
  @property({ attribute: false }) openGrpo: OpenGrpo | undefined;
  /** Opens the worker that stores checkpoints. */
  @property({ attribute: false }) openStore: (() => Promise<CheckpointClient>) | undefined;
  @property() backend: BackendChoice = 'auto';
  /** The model folder that all branches start from, relative to the page. */
  @property() modelUrl = 'models/lab-nano-start/';
  /** Whether the settings are those of the lesson. */
  @property({ type: Boolean }) lessonPreset = false;
  @state() private choice: DemonstrationChoice = DEFAULT_CHOICE;
  /** The rule shown in strips and autopsy; undefined for the first rare one. */
  @state() private chosenRule: number | undefined;
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
    if (changed.has('lessonPreset') && this.lessonPreset) this.choice = LESSON_CHOICE;
    if (changed.has('openStore')) void this.openStore?.().then((store) => this.#use(store));
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
      <div class="panel head">${shown.phase === 'idle' ? this.#setup() : this.#controls()}</div>
      ${shown.branches.length === 0 ? nothing : this.#results(shown.branches)}
      <div class="panel honest">
        <h2 class="heading">What this shows, and what it does not</h2>
        <p>
          <strong>Head-heavy prompts favour mode balance by construction:</strong> reinforcement hardly ever meets a
          rare rule there, while the expert samples cover them all. Therefore the matched control with the full reward
          always runs with it: where prompts and reward leave nothing out, less is forgotten, or nothing.
        </p>
        <p>
          <strong>A single live run proves nothing.</strong> It is one seed of a tiny model on a made-up world. Claims
          need several seeds and controls: the experiment below, and others that the command line runs.
        </p>
        <p>
          Collapse is the lab’s own definition, made so that it can be refuted: since the start, the mean reward has
          risen while recall of rare rules and the number of different rules cited have fallen, all three by at least
          the bounds shown.
        </p>
      </div>
      <div class="panel"><lab-findings .load=${loadE1}></lab-findings></div>
      <div class="panel"><lab-theory></lab-theory></div>
    </div>`;
  }

  override updated(): void {
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
    return html`<h2 class="heading">Watch a model forget while its reward climbs</h2>
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
    const canStep = (phase === 'running' || phase === 'paused') && pending !== 'stop';
    return html`<h2 class="heading">The demonstration</h2>
      <p class="readout">
        <strong class="figure">${demonstrationFigure(shown)}</strong>
        <span class="beside">${demonstrationProgress(shown, pending)}</span>
      </p>
      ${
        phase === 'preparing' || phase === 'running' || phase === 'paused'
          ? branches.length === 0
            ? html`<progress aria-label="Preparing"></progress>`
            : html`<progress aria-label="Steps made" .value=${doneShare(branches)} max="1"></progress>`
          : nothing
      }
      ${failureNotice(failure)}
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
      ${branches.map((branch) => {
        const alarm = alarmOf(branch);
        return alarm.kind === 'collapsed'
          ? html`<lab-notice class="alarm" heading="Collapse: ${branch.name}">${alarm.text}</lab-notice>`
          : nothing;
      })}
      ${(backend?.problems ?? []).map(
        (problem) => html`<lab-notice heading="A faster backend is not used">${problem}</lab-notice>`,
      )}
      <p class="actions">
        ${phase === 'past' ? nothing : this.#steering(canStep)}
        <button class="end" ?disabled=${pending === 'stop'} @click=${this.#reset}>
          ${phase === 'past' ? 'New demonstration' : 'Reset'}
        </button>
      </p>
      <p class="note">
        ${
          phase === 'past'
            ? 'It ended on an earlier visit, and is shown until another one starts.'
            : `Branches are stored in this browser while they run: after a reload, unfinished ones can continue and finished
              ones are still shown. Reset ends the demonstration for good; the last two checkpoints of each branch stay in
              the list of the Train view until they are deleted there.`
        }
      </p>
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
      }`;
  }

  #steering(canStep: boolean): unknown {
    const { state: shown, pending } = this.#demonstration;
    return html`${
        shown.phase === 'paused'
          ? html`<button class="primary" ?disabled=${!canStep} @click=${() => this.#ask({ kind: 'resume' })}>
              Continue
            </button>`
          : html`<button ?disabled=${!canStep || pending === 'pause'} @click=${() => this.#ask({ kind: 'pause' })}>
              Pause
            </button>`
      } <button ?disabled=${!canStep} @click=${() => this.#ask({ kind: 'step' })}>One step each</button>`;
  }

  #results(branches: readonly BranchState[]): unknown {
    const { state: shown } = this.#demonstration;
    const { prepared } = shown;
    const rules = prepared?.rules ?? [];
    const rule = this.chosenRule ?? orderedRules(rules).find((index) => rules[index]?.isTail === true) ?? 0;
    const heldOut = branches[0]?.points[0]?.measures.heldOut.pairs;
    return html`<div class="panel">
        <div class="charts">${CHARTS.map((chart) => this.#chart(chart, branches))}</div>
        <p class="note">
          Reward and entropies of completions sampled for a fixed part of each branch’s own prompts, under its own
          reward: the control is paid by another reward than its neighbours. Recall of greedy answers to
          ${heldOut === undefined ? 'the' : formatCount(heldOut)} held-out pairs, the same for all.
        </p>
      </div>
      <div class="branches">
        ${repeat(
          branches,
          ({ id }) => `${this.#number}/${id}`,
          (branch) =>
            html`<lab-branch
              .branch=${branch}
              .prepared=${prepared}
              .device=${shown.backend === undefined ? '' : `${shown.backend.backend}, ${shown.backend.device}`}
              .rule=${rule}
              ?open=${isOpen(shown)}
              ?forkable=${branches.length < MAX_BRANCHES}
              @branch-command=${(event: CustomEvent<GrpoCommand>) => this.#ask(event.detail)}
              @rule-choose=${this.#ruleChosen}
            ></lab-branch>`,
        )}
      </div>
      <div class="panel">
        <lab-rule-autopsy
          .branches=${branches}
          .prepared=${prepared}
          .rule=${rule}
          @rule-choose=${this.#ruleChosen}
        ></lab-rule-autopsy>
      </div>
      <div class="panel"><lab-completions .branches=${branches} .prepared=${prepared}></lab-completions></div>`;
  }

  #chart({ heading, of, unit }: (typeof CHARTS)[number], branches: readonly BranchState[]): unknown {
    const lines = branches.map(({ id, name, points }): ChartLine => {
      const curve = points.reduce((drawn: Curve, { step, measures }) => {
        const value = of(measures);
        return value === null ? drawn : addPoint(drawn, step, value);
      }, EMPTY_CURVE);
      return { name, look: branchLook(id), curve };
    });
    return html`<lab-chart
      heading=${heading}
      .steps=${lastStep(branches)}
      .range=${UNITS[unit].range}
      .format=${UNITS[unit].format}
      .formatTick=${UNITS[unit].tick}
      .lines=${lines}
    ></lab-chart>`;
  }

  readonly #ruleChosen = (event: CustomEvent<number>): void => {
    this.chosenRule = event.detail;
  };

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
    void this.openStore?.().then((store) => store.dropRecord('collapse'));
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
    this.chosenRule = undefined;
    this.#number += 1;
    // Without permission, data is stored with the browser's usual guarantees.
    void askToPersist().catch(() => undefined);
    void this.#demonstration.run({ ...request, backend: this.backend });
  }
}

function twoDecimals(value: number): string {
  return value.toFixed(2);
}

declare global {
  interface HTMLElementTagNameMap {
    'lab-collapse-view': LabCollapseView;
  }
}
