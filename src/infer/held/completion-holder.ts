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

/** Of the vocabularies of models, made once: each answer has a holder of its own. */
const tries = new WeakMap<LabTokenizer, ByteTrieNode>();

function trieOf(tokenizer: LabTokenizer): ByteTrieNode {
  const trie = tries.get(tokenizer) ?? byteTrie(tokenizer);
  tries.set(tokenizer, trie);
  return trie;
}

/** Automata of one model. */
export class CompletionHolder {
  readonly #model: HeldModel;
  readonly #trie: ByteTrieNode;
  /** Without evidence to look up, one automaton serves all pairs. */
  readonly #ofAllPairs: CompletionAutomaton | undefined;
  readonly #kept = new Map<Pair, CompletionAutomaton>();

  constructor(model: HeldModel, kind: Exclude<DecodingKind, 'free'>) {
    this.#model = model;
    this.#trie = trieOf(model.tokenizer);
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

/** A model with the words of its pairs. */
export type AnsweringModel = Omit<HeldModel, 'folding'> & { readonly lexicon: { readonly folding: TextFolding } };

/** What the completion of each pair is held to, for `generateAll`; undefined where they are free. */
export function automataOf(
  model: AnsweringModel,
  kind: DecodingKind,
  pairs: readonly Pair[],
): CompletionAutomaton[] | undefined {
  const holder = holderOf({ ...model, folding: model.lexicon.folding }, kind);
  return holder === undefined ? undefined : pairs.map((pair) => holder.automatonOf(pair));
}
