/**
 * An experiment of the lab as runs of the queue: which of its arms, with which seeds, and how many runs that makes.
 */
import { css, html, nothing } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import { type Failure, failureOf } from '../../protocol/failure.ts';
import type { Preset, PresetRequest, SweepPlan } from '../../protocol/runs.ts';
import { failureNotice } from '../parts/failure-notice.ts';
import { fieldStyles } from '../parts/forms/field-styles.ts';
import { formatCount } from '../parts/format.ts';
import { LabElement } from '../parts/lab-element.ts';
import { baseStyles, buttonStyles, headingStyles } from '../parts/shared-styles.ts';
import type { RunsClient } from './runs-client.ts';
import { valueOf } from './event-value.ts';

/** The arms that are chosen at first: the most important come first in a recipe. */
const FIRST_ARMS = 2;

/** @fires preset-queue - the {@link PresetRequest} as `detail`. */
@customElement('lab-preset-setup')
export class LabPresetSetup extends LabElement {
  static override readonly styles = [
    baseStyles,
    buttonStyles,
    fieldStyles,
    headingStyles,
    css`
      section {
        display: grid;
        grid-template-columns: minmax(0, 1fr);
        gap: var(--space-3);
      }
      label {
        display: grid;
        gap: var(--space-1);
        color: var(--muted);
        font-size: var(--text-small);
      }
      .fields {
        display: grid;
        grid-template-columns: repeat(auto-fit, minmax(min(100%, 14rem), 1fr));
        gap: var(--space-2) var(--space-3);
      }
      fieldset {
        display: grid;
        grid-template-columns: repeat(auto-fit, minmax(min(100%, 18rem), 1fr));
        gap: var(--space-1) var(--space-4);
        padding: 0;
        border: 0;
      }
      fieldset label {
        display: flex;
        gap: var(--space-2);
        color: var(--ink);
      }
      legend {
        padding: 0;
        color: var(--muted);
        font-size: var(--text-small);
      }
      .bar {
        display: flex;
        flex-wrap: wrap;
        gap: var(--space-2) var(--space-4);
        align-items: center;
      }
      p {
        max-width: 44rem;
        color: var(--muted);
        font-size: var(--text-small);
      }
    `,
  ];

  @property({ attribute: false }) client: (() => Promise<RunsClient>) | undefined;
  @state() private presets: readonly Preset[] = [];
  @state() private presetId = 'E1';
  /** The names of the chosen arms; undefined for the first ones. */
  @state() private arms: readonly string[] | undefined;
  @state() private seeds = '1-5';
  @state() private steps = '';
  @state() private plan: SweepPlan | undefined;
  @state() private failure: Failure | undefined;

  override willUpdate(changed: Map<PropertyKey, unknown>): void {
    if (changed.has('client') && this.presets.length === 0) void this.#read();
  }

  override render(): unknown {
    const preset = this.#preset;
    if (preset === undefined) return failureNotice(this.failure);
    return html`<section>
      <h3 class="heading">An experiment of the lab</h3>
      <label
        >Experiment
        <select class="control" @change=${(event: Event) => this.#change(() => this.#choose(valueOf(event)))}>
          ${this.presets.map(
            ({ id, title }) => html`<option value=${id} ?selected=${id === this.presetId}>${id}: ${title}</option>`,
          )}
        </select></label
      >
      ${preset.question === '' ? nothing : html`<p>${preset.question}</p>`}
      ${preset.instead === null ? this.#fields(preset) : html`<p>${preset.instead}</p>`}
    </section>`;
  }

  #fields(preset: Preset): unknown {
    const chosen = this.#chosen(preset);
    const { plan } = this;
    return html`<fieldset>
        <legend>Arms, the most important first</legend>
        ${preset.arms.map(
          (arm) =>
            html`<label
              ><input
                type="checkbox"
                .checked=${chosen.includes(arm)}
                @change=${() => this.#change(() => this.#toggle(arm, preset))}
              />${arm}</label
            >`,
        )}
      </fieldset>
      <div class="fields">
        <label
          >Seeds of the arms
          <input
            class="control"
            .value=${this.seeds}
            @input=${(event: Event) => this.#change(() => (this.seeds = valueOf(event)))}
        /></label>
        <label
          >Steps, for a quick look (empty: those of the arms)
          <input
            class="control"
            inputmode="numeric"
            .value=${this.steps}
            @input=${(event: Event) => this.#change(() => (this.steps = valueOf(event)))}
        /></label>
      </div>
      <p>
        All seeds begin with the model that comes with this page, so intervals are over the runs from one start. "npm
        run lab -- experiment ${preset.id}" trains a start for each seed.
      </p>
      ${failureNotice(this.failure)}
      <span class="bar">
        <button
          class="primary"
          ?disabled=${plan === undefined}
          @click=${() => this.dispatchEvent(new CustomEvent<PresetRequest>('preset-queue', { detail: this.#request(preset) }))}
        >
          ${plan === undefined ? 'Queue' : `Queue ${formatCount(plan.names.length)} ${plan.names.length === 1 ? 'run' : 'runs'}`}
        </button>
      </span>`;
  }

  get #preset(): Preset | undefined {
    return this.presets.find(({ id }) => id === this.presetId);
  }

  #chosen({ arms }: Preset): readonly string[] {
    return this.arms ?? arms.slice(0, FIRST_ARMS);
  }

  #choose(id: string): void {
    this.presetId = id;
    this.arms = undefined;
  }

  #toggle(arm: string, preset: Preset): void {
    const before = this.#chosen(preset);
    this.arms = preset.arms.filter((one) => (one === arm ? !before.includes(one) : before.includes(one)));
  }

  #change(work: () => void): void {
    work();
    void this.#planAnew();
  }

  #request(preset: Preset): PresetRequest {
    const steps = this.steps.trim() === '' ? null : Number(this.steps);
    return { id: preset.id, arms: [...this.#chosen(preset)], seeds: this.seeds, steps };
  }

  async #read(): Promise<void> {
    try {
      this.presets = (await (await this.client?.())?.presets()) ?? [];
      await this.#planAnew();
    } catch (thrown) {
      this.failure = failureOf(thrown);
    }
  }

  /** The plan of what is chosen; the last answer counts. */
  async #planAnew(): Promise<void> {
    const preset = this.#preset;
    if (preset === undefined || preset.instead !== null || this.client === undefined) return;
    const request = this.#request(preset);
    const isLate = (): boolean => {
      const now = this.#preset;
      return now === undefined || JSON.stringify(request) !== JSON.stringify(this.#request(now));
    };
    try {
      const plan = await (await this.client()).planPreset(request);
      if (!isLate()) [this.plan, this.failure] = [plan, undefined];
    } catch (thrown) {
      if (!isLate()) [this.plan, this.failure] = [undefined, failureOf(thrown)];
    }
  }
}

declare global {
  interface HTMLElementTagNameMap {
    'lab-preset-setup': LabPresetSetup;
  }
}
