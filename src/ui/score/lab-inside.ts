/**
 * Inside the model: what the place of the label attends to in the pair, what the label would be after each layer, and
 * how uncertain the policy is at each token. It looks again whenever another pair has been answered.
 */
import { html, nothing } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import type { DecodingKind } from '../../config/decoding.ts';
import { type Failure, failureOf } from '../../protocol/failure.ts';
import { type Inside, shownAttention } from '../../protocol/inside.ts';
import type { Pair } from '../../relevance/pair/pair.ts';
import { cssProperties } from '../parts/css-properties.ts';
import { download } from '../parts/download.ts';
import { failureNotice } from '../parts/failure-notice.ts';
import { fieldStyles } from '../parts/forms/field-styles.ts';
import { formatPercent } from '../parts/format.ts';
import { LabElement } from '../parts/lab-element.ts';
import { baseStyles, buttonStyles, headingStyles, tableStyles } from '../parts/shared-styles.ts';
import { insideStyles } from './inside-styles.ts';
import type { ScoringClient } from './scoring-client.ts';

/** The parts of a pair, in the order of the prompt; what is of neither query nor document comes last. */
const PLACES = [
  ['query', 'Query'],
  ['title', 'Title'],
  ['brand', 'Brand'],
  ['type', 'Type'],
  ['attributes', 'Attributes'],
  ['text', 'Text'],
  [null, 'Structure and hints'],
] as const;

@customElement('lab-inside')
export class LabInside extends LabElement {
  static override readonly styles = [baseStyles, buttonStyles, headingStyles, fieldStyles, tableStyles, insideStyles];

  @property({ attribute: false }) client: ScoringClient | undefined;
  /** The pair that has been answered; undefined while an answer is under way. */
  @property({ attribute: false }) pair: Pair | undefined;
  @property({ attribute: false }) decoding: DecodingKind | undefined;
  @property({ attribute: false }) labelNames: readonly string[] = [];
  @state() private inside: Inside | undefined;
  @state() private failure: Failure | undefined;
  /** From 1; undefined for the mean over all. */
  @state() private layer: number | undefined;
  @state() private head: number | undefined;
  #asked: unknown[] = [];
  #looking: AbortController | undefined;

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#looking?.abort();
    this.#asked = []; // back on the page, it looks again
  }

  override willUpdate(): void {
    const { client, pair, decoding } = this;
    const asked = [client, pair, decoding];
    if (asked.every((each, i) => each === this.#asked[i]) && this.#asked.length > 0) return;
    this.#asked = asked;
    this.#looking?.abort();
    if (client !== undefined && pair !== undefined) void this.#look(client, pair, decoding);
  }

  async #look(client: ScoringClient, pair: Pair, decoding: DecodingKind | undefined): Promise<void> {
    const looking = new AbortController();
    this.#looking = looking;
    this.failure = undefined;
    try {
      const inside = await client.inside({ pair, reason: true, decoding }, looking.signal);
      if (looking.signal.aborted) return;
      this.inside = inside;
      const [layers, heads] = [inside.attention.length, inside.attention[0]?.length ?? 0];
      if ((this.layer ?? 0) > layers) this.layer = undefined;
      if ((this.head ?? 0) > heads) this.head = undefined;
    } catch (thrown) {
      if (looking.signal.aborted) return;
      this.failure = failureOf(thrown);
      this.inside = undefined; // what is there is of another pair
    } finally {
      if (this.#looking === looking) this.#looking = undefined;
      this.requestUpdate();
    }
  }

  override render(): unknown {
    const { inside } = this;
    const isStale = this.#looking !== undefined || this.pair === undefined;
    const isShown = !isStale && inside !== undefined;
    return html`<h2 class="heading">Inside the model</h2>
      <p class="visually-hidden" role="status">
        ${isShown ? 'The inside of this answer is shown.' : this.failure === undefined ? 'Looking inside' : nothing}
      </p>
      ${failureNotice(this.failure)}
      ${
        inside === undefined
          ? html`<p class="muted">${isStale ? 'Looking inside' : nothing}</p>`
          : html`<div class=${isStale ? 'stale parts' : 'parts'}>
              ${this.#attention(inside)} ${this.#lens(inside)} ${this.#entropies(inside)}
              <p>
                <button
                  @click=${() => download(new Blob([JSON.stringify(inside)], { type: 'application/json' }), 'inside.json')}
                >
                  All numbers as JSON
                </button>
              </p>
            </div>`
      }`;
  }

  #attention(inside: Inside): unknown {
    const shares = shownAttention(inside, this.layer, this.head);
    const most = Math.max(1e-9, ...shares);
    const words = inside.words.map((word, i) => ({ ...word, text: plain(word.text), share: shares[i] ?? 0 }));
    return html`<section aria-labelledby="attention">
      <h3 id="attention">What the label attends to</h3>
      <p class="muted">
        The model predicts the label at the last place of its prompt. Attention mixes what comes before it: the stronger
        the ground of a word, the larger its share, from none to ${formatPercent(most)}.
      </p>
      <div class="choices">
        ${this.#choice('Layer', inside.attention.length, this.layer, (layer) => (this.layer = layer))}
        ${this.#choice('Head', inside.attention[0]?.length ?? 0, this.head, (head) => (this.head = head))}
      </div>
      <dl class="heat" aria-hidden="true">
        ${PLACES.map(([field, name]) => {
          const here = words.filter((word) => word.field === field && (field === null || !word.isSpecial));
          return here.length === 0
            ? nothing
            : html`<dt>${name}</dt>
                <dd>
                  ${here.map(({ text, share }) => html`<span ${cssProperties({ '--heat': String(share / most) })}>${text}</span> `)}
                </dd>`;
        })}
      </dl>
      ${table(
        'The shares as a table',
        ['Word', 'From', 'Share'],
        words.map(({ text, field, isSpecial, share }) => [
          text,
          isSpecial ? 'structure' : (field ?? 'structure'),
          formatPercent(share),
        ]),
      )}
    </section>`;
  }

  #choice(
    name: string,
    count: number,
    value: number | undefined,
    choose: (value: number | undefined) => void,
  ): unknown {
    return html`<label
      >${name}
      <select
        class="control"
        @change=${({ currentTarget }: Event) => {
          const chosen = currentTarget instanceof HTMLSelectElement ? Number(currentTarget.value) : 0;
          choose(chosen === 0 ? undefined : chosen);
        }}
      >
        <option value="0" ?selected=${value === undefined}>Mean of ${count}</option>
        ${Array.from({ length: count }, (_, i) => html`<option value=${i + 1} ?selected=${value === i + 1}>${i + 1}</option>`)}
      </select></label
    >`;
  }

  #lens({ lens }: Inside): unknown {
    return html`<section aria-labelledby="lens">
      <h3 id="lens">The label, layer by layer</h3>
      <p class="muted">
        What the label would be if the model ended there (the logit lens): the same place through the final norm and the
        head. The last layer is the answer.
      </p>
      <div class="table" tabindex="0" role="group" aria-label="The label, layer by layer">
        <table>
          <thead>
            <tr>
              <th scope="col">After layer</th>
              ${this.labelNames.map((name) => html`<th scope="col">${name}</th>`)}
              <th scope="col">On labels at all</th>
            </tr>
          </thead>
          <tbody>
            ${lens.map(
              ({ probabilities, labelMass }, layer) =>
                html`<tr>
                  <th scope="row">
                    ${layer === 0 ? '0: no layer' : layer === lens.length - 1 ? `${layer}: the answer` : layer}
                  </th>
                  ${probabilities.map((p) => html`<td class="bar" ${cssProperties({ '--heat': String(p) })}>${formatPercent(p)}</td>`)}
                  <td>${formatPercent(labelMass)}</td>
                </tr>`,
            )}
          </tbody>
        </table>
      </div>
    </section>`;
  }

  #entropies({ tokens }: Inside): unknown {
    const most = Math.max(0.01, ...tokens.map(({ entropyNats }) => entropyNats));
    return html`<section aria-labelledby="entropy">
      <h3 id="entropy">How uncertain it was at each token</h3>
      <p class="muted">
        The entropy of the policy over its whole vocabulary, whatever the reasoning was held to: the stronger the ground
        of a token, the more uncertain, up to ${most.toFixed(2)} nats.
      </p>
      <p class="heat written" aria-hidden="true">
        ${tokens.map(({ text, entropyNats }) => html`<span ${cssProperties({ '--heat': String(entropyNats / most) })}>${plain(text)}</span> `)}
      </p>
      ${table(
        'The entropies as a table',
        ['Token', 'Entropy in nats', 'Its probability'],
        tokens.map(({ text, entropyNats, probability }) => [
          plain(text),
          entropyNats.toFixed(3),
          formatPercent(probability),
        ]),
      )}
    </section>`;
  }
}

/** A special token without its brackets; a space is drawn, because a ground around nothing is no text. */
function plain(text: string): string {
  const shown = text.replace(/^<\|(.*)\|>$/u, '$1').trim();
  return shown === '' ? '\u2423' : shown;
}

function table(summary: string, head: readonly string[], rows: readonly (readonly string[])[]): unknown {
  return html`<details>
    <summary>${summary}</summary>
    <div class="table" tabindex="0" role="group" aria-label=${summary}>
      <table>
        <thead>
          <tr>
            ${head.map((cell) => html`<th scope="col">${cell}</th>`)}
          </tr>
        </thead>
        <tbody>
          ${rows.map(
            (row) =>
              html`<tr>
                ${row.map((cell) => html`<td>${cell}</td>`)}
              </tr>`,
          )}
        </tbody>
      </table>
    </div>
  </details>`;
}

declare global {
  interface HTMLElementTagNameMap {
    'lab-inside': LabInside;
  }
}
