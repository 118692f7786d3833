/**
 * Makes the automata that the completions of a model are held to, one for each pair.
 */
import { type ByteTrieNode, byteTrie } from '../../data/tokenizer/byte-trie.ts';
import type { LabTokenizer } from '../../data/tokenizer/tokenizer.ts';
import type { Pair } from '../../relevance/pair/pair.ts';
import { wordsOf } from '../../relevance/pair/text-folding.ts';
import type { Instruction } from '../../relevance/rules/instruction.ts';
import { CompletionAutomaton, type DecodingKind } from './completion-automaton.ts';
import { anyText, wordsOfPair } from './evidence-texts.ts';

/** What automata are made of. */
export interface HeldModel {
  readonly tokenizer: LabTokenizer;
  readonly instruction: Instruction;
}

/** Automata of one model; the trie of its vocabulary is made once. */
export class CompletionHolder {
  readonly #model: HeldModel;
  readonly #trie: ByteTrieNode;
  /** Without evidence to look up, one automaton serves all pairs. */
  readonly #ofAllPairs: CompletionAutomaton | undefined;

  constructor(model: HeldModel, kind: Exclude<DecodingKind, 'free'>) {
    this.#model = model;
    this.#trie = byteTrie(model.tokenizer);
    this.#ofAllPairs =
      kind === 'grammar'
        ? new CompletionAutomaton(model.instruction, model.tokenizer, this.#trie, anyText())
        : undefined;
  }

  /** What the completion of a pair is held to. */
  automatonOf(pair: Pair): CompletionAutomaton {
    const { instruction, tokenizer } = this.#model;
    if (this.#ofAllPairs !== undefined) return this.#ofAllPairs;
    return new CompletionAutomaton(instruction, tokenizer, this.#trie, wordsOfPair(pair, wordsOf));
  }
}
