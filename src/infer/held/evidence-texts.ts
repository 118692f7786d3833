/**
 * What the text of evidence may be, as states over its bytes: any text (`grammar`), or a run of whole words that occurs
 * in its source of one pair (`grounded`). Evidence is written with a space before each word, as in the completions that
 * models learn.
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

/** Where the text of evidence begins, what may continue it, and where it may end. */
export interface EvidenceTexts {
  /** The state before the first byte; of a source with nothing to quote, one that leads nowhere. */
  start(source: EvidenceSource): TextState;
  /** The state after a byte; undefined where it cannot come. */
  step(state: TextState, byte: number): TextState | undefined;
  /** Whether the text may end here. */
  isWhole(state: TextState): boolean;
}

const SPACE = 0x20;

/** A text of nothing but blanks so far, perhaps in the middle of one of several bytes. */
interface BlankNode extends TextState {
  readonly next: Map<number, BlankNode>;
}

/** Any text that folding leaves something of. */
export function anyText(): EvidenceTexts {
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
    step: (state, byte) => (state === some ? some : ((state as BlankNode).next.get(byte) ?? some)),
    isWhole: (state) => state === some,
  };
}

/** The characters that folding leaves nothing of. */
const BLANKS: readonly string[] = Array.from({ length: 0x10000 }, (_, code) => String.fromCharCode(code)).filter(
  (character) => /[\s\p{Default_Ignorable_Code_Point}]/u.test(character) && foldText(character) === '',
);

/**
 * Words of more UTF-16 units are not quoted: nobody reads them, and a long one would need a state for each of its
 * bytes.
 */
const LONGEST_WORD = 64;

/** A node within the words that may follow a run; `after` is the run that a word ending here makes. */
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
  // A word that splits differently by itself could not be found again once it is quoted.
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
