/**
 * The rules that a branch cites as it learns: one row per rule, one column per step, darker where the rollouts of the
 * step cite it more often. Rare rules are below the line. Drawn on a canvas because it has thousands of cells. The rule
 * under the pointer is named, the arrow keys move through the rules, and a table has the same numbers.
 */
import { css, html, nothing } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import { branchLineStyles, branchLook } from '../parts/charts/branch-looks.ts';
import type { BranchState } from './collapse-state.ts';
import { disclosureStyles } from '../parts/forms/field-styles.ts';
import { formatCount } from '../parts/format.ts';
import type { RuleInfo } from '../../protocol/grpo.ts';
import { orderedRules, ruleSums } from './rule-series.ts';
import { DrawingController } from '../parts/charts/drawing-controller.ts';
import { LabElement } from '../parts/lab-element.ts';
import { baseStyles } from '../parts/shared-styles.ts';

const ROW_PIXELS = 7;
/** Between common and rare rules. */
const GAP_PIXELS = 5;
/** Steps at the beginning and at the end that the table compares. */
const WINDOW = 10;

/**
 * @fires rule-choose - the index of a rule as `detail`.
 */
@customElement('lab-rule-strip')
export class LabRuleStrip extends LabElement {
  static override readonly styles = [
    baseStyles,
    branchLineStyles,
    disclosureStyles,
    css`
      .strip {
        position: relative;
        border-radius: var(--radius);
        background: var(--field);
        cursor: crosshair;
      }
      canvas {
        display: block;
        width: 100%;
      }
      .sides {
        display: grid;
        grid-template-columns: auto minmax(0, 1fr);
        gap: 0 var(--space-2);
      }
      .kinds {
        display: grid;
        color: var(--muted);
        font-size: 0.75rem;
        line-height: 1.2;
      }
      .kinds span {
        align-self: center;
      }
      .caption {
        min-height: 2.6em;
        margin-top: var(--space-1);
        color: var(--muted);
        font-size: var(--text-small);
        line-height: 1.3;
      }
      .caption strong {
        color: var(--ink);
        font-weight: 600;
      }
      .table {
        max-height: 22rem;
        overflow: auto;
      }
      table {
        width: 100%;
        margin-top: var(--space-2);
        border-collapse: collapse;
        font-size: var(--text-small);
        font-variant-numeric: tabular-nums;
      }
      th,
      td {
        padding: 0.15rem var(--space-2) 0.15rem 0;
        border-bottom: 1px solid var(--line);
        text-align: right;
        vertical-align: top;
      }
      th:first-child {
        text-align: left;
        overflow-wrap: anywhere;
      }
      th {
        font-weight: 600;
      }
      tbody th {
        font-weight: 400;
      }
    `,
  ];

  @property({ attribute: false }) branch: BranchState | undefined;
  @property({ attribute: false }) rules: readonly RuleInfo[] = [];
  /** The selected rule. */
  @property({ type: Number }) rule = 0;
  @state() private pointed: { readonly rule: number; readonly step: number } | undefined;
  @state() private isTableOpen = false;

  constructor() {
    super();
    this.addController(new DrawingController(this, { resized: () => this.#draw(), recoloured: () => this.#draw() }));
  }

  override render(): unknown {
    const { branch, rules } = this;
    if (branch === undefined) return nothing;
    const order = orderedRules(rules);
    const tail = rules.filter(({ isTail }) => isTail).length;
    return html`<div class="sides">
        <div class="kinds" aria-hidden="true">
          <span>common<br />${rules.length - tail}</span><span>rare<br />${tail}</span>
        </div>
        <div
          class="strip ${branchLook(branch.id)}"
          role="slider"
          tabindex="0"
          aria-label="Rules cited by ${branch.name}"
          aria-orientation="vertical"
          aria-valuemin="1"
          aria-valuemax=${rules.length}
          aria-valuenow=${order.indexOf(this.rule) + 1}
          aria-valuetext=${this.#described(this.rule, branch.step)}
          @pointermove=${this.#point}
          @pointerleave=${() => (this.pointed = undefined)}
          @click=${this.#choose}
          @keydown=${this.#move}
        >
          <canvas></canvas>
        </div>
      </div>
      <p class="caption">${this.#caption(branch)}</p>
      <details @toggle=${this.#toggled}>
        <summary>The same as a table</summary>
        ${this.isTableOpen ? this.#table(branch, order) : nothing}
      </details>`;
  }

  override updated(): void {
    this.#draw();
  }

  #caption(branch: BranchState): unknown {
    const { rule, step } = this.pointed ?? { rule: this.rule, step: branch.step };
    const info = this.rules[rule];
    if (info === undefined) return nothing;
    return html`<strong>${info.id}</strong>${info.isTail ? ' (rare)' : ''}: ${citedText(branch, rule, step)}`;
  }

  #described(rule: number, step: number): string {
    const info = this.rules[rule];
    const { branch } = this;
    if (info === undefined || branch === undefined) return 'no rule';
    return `${info.id}${info.isTail ? ', rare' : ''}, ${citedText(branch, rule, step)}`;
  }

  #table(branch: BranchState, order: readonly number[]): unknown {
    const first = branch.history.slice(0, WINDOW);
    const last = branch.history.slice(-WINDOW);
    return html`<div class="table" tabindex="0" role="group" aria-label="Rules of ${branch.name}">
      <table>
        <thead>
          <tr>
            <th scope="col">Rule</th>
            <th scope="col">Prompts</th>
            <th scope="col">Cited in the first ${first.length} steps</th>
            <th scope="col">in the last ${last.length}</th>
          </tr>
        </thead>
        <tbody>
          ${order.map((rule) => {
            const info = this.rules[rule];
            return html`<tr>
              <th scope="row">${info?.id}${info?.isTail === true ? ' (rare)' : ''}</th>
              <td>${formatCount(ruleSums(branch.history, rule).gold)}</td>
              <td>${formatCount(ruleSums(first, rule).cited)}</td>
              <td>${formatCount(ruleSums(last, rule).cited)}</td>
            </tr>`;
          })}
        </tbody>
      </table>
    </div>`;
  }

  #draw(): void {
    const canvas = this.renderRoot.querySelector('canvas');
    const place = canvas?.parentElement;
    const { branch, rules } = this;
    if (canvas === null || place === null || place === undefined || branch === undefined) return;
    const width = place.clientWidth;
    // A hidden strip has no size; it is drawn once it has one.
    if (width === 0) return;
    const height = rules.length * ROW_PIXELS + GAP_PIXELS;
    const scale = devicePixelRatio;
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
    const pen = canvas.getContext('2d');
    if (pen === null) return;
    pen.scale(scale, scale);
    const { color } = getComputedStyle(place);
    pen.fillStyle = color;
    const cell = width / Math.max(1, branch.steps);
    for (const [row, rule] of orderedRules(rules).entries()) {
      const top = this.#topOf(row);
      for (const { step, rules: counts, rollouts } of branch.history) {
        const share = (counts.cited[rule] ?? 0) / Math.max(1, rollouts);
        if (share === 0) continue;
        // The square root makes one citation among a hundred visible from the last row of a lecture hall.
        pen.globalAlpha = Math.min(1, 0.15 + Math.sqrt(share));
        pen.fillRect((step - 1) * cell, top + 0.5, Math.max(1, cell), ROW_PIXELS - 1);
      }
      if (rule !== this.rule) continue;
      pen.globalAlpha = 1;
      pen.strokeStyle = color;
      pen.strokeRect(0.5, top + 0.5, width - 1, ROW_PIXELS - 1);
    }
    pen.globalAlpha = 1;
    const line = this.#topOf(rules.filter(({ isTail }) => !isTail).length) - GAP_PIXELS / 2;
    pen.fillRect(0, line - 0.5, width, 1);
  }

  #topOf(row: number): number {
    const isBelow = row >= this.rules.filter(({ isTail }) => !isTail).length;
    return row * ROW_PIXELS + (isBelow ? GAP_PIXELS : 0);
  }

  #at(event: PointerEvent | MouseEvent): { readonly rule: number; readonly step: number } | undefined {
    const { currentTarget: strip } = event;
    if (!(strip instanceof HTMLElement) || this.branch === undefined) return undefined;
    const { left, top, width } = strip.getBoundingClientRect();
    const order = orderedRules(this.rules);
    const y = event.clientY - top;
    const row = order.findIndex((_, index) => y < this.#topOf(index) + ROW_PIXELS);
    const rule = order[row];
    if (rule === undefined) return undefined;
    const step = Math.ceil(((event.clientX - left) / width) * this.branch.steps);
    return { rule, step: Math.max(1, Math.min(this.branch.step, step)) };
  }

  #point(event: PointerEvent): void {
    this.pointed = this.#at(event);
  }

  #choose(event: MouseEvent): void {
    const at = this.#at(event);
    if (at !== undefined) this.#fireChoice(at.rule);
  }

  #move(event: KeyboardEvent): void {
    const order = orderedRules(this.rules);
    const row = order.indexOf(this.rule);
    const moves: Readonly<Record<string, number>> = {
      ArrowDown: row + 1,
      ArrowRight: row + 1,
      ArrowUp: row - 1,
      ArrowLeft: row - 1,
      Home: 0,
      End: order.length - 1,
    };
    const to = moves[event.key];
    if (to === undefined) return;
    event.preventDefault();
    const rule = order[Math.max(0, Math.min(order.length - 1, to))];
    if (rule !== undefined) this.#fireChoice(rule);
  }

  #fireChoice(rule: number): void {
    this.pointed = undefined;
    this.dispatchEvent(new CustomEvent<number>('rule-choose', { detail: rule }));
  }

  #toggled(event: Event): void {
    const { currentTarget: details } = event;
    if (details instanceof HTMLDetailsElement) this.isTableOpen = details.open;
  }
}

function citedText(branch: BranchState, rule: number, step: number): string {
  const at = branch.history.find((each) => each.step === step);
  if (at === undefined) return 'no step yet';
  return `cited ${at.rules.cited[rule] ?? 0} times in ${at.rollouts} completions of step ${step}`;
}

declare global {
  interface HTMLElementTagNameMap {
    'lab-rule-strip': LabRuleStrip;
  }
}
