/**
 * The one way the domain folds and splits text, so that prompts, hints, evidence and rules agree on what "the same
 * word" means. Folding is lower case, Unicode NFC and single spaces; a word is a run of letters and digits, except
 * that a number stands apart from the unit written to it ("500ml" is "500" and "ml") and keeps its decimals.
 */

// Letters first may carry digits ("x200"); digits first end where letters begin ("500ml"). \p{M} keeps combining marks in words.
const WORD = /\p{N}+(?:[.,]\p{N}+)*|\p{L}[\p{L}\p{M}\p{N}]*/gu;

/** Words that say nothing about what is meant; they never count as overlap. */
const STOP_WORDS: ReadonlySet<string> = new Set(
  'a an and are as at be by for from in into is it no not of on or that the this to up with without you your'.split(
    ' ',
  ),
);

/** NFC text with single spaces and none at its ends; case is kept. */
export function tidyText(text: string): string {
  return text.normalize('NFC').replace(/\s+/gu, ' ').trim();
}

/** {@link tidyText} in lower case. Idempotent. */
export function foldText(text: string): string {
  return tidyText(text.toLowerCase());
}

/** The folded words of a text in order, stop words included; apostrophes are dropped ("men's" is "mens"). */
export function wordsOf(text: string): string[] {
  return foldText(text).replaceAll(/['’]/gu, '').match(WORD) ?? [];
}

/** The distinct words that carry meaning: no stop words, plurals reduced to their singular. */
export function contentWords(text: string): Set<string> {
  return new Set(contentSequence(wordsOf(text)).map(({ stem }) => stem));
}

/** A word that carries meaning, and where it stands. */
export interface ContentWord {
  /** The word in the singular. */
  readonly stem: string;
  /** Its index among the words it was taken from. */
  readonly at: number;
}

/** The words that carry meaning, in order; `words` as {@link wordsOf} gives them. */
export function contentSequence(words: readonly string[]): ContentWord[] {
  return words.flatMap((word, at) => (STOP_WORDS.has(word) ? [] : [{ stem: singular(word), at }]));
}

// Good enough on both sides of a comparison: a wrong stem ("lens" -> "len") is the same wrong stem everywhere.
function singular(word: string): string {
  return /^\p{L}{3,}s$/u.test(word) && !/(?:ss|us|is)$/u.test(word) ? word.slice(0, -1) : word;
}
