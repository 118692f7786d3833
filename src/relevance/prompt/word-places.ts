/**
 * The words of a query by whether the title has them. A tiny model cannot find out by itself which words a title lacks, and would
 * quote any of them as missing; what is listed here it only has to copy.
 */
import type { TextFolding } from '../pair/folding.ts';
import type { Pair } from '../pair/pair.ts';
import { PairWords } from '../pair/pair-words.ts';

/** In the title, and not in it. They are named as the verdicts are, whose tokens announce them. */
export const WORD_PLACES = ['match', 'absent'] as const;
export type WordPlace = (typeof WORD_PLACES)[number];

/** The folded words of each place in the order of the query, with a space between two. */
export type WordPlaces = Readonly<Record<WordPlace, string>>;

/**
 * The places of the distinct content words of a query; null if it has none.
 *
 * @param most - how many words are shown, the first ones
 */
export function wordPlaces(folding: TextFolding, pair: Pair, most: number): WordPlaces | null {
  const { query, title } = readWords(folding, pair);
  const found: Record<WordPlace, string[]> = { match: [], absent: [] };
  for (const [stem, word] of [...query].slice(0, most)) found[title.has(stem) ? 'match' : 'absent'].push(word);
  if (query.size === 0 || most === 0) return null;
  return { match: found.match.join(' '), absent: found.absent.join(' ') };
}

/** The distinct stems of a query with the word that has each first, and the stems of the title. */
function readWords(
  folding: TextFolding,
  pair: Pair,
): { readonly query: ReadonlyMap<string, string>; readonly title: ReadonlySet<string> } {
  const words = new PairWords(pair, folding);
  const query = new Map<string, string>();
  for (const text of words.query.texts) {
    for (const { stem, at } of text.content) if (!query.has(stem)) query.set(stem, text.words[at] ?? stem);
  }
  return { query, title: words.field('title').stems };
}
