/**
 * The allowed texts of evidence, as states over their bytes: any text (`grammar`), or a sequence of whole words that
 * occurs in its source of one pair (`grounded`). Evidence is written with a space before each word, as in the
 * completions that models learn.
 */
import { documentValues } from '../../relevance/pair/document-text.ts';
import type { TextFolding } from '../../relevance/pair/folding.ts';
import type { Pair } from '../../relevance/pair/pair.ts';
import { foldText } from '../../relevance/pair/plain-folding.ts';
import type { EvidenceSource } from '../../relevance/pair/vocabulary.ts';
import { type WordAutomaton, wordAutomaton } from './word-automaton.ts';

/** A state of a text; compared by identity. */
export interface TextState {
  readonly isTextState: true;
}

/** An automaton over the bytes of evidence. */
export interface EvidenceTexts {
  /** The state before the first byte; without continuation if the source has nothing to quote. */
  start(source: EvidenceSource): TextState;
  /** The state after a byte; undefined if the byte is not allowed. */
  step(state: TextState, byte: number): TextState | undefined;
  /** Whether the text may end here. */
  isWhole(state: TextState): boolean;
}

const SPACE = 0x20;
const LINE_BREAK = 0x0a;

/** A text of blanks so far, perhaps within a blank of several bytes. */
interface BlankNode extends TextState {
  readonly next: Map<number, BlankNode>;
}

/** Any text that is not empty after folding. @param hasLines - whether a line break ends it */
export function anyText(hasLines = false): EvidenceTexts {
  const some: TextState = { isTextState: true };
  const blank: BlankNode = { isTextState: true, next: new Map() };
  for (const character of BLANKS) {
    const bytes = new TextEncoder().encode(character);
    let node = blank;
    for (const [i, byte] of bytes.entries()) {
      const isLast = i === bytes.length - 1;
      const child = node.next.get(byte) ?? (isLast ? blank : { isTextState: true, next: new Map() });
      node.next.set(byte, child);
      node = child;
    }
  }
  return {
    start: () => blank,
    step: (state, byte) => {
      if (hasLines && byte === LINE_BREAK) return undefined;
      return state === some ? some : ((state as BlankNode).next.get(byte) ?? some);
    },
    isWhole: (state) => state === some,
  };
}

/** The characters that folding removes. */
const BLANKS: readonly string[] = Array.from({ length: 0x10000 }, (_, code) => String.fromCharCode(code)).filter(
  (character) => /[\s\p{Default_Ignorable_Code_Point}]/u.test(character) && foldText(character) === '',
);

/**
 * Longer words, in UTF-16 units, are not quoted, because they are unreadable and would need a state per byte.
 */
const LONGEST_WORD = 64;

/** A node within the words that may follow a run; `after` is the run after a word that ends here. */
interface WordNode extends TextState {
  readonly next: Map<number, WordNode>;
  after: number | undefined;
  readonly automaton: PairWordsAutomaton;
}

/** A word automaton whose words are read byte by byte. */
class PairWordsAutomaton {
  readonly #words: WordAutomaton;
  readonly #tries = new Map<number, WordNode>();

  constructor(texts: readonly (readonly string[])[]) {
    this.#words = wordAutomaton(texts);
  }

  /** The words that may follow a run, each with the space before it. */
  trieAfter(run: number): WordNode {
    const known = this.#tries.get(run);
    if (known !== undefined) return known;
    const root = this.#node();
    for (const [word, after] of this.#words.next[run] ?? []) {
      let node = root;
      for (const byte of new TextEncoder().encode(` ${word}`)) {
        const child = node.next.get(byte) ?? this.#node();
        node.next.set(byte, child);
        node = child;
      }
      node.after = after;
    }
    this.#tries.set(run, root);
    return root;
  }

  #node(): WordNode {
    return { isTextState: true, next: new Map(), after: undefined, automaton: this };
  }
}

/**
 * The runs of whole words of a pair.
 *
 * @param folding - by which evidence is compared
 */
export function wordsOfPair(pair: Pair, folding: TextFolding): EvidenceTexts {
  // A word that splits differently in isolation could not be found again in a quotation.
  const quotable = (text: string): (readonly string[])[] =>
    runsOf(folding.words(text), (word) => {
      return word.length <= LONGEST_WORD && isAlone(folding.words(word), word);
    });
  const query = new PairWordsAutomaton(quotable(pair.query));
  const document = new PairWordsAutomaton(documentValues(pair.document).flatMap(quotable));
  const starts: Readonly<Record<EvidenceSource, WordNode>> = {
    query: query.trieAfter(0),
    document: document.trieAfter(0),
  };
  return {
    start: (source) => starts[source],
    step: (state, byte) => {
      const { next, after, automaton } = state as WordNode;
      return byte === SPACE && after !== undefined ? automaton.trieAfter(after).next.get(SPACE) : next.get(byte);
    },
    isWhole: (state) => (state as WordNode).after !== undefined,
  };
}

/** The runs between the words that do not hold. */
function runsOf(words: readonly string[], holds: (word: string) => boolean): string[][] {
  const runs: string[][] = [[]];
  for (const word of words) {
    if (holds(word)) runs.at(-1)?.push(word);
    else runs.push([]);
  }
  return runs.filter((run) => run.length > 0);
}

function isAlone(words: readonly string[], word: string): boolean {
  return words.length === 1 && words[0] === word;
}
