/**
 * Subword regularisation: in training some words are cut at random places before they are merged into tokens, so that a
 * word does not always have the same tokens. A model then cannot memorise copies word by word; it learns to copy
 * whatever is there, including unseen words. In the spirit of BPE-dropout (arXiv 1910.13267), but with the cut drawn
 * once per word and example, so that a word has the same tokens in a prompt and in the completion that quotes it.
 */
import type { Rng } from '../../common/rng.ts';

/** Splits a word into pieces, which joined give the word. */
export type WordSplitter = (word: string) => readonly string[];

/**
 * A splitter for one example.
 *
 * @param share - the share of words that are cut, in [0, 1]; half of them once, half of them twice
 */
export function randomSplits(rng: Rng, share: number): WordSplitter {
  const drawn = new Map<string, readonly string[]>();
  return (word) => {
    const known = drawn.get(word);
    if (known !== undefined) return known;
    const pieces = rng.chance(share) ? cut(word, rng) : [word];
    drawn.set(word, pieces);
    return pieces;
  };
}

function cut(word: string, rng: Rng): string[] {
  const characters = Array.from(word); // by code point, so that surrogate pairs stay together
  if (characters.length < 3) return [word];
  const first = 1 + rng.int(characters.length - 1);
  const second = rng.chance(0.5) ? first : 1 + rng.int(characters.length - 1);
  const [from, to] = [Math.min(first, second), Math.max(first, second)];
  return [characters.slice(0, from), characters.slice(from, to), characters.slice(to)]
    .map((piece) => piece.join(''))
    .filter((piece) => piece !== '');
}
