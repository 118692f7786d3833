/**
 * The plan of a run: its time, backend and memory, with the button that starts it.
 */
import { css, html, nothing } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import type { DataKind } from '../../protocol/sft-experiment.ts';
import type { TrainingPlan } from '../../protocol/training.ts';
import { trainingFailureHeading } from '../parts/failure-text.ts';
import {
  backendName,
  formatBytes,
  formatCount,
  formatDuration,
  formatParameters,
  formatSpan,
} from '../parts/format.ts';
import '../parts/lab-notice.ts';
import type { PlanState } from './plan-controller.ts';
import { reading } from '../parts/reading.ts';
import { readoutStyles } from '../parts/readout-styles.ts';
import { LabElement } from '../parts/lab-element.ts';
import { baseStyles, buttonStyles, headingStyles } from '../parts/shared-styles.ts';

const PURPOSES: Readonly<Record<DataKind, string>> = {
  world:
    'The model learns from pairs that are judged by written rules: first the label, then the rules that decide it. ' +
    'Held-out pairs show what it has understood.',
  file:
    'The model learns the labels that people gave, without reasons: it will answer with a label and restate it. ' +
    'Held-out queries show what it has understood.',
};

/**
 * @fires run-start - the reader starts the run.
 * @fires plan-retry - the reader asks for a new plan.
 */
@customElement('lab-run-plan')
export class LabRunPlan extends LabElement {
  static override readonly styles = [
    baseStyles,
    buttonStyles,
    headingStyles,
    readoutStyles,
    css`
      section {
        display: grid;
        gap: var(--space-4);
      }
      .purpose {
        max-width: 34rem;
        color: var(--muted);
      }
    `,
  ];

  @property({ attribute: false }) plan: PlanState | undefined;
  /** Updates of the run. */
  @property({ type: Number }) steps = 0;
  /** The training data of the run. */
  @property() kind: DataKind = 'world';
  /** The label of the button. */
  @property() action = '';
  /** Whether the settings are valid. */
  @property({ type: Boolean }) runnable = false;

  override render(): unknown {
    if (this.plan === undefined) return nothing;
    const { plan, failure, isStale } = this.plan;
    if (failure !== undefined) {
      return html`<lab-notice kind="failure" heading=${trainingFailureHeading(failure)}>
        ${failure.message}
        <button slot="action" @click=${() => this.dispatchEvent(new Event('plan-retry'))}>Try again</button>
      </lab-notice>`;
    }
    return html`<section aria-label="Before it starts">
      <h2 class="heading">Before it starts</h2>
      <div class=${isStale && plan !== undefined ? 'stale' : 'fresh'}>
        <p class="readout">
          ${
            plan === undefined
              ? html`<span class="beside">Measuring the speed of this machine</span>`
              : html`<strong class="figure">About ${formatSpan(plan.predicted.runMs / 1000)}</strong>
                  <span class="beside">for ${formatCount(this.steps)} steps</span>`
          }
        </p>
      </div>
      <p class="purpose">${PURPOSES[this.kind]}</p>
      <p class="actions">
        <button
          class="primary"
          ?disabled=${!this.runnable || plan === undefined || plan.tooLarge !== null}
          @click=${() => this.dispatchEvent(new Event('run-start'))}
        >
          ${this.action}
        </button>
      </p>
      ${plan === undefined ? nothing : this.#facts(plan)}
    </section>`;
  }

  #facts({ backend, device, reason, problems, parameters, predicted, tooLarge }: TrainingPlan): unknown {
    return html`${
        tooLarge === null
          ? nothing
          : html`<lab-notice kind="failure" heading="This run does not fit into memory">
              ${tooLarge} Choose a smaller shape or a smaller batch.
            </lab-notice>`
      }
      ${problems.map((problem) => html`<lab-notice heading="A faster backend is not used">${problem}</lab-notice>`)}
      <dl class="readings">
        ${reading('Runs on', backendName(backend))} ${reading('A step takes', `~ ${formatDuration(predicted.stepMs)}`)}
        ${reading('Memory', `~ ${formatBytes(predicted.memoryBytes)}`)}
        ${reading('Parameters', formatParameters(parameters))}
      </dl>
      <p class="note">${device}: ${reason}.</p>`;
  }
}

declare global {
  interface HTMLElementTagNameMap {
    'lab-run-plan': LabRunPlan;
  }
}
