/**
 * The Runs view: all runs that this browser has made or imported, compared and exported.
 *
 * Room `ui/runs/`: the table of runs and their comparison. What starts runs is in `ui/train/` and `ui/collapse/`.
 */
import { html, nothing } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import { LabError } from '../../common/errors.ts';
import { type Failure, failureOf } from '../../protocol/failure.ts';
import {
  type ComparedCompletions,
  type ComparisonAxis,
  MOST_COMPARED,
  RUN_EXPORTS,
  type PresetRequest,
  type RunExport,
  type RunRow,
  type RunsComparison,
  SHOWN_METRICS,
  type SweepRequest,
} from '../../protocol/runs.ts';
import type { RunChange } from '../../protocol/tracked-run.ts';
import type { BackendChoice } from '../../protocol/scoring.ts';
import { failureNotice } from '../parts/failure-notice.ts';
import { choiceStyles, fieldStyles } from '../parts/forms/field-styles.ts';
import { formatCount } from '../parts/format.ts';
import type { OpenGrpo } from '../parts/sessions/grpo-client.ts';
import { LabElement } from '../parts/lab-element.ts';
import { askToPersist } from '../parts/persistence.ts';
import { baseStyles, buttonStyles, headingStyles } from '../parts/shared-styles.ts';
import type { OpenTraining } from '../parts/sessions/training-client.ts';
import './lab-preset-setup.ts';
import './lab-run-comparison.ts';
import { MOST_BESIDE } from './lab-run-completions.ts';
import './lab-run-remarks.ts';
import './lab-run-table.ts';
import './lab-sweep-setup.ts';
import { QueueController } from './queue-controller.ts';
import { EMPTY, importedNotice, queuePanel, removedNotice } from './run-notices.ts';
import { matches, metricName } from './run-text.ts';
import { valueOf } from './event-value.ts';
import type { OpenRuns, RunsClient } from './runs-client.ts';
import { RunsController } from './runs-controller.ts';
import { runsViewStyles } from './runs-view-styles.ts';

const EXPORT_NAMES: Readonly<Record<RunExport, string>> = {
  zip: 'Records (zip)',
  report: 'Report with figures (zip)',
  csv: 'Measurements (CSV)',
  html: 'Comparison (HTML)',
  tensorboard: 'TensorBoard',
  bibtex: 'Citation (BibTeX)',
};

/** @fires queue-progress - the share of the present run of the queue that is done as `detail`; null without one. */
@customElement('lab-runs-view')
export class LabRunsView extends LabElement {
  static override readonly styles = [
    baseStyles,
    buttonStyles,
    choiceStyles,
    fieldStyles,
    headingStyles,
    runsViewStyles,
  ];

  /** Starts the worker that lists runs. */
  @property({ attribute: false }) openRuns: OpenRuns | undefined;
  /** Whether the view is in front. */
  @property({ type: Boolean }) active = false;
  /** The runs to compare, as the address names them. */
  @property({ attribute: false }) compared: readonly string[] = [];
  /** Starts the workers that make the runs of a sweep. */
  @property({ attribute: false }) openTraining: OpenTraining | undefined;
  @property({ attribute: false }) openGrpo: OpenGrpo | undefined;
  @property() backend: BackendChoice = 'auto';
  @state() private chosen: ReadonlySet<string> = new Set();
  @state() private openId = '';
  /** The run that a sweep is planned from. */
  @state() private sweptId = '';
  /** Whether the experiments of the lab are shown. */
  @state() private showsPresets = false;
  @state() private filter = '';
  @state() private showsArchived = false;
  /** The metric of the table; empty for the first that was measured. */
  @state() private metric = '';
  @state() private comparison: RunsComparison | undefined;
  @state() private completions: ComparedCompletions = [];
  @state() private comparisonFailure: Failure | undefined;
  /** The metrics that were asked for; undefined for the first that were measured. */
  #metrics: readonly string[] | undefined;
  #axis: ComparisonAxis = 'step';
  readonly #runs = new RunsController(this, () => this.#open());
  readonly #queue = new QueueController(
    this,
    () => ({
      runs: this.#runs.client,
      openTraining: this.openTraining,
      openGrpo: this.openGrpo,
      backend: this.backend,
    }),
    () => void this.#runs.refresh(),
  );

  override willUpdate(changed: Map<PropertyKey, unknown>): void {
    if (this.active && (changed.has('active') || changed.has('openRuns'))) void this.#runs.refresh();
    if (changed.has('compared') && this.active) {
      this.#metrics = undefined;
      this.chosen = new Set([...this.chosen, ...this.compared]);
      void this.#compare();
    }
  }

  override updated(): void {
    const { phase, step, steps } = this.#queue.state;
    const detail = phase === 'running' ? step / Math.max(1, steps) : null;
    this.dispatchEvent(new CustomEvent<number | null>('queue-progress', { detail }));
  }

  override render(): unknown {
    const { overview, failure, doing, removed, imported } = this.#runs.state;
    const all = (overview?.runs ?? []).map((run) => this.#live(run));
    return html`<div class="view" @dragover=${this.#dragged} @drop=${this.#dropped}>
      <header>
        <h2>Runs</h2>
        <button
          aria-expanded=${this.showsPresets ? 'true' : 'false'}
          @click=${() => (this.showsPresets = !this.showsPresets)}
        >
          Experiments
        </button>
        <button ?disabled=${doing !== undefined} @click=${this.#chooseFile}>${doing ?? 'Import records'}</button>
        <input type="file" hidden accept=".zip" @change=${this.#fileChosen} />
      </header>
      ${failureNotice(failure)}
      ${removed === undefined ? nothing : removedNotice(removed.count, () => this.#runs.undo())}
      ${imported === undefined ? nothing : importedNotice(imported)} ${queuePanel(this.#queue, all)}
      ${
        this.showsPresets
          ? html`<div class="panel">
              <lab-preset-setup
                .client=${this.#runs.client}
                @preset-queue=${(event: CustomEvent<PresetRequest>) => this.#queuePreset(event.detail)}
              ></lab-preset-setup>
            </div>`
          : nothing
      }
      ${overview === undefined ? nothing : all.length === 0 ? EMPTY : this.#list(all)}
      ${(overview?.damaged ?? []).map(
        ({ id, problem }) =>
          html`<p class="damaged">
            <span>A run that cannot be read (${problem})</span>
            <button @click=${() => this.#runs.remove([id])}>Delete</button>
          </p>`,
      )}
      ${this.#comparison()}
    </div>`;
  }

  /** A record has the step of the last checkpoint; the queue knows the present one. */
  #live(row: RunRow): RunRow {
    const { run, step, steps } = this.#queue.state;
    return run?.id === row.id && steps > 0 && step > row.step ? { ...row, state: 'running', step, steps } : row;
  }

  #list(all: readonly RunRow[]): unknown {
    const measured = SHOWN_METRICS.filter((metric) => all.some(({ last }) => last[metric] !== undefined));
    const metric = measured.find((one) => one === this.metric) ?? measured[0] ?? 'accuracy';
    const visible = all.filter((run) => (this.showsArchived || !run.isArchived) && matches(run, this.filter));
    const rows = visible.toSorted((a, b) => Number(b.isPinned) - Number(a.isPinned));
    const archived = all.filter(({ isArchived }) => isArchived).length;
    const open = all.find(({ id }) => id === this.openId);
    return html`<div class="bar">
        <input
          class="control filter"
          type="search"
          aria-label="Filter runs"
          placeholder="Name, seed 2, lambda 0.3"
          .value=${this.filter}
          @input=${(event: Event) => (this.filter = valueOf(event))}
        />
        <label
          >Metric
          <select class="control" @change=${(event: Event) => (this.metric = valueOf(event))}>
            ${measured.map((one) => html`<option value=${one} ?selected=${one === metric}>${metricName(one)}</option>`)}
          </select></label
        >
        ${
          archived === 0
            ? nothing
            : html`<label
                ><input
                  type="checkbox"
                  .checked=${this.showsArchived}
                  @change=${() => (this.showsArchived = !this.showsArchived)}
                />Show ${formatCount(archived)} archived</label
              >`
        }
        <span class="muted">${formatCount(rows.length)} of ${formatCount(all.length)} runs</span>
      </div>
      <div class="panel">
        <lab-run-table
          .runs=${rows}
          .chosen=${this.chosen}
          .openId=${this.openId}
          .metric=${metric}
          @runs-choice=${(event: CustomEvent<readonly string[]>) => (this.chosen = new Set(event.detail))}
          @run-open=${(event: CustomEvent<string>) => (this.openId = event.detail)}
          @run-pin=${(event: CustomEvent<string>) => this.#pin(all, event.detail)}
        ></lab-run-table>
      </div>
      ${
        open === undefined
          ? nothing
          : html`<div class="panel">
              <lab-run-remarks
                .run=${open}
                @run-change=${(event: CustomEvent<RunChange>) => this.#runs.change(open.id, event.detail)}
                @run-config=${() => this.#runs.exportConfig(open.id)}
              ></lab-run-remarks>
            </div>`
      }
      ${this.#actions(all)} ${this.#sweepSetup(all)}`;
  }

  #actions(all: readonly RunRow[]): unknown {
    // The first run is the baseline of a comparison: a pinned one, or else the oldest.
    const ordered = all.toReversed().toSorted((a, b) => Number(b.isPinned) - Number(a.isPinned));
    const ids = ordered.map(({ id }) => id).filter((id) => this.chosen.has(id));
    if (ids.length === 0) return html`<p class="muted">Choose runs to compare, export, archive or delete them.</p>`;
    const areArchived = all.every(({ id, isArchived }) => !this.chosen.has(id) || isArchived);
    const tooMany = ids.length > MOST_COMPARED;
    return html`<div class="bar" role="group" aria-label="Chosen runs">
      <button class="primary" ?disabled=${tooMany} @click=${() => this.#askToCompare(ids)}>
        Compare ${formatCount(ids.length)}
      </button>
      ${tooMany ? html`<span class="muted">At most ${MOST_COMPARED} can be compared.</span>` : nothing}
      <label
        >Export
        <select class="control" @change=${(event: Event) => this.#export(event, ids)}>
          <option value="">as …</option>
          ${RUN_EXPORTS.map((as) => html`<option value=${as}>${EXPORT_NAMES[as]}</option>`)}
        </select></label
      >
      ${
        ids.length === 1
          ? html`<button @click=${() => (this.sweptId = this.sweptId === ids[0] ? '' : (ids[0] ?? ''))}>
              Sweep from this run
            </button>`
          : nothing
      }
      ${this.#queueActions(all, ids)}
      <button @click=${() => this.#runs.changeAll(ids, { isArchived: !areArchived })}>
        ${areArchived ? 'Unarchive' : 'Archive'}
      </button>
      <button @click=${() => this.#remove(ids)}>Delete</button>
    </div>`;
  }

  /** What can be done with chosen runs that wait in the queue. */
  #queueActions(all: readonly RunRow[], ids: readonly string[]): unknown {
    const waiting = all.filter(
      ({ id, state, queuedAt }) => queuedAt !== null && state !== 'running' && ids.includes(id),
    );
    if (waiting.length === 0) return nothing;
    const first = Math.min(...all.flatMap(({ queuedAt }) => queuedAt ?? []));
    const placed = waiting.toSorted((a, b) => (a.queuedAt ?? 0) - (b.queuedAt ?? 0));
    return html`<button
      @click=${() => this.#runs.changeEach(placed.map(({ id }, i) => [id, { queuedAt: first - placed.length + i }] as const))}
    >
      Run next
    </button>`;
  }

  #sweepSetup(all: readonly RunRow[]): unknown {
    const base = all.find(({ id }) => id === this.sweptId);
    if (base === undefined) return nothing;
    return html`<div class="panel">
      <lab-sweep-setup
        .base=${base}
        .client=${this.#runs.client}
        @sweep-queue=${(event: CustomEvent<SweepRequest>) => this.#queueSweep(event.detail)}
      ></lab-sweep-setup>
    </div>`;
  }

  async #queueSweep(request: SweepRequest): Promise<void> {
    if (await this.#runs.queueSweep(request)) await this.#runQueue();
  }

  async #queuePreset(request: PresetRequest): Promise<void> {
    if (await this.#runs.queuePreset(request)) await this.#runQueue();
  }

  async #runQueue(): Promise<void> {
    this.sweptId = '';
    this.showsPresets = false;
    this.chosen = new Set();
    // Without permission, data is stored with the browser's usual guarantees.
    void askToPersist().catch(() => undefined);
    await this.#queue.start();
  }

  #comparison(): unknown {
    const { comparison, comparisonFailure } = this;
    if (comparison === undefined && comparisonFailure === undefined) return nothing;
    return html`<section class="panel" aria-label="Comparison">
      ${failureNotice(comparisonFailure)}
      <lab-run-comparison
        .comparison=${comparison}
        @metrics-choice=${(event: CustomEvent<readonly string[]>) => {
          this.#metrics = event.detail;
          void this.#compare();
        }}
        @axis-choice=${(event: CustomEvent<ComparisonAxis>) => {
          this.#axis = event.detail;
          void this.#compare();
        }}
      ></lab-run-comparison>
      <lab-run-completions .runs=${this.completions}></lab-run-completions>
    </section>`;
  }

  /** The address names what is compared, so that it can be shared within this browser and survives a reload. */
  #askToCompare(ids: readonly string[]): void {
    this.dispatchEvent(new CustomEvent<readonly string[]>('compare-runs', { detail: ids }));
  }

  async #compare(): Promise<void> {
    const { compared } = this;
    this.comparisonFailure = undefined;
    if (compared.length === 0) {
      this.comparison = undefined;
      return;
    }
    try {
      const client = await this.#runs.client();
      const [ids, axis] = [[...compared], this.#axis];
      const comparison = await client.compare({ ids, axis, ...(this.#metrics && { metrics: [...this.#metrics] }) });
      const completions = await client.completions(ids.slice(0, MOST_BESIDE));
      if (compared !== this.compared || axis !== this.#axis) return;
      const isNew = this.comparison === undefined;
      [this.comparison, this.completions] = [comparison, completions];
      await this.updateComplete;
      if (isNew) this.renderRoot.querySelector('section')?.scrollIntoView({ block: 'start' });
    } catch (thrown) {
      if (compared !== this.compared) return;
      this.comparison = undefined;
      this.comparisonFailure = failureOf(thrown);
    }
  }

  async #remove(ids: readonly string[]): Promise<void> {
    await this.#runs.remove(ids);
    this.chosen = new Set([...this.chosen].filter((id) => !ids.includes(id)));
  }

  #pin(all: readonly RunRow[], id: string): void {
    void this.#runs.change(id, { isPinned: !all.some((run) => run.id === id && run.isPinned) });
  }

  #export({ currentTarget: select }: Event, ids: readonly string[]): void {
    if (!(select instanceof HTMLSelectElement)) return;
    const as = RUN_EXPORTS.find((one) => one === select.value);
    select.value = '';
    if (as !== undefined) void this.#runs.exportRuns(ids, as);
  }

  /** File inputs cannot be styled, so a button opens them. */
  #chooseFile(): void {
    this.renderRoot.querySelector<HTMLInputElement>('input[type="file"]')?.click();
  }

  async #fileChosen({ currentTarget: input }: Event): Promise<void> {
    if (!(input instanceof HTMLInputElement)) return;
    const [file] = input.files ?? [];
    if (file !== undefined) await this.#runs.importFile(file);
    input.value = ''; // so that the same file can be chosen again
  }

  #dragged(event: DragEvent): void {
    if (event.dataTransfer?.types.includes('Files') === true) event.preventDefault();
  }

  async #dropped(event: DragEvent): Promise<void> {
    event.preventDefault();
    for (const file of event.dataTransfer?.files ?? []) await this.#runs.importFile(file);
  }

  async #open(): Promise<RunsClient> {
    if (this.openRuns === undefined) throw new LabError('internal', { message: 'The view has no worker for runs.' });
    return this.openRuns();
  }
}

declare global {
  interface HTMLElementTagNameMap {
    'lab-runs-view': LabRunsView;
  }
}
