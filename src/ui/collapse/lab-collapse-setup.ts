/**
 * The setup of a demonstration: the regime, the branches, a few numbers, and the button that runs it.
 */
import { css, html, nothing } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import { live } from 'lit/directives/live.js';
import {
  checkChoice,
  DEFAULT_CHOICE,
  DEMONSTRATION_FORM,
  type DemonstrationChoice,
  draftFor,
  METHODS,
  type MethodName,
  MOST_METHODS,
  ORDERS,
  PROMPT_MIXES,
  REWARDS,
} from './demonstration.ts';
import { namedInWords } from './branch-names.ts';
import { fieldStyles } from '../parts/forms/field-styles.ts';
import '../parts/forms/lab-settings.ts';
import type { SettingsDraft } from '../parts/forms/settings-draft.ts';
import type { JsonForm } from '../parts/forms/settings-json.ts';
import { readoutStyles } from '../parts/readout-styles.ts';
import { LabElement } from '../parts/lab-element.ts';
import { baseStyles, buttonStyles, headingStyles } from '../parts/shared-styles.ts';

/** Each choice by its name, with its meaning. */
const MIX_TEXTS = {
  'head-heavy': ['Head-heavy', 'Prompts of rare rules are ten times rarer than in the expert\u2019s data.'],
  matched: ['Matched', 'Rules are as frequent as in the expert\u2019s data.'],
} as const;
const REWARD_TEXTS = {
  plausible: ['Plausible', 'For the right label, and for rules that imply the label given, with their evidence there.'],
  full: ['Full', 'Every step is compared with the expert\u2019s.'],
  lenient: ['Lenient', 'Label and format only.'],
} as const;
const ORDER_TEXTS = {
  random: ['Random', 'As they are drawn.'],
  staged: ['In stages', 'What the start finds easy, then hard, then everything with rare rules more often.'],
  adaptive: ['In stages, adaptive', 'The same, but a stage ends once its prompts are answered well.'],
} as const;

const JSON_FORM: JsonForm = { schema: DEMONSTRATION_FORM.schema, place: ['collapse', 'settings'] };

/**
 * @slot source - the choice of start and data.
 * @fires demonstration-run - a {@link DemonstrationChoice} as `detail`.
 * @fires choice-change - the present {@link DemonstrationChoice} as `detail`.
 */
@customElement('lab-collapse-setup')
export class LabCollapseSetup extends LabElement {
  static override readonly styles = [
    baseStyles,
    buttonStyles,
    headingStyles,
    fieldStyles,
    readoutStyles,
    css`
      section,
      .rows {
        display: grid;
        gap: var(--space-4);
      }
      .rows {
        grid-template-columns: repeat(auto-fit, minmax(min(100%, 15rem), 1fr));
      }
      lab-settings {
        --setting-width: 11rem;
      }
      .label,
      legend {
        display: block;
        margin-bottom: var(--space-1);
        padding: 0;
        font-size: var(--text-small);
      }
      fieldset {
        min-width: 0;
        margin: 0;
        padding: 0;
        border: 0;
      }
      .methods {
        display: grid;
        grid-template-columns: repeat(auto-fit, minmax(min(100%, 17rem), 1fr));
        gap: var(--space-2) var(--space-4);
      }
      .method {
        display: flex;
        gap: var(--space-2);
        align-items: start;
      }
      .method input {
        flex: none;
        margin-top: 0.2rem;
      }
      .help {
        display: block;
        color: var(--muted);
        font-size: var(--text-small);
      }
      .below {
        margin-top: var(--space-1);
      }
      .problem {
        color: var(--wrong);
      }
      .purpose {
        max-width: 46rem;
      }
      option {
        background: var(--surface);
      }
    `,
  ];

  @property({ attribute: false }) choice: DemonstrationChoice = DEFAULT_CHOICE;
  /** Whether start and data are complete. */
  @property({ type: Boolean }) ready = false;

  override render(): unknown {
    const tooFewOrMany = this.#methodsProblem();
    const { settings, problems } = checkChoice(this.choice);
    const isReady = this.ready && settings !== undefined && tooFewOrMany === '';
    return html`<section aria-label="The demonstration">
      <p class="purpose">
        Reinforcement continues the training of a small model that has learned all rules from an expert. Watch whether
        it forgets rare rules while its reward climbs, and what adding an expert loss changes. All branches start from
        the same weights and see the same prompts and random numbers.
      </p>
      <p class="actions">
        <button class="primary" ?disabled=${!isReady} @click=${this.#run}>Run the demonstration</button>
      </p>
      <div class="rows">
        ${this.#select('prompts', 'Prompts', PROMPT_MIXES, this.choice.prompts, MIX_TEXTS)}
        ${this.#select('reward', 'Reward', REWARDS, this.choice.reward, REWARD_TEXTS)}
        ${this.#select('order', 'Order of prompts', ORDERS, this.choice.order, ORDER_TEXTS)}
      </div>
      <slot name="source"></slot>
      <fieldset>
        <legend>Branches</legend>
        <div class="methods">
          ${METHODS.map(
            ({ name, help }) =>
              html`<label class="method">
                <input
                  type="checkbox"
                  .checked=${live(this.choice.methods.includes(name))}
                  @change=${() => this.#toggle(name)}
                />
                <span>${namedInWords(name)}<span class="help">${help}</span></span>
              </label>`,
          )}
          <label class="method">
            <input
              type="checkbox"
              .checked=${live(this.choice.control)}
              @change=${() => this.#change({ control: !this.choice.control })}
            />
            <span
              >Fair control (GRPO, matched prompts, full reward)<span class="help"
                >The control: nothing is left out, nothing can be hacked. Without it a run is sooner at its end, and
                shows less.</span
              ></span
            >
          </label>
        </div>
      </fieldset>
      ${tooFewOrMany === '' ? nothing : html`<p class="problem" role="status">${tooFewOrMany}</p>`}
      ${problems.has('') ? html`<p class="problem" role="status">${problems.get('')}</p>` : nothing}
      <lab-settings
        .fields=${DEMONSTRATION_FORM.fields}
        .json=${JSON_FORM}
        .draft=${draftFor(this.choice)}
        .problems=${problems}
        @settings-change=${({ detail }: CustomEvent<SettingsDraft>) => this.#change({ draft: detail })}
      ></lab-settings>
    </section>`;
  }

  #select<Name extends string>(
    key: 'prompts' | 'reward' | 'order',
    label: string,
    names: readonly Name[],
    chosen: Name,
    texts: Readonly<Record<Name, readonly [name: string, help: string]>>,
  ): unknown {
    const choose = ({ currentTarget }: Event): void => {
      const name = names.find((each) => currentTarget instanceof HTMLSelectElement && each === currentTarget.value);
      if (name !== undefined) this.#change({ [key]: name });
    };
    return html`<div>
      <label class="label" for=${key}>${label}</label>
      <select id=${key} class="control" aria-describedby="${key}-help" @change=${choose}>
        ${names.map((name) => {
          const value: string = name;
          return html`<option value=${value} .selected=${name === chosen}>${texts[name][0]}</option>`;
        })}
      </select>
      <span id="${key}-help" class="help below">${texts[chosen][1]}</span>
    </div>`;
  }

  /** Empty where there is none. */
  #methodsProblem(): string {
    const { length } = this.choice.methods;
    if (length === 0) return 'Choose at least one branch.';
    return length > MOST_METHODS ? `Choose at most ${MOST_METHODS} branches beside the control.` : '';
  }

  #toggle(name: MethodName): void {
    const { methods } = this.choice;
    const changed = methods.includes(name) ? methods.filter((each) => each !== name) : [...methods, name];
    this.#change({ methods: changed });
  }

  /** Reported at once, because the owner of the choice sets it again on every update. */
  #change(change: Partial<DemonstrationChoice>): void {
    this.choice = { ...this.choice, ...change };
    this.dispatchEvent(new CustomEvent<DemonstrationChoice>('choice-change', { detail: this.choice }));
  }

  #run(): void {
    this.dispatchEvent(new CustomEvent<DemonstrationChoice>('demonstration-run', { detail: this.choice }));
  }
}

declare global {
  interface HTMLElementTagNameMap {
    'lab-collapse-setup': LabCollapseSetup;
  }
}
