/**
 * Phrases: one or more folded words. Intent, facts and evidence compare phrases as whole words, never raw strings, so
 * that "lid" is not found inside "solid".
 */
import type { TextFolding } from './folding.ts';

/** A text as its folded words joined by single spaces: the form in which phrases are compared. */
export function phraseOf(folding: TextFolding, text: string): string {
  return folding.words(text).join(' ');
}

/** Every position in `words` at which the words of a phrase follow each other; none for an empty phrase. */
export function findPhrase(words: readonly string[], phrase: readonly string[]): number[] {
  const positions: number[] = [];
  if (phrase.length === 0) return positions;
  for (let first = 0; first + phrase.length <= words.length; first++) {
    if (phrase.every((word, offset) => words[first + offset] === word)) positions.push(first);
  }
  return positions;
}

/** Whether a phrase stands among the words; `words` and `phrase` as {@link TextFolding.words} gives them. */
export function hasPhrase(words: readonly string[], phrase: readonly string[]): boolean {
  return findPhrase(words, phrase).length > 0;
}
