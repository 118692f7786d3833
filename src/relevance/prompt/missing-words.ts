/**
 * The words of a query that a title lacks, or, where it lacks none, those that it has. A tiny model cannot find out by
 * itself which words are missing, and would quote any of them; what is listed here it only has to copy.
 */
import type { TextFolding } from '../pair/folding.ts';
import type { Pair } from '../pair/pair.ts';
import { PairWords } from '../pair/pair-words.ts';

/** Whether the shown words are missing or found; named as the verdicts are, whose tokens announce them. */
export const SHOWN_AS = ['absent', 'match'] as const;

/** Some words of a query. */
export interface ShownWords {
  readonly as: (typeof SHOWN_AS)[number];
  /** Folded, in the order of the query, with a space between two. */
  readonly words: string;
}

/**
 * The distinct content words of a query that its prompt shows, null if there are none, and whether some are cut.
 *
 * @param most - how many, the first ones; 0 leaves them all out
 */
export function missingWords(
  folding: TextFolding,
  pair: Pair,
  most: number,
): { readonly shown: ShownWords | null; readonly isCut: boolean } {
  const words = new PairWords(pair, folding);
  const title = words.field('title').stems;
  const asked = new Map<string, string>();
  for (const text of words.query.texts) {
    for (const { stem, at } of text.content) if (!asked.has(stem)) asked.set(stem, text.words[at] ?? stem);
  }
  const missing = [...asked].filter(([stem]) => !title.has(stem));
  const listed = missing.length > 0 ? missing : [...asked];
  const shown = listed.slice(0, most).map(([, word]) => word);
  return {
    shown: shown.length === 0 ? null : { as: missing.length > 0 ? 'absent' : 'match', words: shown.join(' ') },
    isCut: shown.length > 0 && shown.length < listed.length,
  };
}
