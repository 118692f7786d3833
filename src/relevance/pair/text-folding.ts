/**
 * The only way to get words from text, so that prompts, hints, BM25, evidence and rules agree on what "the same word"
 * is.
 *
 * A model reads text under the folding it was trained with, because its weights know only the hints of that folding.
 * The version is the prompt setting `folding` in its `lab.json` and in its run.
 */
import { type FoldingVersion, type TextFolding } from './folding.ts';
import { PlainFolding, tidyText } from './plain-folding.ts';
import { UnicodeFolding } from './unicode-folding.ts';

/** The folding of newly trained models. */
export const CURRENT_FOLDING: FoldingVersion = 2;

const FOLDINGS: Readonly<Record<FoldingVersion, TextFolding>> = { 1: new PlainFolding(), 2: new UnicodeFolding() };

/** The folding of a version; models and settings that name none have version 1. */
export function textFolding(version: FoldingVersion = 1): TextFolding {
  return FOLDINGS[version];
}

/** The folding of new models, and of text that no model reads: baselines, refined rules. */
export function currentFolding(): TextFolding {
  return FOLDINGS[CURRENT_FOLDING];
}

/** A text as prompts show it. @param isCaseFolded - if false, only spaces and canonical forms are normalised */
export function shownText(folding: TextFolding, text: string, isCaseFolded: boolean): string {
  return isCaseFolded ? folding.fold(text) : tidyText(text);
}

/** Words without meaning for relevance; they never count as overlap. */
const STOP_WORDS: ReadonlySet<string> = new Set(
  'a an and are as at be by for from in into is it no not of on or that the this to up with without you your'.split(
    ' ',
  ),
);

/** The distinct content words: no stop words, plurals in the singular. */
export function contentWords(folding: TextFolding, text: string): Set<string> {
  const stems = new Set<string>();
  for (const word of folding.words(text)) if (!STOP_WORDS.has(word)) stems.add(singular(word));
  return stems;
}

/** A content word and its position. */
export interface ContentWord {
  /** The word in the singular. */
  readonly stem: string;
  /** Its index among the words it was taken from. */
  readonly at: number;
}

/** The content words in order; `words` as {@link TextFolding.words} gives them. */
export function contentSequence(words: readonly string[]): ContentWord[] {
  return words.flatMap((word, at) => (STOP_WORDS.has(word) ? [] : [{ stem: singular(word), at }]));
}

// Approximate on purpose: both sides of a comparison get the same stem, even a wrong one ("lens" -> "len").
function singular(word: string): string {
  return word.endsWith('s') && /^\p{L}{3,}s$/u.test(word) && !/(?:ss|us|is)$/u.test(word) ? word.slice(0, -1) : word;
}
