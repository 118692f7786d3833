/**
 * A pair word by word, as conditions on words need it: folded, without stop words, in the singular. Many rules ask
 * about the same words of the same pair, so each text is read once, when it is first asked for.
 */
import { attributeValueText } from './document-text.ts';
import { DOCUMENT_FIELDS, type DocumentField, type Pair } from './pair.ts';
import type { TextFolding } from './folding.ts';
import { type ContentWord, contentSequence } from './text-folding.ts';

/** One text, which no evidence may leave: the query, a field, or the value of one attribute. */
export interface WordText {
  /** Every word as it is written but folded, stop words included. */
  readonly words: readonly string[];
  readonly content: readonly ContentWord[];
}

/** A field as its texts, and their distinct stems in order of appearance. */
export interface FieldWords {
  readonly texts: readonly WordText[];
  readonly stems: ReadonlySet<string>;
}

/** Where words are looked for. */
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

  /** The words of a field, without attribute names; `of` restricts attributes to one. */
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

  // Without attribute names: evidence is looked up among values only (evidence.ts), and must be found there again.
  #values(field: DocumentField, of: string | undefined): string[] {
    const { document } = this.#pair;
    if (field !== 'attributes') return [document[field]];
    if (of === undefined) return Object.values(document.attributes).map(attributeValueText);
    const value = document.attributes[of];
    return value === undefined ? [] : [attributeValueText(value)];
  }
}

/** A word of a text as it is written, given its stem; undefined where the text does not have it. */
export function asWritten({ texts }: FieldWords, stem: string | undefined): string | undefined {
  for (const { words, content } of texts) {
    const found = content.find((word) => word.stem === stem);
    if (found !== undefined) return words[found.at];
  }
  return undefined;
}
