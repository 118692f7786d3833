/**
 * Four arms of equal pay, learned a hundred times by group-relative updates: each run is a bar that shows which arms
 * its policy still takes in the end. The sliders are those of the real run.
 */
import { css, html } from 'lit';
import { customElement, state } from 'lit/decorators.js';
import { cssProperties } from '../../parts/css-properties.ts';
import { wholePercent } from '../../parts/format.ts';
import { LabElement } from '../../parts/lab-element.ts';
import { baseStyles } from '../../parts/shared-styles.ts';
import { ARM_START, LOST_BELOW, runToy, type ToyRuns, type ToySettings, UPDATES } from './toy-arms.ts';

const RUNS = 100;
const SLIDERS = [
  { key: 'groupSize', name: 'Group size G', least: 2, most: 16, step: 1 },
  { key: 'promptShare', name: 'Prompts where only D pays', least: 0, most: 0.5, step: 0.05 },
  { key: 'lambda', name: '\u03bb, examples', least: 0, most: 0.5, step: 0.05 },
  { key: 'beta', name: '\u03b2, leash', least: 0, most: 0.5, step: 0.05 },
] as const satisfies readonly { key: keyof ToySettings; name: string; least: number; most: number; step: number }[];

@customElement('lab-toy-arms')
export class LabToyArms extends LabElement {
  static override readonly styles = [
    baseStyles,
    css`
      :host {
        display: grid;
        gap: var(--space-3);
      }
      .runs {
        display: flex;
        gap: 1px;
        height: clamp(5rem, 20dvh, 14rem);
      }
      .run {
        display: flex;
        flex: 1;
        flex-direction: column;
        min-width: 1px;
      }
      .run span {
        flex: var(--share) 0 0;
      }
      .arm-0 {
        background: var(--branch-1);
      }
      .arm-1 {
        background: var(--branch-4);
      }
      .arm-2 {
        background: var(--branch-5);
      }
      .arm-3 {
        background: var(--branch-3);
      }
      .key {
        display: flex;
        flex-wrap: wrap;
        gap: 0 var(--space-4);
        color: var(--muted);
        font-size: var(--text-small);
      }
      .key i {
        display: inline-block;
        width: 0.7em;
        height: 0.7em;
        margin-right: 0.35em;
        border-radius: 0.15em;
      }
      .sliders {
        display: grid;
        grid-template-columns: auto minmax(4rem, 1fr) 3em;
        gap: 0 var(--space-3);
        align-items: center;
        font-size: var(--text-small);
      }
      input {
        width: 100%;
        accent-color: var(--accent);
      }
      output {
        font-variant-numeric: tabular-nums;
      }
      strong {
        font-variant-numeric: tabular-nums;
      }
    `,
  ];

  @state() private settings: ToySettings = { groupSize: 8, promptShare: 0, lambda: 0, beta: 0 };
  #runs: ToyRuns | undefined;

  override willUpdate(changed: Map<PropertyKey, unknown>): void {
    if (changed.has('settings') || this.#runs === undefined) this.#runs = runToy(this.settings, RUNS);
  }

  override render(): unknown {
    const { policies = [], withLoss = 0, withoutLast = 0, meanArms = 0 } = this.#runs ?? {};
    const most = (policy: readonly number[]): number => policy.indexOf(Math.max(...policy));
    const ordered = policies.toSorted((a, b) => most(a) - most(b) || (b[most(b)] ?? 0) - (a[most(a)] ?? 0));
    return html`<p class="key">
        ${ARM_START.map((share, arm) => html`<span><i class="arm-${arm}"></i>arm ${'ABCD'[arm]}: at first ${share}</span>`)}
      </p>
      <p class="key">
        One bar is one run after ${UPDATES} updates; its colours show how often it takes each arm, together
        ${wholePercent(1)}. An arm below ${wholePercent(LOST_BELOW)} is lost.
      </p>
      <div class="runs" aria-hidden="true">
        ${ordered.map(
          (policy) =>
            html`<div class="run">
              ${policy.map(
                (share, arm) =>
                  html`<span class="arm-${arm}" ${cssProperties({ '--share': share.toFixed(4) })}></span>`,
              )}
            </div>`,
        )}
      </div>
      <p role="status">
        Repeated ${policies.length} times: <strong>${withLoss}</strong> runs lost an arm,
        <strong>${withoutLast}</strong>
        lost the rare one, D; ${meanArms.toFixed(1)} arms are left on average.
      </p>
      <div class="sliders">
        ${SLIDERS.map(
          ({ key, name, least, most: highest, step }) =>
            html`<label for=${key}>${name}</label>
              <input
                id=${key}
                type="range"
                min=${least}
                max=${highest}
                step=${step}
                .value=${String(this.settings[key])}
                @input=${({ currentTarget: slider }: Event) => {
                  if (slider instanceof HTMLInputElement)
                    this.settings = { ...this.settings, [key]: Number(slider.value) };
                }}
              />
              <output for=${key}>${this.settings[key]}</output>`,
        )}
      </div>`;
  }
}

declare global {
  interface HTMLElementTagNameMap {
    'lab-toy-arms': LabToyArms;
  }
}
