/**
 * Inside a model while it learns: the gradient norm of a chosen module and what it gives, of one run or of several side
 * by side.
 */
import { css, html, nothing } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import type { Curve } from '../charts/curve.ts';
import '../charts/lab-chart.ts';
import type { ChartLine, LineLook } from '../charts/lab-chart.ts';
import { fieldStyles } from './field-styles.ts';
import { LabElement } from '../lab-element.ts';
import { baseStyles } from '../shared-styles.ts';
import { modulesOf, WHOLE_MODEL } from '../sessions/module-tree.ts';

/** The curves of a run by the path of a module; undefined where there are none. */
export interface ModuleLine {
  /** Empty for the name of the module. */
  readonly name: string;
  readonly look: LineLook;
  readonly gradients: (path: string) => Curve | undefined;
  readonly activations: (path: string) => Curve | undefined;
}

@customElement('lab-module-norms')
export class LabModuleNorms extends LabElement {
  static override readonly styles = [
    baseStyles,
    fieldStyles,
    css`
      .charts {
        display: grid;
        grid-template-columns: repeat(auto-fit, minmax(min(100%, 19rem), 1fr));
        gap: var(--space-4) var(--space-5);
      }
      label {
        display: flex;
        flex-wrap: wrap;
        gap: var(--space-2);
        align-items: center;
        margin-top: var(--space-2);
        color: var(--muted);
        font-size: var(--text-small);
      }
      .control {
        width: auto;
        max-width: 100%;
      }
    `,
  ];

  /** The modules to choose from (module-tree.ts). */
  @property({ attribute: false }) paths: readonly string[] = [];
  @property({ attribute: false }) lines: readonly ModuleLine[] = [];
  @property({ type: Number }) steps = 0;
  @state() private module = WHOLE_MODEL;

  override render(): unknown {
    const modules = modulesOf(this.paths);
    const chosen = modules.find(({ path }) => path === this.module) ?? modules[0];
    if (chosen === undefined) return nothing;
    const chart = (heading: string, of: 'gradients' | 'activations'): unknown => {
      const lines = this.lines.flatMap((line): ChartLine[] => {
        const curve = line[of](chosen.path);
        return curve === undefined
          ? []
          : [{ name: line.name === '' ? chosen.name : line.name, look: line.look, curve }];
      });
      if (lines.length === 0) return nothing;
      return html`<lab-chart
        heading=${heading}
        .steps=${this.steps}
        .format=${norm3}
        .formatTick=${norm2}
        .lines=${lines}
      ></lab-chart>`;
    };
    return html`<div class="charts">
        ${chart('Gradient norm', 'gradients')} ${chart('Activation, root mean square', 'activations')}
      </div>
      <label
        >Of the module
        <select
          class="control"
          @change=${({ currentTarget }: Event) => {
            if (currentTarget instanceof HTMLSelectElement) this.module = currentTarget.value;
          }}
        >
          ${modules.map(
            ({ path, name, depth }) =>
              html`<option value=${path} ?selected=${path === chosen.path}>${'\u2003'.repeat(depth)}${name}</option>`,
          )}
        </select></label
      >`;
  }
}

/** A norm, in three digits or, at a tick, in two. */
function norm3(norm: number): string {
  return String(Number(norm.toPrecision(3)));
}
function norm2(norm: number): string {
  return String(Number(norm.toPrecision(2)));
}

declare global {
  interface HTMLElementTagNameMap {
    'lab-module-norms': LabModuleNorms;
  }
}
