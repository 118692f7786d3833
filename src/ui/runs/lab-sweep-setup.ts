/**
 * A sweep from a run: settings with several values each, seeds, and how many runs that makes.
 */
import { css, html, nothing } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import { type Failure, failureOf } from '../../protocol/failure.ts';
import type { RunRow, SettingPaths, SweepPlan, SweepRequest } from '../../protocol/runs.ts';
import type { RunWatch } from '../../protocol/tracked-run.ts';
import { failureNotice } from '../parts/failure-notice.ts';
import { fieldStyles } from '../parts/forms/field-styles.ts';
import { formatCount, formatSpan } from '../parts/format.ts';
import { LabElement } from '../parts/lab-element.ts';
import { baseStyles, buttonStyles, headingStyles } from '../parts/shared-styles.ts';
import { metricName, watchText } from './run-text.ts';
import { valueOf } from './event-value.ts';
import type { RunsClient } from './runs-client.ts';

/** A setting with its values, as typed. */
interface SweptRow {
  readonly path: string;
  readonly values: string;
}

/** Settings that are swept most often, by kind of run. */
const USUAL: Readonly<Record<RunRow['kind'], string>> = {
  sft: 'sft.learningRate',
  grpo: 'grpo.balance.lambda',
  distill: 'distill.learningRate',
};

/**
 * @fires sweep-queue - the {@link SweepRequest} as `detail`.
 */
@customElement('lab-sweep-setup')
export class LabSweepSetup extends LabElement {
  static override readonly styles = [
    baseStyles,
    buttonStyles,
    fieldStyles,
    headingStyles,
    css`
      section {
        display: grid;
        gap: var(--space-3);
      }
      .row {
        display: grid;
        grid-template-columns: minmax(0, 1.4fr) minmax(0, 1fr) auto;
        gap: var(--space-2) var(--space-3);
        align-items: end;
      }
      label {
        display: grid;
        gap: var(--space-1);
        color: var(--muted);
        font-size: var(--text-small);
      }
      .seeds {
        max-width: 14rem;
      }
      .watch {
        display: grid;
        grid-template-columns: repeat(auto-fit, minmax(min(100%, 16rem), 1fr));
        gap: var(--space-2) var(--space-3);
        align-items: end;
      }
      .bar {
        display: flex;
        flex-wrap: wrap;
        gap: var(--space-2) var(--space-4);
        align-items: center;
      }
      p {
        color: var(--muted);
        font-size: var(--text-small);
      }
      @media (width < 40rem) {
        .row {
          grid-template-columns: minmax(0, 1fr);
        }
      }
    `,
  ];

  /** The run whose settings all others have. */
  @property({ attribute: false }) base: RunRow | undefined;
  @property({ attribute: false }) client: (() => Promise<RunsClient>) | undefined;
  @state() private rows: readonly SweptRow[] = [{ path: '', values: '' }];
  @state() private seeds = '1-5';
  /** The metric that the runs are watched by; empty if they are not. */
  @state() private metric = '';
  @state() private patience = '5';
  @state() private paths: SettingPaths = [];
  @state() private plan: SweepPlan | undefined;
  @state() private failure: Failure | undefined;
  /** The base whose settings were asked for. */
  #baseId: string | undefined;

  override willUpdate(changed: Map<PropertyKey, unknown>): void {
    // A base that has only come further is the same base.
    if (!changed.has('base') || this.base?.id === this.#baseId) return;
    this.#baseId = this.base?.id;
    void this.#readPaths();
  }

  override render(): unknown {
    const { base, plan, paths } = this;
    if (base === undefined) return nothing;
    return html`<section>
      <h3 class="heading">A sweep from ${base.name}</h3>
      <datalist id="paths">
        ${paths.map(({ path, label, value }) => html`<option value=${path}>${label}, now ${value}</option>`)}
      </datalist>
      ${this.rows.map((row, index) => this.#row(row, index))}
      <label class="seeds"
        >Seeds
        <input
          class="control"
          .value=${this.seeds}
          @input=${(event: Event) => {
            this.seeds = valueOf(event);
            void this.#planAnew();
          }}
      /></label>
      ${this.#watchFields(base)} ${failureNotice(this.failure)}
      <span class="bar">
        <button @click=${() => (this.rows = [...this.rows, { path: '', values: '' }])}>Another setting</button>
        <button
          class="primary"
          ?disabled=${plan === undefined}
          @click=${() => this.dispatchEvent(new CustomEvent<SweepRequest>('sweep-queue', { detail: this.#request(base) }))}
        >
          ${plan === undefined ? 'Queue' : `Queue ${formatCount(plan.names.length)} ${plan.names.length === 1 ? 'run' : 'runs'}`}
        </button>
        ${plan === undefined ? nothing : html`<p>${expectation(plan, base.name)}</p>`}
      </span>
    </section>`;
  }

  #watchFields({ last }: RunRow): unknown {
    const { metric, patience } = this;
    const watch = this.#watch();
    return html`<span class="watch">
        <label
          >Keep the best checkpoint by
          <select
            class="control"
            @change=${(event: Event) => {
              this.metric = valueOf(event);
              void this.#planAnew();
            }}
          >
            <option value="">nothing: the last ones are kept</option>
            ${Object.keys(last).map(
              (name) => html`<option value=${name} ?selected=${name === metric}>${metricName(name)}</option>`,
            )}
          </select></label
        >
        ${
          metric === ''
            ? nothing
            : html`<label
                >End after measurements without a better one (0: never)
                <input
                  class="control"
                  type="number"
                  min="0"
                  max="10000"
                  .value=${patience}
                  @input=${(event: Event) => {
                    this.patience = valueOf(event);
                    void this.#planAnew();
                  }}
              /></label>`
        }
      </span>
      ${watch === null ? nothing : html`<p>${watchText(watch)}</p>`}`;
  }

  #watch(): RunWatch | null {
    const { metric, patience } = this;
    return metric === '' ? null : { metric, patience: Number(patience) };
  }

  #row({ path, values }: SweptRow, index: number): unknown {
    const known = this.paths.find((one) => one.path === path);
    return html`<div class="row">
      <label
        >Setting
        <input
          class="control"
          list="paths"
          autocomplete="off"
          spellcheck="false"
          .value=${path}
          @input=${(event: Event) => this.#change(index, { path: valueOf(event), values })}
      /></label>
      <label
        >Values, separated by commas
        <input
          class="control"
          autocomplete="off"
          spellcheck="false"
          placeholder=${known === undefined ? '0, 0.3, 1' : `now ${known.value}; ${known.takes}`}
          .value=${values}
          @input=${(event: Event) => this.#change(index, { path, values: valueOf(event) })}
      /></label>
      ${
        this.rows.length === 1
          ? nothing
          : html`<button
              aria-label=${`Remove ${path === '' ? 'the setting' : path}`}
              @click=${() => {
                this.rows = this.rows.filter((_, other) => other !== index);
                void this.#planAnew();
              }}
            >
              Remove
            </button>`
      }
    </div>`;
  }

  #change(index: number, row: SweptRow): void {
    this.rows = this.rows.map((other, i) => (i === index ? row : other));
    void this.#planAnew();
  }

  #request(base: RunRow): SweepRequest {
    const filled = this.rows.filter(({ path, values }) => path.trim() !== '' && values.trim() !== '');
    return {
      baseId: base.id,
      set: filled.map(({ path, values }) => `${path.trim()}=${values}`),
      seeds: this.seeds,
      watch: this.#watch(),
    };
  }

  async #readPaths(): Promise<void> {
    const { base, client } = this;
    if (base === undefined || client === undefined) return;
    [this.paths, this.plan, this.failure] = [[], undefined, undefined];
    try {
      const paths = await (await client()).settings(base.id);
      if (this.#baseId !== base.id) return;
      this.paths = paths;
      const usual = paths.find(({ path }) => path === USUAL[base.kind]);
      this.rows = [{ path: usual?.path ?? '', values: '' }];
      await this.#planAnew();
    } catch (thrown) {
      if (this.#baseId === base.id) this.failure = failureOf(thrown);
    }
  }

  /** The plan of what is typed; the last answer counts. */
  async #planAnew(): Promise<void> {
    const { base, client } = this;
    if (base === undefined || client === undefined) return;
    const request = this.#request(base);
    const isLate = (): boolean =>
      this.base === undefined || JSON.stringify(request) !== JSON.stringify(this.#request(this.base));
    try {
      const plan = await (await client()).planSweep(request);
      if (isLate()) return;
      [this.plan, this.failure] = [plan, undefined];
    } catch (thrown) {
      if (isLate()) return;
      [this.plan, this.failure] = [undefined, failureOf(thrown)];
    }
  }
}

/** "About 12 min, if each takes as long as first-model did." */
function expectation({ names, baseMs }: SweepPlan, base: string): string {
  if (baseMs === null) return `One after another; how long ${base} took is not known.`;
  return `About ${formatSpan((baseMs / 1000) * names.length)}, if each takes as long as ${base} did.`;
}

declare global {
  interface HTMLElementTagNameMap {
    'lab-sweep-setup': LabSweepSetup;
  }
}
