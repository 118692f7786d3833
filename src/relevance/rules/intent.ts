/**
 * The intent of a query, read word by word against a lexicon. The brand and type of the document count as known words
 * too, so that a pair can be judged even if its brand is not in the lexicon.
 */
import type { Lexicon } from '../pair/lexicon.ts';
import type { LabDocument } from '../pair/pair.ts';
import { findPhrase, phraseOf } from '../pair/phrases.ts';
import { quantitiesIn, type Quantity } from '../pair/quantities.ts';
import type { TextFolding } from '../pair/folding.ts';

/** A wished value of an attribute ("colour": "red"). */
export interface Wish {
  readonly name: string;
  readonly value: string;
}

/** The wishes in a query. All texts are folded phrases of the query. */
export interface Intent {
  readonly brand: string | undefined;
  /** The product asked for: "lid" in "lid for pot" and in "pot lid". */
  readonly type: string | undefined;
  /** The product an accessory is for: "pot" in "lid for pot". */
  readonly target: string | undefined;
  readonly wishes: readonly Wish[];
  readonly quantity: Quantity | undefined;
  /** "at least 2 l": larger quantities are accepted. */
  readonly atLeast: boolean;
  /** Phrases after "without" or "no". */
  readonly without: readonly string[];
  readonly audience: string | undefined;
  /** Words that the lexicon lacks. If there are any, a missing wish is unknown rather than absent. */
  readonly unknown: readonly string[];
}

const FILLERS: ReadonlySet<string> = new Set([
  'a',
  'an',
  'and',
  'at',
  'in',
  'least',
  'minimum',
  'of',
  'size',
  'the',
  'with',
]);
const NEGATIONS: ReadonlySet<string> = new Set(['without', 'no']);

/** Reads a query. Never throws; an empty query has an empty intent. */
export function parseIntent(query: string, lexicon: Lexicon, document?: LabDocument): Intent {
  const { folding } = lexicon;
  const words = folding.words(query);
  const known = knownWords(lexicon, document);
  const quantities = /\p{N}/u.test(query) ? quantitiesIn(folding, query) : [];
  const inQuantity = positionsOf(folding, quantities, words);
  const wishes: Wish[] = [];
  const without: string[] = [];
  const unknown: string[] = [];
  let brand: string | undefined;
  let type: string | undefined;
  let target: string | undefined;
  let audience: string | undefined;

  /** How the preceding words qualify the next phrase. */
  let expecting: 'wish' | 'negated' | 'served' = 'wish';
  for (let at = 0; at < words.length;) {
    const word = words[at] ?? '';
    if (inQuantity.has(at) || FILLERS.has(word)) {
      at += 1;
      continue;
    }
    if (NEGATIONS.has(word) || word === 'for') {
      expecting = word === 'for' ? 'served' : 'negated';
      at += 1;
      continue;
    }
    const phrase = known.longestAt(words, at) ?? word;
    const attribute = lexicon.attributes.get(phrase);
    if (expecting === 'negated') without.push(phrase);
    else if (expecting === 'served' && known.isType(phrase)) target = phrase;
    else if (lexicon.audiences.has(phrase)) audience ??= phrase;
    else if (known.isType(phrase)) {
      // In "pot lid" the last noun is the product asked for, and the one before it is what the product is for.
      if (type !== undefined && type !== phrase) target ??= type;
      type = phrase;
    } else if (known.isBrand(phrase)) brand ??= phrase;
    else if (attribute !== undefined) wishes.push({ name: attribute, value: phrase });
    else unknown.push(phrase);
    expecting = 'wish';
    at += phrase.split(' ').length;
  }
  const [quantity] = quantities;
  const atLeast = quantity !== undefined && /\b(?:at least|minimum)\b/iu.test(query);
  return { brand, type, target, wishes, quantity, atLeast, without, audience, unknown };
}

interface KnownWords {
  isBrand(phrase: string): boolean;
  isType(phrase: string): boolean;
  /** The longest known phrase that starts at a word. */
  longestAt(words: readonly string[], first: number): string | undefined;
}

function knownWords(lexicon: Lexicon, document: LabDocument | undefined): KnownWords {
  const ownBrand = document === undefined ? '' : phraseOf(lexicon.folding, document.brand);
  const ownType = document === undefined ? '' : phraseOf(lexicon.folding, document.type);
  const longest = Math.max(lexicon.longestPhrase, ownBrand.split(' ').length, ownType.split(' ').length);
  const isBrand = (phrase: string): boolean => phrase === ownBrand || lexicon.brands.has(phrase);
  const isType = (phrase: string): boolean => phrase === ownType || lexicon.types.has(phrase);
  return {
    isBrand,
    isType,
    longestAt(words, first) {
      for (let length = Math.min(longest, words.length - first); length >= 1; length--) {
        const phrase = length === 1 ? (words[first] ?? '') : words.slice(first, first + length).join(' ');
        if (isType(phrase) || isBrand(phrase) || lexicon.attributes.has(phrase) || lexicon.audiences.has(phrase)) {
          return phrase;
        }
      }
      return undefined;
    },
  };
}

/** The positions of all words of quantities. */
function positionsOf(folding: TextFolding, quantities: readonly Quantity[], words: readonly string[]): Set<number> {
  const positions = new Set<number>();
  for (const { text } of quantities) {
    const phrase = folding.words(text);
    for (const first of findPhrase(words, phrase)) phrase.forEach((_, offset) => positions.add(first + offset));
  }
  return positions;
}
