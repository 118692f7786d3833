/**
 * One branch: its alarm, its coefficient (lambda or mu), its rule strip, its cost, and the steps where it can be
 * forked.
 */
import { css, html, nothing } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import type { GrpoCommand, GrpoEventOf } from '../../protocol/grpo.ts';
import { branchLineStyles, branchLook } from '../parts/branch-looks.ts';
import { download } from '../parts/download.ts';
import { branchRecording } from './branch-recording.ts';
import type { BranchState } from './collapse-state.ts';
import { failureHeading } from '../parts/failure-text.ts';
import { fieldStyles } from '../parts/field-styles.ts';
import { formatCount, formatDuration, wholePercent } from '../parts/format.ts';
import './lab-collapse-alarm.ts';
import '../parts/lab-notice.ts';
import './lab-rule-strip.ts';
import { reading } from '../parts/reading.ts';
import { readoutStyles } from '../parts/readout-styles.ts';
import { LabElement } from '../parts/lab-element.ts';
import { baseStyles, buttonStyles, headingStyles } from '../parts/shared-styles.ts';

/** Range of the slider. */
const COEFFICIENT = { most: 1, by: 0.05 } as const;
/** What each stage of a curriculum draws. */
const STAGE_TEXTS = {
  1: 'prompts that the start labels right at least half the time',
  2: 'prompts that it labels right less often',
  3: 'all of these, and rare rules more often',
} as const;
const STAGE_COUNT = 3;
/** Steps over which times and speeds are averaged. */
const RECENT = 10;

/**
 * @fires branch-command - a `coefficient` or `fork` command as `detail`.
 * @fires rule-choose - the index of a rule as `detail`.
 */
@customElement('lab-branch')
export class LabBranch extends LabElement {
  static override readonly styles = [
    baseStyles,
    buttonStyles,
    headingStyles,
    fieldStyles,
    readoutStyles,
    branchLineStyles,
    css`
      article {
        display: grid;
        gap: var(--space-4);
        padding: var(--space-4);
        border: 1px solid var(--line);
        border-radius: calc(var(--radius) * 2);
        background: var(--surface);
      }
      header {
        display: grid;
        gap: var(--space-1);
      }
      h3 {
        font-size: var(--text-large);
        font-weight: 650;
        line-height: 1.3;
        overflow-wrap: anywhere;
      }
      .key {
        width: 2rem;
        margin-bottom: var(--space-1);
        border-top: 4px solid currentcolor;
      }
      .at {
        color: var(--muted);
        font-variant-numeric: tabular-nums;
      }
      .coefficient,
      .fork {
        display: flex;
        flex-wrap: wrap;
        gap: var(--space-2) var(--space-3);
        align-items: center;
        font-size: var(--text-small);
      }
      .fork {
        align-items: end;
      }
      .coefficient span {
        flex-basis: 100%;
      }
      .coefficient input {
        flex: 1;
        min-width: 8rem;
        accent-color: var(--accent);
      }
      output {
        min-width: 2.5em;
        font-size: var(--text-base);
        font-variant-numeric: tabular-nums;
        font-weight: 600;
      }
      select.control,
      input.control {
        width: auto;
        font-size: var(--text-small);
      }
      .fork input {
        max-width: 5rem;
      }
      option {
        background: var(--surface);
      }
    `,
  ];

  @property({ attribute: false }) branch: BranchState | undefined;
  @property({ attribute: false }) prepared: GrpoEventOf<'prepared'> | undefined;
  /** Where it is computed, in words. */
  @property() device = '';
  /** Whether the worker still holds the branch. */
  @property({ type: Boolean }) open = false;
  /** Whether another branch can be added. */
  @property({ type: Boolean }) forkable = false;
  /** The selected rule. */
  @property({ type: Number }) rule = 0;
  /** The coefficient as the reader has set it; the run applies it from its next step. */
  @state() private wanted: number | undefined;
  @state() private forkStep: number | undefined;
  @state() private forkCoefficient = '';

  override render(): unknown {
    const { branch, prepared } = this;
    if (branch === undefined || prepared === undefined) return nothing;
    const { id, name, step, steps, ended, parent } = branch;
    return html`<article aria-label=${name}>
      <header>
        <span class="key ${branchLook(id)}" aria-hidden="true"></span>
        <h3>${name}</h3>
        <span class="at">
          step ${formatCount(step)} of ${formatCount(steps)}${parent === null ? nothing : `, forked at ${parent.step}`}
        </span>
        ${this.#stage(branch)}
      </header>
      ${
        ended?.failure === null || ended === undefined
          ? nothing
          : html`<lab-notice kind="failure" heading=${failureHeading(ended.failure)}>
              ${ended.failure.message} The other branches continue.
            </lab-notice>`
      }
      <lab-collapse-alarm .branch=${branch} .bounds=${prepared.bounds}></lab-collapse-alarm>
      ${this.#coefficient(branch)}
      <div>
        <h4 class="heading">Rules cited in its own completions, step by step</h4>
        <lab-rule-strip
          .branch=${branch}
          .rules=${prepared.rules}
          .rule=${this.rule}
          @rule-choose=${({ detail }: CustomEvent<number>) => this.dispatchEvent(new CustomEvent('rule-choose', { detail }))}
        ></lab-rule-strip>
      </div>
      ${this.#costs(branch)} ${this.#fork(branch)} ${this.#recording(branch, prepared)}
    </article>`;
  }

  /** The run so far as a file that the lesson plays. */
  #recording(branch: BranchState, prepared: GrpoEventOf<'prepared'>): unknown {
    const save = (): void => {
      const text = branchRecording(branch, prepared, this.device, new Date().toISOString().slice(0, 10));
      if (text !== undefined) download(new Blob([text], { type: 'application/json' }), `recording-${branch.id}.json`);
    };
    const isKnown = branch.answers.length > 0 && branch.answers.length === branch.points.length;
    return html`<p><button ?disabled=${!isKnown} @click=${save}>Save the recording</button></p>`;
  }

  /** Nothing in random order. */
  #stage({ history }: BranchState): unknown {
    const stage = history.at(-1)?.stage ?? null;
    if (stage === null) return nothing;
    const since = history.findLast((each) => each.stage !== stage)?.step ?? 0;
    return html`<span class="at"
      >stage ${stage} of ${STAGE_COUNT} since step ${formatCount(since + 1)}: ${STAGE_TEXTS[stage]}</span
    >`;
  }

  #coefficient(branch: BranchState): unknown {
    const { id, coefficientMoves, history, ended } = branch;
    const last = history.at(-1)?.balance;
    if (last?.coefficient === null || last === undefined) return nothing;
    const isLambda = last.rl === 1;
    const shown = this.wanted ?? last.coefficient;
    const isWaiting = this.wanted !== undefined && this.wanted !== last.coefficient;
    const moves = coefficientMoves.map(({ step, value }) => `${twoDigits(value)} from step ${step + 1}`).join(', ');
    return html`<div>
      <label class="coefficient">
        <span>${isLambda ? '\u03bb, weight of the expert loss' : '\u03bc, share of the expert loss'}</span>
        <input
          type="range"
          min="0"
          max=${COEFFICIENT.most}
          step=${COEFFICIENT.by}
          .value=${String(shown)}
          ?disabled=${!this.open || ended !== undefined}
          @input=${(event: Event) => this.#turn(id, event)}
        />
        <output>${twoDigits(shown)}</output>
      </label>
      <p class="note">${moves}${isWaiting && ended === undefined ? '; the change applies from the next step' : ''}.</p>
    </div>`;
  }

  #costs({ history, measureMs }: BranchState): unknown {
    const recent = history.slice(-RECENT);
    const last = recent.at(-1);
    if (last === undefined) return nothing;
    const mean = (pick: (each: GrpoEventOf<'step'>) => number): number =>
      recent.reduce((sum, each) => sum + pick(each), 0) / recent.length;
    const [rollout, score, update] = [
      mean(({ times }) => times.rolloutMs),
      mean(({ times }) => times.scoreMs),
      mean(({ times }) => times.updateMs),
    ];
    const whole = rollout + score + update || 1;
    return html`<dl class="readings">
      ${reading('A step takes', formatDuration(whole))} ${reading('Sampling', wholePercent(rollout / whole))}
      ${reading('Scoring', wholePercent(score / whole))} ${reading('Learning', wholePercent(update / whole))}
      ${reading('Tokens/s', formatCount(mean(({ tokensPerSec }) => tokensPerSec)))}
      ${reading('Tokens sampled', formatCount(last.tokens.generated))}
      ${reading('Expert tokens', formatCount(last.tokens.expert))} ${reading('Measuring', formatDuration(measureMs))}
      ${reading('Groups alike', wholePercent(last.zeroVarianceShare))}
    </dl>`;
  }

  #fork({ id, name, checkpoints }: BranchState): unknown {
    if (!this.open || checkpoints.length === 0) return nothing;
    const step = this.forkStep ?? checkpoints.at(-1) ?? 0;
    return html`<div class="fork">
      <label
        >Fork from step
        <select class="control" aria-label="Fork ${name} from step" @change=${this.#stepChosen}>
          ${checkpoints.map((each) => html`<option .value=${String(each)} .selected=${each === step}>${each}</option>`)}
        </select>
      </label>
      <label
        >with coefficient
        <input
          class="control"
          inputmode="decimal"
          autocomplete="off"
          placeholder="unchanged"
          aria-label="Coefficient of the fork"
          .value=${this.forkCoefficient}
          @input=${this.#forkCoefficientChanged}
        />
      </label>
      <button ?disabled=${!this.forkable} @click=${() => this.#askFork(id, name, step)}>Fork</button>
    </div>`;
  }

  #turn(branch: number, event: Event): void {
    const { currentTarget: slider } = event;
    if (!(slider instanceof HTMLInputElement)) return;
    const value = Number(slider.value);
    this.wanted = value;
    this.#ask({ kind: 'coefficient', branch, value });
  }

  #askFork(branch: number, name: string, step: number): void {
    const typed = this.forkCoefficient.trim();
    const coefficient = typed === '' || !Number.isFinite(Number(typed)) ? null : Number(typed);
    const change = coefficient === null ? '' : `, coefficient ${twoDigits(coefficient)}`;
    this.#ask({ kind: 'fork', branch, step, name: `${name.slice(0, 50)} from ${step}${change}`, coefficient });
  }

  readonly #stepChosen = (event: Event): void => {
    const { currentTarget: select } = event;
    if (select instanceof HTMLSelectElement) this.forkStep = Number(select.value);
  };

  readonly #forkCoefficientChanged = (event: Event): void => {
    const { currentTarget: input } = event;
    if (input instanceof HTMLInputElement) this.forkCoefficient = input.value;
  };

  #ask(command: GrpoCommand): void {
    this.dispatchEvent(new CustomEvent<GrpoCommand>('branch-command', { detail: command }));
  }
}

function twoDigits(value: number): string {
  return String(Number(value.toFixed(2)));
}

declare global {
  interface HTMLElementTagNameMap {
    'lab-branch': LabBranch;
  }
}
