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
  readonly idOf: (specialToken: string) => number;
}

/** A state that has been reached. */
type State =
  | { readonly kind: 'start' | 'between' | 'open' | 'restated' | 'end' }
  | { readonly kind: 'criterion'; readonly rule: number }
  | { readonly kind: 'text'; readonly count: number; readonly text: TextState };

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
    this.#number({ kind: 'start' });
    this.#number({ kind: 'end' });
  }

  /** The choices at a state, for every history of the row. */
  choices(state: number): Choices {
    const known = this.#choices.get(state);
    if (known !== undefined) return known;
    const found = this.#find(this.#states[state] ?? { kind: 'end' }).toSorted((a, b) => a.id - b.id);
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
    const at = this.#states[state];
    const found = at?.kind === 'text' ? this.#remainingOfText(state, at.text) : REMAINING[at?.kind ?? 'end'];
    this.#remaining.set(state, found);
    return found;
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

  #find(state: State): Choice[] {
    const { scaleSize, rules } = this.#instruction;
    switch (state.kind) {
      case 'start':
        return this.#labels(scaleSize, { kind: 'between' }, TAG_LABEL);
      case 'between': {
        const cited = rules.map((_, rule) =>
          this.#special(ruleToken(rule), { kind: 'criterion', rule }, TAG_RULE + rule),
        );
        return [...cited, ...this.#labels(scaleSize, { kind: 'restated' }, TAG_RESTATED)];
      }
      case 'criterion': {
        const criterion = rules[state.rule]?.criterion ?? CRITERIA[0];
        return [this.#special(criterionToken(criterion), { kind: 'open' })];
      }
      case 'open':
        return [...this.#verdicts(), ...this.#evidence(1)];
      case 'text': {
        const more = this.#continued(state.text, state.count);
        if (!this.#texts.isWhole(state.text)) return more;
        return [...more, ...this.#verdicts(), ...(state.count < MAX_EVIDENCE ? this.#evidence(state.count + 1) : [])];
      }
      case 'restated':
        return [this.#special(EOS, { kind: 'end' })];
      case 'end':
        return [];
      default:
        return state satisfies never;
    }
  }

  #labels(scaleSize: number, next: State, tag: number): Choice[] {
    return Array.from({ length: scaleSize }, (_, label) => this.#special(labelToken(scaleSize, label), next, tag));
  }

  #verdicts(): Choice[] {
    return VERDICTS.map((verdict) => this.#special(verdictToken(verdict), { kind: 'between' }));
  }

  /** The sources that have something to quote. */
  #evidence(count: number): Choice[] {
    return EVIDENCE_SOURCES.flatMap((source) => {
      const choice = this.#special(evidenceToken(source), { kind: 'text', count, text: this.#texts.start(source) });
      return this.remaining(choice.next) < NEVER ? [choice] : [];
    });
  }

  /** The text tokens whose bytes lead from one text state to another, found by walking both tries together. */
  #continued(text: TextState, count: number): Choice[] {
    const found: Choice[] = [];
    const walk = (node: ByteTrieNode, at: TextState): void => {
      if (node.ids.length > 0) {
        const next = this.#number({ kind: 'text', count, text: at });
        for (const id of node.ids) found.push({ id, next, tag: TAG_PLAIN });
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
    if (this.#texts.isWhole(text)) return REMAINING.open;
    let least = NEVER;
    this.#remaining.set(state, NEVER); // what leads back to this state is no way to the end
    for (const next of this.choices(state).next) least = Math.min(least, 1 + this.remaining(next));
    return least;
  }

  #special(token: string, next: State, tag = TAG_PLAIN): Choice {
    return { id: this.#vocabulary.idOf(token), next: this.#number(next), tag };
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

/** Tokens to the end: of `open`, a verdict, the label and the end token. */
const REMAINING: Readonly<Record<Exclude<State['kind'], 'text'>, number>> = {
  start: 3,
  between: 2,
  criterion: 4,
  open: 3,
  restated: 1,
  end: 0,
};

function keyOf(state: Exclude<State, { kind: 'text' }>): string {
  return state.kind === 'criterion' ? `criterion ${state.rule}` : state.kind;
}
