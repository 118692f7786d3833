/**
 * The live view while branches learn, one screen: what has happened in words, where the answers of one branch went
 * beside the curves of all, and what a reader can do about it: the weight of the examples, and a fork from an earlier
 * checkpoint.
 */
import { html, nothing, type PropertyValues } from 'lit';
import { customElement, property, query, state } from 'lit/decorators.js';
import type { GrpoCommand, GrpoEventOf, MeasuredPoint } from '../../protocol/grpo.ts';
import type { Recording } from '../../protocol/recording.ts';
import { criterionStyles } from '../flow/criterion-looks.ts';
import '../flow/lab-flow.ts';
import { branchLineStyles, branchLook } from '../parts/charts/branch-looks.ts';
import { addPoint, type Curve, EMPTY_CURVE } from '../parts/charts/curve.ts';
import { fieldStyles } from '../parts/forms/field-styles.ts';
import { twoDecimals, wholePercent } from '../parts/format.ts';
import '../parts/charts/lab-chart.ts';
import type { ChartLine } from '../parts/charts/lab-chart.ts';
import { LabElement } from '../parts/lab-element.ts';
import '../parts/lab-term.ts';
import { baseStyles, buttonStyles } from '../parts/shared-styles.ts';
import { liveRecording } from './branch-recording.ts';
import { lastStep } from './collapse-progress.ts';
import type { BranchState } from './collapse-state.ts';
import './lab-coefficient.ts';
import { liveStyles } from './live-styles.ts';
import { collapsesSeen, storyOf } from './live-text.ts';

const WHOLE: readonly [number, number] = [0, 1];

/**
 * @fires branch-command - a `coefficient` or `fork` command as `detail`.
 */
@customElement('lab-live')
export class LabLive extends LabElement {
  static override readonly styles = [
    baseStyles,
    buttonStyles,
    fieldStyles,
    branchLineStyles,
    criterionStyles,
    liveStyles,
  ];

  @property({ attribute: false }) branches: readonly BranchState[] = [];
  @property({ attribute: false }) prepared: GrpoEventOf<'prepared'> | undefined;
  /** Whether the worker still holds the branches. */
  @property({ type: Boolean }) open = false;
  /** Whether another branch can be added. */
  @property({ type: Boolean }) forkable = false;
  /** A recorded run of the same settings, drawn faintly behind the curves. */
  @property({ attribute: false }) ghost: Recording | undefined;
  /** The branch whose answers are shown. */
  @state() private chosen = 0;
  @state() private said = '';
  @query('.branches') private chooser: HTMLElement | null | undefined;
  /** Whether a fork was asked for and has not begun. */
  #isForking = false;
  #drawn: { readonly key: string; readonly recording: Recording | undefined } | undefined;

  override willUpdate(changed: PropertyValues<this>): void {
    const before = changed.get('branches')?.length;
    const { branches } = this;
    if (before !== undefined && branches.length < before) this.chosen = 0;
    const fork = branches.at(-1);
    const parent = fork?.parent ?? null;
    if (fork === undefined || parent === null || before === undefined) return;
    if (branches.length <= before || !this.#isForking) return;
    this.#isForking = false;
    this.chosen = fork.id;
    const name = branches[parent.branch]?.name ?? 'A branch';
    this.said = `${name} was forked at step ${parent.step}; the copy, ${fork.name}, is shown now.`;
    void this.updateComplete.then(() => this.chooser?.scrollIntoView({ block: 'center' }));
  }

  override render(): unknown {
    const { branches, prepared } = this;
    const branch = branches.find(({ id }) => id === this.chosen) ?? branches[0];
    if (branch === undefined || prepared === undefined) return nothing;
    const seen = collapsesSeen(branches);
    return html`<fieldset class="branches">
        <legend class="visually-hidden">Branch</legend>
        ${branches.map((each) => this.#branch(each, branch))}
      </fieldset>
      ${seen.map(
        ({ name, step, text }) =>
          html`<p class="event" role="status">
            <span class="ring" aria-hidden="true"></span
            ><span><strong>Step ${step}: ${name} has collapsed.</strong> ${text}</span>
          </p>`,
      )}
      <p class="said" role="status">${this.said}</p>
      <div class="screen">
        <div class="flow">
          <p class="sides">
            <span>the rule that should decide</span><b>${branch.name}</b><span>the rule that is cited</span>
          </p>
          ${this.#flow(branch, prepared)}
        </div>
        <div class="charts">
          ${this.#chart('Reward', ({ probe }) => probe.reward, undefined)}
          ${this.#chart('Rare rules cited', ({ heldOut }) => heldOut.tailRecall, WHOLE)}
          <p class="words">
            <lab-term term="reward"></lab-term>, <lab-term term="rare rules"></lab-term>,
            <lab-term term="different reasons"></lab-term>, <lab-term term="held-out pairs"></lab-term>,
            <lab-term term="collapse"></lab-term>, <lab-term term="λ"></lab-term>,
            <lab-term term="fair control"></lab-term>: press a word to read what it means.
          </p>
        </div>
      </div>
      <lab-coefficient
        .branch=${branch}
        ?open=${this.open}
        ?forkable=${this.forkable}
        @branch-command=${(event: CustomEvent<GrpoCommand>) => this.#ask(event.detail)}
      ></lab-coefficient>`;
  }

  #branch(each: BranchState, shown: BranchState): unknown {
    return html`<label class="branch">
      <input type="radio" name="branch" .checked=${each.id === shown.id} @change=${() => (this.chosen = each.id)} />
      <span class="key ${branchLook(each.id)}" aria-hidden="true"></span>
      <span><b>${each.name}</b> <span class="story">${storyOf(each)}</span></span>
    </label>`;
  }

  #flow(branch: BranchState, prepared: GrpoEventOf<'prepared'>): unknown {
    const key = `${branch.id} ${branch.points.length} ${branch.points.at(-1)?.step}`;
    // A new recording is laid out anew, so it is made once for each measurement.
    if (this.#drawn?.key !== key) this.#drawn = { key, recording: liveRecording(branch, prepared) };
    const { recording } = this.#drawn;
    return recording === undefined
      ? html`<p class="none">
          ${branch.points.length === 0 ? 'The start is being measured.' : 'Of this branch single answers are not known.'}
        </p>`
      : html`<lab-flow .recording=${recording} explains terse live></lab-flow>`;
  }

  #chart(
    heading: string,
    of: (measures: MeasuredPoint['measures']) => number | null,
    range: readonly [number, number] | undefined,
  ): unknown {
    const curveOf = (points: readonly Pick<MeasuredPoint, 'step' | 'measures'>[]): Curve =>
      points.reduce((drawn: Curve, { step, measures }) => {
        const value = of(measures);
        return value === null ? drawn : addPoint(drawn, step, value);
      }, EMPTY_CURVE);
    const { branches, ghost } = this;
    const lines = branches.map(({ id, name, points }): ChartLine => {
      return { name, look: branchLook(id), curve: curveOf(points) };
    });
    const recorded: ChartLine[] =
      ghost === undefined ? [] : [{ name: 'recorded', look: 'steady', curve: curveOf(ghost.frames) }];
    const format = range === undefined ? twoDecimals : wholePercent;
    return html`<lab-chart
      heading=${heading}
      .steps=${lastStep(branches)}
      .range=${range}
      .format=${format}
      .formatTick=${format}
      .lines=${[...lines, ...recorded]}
      .marks=${collapsesSeen(branches).map(({ step, name }) => ({ step, text: `collapse of ${name}` }))}
    ></lab-chart>`;
  }

  #ask(command: GrpoCommand): void {
    this.#isForking ||= command.kind === 'fork';
    this.dispatchEvent(new CustomEvent<GrpoCommand>('branch-command', { detail: command }));
  }
}

declare global {
  interface HTMLElementTagNameMap {
    'lab-live': LabLive;
  }
}
