/** The words of a document one by one, the document without some of them, and the words that an answer cites. */
import type { AttributeValue, LabDocument } from '../../../relevance/pair/pair.ts';
import type { AnswerState } from '../../score/answer-state.ts';

/** A word by its place among all words of the document. */
export interface PlacedWord {
  readonly place: number;
  readonly text: string;
}

/** Texts of a document that hold words: all of its fields, attributes by their values. */
function mapTexts(document: LabDocument, change: (text: string) => string): LabDocument {
  return {
    ...document,
    title: change(document.title),
    brand: change(document.brand),
    type: change(document.type),
    attributes: Object.fromEntries(
      Object.entries(document.attributes).map(([name, value]): [string, AttributeValue] => {
        if (typeof value === 'string') return [name, change(value)];
        return [name, typeof value === 'object' ? value.map(change) : value];
      }),
    ),
    text: change(document.text),
  };
}

const WORD = /\S+/gu;

/** The different words of a document, in the order in which they first appear. */
export function wordsOf(document: LabDocument): PlacedWord[] {
  const words = new Set<string>();
  mapTexts(document, (text) => {
    for (const [word] of text.matchAll(WORD)) words.add(word);
    return text;
  });
  return [...words].map((text, place) => ({ place, text }));
}

/** The document without some words, wherever they are. @param places - as in {@link wordsOf} */
export function withoutWords(document: LabDocument, places: ReadonlySet<number>): LabDocument {
  const gone = new Set(wordsOf(document).flatMap(({ place, text }) => (places.has(place) ? [text] : [])));
  if (gone.size === 0) return document;
  return mapTexts(document, (text) => (text.match(WORD) ?? []).filter((word) => !gone.has(word)).join(' '));
}

/** The words of the document that the steps of an answer cite, in lower case. */
export function citedIn({ steps }: Pick<AnswerState, 'steps'>): string[] {
  const cited = steps.flatMap(({ step }) => step.evidence.filter(({ source }) => source === 'document'));
  return [...new Set(cited.map(({ text }) => text.trim().toLowerCase()))].filter((text) => text !== '');
}
