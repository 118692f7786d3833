/**
 * The words of a pair for conditions on words: folded, without stop words, in the singular. Each text is read once, on
 * first use, because many rules ask about the same words of the same pair.
 */
import { attributeValueText } from './document-text.ts';
import { DOCUMENT_FIELDS, type DocumentField, type Pair } from './pair.ts';
import type { TextFolding } from './folding.ts';
import { type ContentWord, contentSequence } from './text-folding.ts';

/** One text, within which evidence must lie: the query, a field, or the value of one attribute. */
export interface WordText {
  /** Every folded word, stop words included. */
  readonly words: readonly string[];
  readonly content: readonly ContentWord[];
}

/** The texts of a field, and their distinct stems in order of appearance. */
export interface FieldWords {
  readonly texts: readonly WordText[];
  readonly stems: ReadonlySet<string>;
}

/** The field in which words are looked up. */
export type WordPlace = DocumentField | 'any';

/** The words of one pair. */
export class PairWords {
  readonly folding: TextFolding;
  readonly #pair: Pair;
  readonly #fields = new Map<string, FieldWords>();
  #query: FieldWords | undefined;

  constructor(pair: Pair, folding: TextFolding) {
    this.#pair = pair;
    this.folding = folding;
  }

  get query(): FieldWords {
    this.#query ??= this.#read([this.#pair.query]);
    return this.#query;
  }

  /** The words of a field, without attribute names; `of` selects one attribute. */
  field(place: WordPlace, of?: string): FieldWords {
    const key = of === undefined ? place : `${place}/${of}`;
    const known = this.#fields.get(key);
    if (known !== undefined) return known;
    const fields = place === 'any' ? DOCUMENT_FIELDS : [place];
    const words = this.#read(fields.flatMap((field) => this.#values(field, of)));
    this.#fields.set(key, words);
    return words;
  }

  #read(values: readonly string[]): FieldWords {
    const texts = values.map((value) => {
      const words = this.folding.words(value);
      return { words, content: contentSequence(words) };
    });
    return { texts, stems: new Set(texts.flatMap(({ content }) => content.map(({ stem }) => stem))) };
  }

  // Attribute names are left out because evidence is looked up among values only (evidence.ts).
  #values(field: DocumentField, of: string | undefined): string[] {
    const { document } = this.#pair;
    if (field !== 'attributes') return [document[field]];
    if (of === undefined) return Object.values(document.attributes).map(attributeValueText);
    const value = document.attributes[of];
    return value === undefined ? [] : [attributeValueText(value)];
  }
}

/** The folded word of a text that has the given stem; undefined if there is none. */
export function asWritten({ texts }: FieldWords, stem: string | undefined): string | undefined {
  for (const { words, content } of texts) {
    const found = content.find((word) => word.stem === stem);
    if (found !== undefined) return words[found.at];
  }
  return undefined;
}
