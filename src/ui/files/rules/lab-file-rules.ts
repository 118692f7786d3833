/**
 * The own rules of a file: found in its grades, read from files or edited, each with what it decides and gets wrong.
 */
import { html, nothing, type PropertyValues } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import { counted } from '../../../common/counted.ts';
import type { RuleLine, ShownRules } from '../../../protocol/file-rules.ts';
import { fieldStyles, inlineLabelStyles } from '../../parts/forms/field-styles.ts';
import { LabElement } from '../../parts/lab-element.ts';
import '../../parts/lab-notice.ts';
import {
  actionsStyles,
  baseStyles,
  buttonStyles,
  captionedTableStyles,
  headingStyles,
  tableStyles,
} from '../../parts/shared-styles.ts';
import { fileRulesStyles } from './file-rules-styles.ts';
import type { OwnRulesController } from './own-rules-controller.ts';
import { countsText, describeRules, findingTable, groupName, progressText } from './rules-text.ts';

/** @fires rules-score - the file is to be scored by these rules. */
@customElement('lab-file-rules')
export class LabFileRules extends LabElement {
  static override readonly styles = [
    baseStyles,
    buttonStyles,
    actionsStyles,
    headingStyles,
    fieldStyles,
    inlineLabelStyles,
    tableStyles,
    captionedTableStyles,
    fileRulesStyles,
  ];

  @property({ attribute: false }) rules: OwnRulesController | undefined;
  /** Increases with each change of the rules, whose controller stays the same object. */
  @property({ type: Number }) version = 0;
  /** What the own rules that have scored the file are known by; undefined if others have, or none. */
  @property() scoredBy: string | undefined;
  /** What has the focus after the next drawing. */
  #focus: string | undefined;

  override updated(changed: PropertyValues): void {
    super.updated(changed);
    if (this.#focus === undefined || this.rules?.isBusy === true) return;
    const selector = this.#focus;
    this.#focus = undefined;
    const wanted = this.renderRoot.querySelector<HTMLElement>(selector);
    (wanted ?? this.renderRoot.querySelector<HTMLElement>('.find'))?.focus();
  }

  override render(): unknown {
    const { rules } = this;
    if (rules?.state === undefined) return nothing;
    const { judged, rules: shown } = rules.state;
    const isBlocked = isBlockedIn(rules);
    return html`<section aria-labelledby="heading">
      <h3 class="heading" id="heading">Rules from your judgments</h3>
      <p>
        ${
          judged.pairs === 0
            ? 'Rules can be found in grades, and this file has none on a scale that the lab knows. Rules from a file can still score it.'
            : `Looks for rules that lead to your ${counted(judged.pairs, 'grade')}, such as "The title has all words of the query." Rules alone can answer every pair and say why, without a model.`
        }
      </p>
      <div class="actions">
        ${judged.pairs === 0 ? nothing : this.#findButton(rules)}
        <button
          class=${judged.pairs === 0 ? 'find' : ''}
          aria-disabled=${isBlocked ? 'true' : 'false'}
          @click=${() => isBlocked || this.renderRoot.querySelector<HTMLInputElement>('input[type=file]')?.click()}
        >
          Choose a rules file
        </button>
        ${
          rules.state.canUndo
            ? html`<button
                class="undo"
                aria-disabled=${isBlocked ? 'true' : 'false'}
                @click=${() => isBlocked || this.#do(() => rules.undo(), '.undo')}
              >
                Undo
              </button>`
            : nothing
        }
        <input type="file" hidden multiple accept=".json,.txt" @change=${this.#chosen} />
      </div>
      <div role="status">${this.#status(rules)}</div>
      ${
        rules.failure === undefined || rules.draft !== undefined
          ? nothing
          : html`<lab-notice kind="failure" heading="The rules are as they were">${rules.failure.message}</lab-notice>`
      }
      ${shown === null ? nothing : this.#rules(rules, shown)}
    </section>`;
  }

  #findButton(rules: OwnRulesController): unknown {
    const { isFinding } = rules;
    const isBlocked = isBlockedIn(rules) && !isFinding;
    return html`<button
      class="find"
      aria-disabled=${isBlocked ? 'true' : 'false'}
      @click=${() => isBlocked || (isFinding ? rules.stop() : rules.find())}
    >
      ${isFinding ? 'Stop' : 'Find the rules in my judgments'}
    </button>`;
  }

  #status({ progress, state }: OwnRulesController): unknown {
    if (progress !== undefined) {
      return html`<progress aria-label="Looking for rules"></progress>
        <p>${progressText(progress)}</p>`;
    }
    const shown = state?.rules;
    if (shown === null || shown === undefined) return nothing;
    return html`<p>${describeRules(shown)}</p>`;
  }

  #rules(rules: OwnRulesController, shown: ShownRules): unknown {
    return html`<div class="rules">
      ${shown.finding === null ? nothing : findingTable(shown, shown.finding)}
      ${rules.draft === undefined ? this.#groups(rules, shown) : this.#draft(rules, rules.draft)}
      ${
        this.scoredBy === undefined || this.scoredBy === shown.hash
          ? nothing
          : html`<p role="status">The scores of this file are from other rules. Score it again to use these.</p>`
      }
      <div class="actions">
        <button
          aria-disabled=${rules.isBusy ? 'true' : 'false'}
          @click=${() => rules.isBusy || this.dispatchEvent(new Event('rules-score'))}
        >
          Score with these rules
        </button>
        <button
          class="text"
          aria-expanded=${rules.draft === undefined ? 'false' : 'true'}
          @click=${() => this.#toggleText(rules, shown)}
        >
          Edit as text
        </button>
        <button @click=${() => rules.download('instruction')}>Download instruction.txt</button>
        <button @click=${() => rules.download('lexicon')}>Download lexicon.json</button>
        <button
          aria-disabled=${isBlockedIn(rules) ? 'true' : 'false'}
          @click=${() => isBlockedIn(rules) || this.#do(() => rules.discard(), '.find')}
        >
          Discard these rules
        </button>
      </div>
      <p>
        Keep both files in one folder: "lab score --rules-alone instruction.txt" then gives the same scores, and "lab
        piar --start instruction.txt" goes on from these rules.
      </p>
    </div>`;
  }

  #groups(rules: OwnRulesController, { lines, labelNames }: ShownRules): unknown {
    const groups = new Map<string, RuleLine[]>();
    for (const line of lines) groups.set(line.criterion, [...(groups.get(line.criterion) ?? []), line]);
    return html`<p>
        The first rule that applies counts, so exceptions come before the general
        rule.${groups.size > 1 ? ' Each group gives its own label that way, and the lowest of them is the label of the pair.' : ''}
      </p>
      ${[...groups].map(
        ([criterion, members]) =>
          html`<div class="group">
            ${groups.size === 1 ? nothing : html`<h4 class="heading">${groupName(criterion)}</h4>`}
            <ol aria-label=${`Rules: ${groupName(criterion)}`}>
              ${members.map((line, at) => this.#rule(rules, line, { members, at, labelNames, all: lines }))}
            </ol>
          </div>`,
      )}`;
  }

  #rule(
    rules: OwnRulesController,
    { id, text, cap, measured }: RuleLine,
    {
      members,
      at,
      labelNames,
      all,
    }: {
      readonly members: readonly RuleLine[];
      readonly at: number;
      readonly labelNames: readonly string[];
      readonly all: readonly RuleLine[];
    },
  ): unknown {
    const [above, below, afterBelow] = [members[at - 1], members[at + 1], members[at + 2]];
    const neighbour = below ?? above ?? all.find((line) => line.id !== id);
    const button = (
      name: string,
      action: string,
      isPossible: boolean,
      act: () => Promise<boolean>,
      focus = id,
    ): unknown =>
      html`<button
        class=${action}
        data-rule=${id}
        aria-label=${`${name}: ${text}`}
        aria-disabled=${isPossible && !rules.isBusy ? 'false' : 'true'}
        @click=${() => isPossible && this.#do(act, `.${action}[data-rule="${focus}"]`)}
      >
        ${name}
      </button>`;
    return html`<li>
      <div>
        <p class="sentence">${text}</p>
        ${measured === null ? nothing : html`<p>${countsText(measured)}</p>`}
      </div>
      <div class="actions">
        <label>
          At most
          <select
            class="control cap"
            data-rule=${id}
            aria-label=${`At most: ${text}`}
            aria-disabled=${rules.isBusy ? 'true' : 'false'}
            @change=${(event: Event) => this.#capChosen(rules, id, cap, event)}
          >
            ${labelNames.map((name, label) => html`<option value=${label} .selected=${label === cap}>${name}</option>`)}
          </select>
        </label>
        ${button('Up', 'up', above !== undefined, () => rules.edit({ kind: 'move', id, ...(above && { before: above.id }) }))}
        ${button('Down', 'down', below !== undefined, () => rules.edit({ kind: 'move', id, ...(afterBelow && { before: afterBelow.id }) }))}
        ${button('Delete', 'delete', neighbour !== undefined, () => rules.edit({ kind: 'remove', id }), neighbour?.id)}
      </div>
    </li>`;
  }

  #draft(rules: OwnRulesController, draft: string): unknown {
    const { failure } = rules;
    return html`<div class="draft">
      <label>
        The rules as text
        <textarea
          class="control"
          spellcheck="false"
          autocomplete="off"
          aria-invalid=${failure === undefined ? 'false' : 'true'}
          .value=${draft}
          @input=${({ currentTarget: area }: Event) => area instanceof HTMLTextAreaElement && (rules.draft = area.value)}
        ></textarea>
      </label>
      ${
        failure === undefined
          ? nothing
          : html`<lab-notice kind="failure" heading="This text cannot be read yet">${failure.message}</lab-notice>`
      }
      <div class="actions">
        <button class="primary" aria-disabled=${rules.isBusy ? 'true' : 'false'} @click=${() => this.#take(rules)}>
          Use this text
        </button>
        <button @click=${() => this.#leaveText(rules)}>Cancel</button>
      </div>
    </div>`;
  }

  /**
   * Does something, and gives the focus to what a selector finds afterwards, because elements change places.
   *
   * @returns whether it was done
   */
  async #do(act: () => Promise<boolean>, focus: string): Promise<boolean> {
    if (this.rules?.isBusy === true) return false;
    this.#focus = focus;
    return act();
  }

  /** Shows the limit that is in effect again where another was not taken. */
  async #capChosen(
    rules: OwnRulesController,
    id: string,
    cap: number,
    { currentTarget: select }: Event,
  ): Promise<void> {
    if (!(select instanceof HTMLSelectElement)) return;
    const to = { cap: Number(select.value) };
    const isTaken = await this.#do(() => rules.edit({ kind: 'change', id, to }), `.cap[data-rule="${id}"]`);
    if (!isTaken) select.value = String(cap);
  }

  #toggleText(rules: OwnRulesController, { text }: ShownRules): void {
    if (rules.draft !== undefined) return this.#leaveText(rules);
    this.#focus = 'textarea';
    rules.write(text);
  }

  #leaveText(rules: OwnRulesController): void {
    this.#focus = '.text';
    rules.write(undefined);
  }

  async #take(rules: OwnRulesController): Promise<void> {
    if (rules.isBusy) return;
    this.#focus = (await rules.take()) ? '.text' : 'textarea';
    this.requestUpdate();
  }

  readonly #chosen = ({ currentTarget: input }: Event): void => {
    if (!(input instanceof HTMLInputElement)) return;
    const files = [...(input.files ?? [])].map((file) => ({ name: file.name, blob: file }));
    input.value = ''; // the same file can be chosen again
    if (files.length > 0) void this.rules?.read(files);
  };
}

/** Whether the rules may not be replaced now: one change at a time, and none behind a text that is being edited. */
function isBlockedIn({ isBusy, draft }: OwnRulesController): boolean {
  return isBusy || draft !== undefined;
}

declare global {
  interface HTMLElementTagNameMap {
    'lab-file-rules': LabFileRules;
  }
}
