/**
 * A run in progress or ended: its progress, measurements and cost, and the controls that steer it.
 */
import { css, html, nothing } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import type { TrainingEventOf } from '../../protocol/training.ts';
import { trainingFailureHeading } from '../parts/failure-text.ts';
import { backendName, formatCount, formatNats, formatPercent, wholePercent } from '../parts/format.ts';
import '../parts/charts/lab-chart.ts';
import type { ChartLine } from '../parts/charts/lab-chart.ts';
import '../parts/lab-notice.ts';
import { readoutStyles } from '../parts/readout-styles.ts';
import { scoreAddress } from '../parts/routes.ts';
import '../parts/forms/lab-module-norms.ts';
import type { ModuleLine } from '../parts/forms/lab-module-norms.ts';
import { runReadings } from './run-readings.ts';
import { announcement, progressText, stageText } from '../parts/sessions/training-text.ts';
import { LabElement } from '../parts/lab-element.ts';
import { baseStyles, buttonStyles, headingStyles } from '../parts/shared-styles.ts';
import type { RunCommand } from '../parts/sessions/training-controller.ts';
import { isUnderWay, NO_RUN, type TrainingState } from '../parts/sessions/training-state.ts';

const SHARES = [0, 1] as const;

/**
 * @fires run-command - a {@link RunCommand} as `detail`.
 * @fires run-resume - the id of the checkpoint to resume, as `detail`.
 * @fires run-dismiss - the reader dismisses a run that has ended.
 */
@customElement('lab-run-monitor')
export class LabRunMonitor extends LabElement {
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
      .charts {
        display: grid;
        grid-template-columns: repeat(auto-fit, minmax(min(100%, 19rem), 1fr));
        gap: var(--space-5);
      }
      h3 {
        margin-bottom: var(--space-2);
      }
      @media (min-width: 40rem) {
        .actions .end {
          margin-left: auto;
        }
      }
      .wide {
        grid-column: span 2;
      }
      lab-module-norms {
        grid-column: 1 / -1;
      }
      code {
        font-family: var(--mono);
        font-size: 0.875em;
        overflow-wrap: anywhere;
      }
    `,
  ];

  @property({ attribute: false }) run: TrainingState = NO_RUN;
  @property({ attribute: false }) pending: RunCommand['kind'] | undefined;

  override render(): unknown {
    const { run } = this;
    return html`<section aria-label="The run">
      <h2 class="heading">${run.prepared === undefined ? 'The run' : nameOf(run.prepared)}</h2>
      <p class="visually-hidden" role="status">${announcement(run)}</p>
      <div>${this.#readout()} ${this.#progress()}</div>
      ${this.#notices()}
      <p class="actions">${isUnderWay(run) ? this.#controls() : this.#ways()}</p>
      ${this.#charts()} ${run.prepared === undefined ? nothing : runReadings(run)}
      ${
        run.backend === undefined
          ? nothing
          : html`<p class="note">
              Runs on ${backendName(run.backend.backend)}. ${run.backend.device}: ${run.backend.reason}.
            </p>`
      }
    </section>`;
  }

  #readout(): unknown {
    const { phase, stage, step, steps, evaluation, prepared } = this.run;
    const accuracy = evaluation?.accuracy ?? null;
    if (phase === 'finished' && accuracy !== null) {
      return html`<p class="readout">
        <strong class="figure">${formatPercent(accuracy)}</strong>
        <span class="beside">of held-out labels right, after ${formatCount(steps)} steps</span>
      </p>`;
    }
    if (prepared === undefined || phase === 'recovering') {
      const text = phase === 'failed' ? 'It did not start' : stageText(stage);
      return html`<p class="readout"><span class="beside">${text}</span></p>`;
    }
    return html`<p class="readout">
      <strong class="figure">Step ${formatCount(step)}</strong>
      <span class="beside">${progressText(this.run, this.pending)}</span>
    </p>`;
  }

  #progress(): unknown {
    const { phase, step, steps, prepared } = this.run;
    if (phase === 'finished' || phase === 'failed') return nothing;
    return prepared === undefined || phase === 'recovering'
      ? html`<progress aria-label="Preparing"></progress>`
      : html`<progress aria-label="Steps made" .value=${step} .max=${Math.max(1, steps)}></progress>`;
  }

  #notices(): unknown {
    const { phase, failure, unsaved, recovery, backend } = this.run;
    return html`${
      failure === undefined
        ? nothing
        : html`<lab-notice kind="failure" heading=${trainingFailureHeading(failure)}>${failure.message}</lab-notice>`
    }
    ${
      phase === 'recovering' && recovery !== undefined
        ? html`<lab-notice heading="The GPU was lost">
            ${recovery.reason} The run restarts by itself from its last checkpoint, and ends with the same weights.
          </lab-notice>`
        : nothing
    }
    ${
      unsaved === undefined
        ? nothing
        : html`<lab-notice heading="The checkpoint of step ${unsaved.step} could not be kept">
            ${unsaved.message}
          </lab-notice>`
    }
    ${(backend?.problems ?? []).map(
      (problem) => html`<lab-notice heading="A faster backend is not used">${problem}</lab-notice>`,
    )}`;
  }

  #controls(): unknown {
    const { phase, prepared } = this.run;
    const isStopping = this.pending === 'stop';
    // A pause can be requested at any time; the run then waits before its next step.
    const canPause = !isStopping && this.pending !== 'pause';
    const isMoving = prepared !== undefined && phase !== 'recovering' && !isStopping;
    return html`${
      phase === 'paused'
        ? this.#control('resume', 'Continue', isMoving, 'primary')
        : this.#control('pause', 'Pause', canPause)
    }
    ${this.#control('step', 'One step', isMoving)} ${this.#control('evaluate', 'Evaluate', isMoving)}
    ${this.#control('save', 'Save', isMoving)} ${this.#control('stop', 'Stop', !isStopping, 'end')}`;
  }

  #control(kind: RunCommand['kind'], name: string, isPossible: boolean, look = ''): unknown {
    return html`<button
      class=${look}
      ?disabled=${!isPossible}
      @click=${() => this.dispatchEvent(new CustomEvent<RunCommand>('run-command', { detail: { kind } }))}
    >
      ${name}
    </button>`;
  }

  /** The next actions after a run has ended. */
  #ways(): unknown {
    const { phase, lastCheckpointId: id } = this.run;
    const canGoOn = id !== null && phase !== 'finished';
    return html`${
        id === null
          ? nothing
          : html`<a class="button ${canGoOn ? '' : 'primary'}" href=${scoreAddress(id)}>Score with this model</a>`
      }
      ${
        canGoOn
          ? html`<button
              class="primary"
              @click=${() => this.dispatchEvent(new CustomEvent<string>('run-resume', { detail: id }))}
            >
              Continue
            </button>`
          : nothing
      } <button @click=${() => this.dispatchEvent(new Event('run-dismiss'))}>New run</button>`;
  }

  /** The gradient norm of a chosen module, and what it gives where that is measured. */
  #norms({ modules, activations }: TrainingState['curves']): unknown {
    const line: ModuleLine = {
      name: '',
      look: 'steady',
      gradients: (path) => modules.get(path),
      activations: (path) => activations.get(path),
    };
    return html`<lab-module-norms
      .paths=${[...modules.keys()]}
      .lines=${[line]}
      .steps=${this.run.steps}
    ></lab-module-norms>`;
  }

  #charts(): unknown {
    const { prepared, steps, curves } = this.run;
    if (prepared === undefined) return nothing;
    const losses: readonly ChartLine[] = [
      { name: 'Training', look: 'steady', curve: curves.loss },
      { name: 'Held-out', look: 'measured', curve: curves.devLoss },
    ];
    const accuracies: readonly ChartLine[] = [{ name: 'Held-out', look: 'measured', curve: curves.devAccuracy }];
    return html`<div class="charts">
      <lab-chart heading="Loss, nats" .steps=${steps} .format=${formatNats} .lines=${losses}></lab-chart>
      <lab-chart
        heading="Accuracy"
        .steps=${steps}
        .range=${SHARES}
        .format=${formatPercent}
        .formatTick=${wholePercent}
        .lines=${accuracies}
      ></lab-chart>
      ${curves.modules.size === 0 ? nothing : this.#norms(curves)}
    </div>`;
  }
}

/** The name in the settings, which are untyped here. */
function nameOf({ experiment }: TrainingEventOf<'prepared'>): string {
  const name = typeof experiment === 'object' && experiment !== null && 'name' in experiment ? experiment.name : '';
  return typeof name === 'string' && name !== '' ? `Training ${name}` : 'The run';
}

declare global {
  interface HTMLElementTagNameMap {
    'lab-run-monitor': LabRunMonitor;
  }
}
