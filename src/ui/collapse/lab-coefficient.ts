/**
 * What a reader can do to a branch while it learns: move the weight of its examples, and fork it from a checkpoint.
 */
import { css, html, nothing, type PropertyValues } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import type { GrpoCommand } from '../../protocol/grpo.ts';
import { fieldStyles } from '../parts/forms/field-styles.ts';
import { LabElement } from '../parts/lab-element.ts';
import '../parts/lab-term.ts';
import { baseStyles, buttonStyles } from '../parts/shared-styles.ts';
import type { BranchState } from './collapse-state.ts';
import { forkStepOf } from './live-text.ts';

/** Range of the slider. */
const COEFFICIENT = { most: 1, by: 0.05 } as const;
/** The weight that a fork offers: that of "Reward + examples". */
const FORK_COEFFICIENT = 0.3;

/**
 * @fires branch-command - a `coefficient` or `fork` command as `detail`.
 */
@customElement('lab-coefficient')
export class LabCoefficient extends LabElement {
  static override readonly styles = [
    baseStyles,
    buttonStyles,
    fieldStyles,
    css`
      :host {
        display: flex;
        flex-wrap: wrap;
        gap: var(--space-2) var(--space-6);
        align-items: center;
        padding-top: var(--space-2);
        border-top: 1px solid var(--line);
        font-size: var(--text-small);
      }
      .coefficient,
      .fork {
        display: flex;
        flex-wrap: wrap;
        gap: var(--space-2) var(--space-3);
        align-items: center;
      }
      .coefficient {
        flex: 1 1 22rem;
      }
      .coefficient input {
        flex: 1;
        min-width: 8rem;
        accent-color: var(--accent);
      }
      output {
        min-width: 2.2em;
        font-size: var(--text-base);
        font-variant-numeric: tabular-nums;
        font-weight: 600;
      }
      .note {
        color: var(--muted);
      }
      .problem {
        flex-basis: 100%;
        color: var(--wrong);
      }
      .problem:empty {
        display: none;
      }
      .fork label {
        display: inline-flex;
        gap: var(--space-2);
        align-items: center;
      }
      .control {
        width: auto;
        font-size: var(--text-small);
      }
      .fork input {
        max-width: 4.5rem;
      }
      option {
        background: var(--surface);
      }
    `,
  ];

  @property({ attribute: false }) branch: BranchState | undefined;
  /** Whether the worker still holds the branch. */
  @property({ type: Boolean }) open = false;
  /** Whether another branch can be added. */
  @property({ type: Boolean }) forkable = false;
  /** The coefficient as the reader has set it; the run applies it from its next step. */
  @state() private wanted: number | undefined;
  @state() private forkStep: number | undefined;
  @state() private forkCoefficient: string | undefined;
  /** What was typed in place of a number when the fork was asked for. */
  @state() private misread: string | undefined;

  override willUpdate(changed: PropertyValues<this>): void {
    if (changed.has('branch') && changed.get('branch')?.id !== this.branch?.id) {
      this.wanted = undefined;
      this.forkStep = undefined;
      this.forkCoefficient = undefined;
      this.misread = undefined;
    }
  }

  override render(): unknown {
    const { branch } = this;
    return branch === undefined ? nothing : html`${this.#coefficient(branch)} ${this.#fork(branch)}`;
  }

  #coefficient({ id, coefficientMoves, history, ended }: BranchState): unknown {
    const last = history.at(-1)?.balance;
    if (last?.coefficient === null || last === undefined) return nothing;
    const isLambda = last.rl === 1;
    const shown = this.wanted ?? last.coefficient;
    const isWaiting = this.wanted !== undefined && this.wanted !== last.coefficient;
    const moves = coefficientMoves.map(({ step, value }) => `${twoDigits(value)} from step ${step + 1}`).join(', ');
    const name = isLambda ? '\u03bb, weight of the expert loss' : '\u03bc, share of the expert loss';
    return html`<div class="coefficient">
      <label for="coefficient">${name}</label>
      <input
        id="coefficient"
        type="range"
        min="0"
        max=${COEFFICIENT.most}
        step=${COEFFICIENT.by}
        .value=${String(shown)}
        ?disabled=${!this.open || ended !== undefined}
        @input=${(event: Event) => this.#turn(id, event)}
      />
      <output for="coefficient">${twoDigits(shown)}</output>
      <p class="note">
        Set so far: ${moves}${isWaiting && ended === undefined ? '; the change applies from the next step' : ''}.
      </p>
    </div>`;
  }

  #fork(branch: BranchState): unknown {
    const { name, checkpoints } = branch;
    if (!this.open || checkpoints.length === 0) return nothing;
    const step = this.forkStep ?? forkStepOf(branch) ?? 0;
    return html`<div class="fork">
      <lab-term term="fork">Fork</lab-term>
      <label
        >from step
        <select class="control" aria-label="Fork ${name} from step" @change=${this.#stepChosen}>
          ${checkpoints.map((each) => html`<option .value=${String(each)} .selected=${each === step}>${each}</option>`)}
        </select>
      </label>
      <label
        >with λ
        <input
          class="control"
          inputmode="decimal"
          autocomplete="off"
          placeholder="unchanged"
          aria-label="Coefficient of the fork"
          aria-invalid=${this.misread === undefined ? 'false' : 'true'}
          aria-describedby="problem"
          .value=${this.forkCoefficient ?? this.#offered(branch)}
          @input=${this.#forkCoefficientChanged}
        />
      </label>
      <button ?disabled=${!this.forkable} @click=${() => this.#askFork(branch, step)}>Fork</button>
      <p id="problem" class="problem" role="status">${this.#problem()}</p>
    </div>`;
  }

  /** Why nothing was forked. */
  #problem(): string {
    return this.misread === undefined
      ? ''
      : `\u03bb is a number such as 0.3, or nothing to leave it unchanged. \u201c${this.misread}\u201d is neither, so nothing was forked.`;
  }

  /** The weight of the examples where there are none so far; nothing for branches with another balance. */
  #offered({ history }: BranchState): string {
    const last = history.at(-1)?.balance;
    return last?.coefficient === 0 && last.rl === 1 ? String(FORK_COEFFICIENT) : '';
  }

  #turn(branch: number, event: Event): void {
    const { currentTarget: slider } = event;
    if (!(slider instanceof HTMLInputElement)) return;
    const value = Number(slider.value);
    this.wanted = value;
    this.#ask({ kind: 'coefficient', branch, value });
  }

  #askFork(branch: BranchState, step: number): void {
    const typed = (this.forkCoefficient ?? this.#offered(branch)).trim();
    const coefficient = typed === '' ? null : Number(typed);
    this.misread = coefficient === null || Number.isFinite(coefficient) ? undefined : typed;
    if (this.misread !== undefined) return;
    const change = coefficient === null ? '' : `, coefficient ${twoDigits(coefficient)}`;
    const name = `${branch.arm.slice(0, 50)} from ${step}${change}`;
    this.#ask({ kind: 'fork', branch: branch.id, step, name, coefficient });
  }

  readonly #stepChosen = (event: Event): void => {
    const { currentTarget: select } = event;
    if (select instanceof HTMLSelectElement) this.forkStep = Number(select.value);
  };

  readonly #forkCoefficientChanged = (event: Event): void => {
    const { currentTarget: input } = event;
    if (!(input instanceof HTMLInputElement)) return;
    this.forkCoefficient = input.value;
    this.misread = undefined;
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
    'lab-coefficient': LabCoefficient;
  }
}
