/**
 * The alarm of a branch: whether it has collapsed by the lab's definition, and how far each of the three conditions is
 * met. The view announces a collapse to screen readers; here it is shown with the branch.
 */
import { css, html, nothing } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import type { GrpoEventOf } from '../../protocol/grpo.ts';
import type { BranchState } from './collapse-state.ts';
import { alarmOf, conditionsAt } from './collapse-text.ts';
import { cssProperties } from '../parts/css-properties.ts';
import { LabElement } from '../parts/lab-element.ts';
import { baseStyles } from '../parts/shared-styles.ts';

@customElement('lab-collapse-alarm')
export class LabCollapseAlarm extends LabElement {
  static override readonly styles = [
    baseStyles,
    css`
      .alarm {
        min-height: 3em;
        padding: var(--space-2) var(--space-3);
        border-radius: var(--radius);
        background: var(--field);
      }
      .collapsed,
      .left {
        border-left: 4px solid var(--ink);
      }
      .alarm strong {
        display: block;
        font-size: var(--text-large);
      }
      dl {
        display: grid;
        grid-template-columns: repeat(auto-fit, minmax(7.5rem, 1fr));
        gap: var(--space-2) var(--space-4);
        margin-top: var(--space-3);
      }
      dt {
        color: var(--muted);
        font-size: var(--text-small);
      }
      dd {
        font-variant-numeric: tabular-nums;
      }
      .bound {
        color: var(--muted);
        font-size: var(--text-small);
      }
      .met {
        font-weight: 650;
      }
      .bar {
        height: 0.375rem;
        margin-top: 0.2rem;
        border-radius: 1rem;
        background: linear-gradient(
          to right,
          var(--tone, var(--line-strong)) calc(var(--share, 0) * 100%),
          var(--line) 0
        );
      }
      .met + .bar,
      .full {
        --tone: var(--ink);
      }
    `,
  ];

  @property({ attribute: false }) branch: BranchState | undefined;
  @property({ attribute: false }) bounds: GrpoEventOf<'prepared'>['bounds'] | undefined;

  override render(): unknown {
    const { branch, bounds } = this;
    if (branch === undefined || bounds === undefined) return nothing;
    const { kind, text } = alarmOf(branch);
    const last = branch.points.at(-1);
    return html`<p class="alarm ${kind}">${kind === 'collapsed' ? html`<strong>Collapse</strong>` : nothing}${text}</p>
      ${
        last === undefined
          ? nothing
          : html`<dl>
              ${conditionsAt(last, bounds).map(
                ({ name, now, bound, share, isMet }) =>
                  html`<div>
                    <dt>${name}</dt>
                    <dd>
                      <span class=${isMet ? 'met' : ''}>${now}</span>
                      <span class="bound">of ${bound}${isMet ? ', met' : ''}</span>
                      <div class="bar ${isMet ? 'full' : ''}" ${cssProperties({ '--share': String(share) })}></div>
                    </dd>
                  </div>`,
              )}
            </dl>`
      }`;
  }
}

declare global {
  interface HTMLElementTagNameMap {
    'lab-collapse-alarm': LabCollapseAlarm;
  }
}
