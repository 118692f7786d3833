/**
 * A finite automaton over tokens that accepts the allowed completions.
 *
 * Room `infer/held/`: constrained decoding, from the grammar and the words of a pair to the tokens that a row may take
 * next. It knows nothing of tensors except the tables that `held-tables.ts` uploads.
 *
 *     start -label-> between -rule-> criterion? -criterion-> open -evidence-> text ... -verdict-> between -label-> restated -eos-> end
 *
 * `grammar` holds the form: known rules, the criterion of the rule, no rule twice, the label restated. `grounded` also
 * constrains evidence: its text is a sequence of whole words of its source. The verdict of a rule is left to the model,
 * because nothing is executed.
 *
 * Each element is one token in the lab's own vocabularies. Another vocabulary spells it in several, and states within a
 * word lead from one token of it to the next.
 *
 * Two facts depend on a row's history and not on its state: the rules it has cited, and its label. The tag of a choice
 * says how it reads and changes them (held-rows.ts), so that states need not be multiplied by histories. States are
 * made when they are first reached, because most of a long document is never quoted; {@link CompletionAutomaton.table}
 * makes all of them, for kernels.
 */
import type { ByteTrieNode } from '../../data/tokenizer/byte-trie.ts';
import { TAG_LABEL, TAG_PLAIN, TAG_RESTATED, TAG_RULE } from '../../kernels/held-tags.ts';
import {
  CRITERIA,
  criterionToken,
  EOS,
  EVIDENCE_SOURCES,
  evidenceToken,
  labelToken,
  ruleToken,
  VERDICTS,
  verdictToken,
} from '../../relevance/pair/vocabulary.ts';
import type { Instruction } from '../../relevance/rules/instruction.ts';
import { MAX_EVIDENCE } from '../../relevance/trace/trace.ts';
import type { EvidenceTexts, TextState } from './evidence-texts.ts';

/** The choices at one state, in ascending order of their tokens. */
export interface Choices {
  readonly ids: Int32Array;
  /** The state after each choice. */
  readonly next: Int32Array;
  readonly tags: Int32Array;
}

/** All states: the choices of state s are at `offsets[s]` to `offsets[s + 1] - 1` of the other lists. */
export interface ChoiceTable extends Choices {
  readonly offsets: Int32Array;
  /** Tokens from each state to the end of the shortest completion, its end token included. */
  readonly remaining: Int32Array;
}

/** The parts of a model that the automaton needs. */
export interface HeldVocabulary {
  /** The token of an answer. */
  readonly idOf: (label: string) => number;
  /** The tokens of an element behind the answer. No list is the beginning of another one. */
  readonly idsWithin: (specialToken: string) => readonly number[];
}

/** A state that has been reached. */
type State =
  | { readonly kind: 'start' | 'between' | 'open' | 'restated' | 'end' }
  | { readonly kind: 'criterion'; readonly rule: number }
  | { readonly kind: 'text'; readonly count: number; readonly text: TextState }
  | { readonly kind: 'within'; readonly options: readonly Option[] };

/** An element that may come next, by the tokens that are left of it. */
interface Option {
  readonly ids: readonly number[];
  readonly next: number;
  readonly tag: number;
}

interface Choice {
  readonly id: number;
  readonly next: number;
  readonly tag: number;
}

/** The distance of a state from which no completion ends. */
const NEVER = 0x3fffffff;

export class CompletionAutomaton {
  /** The state before the first token. */
  static readonly START = 0;
  /** The state after the end token. */
  static readonly END = 1;

  readonly #instruction: Instruction;
  readonly #vocabulary: HeldVocabulary;
  readonly #trie: ByteTrieNode;
  readonly #texts: EvidenceTexts;
  readonly #states: State[] = [];
  readonly #numbers = new Map<string, number>();
  readonly #choices = new Map<number, Choices>();
  readonly #remaining = new Map<number, number>();
  readonly #textNumbers = new Map<TextState, number>();
  readonly #lengths: Readonly<Record<'start' | 'between' | 'open' | 'restated' | 'end', number>>;
  #table: ChoiceTable | undefined;

  /**
   * @param instruction - the rules that can be cited
   * @param trie - the text tokens of the vocabulary
   * @param texts - the allowed texts of evidence
   */
  constructor(instruction: Instruction, vocabulary: HeldVocabulary, trie: ByteTrieNode, texts: EvidenceTexts) {
    this.#instruction = instruction;
    this.#vocabulary = vocabulary;
    this.#trie = trie;
    this.#texts = texts;
    this.#lengths = this.#shortestEnds();
    this.#number({ kind: 'start' });
    this.#number({ kind: 'end' });
  }

  /** The choices at a state, for every history of the row. */
  choices(state: number): Choices {
    const known = this.#choices.get(state);
    if (known !== undefined) return known;
    const options = this.#find(this.#states[state] ?? { kind: 'end' });
    const found = this.#firstTokens(options).toSorted((a, b) => a.id - b.id);
    const choices = {
      ids: Int32Array.from(found, ({ id }) => id),
      next: Int32Array.from(found, ({ next }) => next),
      tags: Int32Array.from(found, ({ tag }) => tag),
    };
    this.#choices.set(state, choices);
    return choices;
  }

  /** Tokens from a state to the end of the shortest completion, its end token included; huge where there is none. */
  remaining(state: number): number {
    const known = this.#remaining.get(state);
    if (known !== undefined) return known;
    const found = this.#findRemaining(state, this.#states[state] ?? { kind: 'end' });
    this.#remaining.set(state, found);
    return found;
  }

  #findRemaining(state: number, at: State): number {
    switch (at.kind) {
      case 'text':
        return this.#remainingOfText(state, at.text);
      case 'within':
        return Math.min(...at.options.map(({ ids, next }) => ids.length + this.remaining(next)));
      case 'criterion':
        return this.#criterionOf(at.rule).length + this.#lengths.open;
      default:
        return this.#lengths[at.kind];
    }
  }

  /** Every state that can be reached, for kernels. */
  table(): ChoiceTable {
    this.#table ??= this.#makeTable();
    return this.#table;
  }

  #makeTable(): ChoiceTable {
    const offsets = [0];
    const lists: Choices[] = [];
    for (let state = 0; state < this.#states.length; state++) {
      const choices = this.choices(state); // may reach states that come later in this loop
      lists.push(choices);
      offsets.push((offsets.at(-1) ?? 0) + choices.ids.length);
    }
    const joined = (part: keyof Choices): Int32Array => {
      const all = new Int32Array(offsets.at(-1) ?? 0);
      for (const [state, list] of lists.entries()) all.set(list[part], offsets[state]);
      return all;
    };
    return {
      offsets: Int32Array.from(offsets),
      ids: joined('ids'),
      next: joined('next'),
      tags: joined('tags'),
      remaining: Int32Array.from(lists, (_, state) => this.remaining(state)),
    };
  }

  #find(state: State): readonly Option[] {
    const { scaleSize, rules } = this.#instruction;
    switch (state.kind) {
      case 'start':
        return labelTokens(scaleSize).map((label) => ({
          ids: [this.#vocabulary.idOf(label)],
          next: this.#number({ kind: 'between' }),
          tag: TAG_LABEL,
        }));
      case 'between': {
        const cited = rules.map((_, rule) =>
          this.#element(ruleToken(rule), { kind: 'criterion', rule }, TAG_RULE + rule),
        );
        const restated = labelTokens(scaleSize).map((label) =>
          this.#element(label, { kind: 'restated' }, TAG_RESTATED),
        );
        return [...cited, ...restated];
      }
      case 'criterion':
        return [{ ids: this.#criterionOf(state.rule), next: this.#number({ kind: 'open' }), tag: TAG_PLAIN }];
      case 'open':
        return [...this.#verdicts(), ...this.#evidence(1)];
      case 'text': {
        const more = this.#continued(state.text, state.count);
        if (!this.#texts.isWhole(state.text)) return more;
        return [...more, ...this.#verdicts(), ...(state.count < MAX_EVIDENCE ? this.#evidence(state.count + 1) : [])];
      }
      case 'restated':
        return [this.#element(EOS, { kind: 'end' })];
      case 'within':
        return state.options;
      case 'end':
        return [];
      default:
        return state satisfies never;
    }
  }

  #verdicts(): Option[] {
    return VERDICTS.map((verdict) => this.#element(verdictToken(verdict), { kind: 'between' }));
  }

  /** The sources that have something to quote. */
  #evidence(count: number): Option[] {
    return EVIDENCE_SOURCES.flatMap((source) => {
      const option = this.#element(evidenceToken(source), { kind: 'text', count, text: this.#texts.start(source) });
      return this.remaining(option.next) < NEVER ? [option] : [];
    });
  }

  /** The text tokens whose bytes lead from one text state to another, found by walking both tries together. */
  #continued(text: TextState, count: number): Option[] {
    const found: Option[] = [];
    const walk = (node: ByteTrieNode, at: TextState): void => {
      if (node.ids.length > 0) {
        const next = this.#number({ kind: 'text', count, text: at });
        for (const id of node.ids) found.push({ ids: [id], next, tag: TAG_PLAIN });
      }
      for (const [byte, child] of node.next) {
        const after = this.#texts.step(at, byte);
        if (after !== undefined) walk(child, after);
      }
    };
    walk(this.#trie, text);
    return found;
  }

  // The text ends at the nearest whole word. Each token leads further into one of finitely many words, so this ends.
  #remainingOfText(state: number, text: TextState): number {
    if (this.#texts.isWhole(text)) return this.#lengths.open;
    let least = NEVER;
    this.#remaining.set(state, NEVER); // what leads back to this state is no way to the end
    for (const next of this.choices(state).next) least = Math.min(least, 1 + this.remaining(next));
    return least;
  }

  #element(token: string, next: State, tag = TAG_PLAIN): Option {
    return { ids: this.#vocabulary.idsWithin(token), next: this.#number(next), tag };
  }

  #criterionOf(rule: number): readonly number[] {
    return this.#vocabulary.idsWithin(criterionToken(this.#instruction.rules[rule]?.criterion ?? CRITERIA[0]));
  }

  /**
   * The first tokens of some options. A tag stays with the token that decides for its option, so that no row enters a
   * word that it may not complete.
   */
  #firstTokens(options: readonly Option[]): Choice[] {
    const byFirst = new Map<number, Option[]>();
    for (const { ids, ...rest } of options) {
      const [id = -1, ...left] = ids;
      const same = byFirst.get(id) ?? [];
      byFirst.set(id, same);
      same.push({ ...rest, ids: left });
    }
    return [...byFirst].map(([id, rests]) => {
      const [only] = rests;
      if (only === undefined || rests.length > 1) {
        return { id, next: this.#number({ kind: 'within', options: rests }), tag: TAG_PLAIN };
      }
      const { ids, next, tag } = only;
      const within: State = { kind: 'within', options: [{ ...only, tag: TAG_PLAIN }] };
      return { id, next: ids.length === 0 ? next : this.#number(within), tag };
    });
  }

  /** Tokens to the end of the shortest completion, its end token included, where they depend on the vocabulary alone. */
  #shortestEnds(): Readonly<Record<'start' | 'between' | 'open' | 'restated' | 'end', number>> {
    const least = (tokens: readonly string[]): number =>
      Math.min(...tokens.map((token) => this.#vocabulary.idsWithin(token).length));
    const restated = least([EOS]);
    const between = least(labelTokens(this.#instruction.scaleSize)) + restated;
    return { start: 1 + between, between, open: least(VERDICTS.map(verdictToken)) + between, restated, end: 0 };
  }

  /** The number of a state, which it gets when it is first reached. */
  #number(state: State): number {
    const key = state.kind === 'text' ? `text ${state.count} ${this.#textNumber(state.text)}` : keyOf(state);
    const known = this.#numbers.get(key);
    if (known !== undefined) return known;
    const number = this.#states.push(state) - 1;
    this.#numbers.set(key, number);
    return number;
  }

  #textNumber(text: TextState): number {
    const known = this.#textNumbers.get(text);
    if (known !== undefined) return known;
    const number = this.#textNumbers.size;
    this.#textNumbers.set(text, number);
    return number;
  }
}

function keyOf(state: Exclude<State, { kind: 'text' }>): string {
  if (state.kind === 'criterion') return `criterion ${state.rule}`;
  if (state.kind !== 'within') return state.kind;
  return `within ${state.options.map(({ ids, next, tag }) => `${ids.join(' ')} > ${next} ${tag}`).join('; ')}`;
}

function labelTokens(scaleSize: number): string[] {
  return Array.from({ length: scaleSize }, (_, label) => labelToken(scaleSize, label));
}
