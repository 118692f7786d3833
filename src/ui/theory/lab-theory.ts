/**
 * The theory behind the Collapse view, computed in the page: which of two peaks a single Gaussian fits, what the KL
 * estimators of a trainer push towards, and which policy is optimal for a reward with a KL penalty.
 *
 * Room `ui/theory/`: interactive theory without a model or a worker, shown below the Collapse view.
 */
import { css, html } from 'lit';
import { customElement, state } from 'lit/decorators.js';
import {
  type Estimator,
  ESTIMATORS,
  expectedFacts,
  forwardKlGradient,
  klNats,
  reverseKlGradient,
  sampledFacts,
  softmax,
} from '../../common/kl-estimators.ts';
import { Rng } from '../../common/rng.ts';
import { entropyNats, meanReward, tiltedPolicy } from '../../common/tilted-policy.ts';
import { cssProperties } from '../parts/css-properties.ts';
import { disclosureStyles } from '../parts/forms/field-styles.ts';
import './lab-mixture-fit.ts';
import { LabElement } from '../parts/lab-element.ts';
import { baseStyles, headingStyles, tableStyles } from '../parts/shared-styles.ts';

/** A policy and a reference over four outcomes. */
const POLICY = softmax([1.2, 0.1, -0.4, -1.2]);
const REFERENCE = softmax([0.1, 0.4, 0.2, -0.2]);
const SAMPLES = 4096;
const FORMULAS: Readonly<Record<Estimator, { readonly formula: string; readonly gradient: string }>> = {
  k1: { formula: 'log(p / ref)', gradient: 'none on average' },
  k2: { formula: '\u00bd log(p / ref)\u00b2', gradient: 'of reverse KL(p \u2016 ref)' },
  k3: { formula: 'ref/p \u2212 log(ref/p) \u2212 1', gradient: 'of forward KL(ref \u2016 p)' },
};

/** Four ways to answer: the rules they cite, their share at the start, and their reward. */
const WAYS = [
  { name: 'common rule A', ref: 0.5, reward: 0.8 },
  { name: 'common rule B', ref: 0.3, reward: 0.74 },
  { name: 'rare rule C', ref: 0.15, reward: 0.72 },
  { name: 'rare rule D', ref: 0.05, reward: 0.7 },
] as const;
/** The slider has a scale of powers of ten. */
const LEASH = { least: -2.5, most: 1, start: -0.5 } as const;

@customElement('lab-theory')
export class LabTheory extends LabElement {
  static override readonly styles = [
    baseStyles,
    headingStyles,
    disclosureStyles,
    tableStyles,
    css`
      section,
      .parts {
        display: grid;
        gap: var(--space-5);
      }
      .parts > * {
        min-width: 0;
      }
      h3 {
        margin-bottom: var(--space-2);
        font-size: var(--text-large);
        line-height: 1.3;
      }
      h3 + p,
      p + p {
        margin-bottom: var(--space-3);
      }
      .formula {
        font-family: var(--mono);
        font-size: 0.9375em;
        overflow-wrap: anywhere;
      }
      .muted {
        color: var(--muted);
        font-size: var(--text-small);
      }
      th,
      td {
        padding: 0.25rem var(--space-3) 0.25rem 0;
        text-align: left;
        vertical-align: top;
      }
      .leash {
        display: flex;
        flex-wrap: wrap;
        gap: var(--space-2) var(--space-3);
        align-items: center;
      }
      .leash input {
        flex: 1;
        min-width: 10rem;
        accent-color: var(--accent);
      }
      output {
        min-width: 4em;
        font-variant-numeric: tabular-nums;
        font-weight: 600;
      }
      .ways {
        display: grid;
        gap: var(--space-2);
        margin: var(--space-3) 0;
        list-style: none;
      }
      .bar {
        display: block;
        height: 0.6rem;
        margin-top: 0.15rem;
        border-radius: 1rem;
        background: linear-gradient(to right, var(--branch-0) calc(var(--share) * 100%), var(--line) 0);
      }
      .ref {
        height: 0.25rem;
        background: linear-gradient(to right, var(--line-strong) calc(var(--share) * 100%), transparent 0);
      }
      @media (min-width: 64rem) {
        .parts {
          grid-template-columns: repeat(2, minmax(0, 1fr));
          gap: var(--space-6);
        }
        .first {
          grid-row: span 2;
        }
      }
    `,
  ];

  @state() private leash: number = LEASH.start;
  readonly #estimates = estimatorRows();

  override render(): unknown {
    return html`<section aria-label="Why">
      <h2 class="heading">Why: two directions of one divergence, computed here</h2>
      <div class="parts">
        <div class="first">
          <h3>One Gaussian for two peaks</h3>
          <p>
            Supervised learning lowers the forward divergence and has to cover everything the expert does. Reinforcement
            with a KL penalty lowers a reverse one, and may take one peak and leave the other. Drag the two circles, or
            move them with the arrow keys.
          </p>
          <lab-mixture-fit></lab-mixture-fit>
          <p class="muted">
            Forward: the mean and the variance of the target, in closed form. Reverse: found by descent from every peak.
            This picture explains a tendency; whether it decides what a language model forgets is what the experiments
            ask.
          </p>
        </div>
        <div>${this.#leashed()}</div>
        <div>${this.#estimators()}</div>
      </div>
    </section>`;
  }

  #leashed(): unknown {
    const beta = 10 ** this.leash;
    const [ref, rewards] = [WAYS.map((way) => way.ref), WAYS.map(({ reward }) => reward)];
    const policy = tiltedPolicy(ref, rewards, beta);
    return html`<h3>The optimal policy under a KL penalty</h3>
      <p>
        Reward minus β times the divergence from the start is highest for
        <span class="formula">π*(x) ∝ π_ref(x) exp(R(x) / β)</span>. With a large β that is nearly the start; with a
        small one nearly everything goes to the way that earns a little more.
      </p>
      <label class="leash">
        <span>β, weight of the KL penalty</span>
        <input
          type="range"
          min=${LEASH.least}
          max=${LEASH.most}
          step="0.05"
          .value=${String(this.leash)}
          aria-valuetext="beta ${beta.toPrecision(2)}"
          @input=${this.#pulled}
        />
        <output>${Number(beta.toPrecision(2))}</output>
      </label>
      <ul class="ways">
        ${WAYS.map(
          ({ name, reward, ref: share }, i) =>
            html`<li>
              ${name}
              <span class="muted"
                >earns ${reward.toFixed(2)}; start ${percent(share)}, now ${percent(policy[i] ?? 0)}</span
              >
              <span class="bar" ${cssProperties({ '--share': String(policy[i] ?? 0) })}></span>
              <span class="bar ref" ${cssProperties({ '--share': String(share) })}></span>
            </li>`,
        )}
      </ul>
      <p class="muted" role="status">
        Reward ${meanReward(policy, rewards).toFixed(3)} (start ${meanReward(ref, rewards).toFixed(3)}), entropy
        ${entropyNats(policy).toFixed(2)} nats (start ${entropyNats(ref).toFixed(2)}).
      </p>`;
  }

  #estimators(): unknown {
    return html`<h3>What KL estimators push towards</h3>
      <p>
        A trainer sees samples of the policy p and estimates its divergence from the reference. As a <em>value</em> all
        three are estimates of KL(p ‖ ref); as a <em>loss</em> they have different gradients.
      </p>
      <div class="table" tabindex="0" role="group" aria-label="Estimators">
        <table>
          <thead>
            <tr>
              <th scope="col">Estimator</th>
              <th scope="col">Mean ± sd</th>
              <th scope="col">Gradient as a loss</th>
              <th scope="col">Off by</th>
            </tr>
          </thead>
          <tbody>
            ${this.#estimates.map(
              ({ kind, mean, sd, gap, sampledGap }) =>
                html`<tr>
                  <th scope="row">${kind} <span class="formula">${FORMULAS[kind].formula}</span></th>
                  <td>${mean.toFixed(3)} ± ${sd.toFixed(2)}</td>
                  <td>${FORMULAS[kind].gradient}</td>
                  <td>${gap.toExponential(0)}<br /><span class="muted">${sampledGap.toFixed(3)} sampled</span></td>
                </tr>`,
            )}
          </tbody>
        </table>
      </div>
      <p class="muted">
        Exact KL(p ‖ ref) ${klNats(POLICY, REFERENCE).toFixed(3)} nats over four outcomes. “Off by” is the largest
        difference from the analytic gradient, of the exact expectation and of ${SAMPLES.toLocaleString('en')} samples.
        So “GRPO with k3” pulls towards covering the start, which makes it a needed control for mode balance.
      </p>`;
  }

  readonly #pulled = (event: Event): void => {
    const { currentTarget: slider } = event;
    if (slider instanceof HTMLInputElement) this.leash = Number(slider.value);
  };
}

/** An estimator with the error of its gradient. */
interface EstimatorRow {
  readonly kind: Estimator;
  readonly mean: number;
  readonly sd: number;
  readonly gap: number;
  readonly sampledGap: number;
}

function estimatorRows(): EstimatorRow[] {
  const analytic: Readonly<Record<Estimator, readonly number[]>> = {
    k1: POLICY.map(() => 0),
    k2: reverseKlGradient(POLICY, REFERENCE),
    k3: forwardKlGradient(POLICY, REFERENCE),
  };
  return ESTIMATORS.map((kind) => {
    const { mean, sd, gradient } = expectedFacts(kind, POLICY, REFERENCE);
    const sampled = sampledFacts(kind, POLICY, REFERENCE, SAMPLES, new Rng(`theory ${kind}`));
    const gapTo = (found: readonly number[]): number =>
      Math.max(...found.map((value, i) => Math.abs(value - (analytic[kind][i] ?? 0))));
    return { kind, mean, sd, gap: gapTo(gradient), sampledGap: gapTo(sampled.gradient) };
  });
}

function percent(share: number): string {
  return `${(100 * share).toFixed(share < 0.1 ? 1 : 0)} %`;
}

declare global {
  interface HTMLElementTagNameMap {
    'lab-theory': LabTheory;
  }
}
