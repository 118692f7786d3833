/**
 * Makes the automata of a model's completions, one per pair.
 */
import type { DecodingKind } from '../../config/decoding.ts';
import { type ByteTrieNode, byteTrie } from '../../data/tokenizer/byte-trie.ts';
import type { ModelTokenizer } from '../../data/tokenizer/model-tokenizer.ts';
import type { Pair } from '../../relevance/pair/pair.ts';
import type { TextFolding } from '../../relevance/pair/folding.ts';
import type { Instruction } from '../../relevance/rules/instruction.ts';
import { CompletionAutomaton } from './completion-automaton.ts';
import { anyText, wordsOfPair } from './evidence-texts.ts';

/** The parts of a model that automata are made from. */
export interface HeldModel {
  readonly tokenizer: ModelTokenizer;
  readonly instruction: Instruction;
  /** The text folding of its pairs. */
  readonly folding: TextFolding;
}

/** The number of cached automata: enough for a few steps of reinforcement, which repeats its prompts. */
const KEPT = 512;

/** Tries by vocabulary, made once, because each answer has a new holder. */
const tries = new WeakMap<ModelTokenizer, ByteTrieNode>();

function trieOf(tokenizer: ModelTokenizer): ByteTrieNode {
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
        ? new CompletionAutomaton(model.instruction, model.tokenizer, this.#trie, anyText(model.tokenizer.hasLines))
        : undefined;
  }

  /** The automaton of a pair; the same object for the same pair while it is cached. */
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

/** The automaton of each pair, for `generateAll`; undefined for free completions. */
export function automataOf(
  model: AnsweringModel,
  kind: DecodingKind,
  pairs: readonly Pair[],
): CompletionAutomaton[] | undefined {
  const holder = holderOf({ ...model, folding: model.lexicon.folding }, kind);
  return holder === undefined ? undefined : pairs.map((pair) => holder.automatonOf(pair));
}
