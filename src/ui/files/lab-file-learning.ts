/**
 * Learning from the grades of a file: the offer, the run, and the two models side by side, of which a person chooses
 * one.
 */
import { counted } from '../../common/counted.ts';
import { css, html, nothing } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import type { Learning, ModelComparison } from '../../protocol/learning.ts';
import { trainingFailureHeading } from '../parts/failure-text.ts';
import { fieldStyles, inlineLabelStyles } from '../parts/forms/field-styles.ts';
import { formatCount, formatSigned } from '../parts/format.ts';
import { LabElement } from '../parts/lab-element.ts';
import '../parts/lab-notice.ts';
import { announcement, progressText, stageText } from '../parts/sessions/training-text.ts';
import { isUnderWay } from '../parts/sessions/training-state.ts';
import {
  actionsStyles,
  baseStyles,
  buttonStyles,
  captionedTableStyles,
  headingStyles,
} from '../parts/shared-styles.ts';
import { FILES_MODEL } from './files-state.ts';
import type { LearningController } from './learning-controller.ts';

const MEASURES = [
  ['accuracy', 'Accuracy'],
  ['qwk', 'Quadratic weighted kappa'],
  ['ndcg10', 'NDCG@10'],
] as const;

@customElement('lab-file-learning')
export class LabFileLearning extends LabElement {
  static override readonly styles = [
    baseStyles,
    buttonStyles,
    actionsStyles,
    headingStyles,
    fieldStyles,
    inlineLabelStyles,
    captionedTableStyles,
    css`
      section,
      details > div {
        display: grid;
        gap: var(--space-3);
        justify-items: start;
      }
      details > div {
        padding-top: var(--space-3);
      }
      summary {
        width: fit-content;
        cursor: pointer;
      }
      p,
      summary,
      .muted {
        max-width: 46rem;
        color: var(--muted);
        font-size: var(--text-small);
      }
      .control {
        width: 7rem;
      }
      progress {
        width: min(100%, 24rem);
      }
      .compared {
        max-width: 100%;
        overflow-x: auto;
      }
      table {
        border-collapse: collapse;
        font-size: var(--text-small);
        font-variant-numeric: tabular-nums;
      }
      th,
      td {
        vertical-align: baseline;
      }
      thead th {
        color: var(--muted);
      }
      tbody tr {
        border-top: 1px solid var(--line);
      }
      td strong {
        font-weight: 650;
      }
    `,
  ];

  @property({ attribute: false }) lesson: LearningController | undefined;
  /** Increases with each change of the lesson, which stays the same object. */
  @property({ type: Number }) version = 0;

  override render(): unknown {
    const { lesson } = this;
    const table = lesson?.files.table;
    if (lesson === undefined || table === undefined || lesson.files.isScoring) return nothing;
    const { learning, isBusy } = lesson;
    if (table.file.scoring.choice.kind === 'rules' && learning === null) return nothing;
    if (learning === null && !isBusy) return this.#offer(lesson);
    return html`<section aria-label="Learn from these">
      <h3 class="heading">Learn from these</h3>
      ${this.#failure(lesson)}
      ${isBusy ? this.#work(lesson) : learning === null ? nothing : this.#outcome(lesson, learning)}
    </section>`;
  }

  #offer(lesson: LearningController): unknown {
    const table = lesson.files.table;
    const { corrected = 0 } = table?.countJudgments() ?? {};
    const name = table?.file.scoring.modelName ?? '';
    return html`<details ?open=${lesson.failure !== undefined}>
      <summary>Learn from these grades${corrected === 0 ? '' : `, ${formatCount(corrected)} corrected`}</summary>
      <div>
        ${this.#failure(lesson)}
        <p>
          ${name} continues to learn from the grades and corrections of this file, here in the browser. A fifth of the
          graded queries is held out: on them alone the model is compared with the one before, and then you choose
          between the two. On two public sets of judgments new to the model this made more labels right, but neither
          agreement beyond chance nor the order of results was better for certain.
        </p>
        <div class="actions">
          <button
            class="primary"
            ?disabled=${table?.hasGrades !== true}
            @click=${() => lesson.start(this.#steps, this.#replayShare)}
          >
            Learn from these
          </button>
          <label>
            Steps
            <input class="control steps" type="number" min="1" max="100000" placeholder="automatic" />
          </label>
          ${
            // The general model learned from files, which are not repeated.
            table?.file.scoring.choice.kind === 'bundled' && table.file.scoring.choice.id === FILES_MODEL.id
              ? nothing
              : html`<label>
                  Of a rule world repeated, %
                  <input class="control replay" type="number" min="0" max="90" placeholder="25" />
                </label>`
          }
          ${table?.hasGrades === true ? nothing : html`<span class="muted">Grade some pairs first.</span>`}
        </div>
      </div>
    </details>`;
  }

  get #steps(): number | undefined {
    const steps = Math.trunc(Number(this.renderRoot.querySelector<HTMLInputElement>('.steps')?.value));
    return steps > 0 ? steps : undefined;
  }

  /** Undefined for the usual share. */
  get #replayShare(): number | undefined {
    const percent = this.renderRoot.querySelector<HTMLInputElement>('.replay')?.value ?? '';
    return percent === '' ? undefined : Math.min(90, Math.max(0, Number(percent))) / 100;
  }

  #work(lesson: LearningController): unknown {
    const { doing, training, learning } = lesson;
    const { state, pending } = training;
    if (doing !== undefined || !isUnderWay(state)) {
      const text =
        doing === 'comparing'
          ? `Asking both models about ${counted(learning?.heldOut.length ?? 0, 'held-out query', 'held-out queries')}`
          : 'Gathering grades and corrections';
      return html`<p role="status">${text}</p>
        <progress aria-label=${text}></progress>`;
    }
    const { prepared, phase, step, steps } = state;
    const isMoving = prepared !== undefined && phase !== 'recovering' && pending !== 'stop';
    const text =
      prepared === undefined ? stageText(state.stage) : `Step ${formatCount(step)} ${progressText(state, pending)}`;
    return html`<p class="visually-hidden" role="status">${announcement(state)}</p>
      <p>
        ${learning?.fromName} learns from ${counted(learning?.pairs ?? 0, 'pair')} of
        ${counted(learning?.queries ?? 0, 'query', 'queries')}.
        ${prepared === undefined ? '' : replayText(prepared.experiment)}
      </p>
      ${
        prepared === undefined
          ? html`<progress aria-label="Preparing"></progress>`
          : html`<progress aria-label="Steps made" .value=${step} .max=${Math.max(1, steps)}></progress>`
      }
      <p>${text}</p>
      <div class="actions">
        ${
          phase === 'paused'
            ? html`<button class="primary" ?disabled=${!isMoving} @click=${() => lesson.command('resume')}>
                Continue
              </button>`
            : html`<button ?disabled=${!isMoving || pending === 'pause'} @click=${() => lesson.command('pause')}>
                Pause
              </button>`
        }
        <button ?disabled=${pending === 'stop'} @click=${() => lesson.command('stop')}>Stop</button>
      </div>`;
  }

  #outcome(lesson: LearningController, learning: Learning): unknown {
    const { comparison, checkpointId, fromName, name } = learning;
    if (checkpointId === null || comparison === null) {
      const text = checkpointId === null ? 'The lesson was stopped before its end.' : 'The lesson is learned.';
      return html`<p role="status">${text}</p>
        <div class="actions">
          <button class="primary" @click=${() => lesson.resume()}>
            ${checkpointId === null ? 'Continue the lesson' : 'Compare the two models'}
          </button>
          <button @click=${() => lesson.discard()}>Discard it</button>
        </div>`;
    }
    const { isAdopted } = lesson;
    return html`${comparison.queries === 0 ? NOTHING_NEW : this.#comparison(comparison, fromName)}
      <p role="status">
        ${isAdopted ? 'The new model scores this file.' : `${fromName} scores this file.`} The new model is among the
        checkpoints as “${name}”, and its run is in the Runs view.
      </p>
      <div class="actions">
        ${
          isAdopted
            ? html`<button class="primary" @click=${() => lesson.goBack()}>Back to ${fromName}</button>`
            : html`<button class="primary" @click=${() => lesson.adopt()}>Score this file with the new model</button>`
        }
        <button @click=${() => lesson.discard()}>${isAdopted ? 'Close' : `Keep ${fromName}`}</button>
      </div>`;
  }

  #comparison({ queries, pairs, isPreliminary, before, after, difference }: ModelComparison, name: string): unknown {
    return html`<div class="compared" role="group" aria-label="The two models" tabindex="0">
      <table>
        <caption>
          ${isPreliminary ? 'Preliminary: ' : ''}on ${counted(pairs, 'graded pair')} of
          ${counted(queries, 'held-out query', 'held-out queries')}, which neither model has learned from
        </caption>
        <thead>
          <tr>
            <th scope="col">Measure</th>
            <th scope="col">${name}</th>
            <th scope="col">New model</th>
            <th scope="col">Difference, 95 % interval</th>
          </tr>
        </thead>
        <tbody>
          ${MEASURES.map(
            ([key, label]) =>
              html`<tr>
                <th scope="row">${label}</th>
                <td>${valueText(before[key].value)}</td>
                <td><strong>${valueText(after[key].value)}</strong></td>
                <td>${differenceText(difference[key])}</td>
              </tr>`,
          )}
        </tbody>
      </table>
    </div>`;
  }

  #failure({ failure, training }: LearningController): unknown {
    const shown = failure ?? training.state.failure;
    if (shown === undefined) return nothing;
    return html`<lab-notice kind="failure" heading=${trainingFailureHeading(shown)}>${shown.message}</lab-notice>`;
  }
}

const NOTHING_NEW = html`<p>No held-out query is new to both models, so they cannot be compared.</p>`;

function valueText(value: number | null): string {
  return value === null ? 'nothing to measure' : value.toFixed(3);
}

function differenceText({ value, low, high }: ModelComparison['difference']['accuracy']): string {
  if (value === null) return '\u2013';
  if (value === 0 && low === 0 && high === 0) return 'none';
  const interval =
    low === undefined || high === undefined ? '' : `, ${formatSigned(low, 3)} to ${formatSigned(high, 3)}`;
  return `${formatSigned(value, 3)}${interval}`;
}

/** What the run repeats, by its settings, which are untyped here. */
function replayText(experiment: unknown): string {
  const replay =
    typeof experiment === 'object' && experiment !== null && 'replay' in experiment ? experiment.replay : null;
  const share = typeof replay === 'object' && replay !== null && 'share' in replay ? replay.share : undefined;
  if (typeof share !== 'number') {
    return 'Nothing of what it learned before is repeated (only a rule world can be), so it may forget some of it.';
  }
  return `${Math.round(100 * share)} % of its training pairs repeat what it learned before, so that it forgets less.`;
}

declare global {
  interface HTMLElementTagNameMap {
    'lab-file-learning': LabFileLearning;
  }
}
