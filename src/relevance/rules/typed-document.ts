/**
 * Fills document fields from titles, because real catalogues often name the product type, and what an accessory is for,
 * in the title only. The lexicon is induced from documents only, without judgments. Filled values are copied from the
 * document, so evidence that quotes them can be found in it.
 */
import { attributeValueText } from '../pair/document-text.ts';
import { CATEGORY_ATTRIBUTE, FOR_ATTRIBUTE } from './facts.ts';
import { type AttributeWords, type Lexicon, type LexiconData, makeLexicon } from '../pair/lexicon.ts';
import type { Rules } from './rules.ts';
import type { AttributeValue, LabDocument, Pair } from '../pair/pair.ts';
import { findPhrase, phraseOf } from '../pair/phrases.ts';
import type { TextFolding } from '../pair/folding.ts';
import { contentSequence, currentFolding } from '../pair/text-folding.ts';

/** An attribute value enters the lexicon if at least this many documents have it. */
const VALUE_DOCUMENTS = 3;
/** A run of lower-case words in titles is a type if at least this many brands use it. */
const TYPE_BRANDS = 2;
const LONGEST_TYPE = 3;
const LONGEST_VALUE = 3;

/**
 * Induces a lexicon from documents: brands and types as stated in fields, attribute values that several documents
 * share, and types that titles write in lower case among names ("Targus ASF150EU screen protector Universal"). An
 * attribute is exclusive if no document gives it two values.
 */
export function induceLexicon(documents: Iterable<LabDocument>, folding = currentFolding()): Lexicon {
  const brands = new Set<string>();
  const types: Record<string, string> = {};
  const brandsOfRun = new Map<string, Set<string>>();
  const values = new Map<string, Map<string, number>>();
  const shared = new Set<string>();
  for (const { title, brand, type, attributes } of documents) {
    const maker = phraseOf(folding, brand);
    if (maker !== '') brands.add(maker);
    if (phraseOf(folding, type) !== '')
      types[phraseOf(folding, type)] = attributeValueText(attributes[CATEGORY_ATTRIBUTE] ?? '');
    for (const run of smallRuns(folding, title)) addTo(brandsOfRun, run, maker);
    for (const [name, value] of Object.entries(attributes)) {
      const phrases = valuePhrases(folding, value);
      if (phrases.length > 1) shared.add(name);
      const counts = values.get(name) ?? new Map<string, number>();
      values.set(name, counts);
      for (const phrase of phrases) counts.set(phrase, (counts.get(phrase) ?? 0) + 1);
    }
  }
  for (const [run, makers] of brandsOfRun) if (makers.size >= TYPE_BRANDS) types[run] ??= '';
  const named: Record<string, AttributeWords> = {};
  for (const [name, counts] of values) {
    const frequent = [...counts].filter(([, count]) => count >= VALUE_DOCUMENTS).map(([phrase]) => phrase);
    if (frequent.length > 1) named[name] = { values: frequent, exclusive: !shared.has(name) };
  }
  const data: LexiconData = { brands: [...brands], types, attributes: named, audiences: [] };
  return makeLexicon(data, folding);
}

/**
 * A document with the fields that its title implies: the last known type if none is stated, and the phrase after "for"
 * if no attribute states what the product is for.
 */
export function typeDocument(document: LabDocument, lexicon: Lexicon): LabDocument {
  const type = document.type === '' ? lastType(document.title, lexicon) : document.type;
  const served = document.attributes[FOR_ATTRIBUTE] === undefined ? servedIn(document, lexicon.folding) : undefined;
  const attributes = served === undefined ? document.attributes : { ...document.attributes, [FOR_ATTRIBUTE]: served };
  return { ...document, type, attributes };
}

/** A pair as the rules of a model read it, with its title typed if they require that. */
export function readPair<P extends Pair>({ lexicon, readsTitles }: Pick<Rules, 'lexicon' | 'readsTitles'>, pair: P): P {
  return readsTitles ? { ...pair, document: typeDocument(pair.document, lexicon) } : pair;
}

/** The longest known type that ends last in a title; '' if there is none. */
function lastType(title: string, lexicon: Lexicon): string {
  const words = lexicon.folding.words(title);
  for (let end = words.length; end > 0; end--) {
    for (let length = Math.min(LONGEST_TYPE, end); length > 0; length--) {
      const phrase = words.slice(end - length, end).join(' ');
      if (lexicon.types.has(phrase)) return phrase;
    }
  }
  return '';
}

/** "docking speaker for iPod/iPhone, black" is for "iPod/iPhone". */
function servedIn({ title, text }: LabDocument, folding: TextFolding): string | undefined {
  for (const place of [title, text]) {
    const [, clause] = /\bfor\s+([^\s,;:()–—][^,;:()–—]*)/iu.exec(place) ?? [];
    if (clause === undefined) continue;
    const end = clause.slice(1).search(/\s-\s|\./u);
    const served = end === -1 ? clause : clause.slice(0, end + 1);
    const words = folding.words(served).slice(0, 6);
    // Evidence must be a run of words of the document.
    if (contentSequence(words).length > 0 && findPhrase(folding.words(place), words).length > 0) return words.join(' ');
  }
  return undefined;
}

/** Runs of one to three lower-case words in a title that also has others. */
function smallRuns(folding: TextFolding, title: string): string[] {
  const words = title.split(/\s+/u);
  if (words.every((word) => isSmall(word))) return [];
  const runs: string[] = [];
  let run: string[] = [];
  for (const word of [...words, '']) {
    if (isSmall(word)) {
      run.push(word);
      continue;
    }
    const phrase = phraseOf(folding, run.join(' '));
    const isType = run.length <= LONGEST_TYPE && contentSequence(folding.words(phrase)).length === run.length;
    if (run.length > 0 && isType) runs.push(phrase);
    run = [];
  }
  return runs;
}

/** At least three lower-case letters and nothing else, which excludes units and most articles. */
function isSmall(word: string): boolean {
  return /^\p{Ll}{3,}$/u.test(word);
}

/** The short phrases of a value; lists and texts with commas have several. */
function valuePhrases(folding: TextFolding, value: AttributeValue): string[] {
  if (typeof value === 'number' || typeof value === 'boolean') return [];
  const parts = typeof value === 'string' ? value.split(',') : value;
  return parts
    .map((part) => phraseOf(folding, part))
    .filter((phrase) => {
      const words = folding.words(phrase);
      return words.length <= LONGEST_VALUE && contentSequence(words).length > 0 && /\p{L}{3}/u.test(phrase);
    });
}

function addTo(sets: Map<string, Set<string>>, key: string, item: string): void {
  const set = sets.get(key);
  if (set === undefined) sets.set(key, new Set([item]));
  else set.add(item);
}
