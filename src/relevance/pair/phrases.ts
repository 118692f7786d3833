/**
 * Phrases: one or more folded words. Intent, facts and evidence compare whole words, never substrings, so that "lid" is
 * not found inside "solid".
 */
import type { TextFolding } from './folding.ts';

/** The folded words of a text joined by single spaces: the form in which phrases are compared. */
export function phraseOf(folding: TextFolding, text: string): string {
  return folding.words(text).join(' ');
}

/** Every position in `words` at which the phrase starts; none for an empty phrase. */
export function findPhrase(words: readonly string[], phrase: readonly string[]): number[] {
  const positions: number[] = [];
  if (phrase.length === 0) return positions;
  for (let first = 0; first + phrase.length <= words.length; first++) {
    if (phrase.every((word, offset) => words[first + offset] === word)) positions.push(first);
  }
  return positions;
}

/** Whether the words contain a phrase; `words` and `phrase` as {@link TextFolding.words} gives them. */
export function hasPhrase(words: readonly string[], phrase: readonly string[]): boolean {
  return findPhrase(words, phrase).length > 0;
}
