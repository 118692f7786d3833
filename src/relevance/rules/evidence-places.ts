/**
 * The positions of evidence in its pair, as character ranges, so that a page can highlight them.
 */
import { attributeValueText } from '../pair/document-text.ts';
import type { LabDocument, Pair } from '../pair/pair.ts';
import { findPhrase } from '../pair/phrases.ts';
import type { TextFolding } from '../pair/folding.ts';
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
 * Every occurrence of evidence as whole words, ignoring case, in the order of the prompt's fields.
 *
 * Offsets into an attribute refer to the {@link attributeValueText} of its value.
 */
export function locateEvidence(folding: TextFolding, pair: Pair, evidence: Evidence): EvidencePlace[] {
  const wanted = folding.words(evidence.text);
  const texts = evidence.source === 'query' ? [queryText(pair)] : documentTexts(pair.document);
  return texts.flatMap(({ in: place, text }) => {
    const words = wordRanges(folding, text);
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

interface PlacedWord {
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

// Runs of letters and digits, with invisible characters and the apostrophes that folding drops. Folding each run on its
// own gives the words of the text with their positions.
const RUN =
  /[\p{L}\p{M}\p{N}\p{Default_Ignorable_Code_Point}]+(?:['’‘‛ʼ.,][\p{L}\p{M}\p{N}\p{Default_Ignorable_Code_Point}]+)*/gu;
const APOSTROPHE = /['’‘‛ʼ]/gu;
// A character with the marks on it, which folding may join or drop.
const CLUSTER = /.[\p{M}\p{Default_Ignorable_Code_Point}]*/gsu;

/** The folded words of a text with their positions. Where folding splits a run ("500ml"), its range is split too. */
function wordRanges(folding: TextFolding, text: string): PlacedWord[] {
  return [...text.matchAll(RUN)].flatMap(({ 0: run, index }) => {
    const clusters = [...run.matchAll(CLUSTER)].map((match) => ({ raw: match[0], start: index + match.index }));
    const folded = clusters.map(({ raw }) => folding.fold(raw.replaceAll(APOSTROPHE, '')));
    const joined = folded.join('');
    // The cluster that each folded character came from.
    const clusterAt = folded.flatMap((letters, cluster) => Array<number>(letters.length).fill(cluster));
    let cursor = 0;
    return folding.words(run).map((word): PlacedWord => {
      const found = joined.indexOf(word, cursor);
      // If a cluster folds differently on its own than within the run, the range is the whole run.
      if (found === -1) return { text: word, start: index, end: index + run.length };
      cursor = found + word.length;
      const first = clusters[clusterAt[found] ?? 0];
      const last = clusters[clusterAt[cursor - 1] ?? 0];
      return { text: word, start: first?.start ?? index, end: (last?.start ?? index) + (last?.raw.length ?? 0) };
    });
  });
}
