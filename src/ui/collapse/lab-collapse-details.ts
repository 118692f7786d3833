/**
 * Everything that was measured of the branches beside the live view, folded away until somebody wants it: all curves,
 * how far each condition of a collapse is met, the rules of each branch, what became of one, completions, and what
 * steps cost.
 */
import { css, html, nothing } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import type { GrpoEventOf, MeasuredPoint } from '../../protocol/grpo.ts';
import { keyedList } from '../parts/keyed-list.ts';
import { branchLook } from '../parts/charts/branch-looks.ts';
import { addPoint, type Curve, EMPTY_CURVE } from '../parts/charts/curve.ts';
import { disclosureStyles } from '../parts/forms/field-styles.ts';
import { formatCount, formatNats, formatPercent, twoDecimals, wholePercent } from '../parts/format.ts';
import '../parts/charts/lab-chart.ts';
import type { ChartLine } from '../parts/charts/lab-chart.ts';
import { LabElement } from '../parts/lab-element.ts';
import { baseStyles, headingStyles } from '../parts/shared-styles.ts';
import '../parts/forms/lab-module-norms.ts';
import type { ModuleLine } from '../parts/forms/lab-module-norms.ts';
import { moduleNorm, moduleNorms } from '../parts/sessions/module-tree.ts';
import { lastStep } from './collapse-progress.ts';
import type { BranchState } from './collapse-state.ts';
import './lab-branch.ts';
import './lab-completions.ts';
import './lab-rule-autopsy.ts';
import { orderedRules } from './rule-series.ts';

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

@customElement('lab-collapse-details')
export class LabCollapseDetails extends LabElement {
  static override readonly styles = [
    baseStyles,
    headingStyles,
    disclosureStyles,
    css`
      .parts {
        display: grid;
        grid-template-columns: minmax(0, 1fr);
        gap: var(--space-6);
        padding-top: var(--space-4);
      }
      .charts {
        display: grid;
        grid-template-columns: repeat(auto-fit, minmax(min(100%, 20rem), 1fr));
        gap: var(--space-5);
      }
      .branches {
        display: grid;
        grid-template-columns: repeat(auto-fit, minmax(min(100%, 24rem), 1fr));
        gap: var(--space-5);
        align-items: start;
      }
      .note {
        margin-top: var(--space-2);
        color: var(--muted);
        font-size: var(--text-small);
      }
    `,
  ];

  @property({ attribute: false }) branches: readonly BranchState[] = [];
  @property({ attribute: false }) prepared: GrpoEventOf<'prepared'> | undefined;
  /** Where it is computed, in words. */
  @property() device = '';
  /** Counts demonstrations, so that each gets new elements. */
  @property({ type: Number }) number = 0;
  /** The rule shown in strips and autopsy; undefined for the first rare one. */
  @state() private chosenRule: number | undefined;
  @state() private isOpen = false;

  override willUpdate(changed: Map<PropertyKey, unknown>): void {
    if (changed.has('number')) this.chosenRule = undefined;
  }

  override render(): unknown {
    return html`<details
      .open=${this.isOpen}
      @toggle=${({ currentTarget }: Event) => {
        if (currentTarget instanceof HTMLDetailsElement) this.isOpen = currentTarget.open;
      }}
    >
      <summary>Everything measured: conditions of a collapse, rules, completions, costs</summary>
      ${this.isOpen ? this.#parts() : nothing}
    </details>`;
  }

  #parts(): unknown {
    const { branches, prepared } = this;
    const rules = prepared?.rules ?? [];
    const rule = this.chosenRule ?? orderedRules(rules).find((index) => rules[index]?.isTail === true) ?? 0;
    const heldOut = branches[0]?.points[0]?.measures.heldOut.pairs;
    return html`<div class="parts">
      <div>
        <div class="charts">${CHARTS.map((chart) => this.#chart(chart))}</div>
        <p class="note">
          Reward and entropies of completions sampled for a fixed part of each branch’s own prompts, under its own
          reward: the control is paid by another reward than its neighbours. Recall of greedy answers to
          ${heldOut === undefined ? 'the' : formatCount(heldOut)} held-out pairs, the same for all.
        </p>
      </div>
      ${this.#inside()}
      <div class="branches">
        ${keyedList(
          branches,
          ({ id }) => `${this.number}/${id}`,
          (branch) =>
            html`<lab-branch
              .branch=${branch}
              .prepared=${prepared}
              .device=${this.device}
              .rule=${rule}
              @rule-choose=${this.#ruleChosen}
            ></lab-branch>`,
        )}
      </div>
      <lab-rule-autopsy
        .branches=${branches}
        .prepared=${prepared}
        .rule=${rule}
        @rule-choose=${this.#ruleChosen}
      ></lab-rule-autopsy>
      <lab-completions .branches=${branches} .prepared=${prepared}></lab-completions>
    </div>`;
  }

  /** Gradients and activations of a module, side by side; nothing for steps of earlier versions. */
  #inside(): unknown {
    const { branches } = this;
    const first = branches.flatMap(({ history }) => history.find(({ gradNorms }) => gradNorms !== null) ?? [])[0];
    if (first === undefined) return nothing;
    const steps = lastStep(branches);
    return html`<section aria-label="Inside the model">
      <h3 class="heading">Inside the model</h3>
      <lab-module-norms
        .paths=${[...moduleNorms(first.gradNorms ?? {}).keys()]}
        .lines=${branches.map((branch) => moduleLine(branch, steps))}
        .steps=${steps}
      ></lab-module-norms>
      <p class="note">
        The gradient of the first update of each step, before clipping, and what the module gives for the first
        completions of two prompts of that step, by the weights before it: attention and MLP what they add, layers the
        stream after them. Means over windows of steps.
      </p>
    </section>`;
  }

  #chart({ heading, of, unit }: (typeof CHARTS)[number]): unknown {
    const lines = this.branches.map(({ id, name, points }): ChartLine => {
      const curve = points.reduce((drawn: Curve, { step, measures }) => {
        const value = of(measures);
        return value === null ? drawn : addPoint(drawn, step, value);
      }, EMPTY_CURVE);
      return { name, look: branchLook(id), curve };
    });
    return html`<lab-chart
      heading=${heading}
      .steps=${lastStep(this.branches)}
      .range=${UNITS[unit].range}
      .format=${UNITS[unit].format}
      .formatTick=${UNITS[unit].tick}
      .lines=${lines}
    ></lab-chart>`;
  }

  readonly #ruleChosen = (event: CustomEvent<number>): void => {
    this.chosenRule = event.detail;
  };
}

/** Windows of steps that a curve of single steps is drawn in, because these would be too noisy. */
const WINDOWS = 40;

function moduleLine({ id, name, history }: BranchState, steps: number): ModuleLine {
  const curveOf = (of: (step: GrpoEventOf<'step'>) => number | undefined): Curve | undefined => {
    const empty: Curve = { bucketSteps: Math.max(1, Math.ceil(steps / WINDOWS)), points: [] };
    const curve = history.reduce((drawn, step) => {
      const value = of(step);
      return value === undefined ? drawn : addPoint(drawn, step.step, value);
    }, empty);
    return curve.points.length === 0 ? undefined : curve;
  };
  return {
    name,
    look: branchLook(id),
    gradients: (path) => curveOf(({ gradNorms }) => moduleNorm(gradNorms ?? {}, path)),
    activations: (path) => curveOf(({ activations }) => activations?.[path]),
  };
}

declare global {
  interface HTMLElementTagNameMap {
    'lab-collapse-details': LabCollapseDetails;
  }
}
