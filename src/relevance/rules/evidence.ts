/**
 * Checks that a piece of evidence was copied from its pair.
 */
import { documentValues } from '../pair/document-text.ts';
import type { Pair } from '../pair/pair.ts';
import type { TextFolding } from '../pair/folding.ts';
import type { Evidence } from '../trace/trace.ts';

/**
 * Whether the words of `evidence` occur, whole and consecutively, in the query or in one value of the document.
 *
 * Case, punctuation and spacing are ignored, and a number is a separate word from its unit. Evidence without words
 * occurs nowhere. An occurrence cannot span two fields or attributes.
 */
export function evidenceOccurs(folding: TextFolding, pair: Pair, evidence: Evidence): boolean {
  const wanted = folding.words(evidence.text);
  if (wanted.length === 0) return false;
  const places = evidence.source === 'query' ? [pair.query] : documentValues(pair.document);
  return places.some((place) => containsRun(folding.words(place), wanted));
}

function containsRun(words: readonly string[], wanted: readonly string[]): boolean {
  const last = words.length - wanted.length;
  for (let start = 0; start <= last; start++) {
    if (wanted.every((word, i) => words[start + i] === word)) return true;
  }
  return false;
}
