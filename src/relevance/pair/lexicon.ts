/**
 * The words over which an instruction is executed: brands, types, attribute values and audiences. The executor knows
 * all of them; a model has to learn or infer them. Numbers and units need no lexicon (quantities.ts).
 */
import * as v from 'valibot';
import type { TextFolding } from './folding.ts';
import { phraseOf } from './phrases.ts';

const words = v.array(v.string());

/** The schema of a lexicon in a file. */
export const lexiconSchema = v.strictObject({
  brands: words,
  types: v.record(v.string(), v.string()),
  attributes: v.record(v.string(), v.strictObject({ values: words, exclusive: v.boolean() })),
  audiences: words,
});

/** The values of one attribute. If exclusive, a product has one value at most (a colour, not a feature). */
export interface AttributeWords {
  readonly values: readonly string[];
  readonly exclusive: boolean;
}

/** A lexicon as plain data, for files and hashes. */
export interface LexiconData {
  readonly brands: readonly string[];
  /** Category of each type. */
  readonly types: Readonly<Record<string, string>>;
  readonly attributes: Readonly<Record<string, AttributeWords>>;
  readonly audiences: readonly string[];
}

/** A lexicon indexed for look-up. Every key is a {@link phraseOf} under {@link folding}. */
export interface Lexicon {
  readonly data: LexiconData;
  /** The folding under which pairs are compared with these words. */
  readonly folding: TextFolding;
  readonly brands: ReadonlySet<string>;
  readonly types: ReadonlyMap<string, string>;
  /** Attribute name of each value. */
  readonly attributes: ReadonlyMap<string, string>;
  /** Names of the exclusive attributes. */
  readonly exclusive: ReadonlySet<string>;
  readonly audiences: ReadonlySet<string>;
  /** Words in the longest phrase. */
  readonly longestPhrase: number;
}

/** A lexicon from its data. A value listed under two attributes belongs to the first. */
export function makeLexicon(data: LexiconData, folding: TextFolding): Lexicon {
  const fold = (text: string): string => phraseOf(folding, text);
  const attributes = new Map<string, string>();
  for (const [name, { values }] of Object.entries(data.attributes)) {
    for (const value of values) {
      const phrase = fold(value);
      if (!attributes.has(phrase)) attributes.set(phrase, name);
    }
  }
  const types = new Map(Object.entries(data.types).map(([type, category]) => [fold(type), category]));
  const brands = new Set(data.brands.map(fold));
  const audiences = new Set(data.audiences.map(fold));
  const phrases = [...attributes.keys(), ...types.keys(), ...brands, ...audiences];
  return {
    data,
    folding,
    brands,
    types,
    attributes,
    exclusive: new Set(Object.keys(data.attributes).filter((name) => data.attributes[name]?.exclusive === true)),
    audiences,
    longestPhrase: phrases.reduce((longest, phrase) => Math.max(longest, phrase.split(' ').length), 1),
  };
}
