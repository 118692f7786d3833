/**
 * The one way the domain gets words from text, so that prompts, hints, BM25, evidence and rules agree on what "the same word"
 * means.
 *
 * A model reads text by the folding that it was trained with, because its weights know the hints of that folding alone: the
 * version is `folding` among the prompt settings of its `lab.json` and of its run.
 */
import { type FoldingVersion, type TextFolding } from './folding.ts';
import { PlainFolding, tidyText } from './plain-folding.ts';
import { UnicodeFolding } from './unicode-folding.ts';

/** What new models are trained with. */
export const CURRENT_FOLDING: FoldingVersion = 2;

const FOLDINGS: Readonly<Record<FoldingVersion, TextFolding>> = { 1: new PlainFolding(), 2: new UnicodeFolding() };

/** The folding of a version; models and settings that name none have version 1. */
export function textFolding(version: FoldingVersion = 1): TextFolding {
  return FOLDINGS[version];
}

/** The folding of new models, and of whatever is read for no model: baselines, refined rules. */
export function currentFolding(): TextFolding {
  return FOLDINGS[CURRENT_FOLDING];
}

/** A text as prompts show it. @param isCaseFolded - whether letters are folded, or only spaces and canonical forms */
export function shownText(folding: TextFolding, text: string, isCaseFolded: boolean): string {
  return isCaseFolded ? folding.fold(text) : tidyText(text);
}

/** Words that say nothing about what is meant; they never count as overlap. */
const STOP_WORDS: ReadonlySet<string> = new Set(
  'a an and are as at be by for from in into is it no not of on or that the this to up with without you your'.split(
    ' ',
  ),
);

/** The distinct words that carry meaning: no stop words, plurals reduced to their singular. */
export function contentWords(folding: TextFolding, text: string): Set<string> {
  const stems = new Set<string>();
  for (const word of folding.words(text)) if (!STOP_WORDS.has(word)) stems.add(singular(word));
  return stems;
}

/** A word that carries meaning, and its place. */
export interface ContentWord {
  /** The word in the singular. */
  readonly stem: string;
  /** Its index among the words it was taken from. */
  readonly at: number;
}

/** The words that carry meaning, in order; `words` as {@link TextFolding.words} gives them. */
export function contentSequence(words: readonly string[]): ContentWord[] {
  return words.flatMap((word, at) => (STOP_WORDS.has(word) ? [] : [{ stem: singular(word), at }]));
}

// Good enough on both sides of a comparison: a wrong stem ("lens" -> "len") is the same wrong stem everywhere.
function singular(word: string): string {
  return word.endsWith('s') && /^\p{L}{3,}s$/u.test(word) && !/(?:ss|us|is)$/u.test(word) ? word.slice(0, -1) : word;
}
