/**
 * One branch: its alarm, its rule strip, and its cost.
 */
import { css, html, nothing } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import type { GrpoEventOf } from '../../protocol/grpo.ts';
import { branchLineStyles, branchLook } from '../parts/charts/branch-looks.ts';
import { download } from '../parts/download.ts';
import { branchRecording } from './branch-recording.ts';
import { recentSteps } from './collapse-progress.ts';
import type { BranchState } from './collapse-state.ts';
import { failureHeading } from '../parts/failure-text.ts';
import { formatCount, formatDuration, wholePercent } from '../parts/format.ts';
import './lab-collapse-alarm.ts';
import '../parts/lab-notice.ts';
import './lab-rule-strip.ts';
import { reading } from '../parts/reading.ts';
import { readoutStyles } from '../parts/readout-styles.ts';
import { LabElement } from '../parts/lab-element.ts';
import { baseStyles, buttonStyles, headingStyles } from '../parts/shared-styles.ts';

/** What each stage of a curriculum draws. */
const STAGE_TEXTS = {
  1: 'prompts that the start labels right at least half the time',
  2: 'prompts that it labels right less often',
  3: 'all of these, and rare rules more often',
} as const;
const STAGE_COUNT = 3;

/**
 * @fires rule-choose - the index of a rule as `detail`.
 */
@customElement('lab-branch')
export class LabBranch extends LabElement {
  static override readonly styles = [
    baseStyles,
    buttonStyles,
    headingStyles,
    readoutStyles,
    branchLineStyles,
    css`
      article {
        display: grid;
        gap: var(--space-4);
        padding-top: var(--space-3);
        border-top: 1px solid var(--line-strong);
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
    `,
  ];

  @property({ attribute: false }) branch: BranchState | undefined;
  @property({ attribute: false }) prepared: GrpoEventOf<'prepared'> | undefined;
  /** Where it is computed, in words. */
  @property() device = '';
  /** The selected rule. */
  @property({ type: Number }) rule = 0;
  override render(): unknown {
    const { branch, prepared } = this;
    if (branch === undefined || prepared === undefined) return nothing;
    const { id, name, step, steps, ended, parent } = branch;
    return html`<article aria-label=${name}>
      <header>
        <span class="key ${branchLook(id)}" aria-hidden="true"></span>
        <h3>${name}</h3>
        ${branch.arm === name ? nothing : html`<span class="at">${branch.arm}</span>`}
        <span class="at place">
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
      <div>
        <h4 class="heading">Rules cited in its own completions, step by step</h4>
        <lab-rule-strip
          .branch=${branch}
          .rules=${prepared.rules}
          .rule=${this.rule}
          @rule-choose=${({ detail }: CustomEvent<number>) => this.dispatchEvent(new CustomEvent('rule-choose', { detail }))}
        ></lab-rule-strip>
      </div>
      ${this.#costs(branch)} ${this.#recording(branch, prepared)}
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

  #costs({ history, measureMs }: BranchState): unknown {
    const recent = recentSteps(history);
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
}

declare global {
  interface HTMLElementTagNameMap {
    'lab-branch': LabBranch;
  }
}
