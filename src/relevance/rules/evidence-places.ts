/**
 * Where a piece of evidence stands in its pair, as character ranges, so that a page can highlight it.
 */
import { attributeValueText } from '../pair/document-text.ts';
import type { LabDocument, Pair } from '../pair/pair.ts';
import { findPhrase } from '../pair/phrases.ts';
import { wordsOf } from '../pair/text-folding.ts';
import type { Evidence } from '../trace/trace.ts';

/** The text a range points into: the query, a document field, or the value of one attribute. */
export type EvidenceText =
  | { readonly kind: 'query' }
  | { readonly kind: 'field'; readonly field: 'title' | 'brand' | 'type' | 'text' }
  | { readonly kind: 'attribute'; readonly name: string };

/** One occurrence; `start` and `end` are half-open UTF-16 offsets into that text. */
export interface EvidencePlace {
  readonly in: EvidenceText;
  readonly start: number;
  readonly end: number;
}

/**
 * Every place where evidence stands as whole words, whatever the case, in the order of the prompt's fields.
 *
 * Offsets into an attribute count in the text that {@link attributeValueText} gives for its value.
 */
export function locateEvidence(pair: Pair, evidence: Evidence): EvidencePlace[] {
  const wanted = wordsOf(evidence.text);
  const texts = evidence.source === 'query' ? [queryText(pair)] : documentTexts(pair.document);
  return texts.flatMap(({ in: place, text }) => {
    const words = wordRanges(text);
    const folded = words.map((word) => word.text);
    return findPhrase(folded, wanted).map((first) => ({
      in: place,
      start: words[first]?.start ?? 0,
      end: words[first + wanted.length - 1]?.end ?? 0,
    }));
  });
}

interface PlacedText {
  readonly in: EvidenceText;
  readonly text: string;
}

function queryText({ query }: Pair): PlacedText {
  return { in: { kind: 'query' }, text: query };
}

function documentTexts(document: LabDocument): PlacedText[] {
  const fields = (names: readonly ('title' | 'brand' | 'type' | 'text')[]): PlacedText[] =>
    names.map((field) => ({ in: { kind: 'field', field }, text: document[field] }));
  const attributes = Object.entries(document.attributes).map(([name, value]): PlacedText => ({
    in: { kind: 'attribute', name },
    text: attributeValueText(value),
  }));
  return [...fields(['title', 'brand', 'type']), ...attributes, ...fields(['text'])];
}

// Runs of letters and digits with the apostrophes that folding drops; folding each run keeps the words and adds places.
const RUN = /[\p{L}\p{M}\p{N}]+(?:['’.,][\p{L}\p{M}\p{N}]+)*/gu;

/** The folded words of a text with their places; words that folding splits off one run ("500ml") split its range. */
function wordRanges(text: string): { readonly text: string; readonly start: number; readonly end: number }[] {
  return [...text.matchAll(RUN)].flatMap((match) => {
    const run = match[0];
    let cursor = 0;
    return wordsOf(run).map((word) => {
      const found = run.toLowerCase().indexOf(word, cursor);
      // Where folding changed the letters themselves (accents, apostrophes), the whole run stands for the word.
      const range = found === -1 ? [0, run.length] : [found, found + word.length];
      cursor = found === -1 ? cursor : found + word.length;
      return { text: word, start: match.index + (range[0] ?? 0), end: match.index + (range[1] ?? 0) };
    });
  });
}
