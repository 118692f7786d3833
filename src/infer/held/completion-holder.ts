/**
 * Makes the automata that the completions of a model are held to, one for each pair.
 */
import type { DecodingKind } from '../../config/decoding.ts';
import { type ByteTrieNode, byteTrie } from '../../data/tokenizer/byte-trie.ts';
import type { LabTokenizer } from '../../data/tokenizer/tokenizer.ts';
import type { Pair } from '../../relevance/pair/pair.ts';
import type { TextFolding } from '../../relevance/pair/folding.ts';
import type { Instruction } from '../../relevance/rules/instruction.ts';
import { CompletionAutomaton } from './completion-automaton.ts';
import { anyText, wordsOfPair } from './evidence-texts.ts';

/** What automata are made of. */
export interface HeldModel {
  readonly tokenizer: LabTokenizer;
  readonly instruction: Instruction;
  /** How the words of its pairs are read. */
  readonly folding: TextFolding;
}

/** Pairs whose automata are kept: those of a few steps of reinforcement, which draws its prompts again and again. */
const KEPT = 512;

/** Automata of one model; the trie of its vocabulary is made once. */
export class CompletionHolder {
  readonly #model: HeldModel;
  readonly #trie: ByteTrieNode;
  /** Without evidence to look up, one automaton serves all pairs. */
  readonly #ofAllPairs: CompletionAutomaton | undefined;
  readonly #kept = new Map<Pair, CompletionAutomaton>();

  constructor(model: HeldModel, kind: Exclude<DecodingKind, 'free'>) {
    this.#model = model;
    this.#trie = byteTrie(model.tokenizer);
    this.#ofAllPairs =
      kind === 'grammar'
        ? new CompletionAutomaton(model.instruction, model.tokenizer, this.#trie, anyText())
        : undefined;
  }

  /** What the completion of a pair is held to; the same object for the same pair, as long as it is kept. */
  automatonOf(pair: Pair): CompletionAutomaton {
    if (this.#ofAllPairs !== undefined) return this.#ofAllPairs;
    const known = this.#kept.get(pair);
    if (known !== undefined) return known;
    const { instruction, tokenizer, folding } = this.#model;
    const automaton = new CompletionAutomaton(instruction, tokenizer, this.#trie, wordsOfPair(pair, folding));
    const [oldest] = this.#kept.keys();
    if (this.#kept.size >= KEPT && oldest !== undefined) this.#kept.delete(oldest);
    this.#kept.set(pair, automaton);
    return automaton;
  }
}

/** The holder of a model, or undefined where completions are free. */
export function holderOf(model: HeldModel, kind: DecodingKind): CompletionHolder | undefined {
  return kind === 'free' ? undefined : new CompletionHolder(model, kind);
}
