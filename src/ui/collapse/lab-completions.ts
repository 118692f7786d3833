/**
 * Completions that a branch has sampled, with the reward of each part and the advantage of each token.
 */
import { css, html, nothing } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import type { CompletionSample, GrpoEventOf, SampledGroup } from '../../protocol/grpo.ts';
import type { BranchState } from './collapse-state.ts';
import { documentText, reasonSentences, rewardLines, tokenText } from './completion-text.ts';
import { disclosureStyles, fieldStyles } from '../parts/forms/field-styles.ts';
import { cssProperties } from '../parts/css-properties.ts';
import { LabElement } from '../parts/lab-element.ts';
import { baseStyles, headingStyles } from '../parts/shared-styles.ts';

@customElement('lab-completions')
export class LabCompletions extends LabElement {
  static override readonly styles = [
    baseStyles,
    headingStyles,
    fieldStyles,
    disclosureStyles,
    css`
      section {
        display: grid;
        grid-template-columns: minmax(0, 1fr);
        gap: var(--space-3);
      }
      .choices {
        display: flex;
        flex-wrap: wrap;
        gap: var(--space-2) var(--space-4);
        font-size: var(--text-small);
      }
      select.control {
        width: auto;
        max-width: 100%;
        font-size: var(--text-small);
      }
      option {
        background: var(--surface);
      }
      .muted {
        color: var(--muted);
        font-size: var(--text-small);
      }
      .pair {
        overflow-wrap: anywhere;
      }
      .tokens {
        display: flex;
        flex-wrap: wrap;
        gap: 0.2rem;
        font-family: var(--mono);
        font-size: var(--text-small);
      }
      .token {
        padding: 0.1em 0.35em;
        border-radius: 0.25em;
        background: color-mix(in oklab, var(--tone, var(--field)) var(--strength, 100%), var(--field));
        white-space: pre-wrap;
        overflow-wrap: anywhere;
      }
      .up {
        --tone: var(--verified-ground);
      }
      .down {
        --tone: var(--wrong-ground);
      }
      .completions {
        display: grid;
        grid-template-columns: repeat(auto-fill, minmax(min(100%, 26rem), 1fr));
        gap: var(--space-4) var(--space-5);
      }
      .completion {
        display: grid;
        gap: var(--space-2);
        align-content: start;
        min-width: 0;
        padding-top: var(--space-3);
        border-top: 1px solid var(--line);
      }
      .total {
        font-size: var(--text-large);
        font-variant-numeric: tabular-nums;
        font-weight: 650;
      }
      ul {
        padding-left: 1.1rem;
        font-size: var(--text-small);
      }
      .table {
        max-width: 100%;
        overflow-x: auto;
      }
      table {
        border-collapse: collapse;
        font-size: var(--text-small);
        font-variant-numeric: tabular-nums;
      }
      th,
      td {
        padding: 0.1rem var(--space-4) 0.1rem 0;
        border-bottom: 1px solid var(--line);
        text-align: right;
      }
      th:first-child {
        font-family: var(--mono);
        font-weight: 400;
        text-align: left;
      }
    `,
  ];

  @property({ attribute: false }) branches: readonly BranchState[] = [];
  @property({ attribute: false }) prepared: GrpoEventOf<'prepared'> | undefined;
  @state() private branchId = 0;
  /** Undefined for the last. */
  @state() private step: number | undefined;
  /** The index among the recorded prompts. */
  @state() private groupIndex = 0;

  override render(): unknown {
    const { branches, prepared } = this;
    const branch = branches.find(({ id }) => id === this.branchId) ?? branches[0];
    if (branch === undefined || prepared === undefined) return nothing;
    const { samples } = branch;
    const kept = samples.find(({ step }) => step === this.step) ?? samples.at(-1);
    const group = kept?.groups[this.groupIndex] ?? kept?.groups[0];
    return html`<section aria-label="Sample completions">
      <h2 class="heading">What the model writes, and what it is rewarded for</h2>
      <div class="choices">
        <label
          >Branch
          <select class="control" @change=${this.#branchChosen}>
            ${branches.map(
              ({ id, name }) => html`<option .value=${String(id)} .selected=${id === branch.id}>${name}</option>`,
            )}
          </select></label
        >
        <label
          >Step
          <select class="control" @change=${this.#stepChosen}>
            ${samples.map(
              ({ step }) =>
                html`<option .value=${String(step)} .selected=${step === kept?.step}>${String(step)}</option>`,
            )}
          </select></label
        >
        <label
          >Pair
          <select class="control" @change=${this.#groupChosen}>
            ${kept?.groups.map(
              ({ pair }, i) =>
                html`<option .value=${String(i)} .selected=${i === this.groupIndex}>${pair.query}</option>`,
            )}
          </select></label
        >
      </div>
      ${
        group === undefined
          ? html`<p class="muted">Completions are recorded at every measurement; there are none yet.</p>`
          : this.#group(group)
      }
    </section>`;
  }

  #group({ pair, isTail, promptTokens, goldTokens, completions }: SampledGroup): unknown {
    const best = completions.toSorted((a, b) => b.reward.total - a.reward.total);
    return html`<div class="pair">
        <p><strong>${pair.query}</strong> → ${documentText(pair.document)}</p>
        <p class="muted">${isTail ? 'A rare rule decides this pair.' : 'Common rules decide this pair.'}</p>
        <p>The expert: <strong>${this.#name(goldTokens[0] ?? '')}</strong>. ${this.#expertReasons(goldTokens)}</p>
        <details>
          <summary>The prompt as the model reads it</summary>
          ${this.#tokens(promptTokens)}
        </details>
      </div>
      <div class="completions">${best.map((completion) => this.#completion(completion))}</div>`;
  }

  #expertReasons(goldTokens: readonly string[]): string {
    const reasons = reasonSentences(goldTokens, this.prepared?.rules ?? []);
    return reasons.length === 0 ? 'No reason is needed.' : reasons.join(' ');
  }

  #completion(completion: CompletionSample): unknown {
    const { tokens, advantages, ratios, reward } = completion;
    return html`<div class="completion">
      <p><span class="total">${reward.total.toFixed(2)}</span> <span class="muted">reward (${reward.kind})</span></p>
      <p class="tokens">
        ${tokens.map((token, i) => {
          const advantage = advantages[i] ?? 0;
          const look = advantage === 0 ? '' : advantage > 0 ? 'up' : 'down';
          const strength = `${Math.round(100 * Math.min(1, Math.abs(advantage) / 2))}%`;
          return html`<span class="token ${look}" ${cssProperties({ '--strength': look === '' ? '100%' : strength })}
            >${this.#name(token)}</span
          >`;
        })}
      </p>
      <ul>
        ${rewardLines(reward, this.prepared?.rules ?? []).map((line) => html`<li>${line}</li>`)}
      </ul>
      <details>
        <summary>Advantage and ratio of each token</summary>
        <div class="table" tabindex="0" role="group" aria-label="Tokens">
          <table>
            <thead>
              <tr>
                <th scope="col">Token</th>
                <th scope="col">Advantage</th>
                <th scope="col">New p / old p</th>
              </tr>
            </thead>
            <tbody>
              ${tokens.map(
                (token, i) =>
                  html`<tr>
                    <th scope="row">${this.#name(token)}</th>
                    <td>${(advantages[i] ?? 0).toFixed(2)}</td>
                    <td>${(ratios[i] ?? 1).toFixed(3)}</td>
                  </tr>`,
              )}
            </tbody>
          </table>
        </div>
      </details>
    </div>`;
  }

  #tokens(tokens: readonly string[]): unknown {
    return html`<p class="tokens">${tokens.map((token) => html`<span class="token">${this.#name(token)}</span>`)}</p>`;
  }

  #name(token: string): string {
    return tokenText(token, this.prepared?.rules ?? [], this.prepared?.labelNames ?? []);
  }

  readonly #branchChosen = (event: Event): void => {
    const { currentTarget: select } = event;
    if (select instanceof HTMLSelectElement) this.branchId = Number(select.value);
  };

  readonly #groupChosen = (event: Event): void => {
    const { currentTarget: select } = event;
    if (select instanceof HTMLSelectElement) this.groupIndex = Number(select.value);
  };

  readonly #stepChosen = (event: Event): void => {
    const { currentTarget: select } = event;
    if (select instanceof HTMLSelectElement) this.step = Number(select.value);
  };
}

declare global {
  interface HTMLElementTagNameMap {
    'lab-completions': LabCompletions;
  }
}
